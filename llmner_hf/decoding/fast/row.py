"""One text of a batch while its completion is written.

In: tokens, singly or the beginning of a draft. Out: where the row stands in the automaton of its
text, and its record.
"""

from __future__ import annotations

import torch

from llmner_hf.decoding.fast.automaton import Automaton
from llmner_hf.decoding.fast.knowledge import Knowledge
from llmner_hf.decoding.fast.walk import Walk
from llmner_hf.decoding.record import Record
from llmner_hf.decoding.request import Request
from llmner_hf.tokens.layout import Layout, Standing
from llmner_hf.tokens.prior import Prior


class Row:
    """One text being written."""

    def __init__(
        self,
        index: int,
        automaton: Automaton,
        request: Request,
        known: Knowledge,
        prior: Prior,
        layout: Layout,
    ) -> None:
        self.index = index
        self.automaton = automaton
        self.record = Record(request.id)
        self.names = automaton.lattice.grammar.labels.names
        self.cell, self.line = automaton.start, -1
        self.known = known
        self.prior = prior
        self.layout = layout
        self.pending: list[int] = []  # tokens that the model has not read
        self.standing = Standing([], [])  # and how they stand
        self.begun = 0  # the first slot of the line
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

    def stand(self, walk: Walk, slot: int) -> Standing:
        """How pending tokens and a draft stand, whose first one has this slot."""
        ahead = self.layout.ahead(walk.cells, walk.tokens, slot + len(self.pending), self.begun)
        return ahead.behind(self.standing)

    def correct(self, token: int, slot: int) -> None:
        """Take the token that the model chose behind a draft; it has yet to be read."""
        self.pending = [token]
        self.standing = self.layout.ahead([self.cell], [token], slot, self.begun)
        (self.begun,) = self.standing.begun
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
