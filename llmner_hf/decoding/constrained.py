"""Masked greedy decoding: at every step the most probable token among those that copy and tag.

In: a causal language model, its tokenizer, the settings it was tuned with. Out: predictions whose
entities lie inside the text, always, whatever the text says. One token a step and row, a batch of
texts at a time, a key-value cache: simple and right, the reference for every faster decoder. The
result does not depend on the batch; on a tie the lowest token id wins.

An entity's score is the product of the probabilities of its two brackets among the allowed tokens:
how sure the model was to open here rather than to copy on, times how sure it was to close there.
It is conditional on everything written before and it is not calibrated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

from llmner_hf.core.copying import Place
from llmner_hf.core.entities import Entity, Prediction, ScoredEntity
from llmner_hf.core.errors import SettingError
from llmner_hf.decoding.request import Request
from llmner_hf.grammar import Grammar
from llmner_hf.lattice import Lattice, Position
from llmner_hf.settings import Schema, TaggerSettings
from llmner_hf.tokens import Prompt, Tokens


class Row:
    """One text being written: its place in the automaton, brackets open, entities found."""

    def __init__(self, lattice: Lattice, request: Request, prompt: list[int]) -> None:
        self.lattice = lattice
        self.request = request
        self.prompt = prompt
        self.at: Position = lattice.start
        self.steps = lattice.steps(self.at)
        self.written: list[int] = []
        self._open: list[tuple[int, float]] = []
        self._found: list[ScoredEntity] = []

    @property
    def done(self) -> bool:
        """Whether the end token has been written."""
        return self.at.state.place is Place.END

    def write(self, token: int, probability: float) -> None:
        """Take a legal token; note where brackets open and close."""
        before, self.at = self.at, self.steps[token]
        self.steps = self.lattice.steps(self.at)
        self.written.append(token)
        if self.at.state.place is Place.BODY and before.state.place is Place.BODY:
            deeper = self.at.state.depth - before.state.depth
            if deeper > 0:
                self._open.append((self.at.state.position, probability))
            elif deeper < 0:
                start, opened = self._open.pop()
                label = self.lattice.grammar.labels.names[self.at.state.next_type - 1]
                entity = Entity(start, self.at.state.position, label)
                self._found.append(ScoredEntity(entity, opened * probability))

    @property
    def prediction(self) -> Prediction:
        """What was found."""
        return Prediction(self.request.id, tuple(self._found))


class ConstrainedDecoder:
    """Masked greedy decoding with one model.

    Args:
        model: a causal language model, with its adapter if it has one.
        tokenizer: its tokenizer.
        settings: how it was tuned.

    Raises:
        SettingError: it was not tuned for symbolic tagging, or its tokenizer cannot copy.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, settings: TaggerSettings
    ) -> None:
        if settings.strategy != "symbolic":
            raise SettingError(
                f"constrained decoding writes symbolic tags, and this model was tuned for "
                f"{settings.strategy!r}; use free decoding"
            )
        self.model = model
        self.tokens = Tokens(tokenizer)
        self.settings = settings
        self._grammars: dict[Schema, Grammar] = {}

    def row(self, request: Request) -> Row:
        """The row of a request, with nothing written yet."""
        schema = request.schema
        if schema not in self._grammars:
            grammar = Grammar(self.tokens, schema.labels, self.settings.max_depth)
            self._grammars[schema] = grammar
        lattice = Lattice(self._grammars[schema], request.text)
        return Row(lattice, request, self._prompt(request).ids)

    def _prompt(self, request: Request) -> Prompt:
        schema = request.schema
        return self.tokens.prompt(
            request.text,
            schema.labels,
            schema.language,
            title=schema.title,
            style=self.settings.style,
        )

    def length(self, request: Request) -> int:
        """The tokens that prompt and completion need, were there a line for every type."""
        prompt = self._prompt(request)
        return len(prompt.ids) + len(prompt.text) * len(request.schema.labels)

    @torch.inference_mode()
    def decode(self, requests: Sequence[Request], batch_size: int = 16) -> list[Prediction]:
        """The predictions of all requests, in their order.

        Args:
            requests: what to annotate; long texts first, so that a batch holds like lengths.
            batch_size: texts at a time; changes speed and memory, never a result.
        """
        order = sorted(range(len(requests)), key=lambda i: -len(requests[i].text))
        predictions: dict[int, Prediction] = {}
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            rows = [self.row(requests[index]) for index in chosen]
            self._write(rows)
            predictions.update(zip(chosen, (row.prediction for row in rows), strict=True))
        return [predictions[index] for index in range(len(requests))]

    def _write(self, rows: list[Row]) -> None:
        """Write all completions, token by token; rows that are done leave the batch."""
        logits, cache, mask = self._read([row.prompt for row in rows])
        while True:
            for row, (token, probability) in zip(rows, choices(rows, logits), strict=True):
                row.write(token, probability)
            left = [index for index, row in enumerate(rows) if not row.done]
            if not left:
                return
            if len(left) < len(rows):
                keep = torch.tensor(left, device=mask.device)
                cache.batch_select_indices(keep)
                rows, mask = [rows[index] for index in left], mask[keep]
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            last = torch.tensor([[row.written[-1]] for row in rows], device=mask.device)
            logits = self._forward(last, mask, cache)

    def _read(self, prompts: list[list[int]]) -> tuple[torch.Tensor, DynamicCache, torch.Tensor]:
        """The logits behind each prompt, padded on the left; the cache; the attention mask."""
        width = max(map(len, prompts))
        ids = torch.full((len(prompts), width), self.tokens.stop)
        mask = torch.zeros(len(prompts), width, dtype=torch.long)
        for index, prompt in enumerate(prompts):
            ids[index, width - len(prompt) :] = torch.tensor(prompt)
            mask[index, width - len(prompt) :] = 1
        cache, device = DynamicCache(config=self.model.config), self.model.device
        mask = mask.to(device)
        return self._forward(ids.to(device), mask, cache), cache, mask

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor, cache: Any) -> torch.Tensor:
        """The logits of the last position in fp32, (batch, vocabulary)."""
        positions = (mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        output = self.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return output.logits[:, -1].float()


def choices(rows: Sequence[Row], logits: torch.Tensor) -> Iterator[tuple[int, float]]:
    """For each row the best legal token and its probability among the legal ones.

    Args:
        rows: the rows of the batch.
        logits: (batch, vocabulary).
    """
    legal = [sorted(row.steps) for row in rows]
    width = max(map(len, legal))
    padded = torch.tensor([tokens + tokens[:1] * (width - len(tokens)) for tokens in legal])
    real = torch.tensor([[i < len(tokens) for i in range(width)] for tokens in legal])
    scores = logits.gather(1, padded.to(logits.device)).cpu().masked_fill(~real, -torch.inf)
    best = scores.argmax(1)  # the first of equals, and the tokens are sorted
    probabilities = scores.softmax(1).gather(1, best[:, None])[:, 0]
    for tokens, place, probability in zip(
        legal, best.tolist(), probabilities.tolist(), strict=True
    ):
        yield tokens[place], min(probability, 1.0)
