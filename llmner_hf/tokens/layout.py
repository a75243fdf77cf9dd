"""Where the tokens of an answer stand, in positions of the model, and which lines they see.

In: what a token of an answer is, and which token of the text is copied next. Out: its position, and
whether it begins a line that sees no line before it. There are two layouts:

- `Sequential`, as a language model counts: each token stands behind the one before it, and sees all
  before it. A copy then lies some hundred tokens behind its original, another number in each text,
  and must be looked up by what it says. A large model can do that; a small one that has never
  learnt to read hardly does.
- `LinesApart`: every line is written as if it were the only one, and each of its tokens stands the
  same number of positions behind its original. A layer that looks so far back sees the token
  itself, and beside it what follows in the text.

The architecture is the same for both: positions and masks are inputs of every model. The masks are
in `tokens.packing`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Protocol

from llmner_hf.core.copying import Place
from llmner_hf.tokens.canonical import Prompt
from llmner_hf.tokens.lattice import Lattice, Position

# How far a copy stands behind its original; a text of more tokens runs into its copy. Ours: in the
# first 250 steps of GENIA and CMeEE-V2 the embedded model was some 45 ahead of one with 0.
OFFSET = 1024


class Standing(NamedTuple):
    """How tokens stand that follow each other in a cache.

    Attributes:
        positions: of each token.
        begun: for each token the slot where its line begins: what lies between the prompt and that
            slot it does not see. 0 where it sees all before it.
    """

    positions: list[int]
    begun: list[int]

    def behind(self, other: Standing) -> Standing:
        """These tokens behind others."""
        return Standing(other.positions + self.positions, other.begun + self.begun)


class Cell(Protocol):
    """Where a walk stands (`Lattice`), and the number of the text's token that is copied next."""

    @property
    def at(self) -> Position:
        """The position in the lattice."""
        ...

    @property
    def place(self) -> int:
        """As `Lattice.place` has it."""
        ...


class Layout(ABC):
    """The layout of the answer to one prompt.

    Attributes:
        counts_on: whether each token stands behind the one before it and sees all before it, as
            transformers' ``generate`` and rows that share a prefix need it.
    """

    counts_on: ClassVar[bool]

    def __init__(self, prompt: Prompt, brackets: frozenset[int]) -> None:
        self.before = len(prompt.head)  # tokens before the text
        self.asked = len(prompt.ids)
        self.brackets = brackets

    def prompt(self, start: int) -> Standing:
        """The prompt from its token ``start`` on, which counts on in every layout."""
        return Standing(list(range(start, self.asked)), [0] * (self.asked - start))

    @abstractmethod
    def begins(self, at: Position) -> bool:
        """Whether the next token begins a line that does not see the lines before it."""

    @abstractmethod
    def position(self, at: Position, place: int, token: int, number: int) -> int:
        """The position of a token.

        Args:
            at: where the walk stands before it.
            place: the token of the text that is copied next there (`Lattice.place`).
            token: what is written.
            number: the tokens before it, those of the prompt included.
        """

    @abstractmethod
    def ahead(
        self, cells: Sequence[Cell], tokens: Sequence[int], slot: int, begun: int
    ) -> Standing:
        """How the tokens of a draft stand, each in a slot of its own.

        Args:
            cells: where the walk stands before each token; a cell behind the last is left aside.
            tokens: the draft.
            slot: that of its first token.
            begun: the slot where the present line begins.
        """

    @abstractmethod
    def row(
        self, lattice: Lattice, ids: Sequence[int], places: Sequence[Position]
    ) -> tuple[list[int], list[int]]:
        """The position of each token of prompt and answer, and its line: 0 is the prompt.

        Both are empty where tokens count on.

        Args:
            lattice: the automaton of the text.
            ids: the answer.
            places: where the walk stands before each of its tokens.
        """

    @abstractmethod
    def line(self, copies: Sequence[bool]) -> Sequence[int]:
        """The position of each token of the prompt and of one line behind it.

        Args:
            copies: for each token of the line whether it copies the next token of the text.
        """


class Sequential(Layout):
    """Each token stands behind the one before it and sees all before it, as in the paper."""

    counts_on = True

    def begins(self, at: Position) -> bool:
        """Never."""
        return False

    def position(self, at: Position, place: int, token: int, number: int) -> int:
        """The number of tokens before it."""
        return number

    def ahead(
        self, cells: Sequence[Cell], tokens: Sequence[int], slot: int, begun: int
    ) -> Standing:
        """A slot's number is the position of its token."""
        return Standing(list(range(slot, slot + len(tokens))), [0] * len(tokens))

    def row(
        self, lattice: Lattice, ids: Sequence[int], places: Sequence[Position]
    ) -> tuple[list[int], list[int]]:
        """Two empty lists: a trainer counts on by itself."""
        return [], []

    def line(self, copies: Sequence[bool]) -> Sequence[int]:
        """The numbers from 0 on."""
        return range(self.asked + len(copies))


class LinesApart(Layout):
    """Each line sees the prompt and itself; a copy stands ``OFFSET`` behind its original."""

    counts_on = False

    def begins(self, at: Position) -> bool:
        """Before every header, and before the end of all lines."""
        return at.state.place is Place.HEADER and at.node is None

    def position(self, at: Position, place: int, token: int, number: int) -> int:
        """``OFFSET`` behind its original; what is no copy stands with what is before it."""
        return self._standing(
            place, at.state.place is not Place.HEADER and token not in self.brackets
        )

    def _standing(self, place: int, copied: bool) -> int:
        # A header stands where the copy would have the token before the text's first; so does a
        # bracket before it. A bracket further on stands with the token that was copied last.
        return self.before + OFFSET + place - (not copied)

    def ahead(
        self, cells: Sequence[Cell], tokens: Sequence[int], slot: int, begun: int
    ) -> Standing:
        """A line that begins in the draft begins with the slot of its first token."""
        standing = Standing([], [])
        for number, (cell, token) in enumerate(zip(cells, tokens, strict=False), slot):
            if self.begins(cell.at):
                begun = number
            standing.positions.append(self.position(cell.at, cell.place, token, number))
            standing.begun.append(begun)
        return standing

    def row(
        self, lattice: Lattice, ids: Sequence[int], places: Sequence[Position]
    ) -> tuple[list[int], list[int]]:
        """Lines are numbered from 1; the end of all lines has a number of its own."""
        positions, lines, line = list(range(self.asked)), [0] * self.asked, 0
        for token, at in zip(ids, places, strict=True):
            line += self.begins(at)
            positions.append(self.position(at, lattice.place(at), token, len(positions)))
            lines.append(line)
        return positions, lines

    def line(self, copies: Sequence[bool]) -> Sequence[int]:
        """As in a line of a tagger's answer."""
        positions, place = list(range(self.asked)), 0
        for copied in copies:
            positions.append(self._standing(place, copied))
            place += copied
        return positions


class _Settings(Protocol):
    @property
    def lines_apart(self) -> bool: ...


def layout_of(settings: _Settings) -> type[Layout]:
    """The layout that settings choose: of a tagger, of its training, or of a selector."""
    return LinesApart if settings.lines_apart else Sequential
