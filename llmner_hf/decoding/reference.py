"""Masked greedy decoding, token by token: slow, simple, and what every faster decoder must equal.

In: requests. Out: predictions. At every step the most probable token among those that copy and tag;
one token a step and row, a batch of texts at a time, a key-value cache. The result does not depend
on the batch; on a tie the lowest token id wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import DynamicCache

from llmner_hf.core.copying import Place
from llmner_hf.core.entities import Prediction
from llmner_hf.decoding.record import Record
from llmner_hf.decoding.request import Request
from llmner_hf.decoding.symbolic import SymbolicDecoder
from llmner_hf.tokens.lattice import Lattice, Position
from llmner_hf.tokens.layout import Layout
from llmner_hf.tokens.prior import Prior


class Row:
    """One text being written, and its place in the automaton."""

    def __init__(
        self,
        lattice: Lattice,
        request: Request,
        prompt: list[int],
        prior: Prior,
        layout: Layout,
    ) -> None:
        self.lattice = lattice
        self.layout = layout
        self.standing = len(prompt) - 1  # the position of the last token
        self.apart = False  # whether it begins a line that does not see those before it
        self.prompt = prompt
        self.prior = prior
        self.record = Record(request.id)
        self.weighed: list[tuple[float, float]] = []
        self.at: Position = lattice.start
        self.steps = lattice.steps(self.at)

    @property
    def done(self) -> bool:
        """Whether the end token has been written."""
        return self.at.state.place is Place.END

    def write(self, token: int, log_probability: float, log_mass: float) -> None:
        """Take a legal token; note where brackets open and close."""
        self.apart = self.layout.begins(self.at)
        place, number = self.lattice.place(self.at), len(self.prompt) + len(self.record.tokens)
        self.standing = self.layout.position(self.at, place, token, number)
        before, self.at = self.at, self.steps[token]
        self.steps = self.lattice.steps(self.at)
        self.record.write(token)
        self.weighed.append((log_probability, log_mass))
        state = self.at.state
        if state.place is Place.BODY and before.state.place is Place.BODY:
            if state.depth > before.state.depth:
                self.record.opened(state.position)
            elif state.depth < before.state.depth:
                label = self.lattice.grammar.labels.names[state.next_type - 1]
                self.record.closed(state.position, label)
        if self.done:
            logs, masses = zip(*(self.weighed[place] for place in self.record.judged), strict=True)
            self.record.weigh(logs, masses)


class ReferenceDecoder(SymbolicDecoder):
    """Masked greedy decoding with one model; arguments as in ``SymbolicDecoder``."""

    def row(self, request: Request) -> Row:
        """The row of a request, with nothing written yet."""
        prompt, prior = self.prompt(request), self.prior(request)
        layout = self.layout(prompt, self.tokens.brackets)
        return Row(self.lattice(request), request, prompt.ids, prior, layout)

    @torch.inference_mode()
    def decode(self, requests: Sequence[Request], batch_size: int = 16) -> list[Prediction]:
        """The predictions of all requests, in their order.

        Args:
            requests: what to annotate; long texts first, so that a batch holds like lengths.
            batch_size: texts at a time; changes speed and memory, never a result.
        """
        rows = [self.row(request) for request in requests]
        order = sorted(rows, key=lambda row: -len(row.prompt))
        for start in range(0, len(order), batch_size):
            self.write(order[start : start + batch_size])
        return [row.record.prediction for row in rows]

    @torch.inference_mode()
    def write(self, rows: list[Row]) -> None:
        """Write all completions, token by token; rows that are done leave the batch."""
        states, cache, mask = self._read([row.prompt for row in rows])
        width = mask.shape[1]
        while True:
            for row, choice in zip(rows, self._choices(rows, states), strict=True):
                row.write(*choice)
            left = [index for index, row in enumerate(rows) if not row.done]
            if not left:
                return
            if len(left) < len(rows):
                keep = torch.tensor(left, device=mask.device)
                cache.batch_select_indices(keep)
                rows, mask = [rows[index] for index in left], mask[keep]
            apart = torch.tensor([row.apart for row in rows], device=mask.device)
            mask[apart, width:] = 0  # no token sees the lines before its own
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            last = torch.tensor([[row.record.tokens[-1]] for row in rows], device=mask.device)
            positions = torch.tensor([[row.standing] for row in rows], device=mask.device)
            states = self._forward(last, positions, mask, cache)

    def _read(self, prompts: list[list[int]]) -> tuple[torch.Tensor, DynamicCache, torch.Tensor]:
        """The states behind each prompt, padded on the left; the cache; the attention mask."""
        width = max(map(len, prompts))
        ids = torch.full((len(prompts), width), self.tokens.stop)
        mask = torch.zeros(len(prompts), width, dtype=torch.long)
        for index, prompt in enumerate(prompts):
            ids[index, width - len(prompt) :] = torch.tensor(prompt)
            mask[index, width - len(prompt) :] = 1
        cache, device = DynamicCache(config=self.model.config), self.model.device
        mask = mask.to(device)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        return self._forward(ids.to(device), positions, mask, cache), cache, mask

    def _forward(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, cache: Any
    ) -> torch.Tensor:
        """The states of the last position, (batch, hidden)."""
        output = self.model.get_decoder()(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        )
        return output.last_hidden_state[:, -1]

    def raised(self, row: Row, state: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The logits of a row's legal tokens, ascending: the model's, and as they are compared.

        Args:
            row: the row.
            state: behind what is written, (hidden,).
        """
        legal, before = sorted(row.steps), row.at.state
        tokens = torch.tensor(legal, device=state.device)
        own = self.logits(state.expand(len(legal), -1), tokens).cpu()
        added = [row.prior.raises(self.tokens, before, row.steps[t].state, t) for t in legal]
        return own, own + torch.tensor(added)

    def _choices(
        self, rows: Sequence[Row], states: torch.Tensor
    ) -> Iterator[tuple[int, float, float]]:
        """For each row the best legal token, its log probability, and that of all legal ones.

        Args:
            rows: the rows of the batch.
            states: (batch, hidden).
        """
        for row, state in zip(rows, states, strict=True):
            own, raised = self.raised(row, state)
            best = int(raised.argmax())  # the first of equals, and the tokens are sorted
            token = sorted(row.steps)[best]
            log = among = float(own[best] - own.logsumexp(0))
            if self.settings.confidence == "full":
                written = torch.tensor([token], device=state.device)
                log = float(self.log_probabilities(state[None], written))
            yield token, log, log - among
