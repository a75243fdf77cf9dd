"""The token automaton as a graph of cells that are made once and walked often.

In: the lattice of a text. Out: cells that know their legal tokens and, per token, the next cell.
The lattice describes a state by everything that led to it; here the copies of all lines share their
cells, and so do segments that began at different brackets, from the first piece border that they
have in common. The plain copy from there on is laid out in lists, so that a draft of a hundred
tokens is a slice of them.
"""

from __future__ import annotations

from dataclasses import replace

from llmner_hf.core.copying import Place, State
from llmner_hf.tokens.lattice import Lattice, Position


class Cell:
    """A state of the automaton.

    Attributes:
        at: the lattice's position.
        tokens: the legal tokens, ascending.
        draft: the token that copies on, or what else goes on if nothing can be copied.
        here: the character reached; -1 where a token may have ended inside a character or where
            what was copied cannot be a segment by itself.
        depth: brackets open.
        place: the token of the text that is copied next, see `Lattice.place`.
        next: token -> cell, for the tokens that were followed.
    """

    __slots__ = ("at", "depth", "draft", "here", "next", "place", "steps", "tokens")

    def __init__(self, at: Position, steps: dict[int, Position], here: int, place: int) -> None:
        self.at = at
        self.steps = steps
        self.tokens = sorted(steps)
        self.draft = next(iter(steps), -1)
        self.here = here
        self.depth = at.state.depth
        self.place = place
        self.next: dict[int, Cell] = {}


class Spine:
    """The plain copy of a text outside of brackets, as far as it was needed.

    Attributes:
        tokens: the copy.
        cells: the cell before each token, and that behind the last.
        borders: for each piece of the text the number of its first token.
    """

    __slots__ = ("borders", "cells", "tokens")

    def __init__(self, start: Cell) -> None:
        self.tokens: list[int] = []
        self.cells = [start]
        self.borders = [0]


class Automaton:
    """The cells of one text.

    A walk is a cell and the number of the type whose line it is in. What may follow a line depends
    on the type alone. After the end token there is no cell.
    """

    def __init__(self, lattice: Lattice) -> None:
        self.lattice = lattice
        self.types = len(lattice.grammar.labels)
        self.starts = [start for start, _ in lattice.pieces(0)]
        self._cells: dict[tuple[object, ...], Cell] = {}
        self._ends: dict[int, Cell] = {}
        self.start = self._cell(lattice.start)
        self.body = self._cell(Position(State(Place.BODY, self.types)))
        self._spine = Spine(self.body)

    def after(self, cell: Cell, line: int, token: int) -> tuple[Cell | None, int]:
        """The cell and the line behind a legal token.

        Args:
            cell: where the walk stands.
            line: the number of the type whose line it is in; -1 before the first.
            token: one of the cell's tokens.
        """
        known = cell.next.get(token)
        if known is not None:
            return known, line
        at = cell.steps[token]
        place = at.state.place
        if place is Place.END:
            return None, line
        if place is Place.HEADER:
            known = cell.next[token] = self._cell(at)
            return known, line
        if cell.at.state.place is Place.HEADER:  # a line begins; its number is not the cell's
            return self._ended(self.body, at.state.next_type - 1), at.state.next_type - 1
        known = self._cell(at)
        if known.at.state.position == len(self.lattice.text) and not known.depth:
            return self._ended(known, line), line
        cell.next[token] = known
        return known, line

    def _ended(self, cell: Cell, line: int) -> Cell:
        """The cell behind a whole copy offers what its own line allows."""
        if cell.depth or cell.at.state.position < len(self.lattice.text):
            return cell
        end = self._ends.get(line)
        if end is None:
            end = self._ends[line] = self._new(_numbered(cell.at, line + 1))
        return end

    def _cell(self, at: Position) -> Cell:
        key = (at.state, at.segment, at.piece, id(at.node))
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = self._new(at)
        return cell

    def _new(self, at: Position) -> Cell:
        here = at.state.position
        if at.node is not None:
            here = -1 if at.node.value is None else here + at.node.value
        return Cell(at, self.lattice.steps(at), here, self.lattice.place(at))

    def spine(self, piece: int) -> Spine:
        """The plain copy up to the beginning of a piece of the text, or further."""
        spine = self._spine
        while len(spine.borders) <= piece:
            cell = spine.cells[-1]
            following, _ = self.after(cell, -1, cell.draft)
            assert following is not None
            spine.tokens.append(cell.draft)
            spine.cells.append(following)
            if following.at.node is None:
                spine.borders.append(len(spine.tokens))
        return spine

    def route(self, cell: Cell, place: int) -> tuple[int, ...] | None:
        """The tokens from a piece's beginning to a character inside the piece; None if not inside.

        Args:
            cell: at the beginning of a piece.
            place: a character of the text.
        """
        if cell.at.node is not None or cell.at.state.place is not Place.BODY:
            return None
        pieces = self.lattice.pieces(cell.at.segment)
        if cell.at.piece == len(pieces):
            return None
        start, end = pieces[cell.at.piece]
        if not start < place < end:
            return None
        return self.lattice.grammar.tokens.piece_ids(self.lattice.text[start:place])


def _numbered(at: Position, next_type: int) -> Position:
    """The same position, in the line before another type."""
    return at._replace(state=replace(at.state, next_type=next_type))
