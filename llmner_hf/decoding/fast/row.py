"""One text of a batch while its completion is written.

In: tokens, singly or the beginning of a draft. Out: where the row stands in the automaton of its
text, and its record.
"""

from __future__ import annotations

import torch

from llmner_hf.decoding.fast.automaton import Automaton
from llmner_hf.decoding.fast.drafts import Walk
from llmner_hf.decoding.fast.knowledge import Knowledge
from llmner_hf.decoding.record import Record
from llmner_hf.decoding.request import Request
from llmner_hf.tokens.layout import LinePositions, begins_line
from llmner_hf.tokens.prior import Prior

# A token's position, and the slot where its line begins: what lies between that and the prompt it
# does not see.
Standing = tuple[int, int]


class Row:
    """One text being written."""

    def __init__(
        self,
        index: int,
        automaton: Automaton,
        request: Request,
        known: Knowledge,
        prior: Prior,
        aligned: LinePositions | None = None,
    ) -> None:
        self.index = index
        self.automaton = automaton
        self.record = Record(request.id)
        self.names = automaton.lattice.grammar.labels.names
        self.cell, self.line = automaton.start, -1
        self.known = known
        self.prior = prior
        self.aligned = aligned
        self.pending: list[int] = []  # tokens that the model has not read
        self.standing: list[Standing] = []  # and how they stand, where lines are apart
        self.prompt = self.begun = 0  # slots of the prompt; the first slot of the line
        self.among: list[torch.Tensor] = []  # log probabilities among the allowed, by pass
        self.states: list[torch.Tensor] = []  # from which the whole vocabulary is scored
        self.done = False

    def take(self, walk: Walk, count: int) -> None:
        """Write the first tokens of a draft."""
        done = 0
        for mark in walk.marks:
            if mark >= count:
                break
            self._copy(walk, done, mark)
            self.write(walk.tokens[mark])
            done = mark + 1
        self._copy(walk, done, count)

    def _copy(self, walk: Walk, begin: int, end: int) -> None:
        """Write tokens of a draft among which no bracket is."""
        if begin < end:
            self.record.write(*walk.tokens[begin:end])
            self.cell, self.line = walk.cells[end], walk.lines[end]

    def stand(self, walk: Walk, slot: int) -> list[Standing]:
        """How a draft stands in its line, each token in a slot of its own from this one on."""
        assert self.aligned is not None
        found, begun = list[Standing](), self.begun
        for cell, token in zip(walk.cells, walk.tokens, strict=False):
            if begins_line(cell.at):
                begun = slot + len(found)
            found.append((self.aligned.of(cell.at, cell.place, token), begun))
        return found

    def correct(self, token: int, slot: int) -> None:
        """Take the token that the model chose behind a draft; it has yet to be read."""
        self.pending = [token]
        if self.aligned is not None:
            if begins_line(self.cell.at):
                self.begun = slot
            position = self.aligned.of(self.cell.at, self.cell.place, token)
            self.standing = [(position, self.begun)]
        self.write(token)

    def write(self, token: int) -> None:
        """Take a legal token; note where brackets open and close."""
        cell, self.line = self.automaton.after(self.cell, self.line, token)
        self.record.write(token)
        if cell is None:
            self.done = True
            return
        if cell.depth > self.cell.depth:
            self.record.opened(cell.at.state.position)
        elif cell.depth < self.cell.depth:
            self.record.closed(cell.at.state.position, self.names[self.line])
        self.cell = cell
