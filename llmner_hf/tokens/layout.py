"""Where a completion stands beside the text that it copies, in positions of the model.

In: what a token of a completion is and which token of the text is copied next. Out: its position
id, and the line whose tokens alone it sees besides the prompt. As a language model counts, a copy
lies some hundred tokens behind its original, another number in each text, and must be looked up by
what it says; a large model can, a small one that has never learnt to read hardly does. Here every
line is written as if it were the only one, and each of its tokens stands the same number of
positions behind its original: a layer that looks so far back sees the token itself, and beside it
what follows in the text. The architecture is as it was: positions and masks are inputs of every
model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from llmner_hf.core.copying import Place
from llmner_hf.tokens.lattice import Lattice, Position

# How far a copy stands behind its original; a text of more tokens runs into its copy. Ours: in the
# first 250 steps of GENIA and CMeEE-V2 the embedded model was some 45 ahead of one with 0.
OFFSET = 1024


def begins_line(at: Position) -> bool:
    """Whether the next token is the first of a line, or the end of all lines."""
    return at.state.place is Place.HEADER and at.node is None


@dataclass(frozen=True, slots=True)
class LinePositions:
    """The positions of the completions of one prompt.

    Args:
        before: the prompt's tokens before the text.
        brackets: the tokens that are brackets.
    """

    before: int
    brackets: frozenset[int]

    def of(self, at: Position, place: int, token: int) -> int:
        """The position of a token: its original's, and what is no copy stands with what is before.

        Args:
            at: where the walk stands before it.
            place: the token of the text that is copied next there (`Lattice.place`).
            token: what is written.
        """
        no_copy = at.state.place is Place.HEADER or token in self.brackets
        return self.before + place - no_copy + OFFSET

    def along(
        self, lattice: Lattice, ids: Sequence[int], places: Sequence[Position]
    ) -> Iterator[tuple[int, int]]:
        """The position of each token of a whole completion, and the number of its line, from 1.

        Args:
            lattice: the automaton of the text.
            ids: the completion.
            places: where the walk stands before each token.
        """
        line = 0
        for token, at in zip(ids, places, strict=True):
            line += begins_line(at)
            yield self.of(at, lattice.place(at), token), line
