"""A path through the automaton: what a draft is made of.

In: legal tokens, one by one, or a stretch of the plain copy at once. Out: the tokens, with the cell
and the line before each.
"""

from __future__ import annotations

from bisect import bisect_right

from llmner_hf.core.copying import Place
from llmner_hf.decoding.fast.automaton import Automaton, Cell


class Walk:
    """A path through the automaton, from where a row stands.

    Attributes:
        tokens: the path.
        cells, lines: the cell before each token and the line it is in, and those behind the last;
            behind the end token there are none.
        marks: the numbers of the tokens that are brackets or the end.
    """

    def __init__(self, automaton: Automaton, cell: Cell, line: int) -> None:
        self.automaton = automaton
        self.cell: Cell | None = cell
        self.line = line
        self.tokens: list[int] = []
        self.cells: list[Cell] = [cell]
        self.lines: list[int] = [line]
        self.marks: list[int] = []

    def push(self, token: int) -> None:
        """Take a legal token."""
        before = self.cell
        assert before is not None
        self.cell, self.line = self.automaton.after(before, self.line, token)
        if self.cell is None or self.cell.depth != before.depth:
            self.marks.append(len(self.tokens))
        if self.cell is not None:
            self.cells.append(self.cell)
            self.lines.append(self.line)
        self.tokens.append(token)

    def copy(self, place: int, most: int) -> None:
        """Copy on, outside of brackets: to the last border of pieces at or before a character.

        Args:
            place: a character of the text.
            most: the tokens that the walk may have then.
        """
        at = self.cell.at if self.cell is not None else None
        if at is None or at.segment or at.node is not None or at.state.depth:
            return
        automaton = self.automaton
        piece = bisect_right(automaton.starts, place) - 1
        if piece <= at.piece or at.state.place is not Place.BODY:
            return
        spine = automaton.spine(piece)
        begin = spine.borders[at.piece]
        end = min(spine.borders[piece], begin + most - len(self.tokens))
        self.tokens += spine.tokens[begin:end]
        # Cell number n of the spine stands before token n. The cell before the first of these
        # tokens is the walk's last one already, so those behind each token are added.
        self.cells += spine.cells[begin + 1 : end + 1]
        self.lines += [self.line] * (end - begin)
        self.cell = self.cells[-1]

    def cut(self, most: int) -> None:
        """Leave the first tokens alone."""
        del self.tokens[most:], self.cells[most + 1 :], self.lines[most + 1 :]
        self.marks = [number for number in self.marks if number < most]

    @property
    def in_body(self) -> bool:
        """Whether the copy of the text is being written and is not complete."""
        cell = self.cell
        return (
            cell is not None
            and cell.at.state.place is Place.BODY
            and (cell.depth > 0 or cell.at.state.position < len(self.automaton.lattice.text))
        )
