"""Logits of candidates from a decoder, many at a time and each input once.

In: candidates. Out: one logit each, in their order, whose sigmoid is the probability that the
candidate is an entity. An input has two parts (`selector.inputs`): candidates with one prefix are
packed behind a single copy of it, each reads the prefix and itself, and positions count as if it
stood alone. So neither company nor order changes a logit, but for rounding. Packs of like length
are computed together, and inputs that are the same are computed once. Refused: a model whose
attention takes no mask of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol

import torch
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from llmner_hf.core.errors import SettingError
from llmner_hf.packing import PAD, SHARED, seen
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.inputs import Inputs
from llmner_hf.settings import SelectorSettings
from llmner_hf.tokens import Tokens

Ids = tuple[int, ...]
Parts = tuple[Ids, Ids]

# A pack grows no longer than this: its attention is computed over all of its tokens, also over
# those that a row does not see. Ours.
PACK_TOKENS = 512


class Scorer(Protocol):
    """What judges candidates. Logits, not probabilities: a temperature divides them."""

    def logits(self, candidates: Sequence[Candidate], batch_size: int = 64) -> list[float]:
        """One for each candidate, in their order; above 0 it is rather an entity than not."""
        ...


@dataclass(frozen=True, slots=True)
class Pack:
    """Inputs that share a prefix."""

    prefix: Ids
    rests: tuple[Ids, ...]

    def __len__(self) -> int:
        return len(self.prefix) + sum(map(len, self.rests))


class PackedScorer:
    """Scores candidates by a causal model.

    Args:
        parts: prefix and rest of a candidate's input.
        judge: logits, (candidates,), from ``input_ids`` and ``position_ids`` (packs, tokens), an
            ``attention_mask`` (packs, 1, tokens, tokens), true where a token is seen, and
            ``pooled``, row and place of each candidate's last token, (candidates, 2).
        device: where the model is.
    """

    def __init__(
        self,
        parts: Callable[[Candidate], Parts],
        judge: Callable[..., torch.Tensor],
        device: torch.device,
    ) -> None:
        self.parts = parts
        self.judge = judge
        self.device = device

    @torch.inference_mode()
    def logits(self, candidates: Sequence[Candidate], batch_size: int = 64) -> list[float]:
        """One for each candidate, in their order; at most ``batch_size`` candidates at a time."""
        inputs = [self.parts(candidate) for candidate in candidates]
        found: dict[Parts, float] = {}
        for batch in _batches(packed(inputs, batch_size), batch_size):
            tensors = {name: part.to(self.device) for name, part in laid(batch).items()}
            keys = [(pack.prefix, rest) for pack in batch for rest in pack.rests]
            found.update(zip(keys, self.judge(**tensors).tolist(), strict=True))
        return [found[key] for key in inputs]


def packed(inputs: Iterable[Parts], most: int) -> list[Pack]:
    """Every distinct input once, in packs of at most ``most``, the shortest packs first."""
    groups: dict[Ids, list[Ids]] = {}
    for prefix, rest in dict.fromkeys(inputs):
        groups.setdefault(prefix, []).append(rest)
    packs = []
    for prefix, rests in groups.items():
        waiting: list[Ids] = []
        for rest in sorted(rests, key=len):
            length = len(prefix) + sum(map(len, waiting)) + len(rest)
            if waiting and (length > PACK_TOKENS or len(waiting) == most):
                packs.append(Pack(prefix, tuple(waiting)))
                waiting = []
            waiting.append(rest)
        packs.append(Pack(prefix, tuple(waiting)))
    return sorted(packs, key=len)


def _batches(packs: Iterable[Pack], size: int) -> Iterator[list[Pack]]:
    """Neighbours with at most that many candidates together."""
    batch: list[Pack] = []
    for pack in packs:
        if batch and sum(len(p.rests) for p in batch) + len(pack.rests) > size:
            yield batch
            batch = []
        batch.append(pack)
    if batch:
        yield batch


def laid(packs: Sequence[Pack]) -> dict[str, torch.Tensor]:
    """The tensors of a batch; see ``PackedScorer`` for their shapes."""
    ids, segments, positions, pooled = [], [], [], []
    for row, pack in enumerate(packs):
        parts = (pack.prefix, *pack.rests)
        starts = [0] + [len(pack.prefix)] * len(pack.rests)
        ids.append(torch.tensor([token for part in parts for token in part]))
        numbers = [[number] * len(part) for number, part in enumerate(parts, SHARED)]
        segments.append(torch.tensor([number for part in numbers for number in part]))
        positions.append(
            torch.cat([torch.arange(s, s + len(p)) for s, p in zip(starts, parts, strict=True)])
        )
        pooled += [(row, end - 1) for end in list(accumulate(map(len, parts)))[1:]]
    return {
        # The padding token does not matter: what is padding, no candidate sees.
        "input_ids": pad_sequence(ids, batch_first=True),
        "attention_mask": seen(pad_sequence(segments, batch_first=True, padding_value=PAD)),
        "position_ids": pad_sequence(positions, batch_first=True),
        "pooled": torch.tensor(pooled),
    }


def require_masks(backbone: Any) -> None:
    """Refuse attention that does not take a mask of true and false for every pair of tokens.

    Raises:
        SettingError: the model was loaded with another attention.
    """
    kind = backbone.config._attn_implementation
    if kind != "sdpa":
        raise SettingError(
            f"candidates are packed, which {kind!r} attention cannot mask; load the model with "
            "attn_implementation='sdpa'"
        )


def validity_scorer(
    model: Any, tokenizer: PreTrainedTokenizerBase, settings: SelectorSettings
) -> PackedScorer:
    """LLM-CLS, the paper's selector: a scorer from what `selector.storage.load` gives.

    Args:
        model: an ``EntityValidityModel``, or PEFT's model around one.
        tokenizer: its tokenizer.
        settings: how it is asked.
    """
    inner: Any = getattr(model, "get_base_model", lambda: model)()  # below an adapter
    require_masks(inner.model)

    def judge(**batch: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = model(**batch).logits
        return logits

    return PackedScorer(Inputs(Tokens(tokenizer), settings).parts, judge, inner.model.device)
