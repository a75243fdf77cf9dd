"""Logits of candidates from a decoder, many at a time and each input once.

In: candidates. Out: one logit each, in their order, whose sigmoid is the probability that the
candidate is an entity. Inputs are packed as a tree: what an input has in common with the one before
it stands once, be it the type, the prompt of a text or the text up to a candidate. Every token sees
the tokens before it in its own input, and has the position that it has there. So neither company
nor order changes a logit, but for rounding. Packs of like length are computed together, and equal
inputs are computed once. Refused: a model whose attention takes no mask of our own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Protocol

import torch
from transformers import PreTrainedTokenizerBase

from llmner_hf.core.errors import SettingError
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.inputs import Inputs, Written
from llmner_hf.settings import SelectorSettings
from llmner_hf.tokens.canonical import Tokens

Placed = tuple[tuple[int, int], ...]  # of each token id and position

# A pack grows no longer than this, or than twice its first input: its attention is computed over
# all of its tokens, also over those that an input does not see. Ours: on sentences of GENIA, BC5CDR
# and CMeEE-V2 no slower than 192, 384 and 512. Four of the first input are faster with full prompts
# (up to 1.3 times) and slower with brief ones (up to 1.6 times).
PACK_TOKENS = 256


class Scorer(Protocol):
    """What judges candidates. Logits, not probabilities: a temperature divides them."""

    def logits(self, candidates: Sequence[Candidate], batch_size: int = 64) -> list[float]:
        """One for each candidate, in their order; above 0 it is rather an entity than not."""
        ...


@dataclass(frozen=True, slots=True)
class Pack:
    """Inputs in their order; what each has in common with the one before it stands once.

    Attributes:
        inputs: distinct ones, sorted; of each token id and position.
        shared: how many tokens each has in common with the one before it.
    """

    inputs: tuple[Placed, ...]
    shared: tuple[int, ...]

    def __len__(self) -> int:
        return sum(map(len, self.inputs)) - sum(self.shared)


class PackedScorer:
    """Scores candidates by a causal model.

    Args:
        written: the input of a candidate.
        judge: logits, (candidates,), from ``input_ids`` and ``position_ids`` (packs, tokens), an
            ``attention_mask`` (packs, 1, tokens, tokens), true where a token is seen, and
            ``pooled``, row and place of each candidate's last token, (candidates, 2).
        device: where the model is.
    """

    def __init__(
        self,
        written: Callable[[Candidate], Written],
        judge: Callable[..., torch.Tensor],
        device: torch.device,
    ) -> None:
        self.written = written
        self.judge = judge
        self.device = device

    @torch.inference_mode()
    def logits(self, candidates: Sequence[Candidate], batch_size: int = 64) -> list[float]:
        """One for each candidate, in their order; at most ``batch_size`` candidates at a time."""
        inputs = [
            tuple(zip(w.ids, w.positions, strict=True)) for w in map(self.written, candidates)
        ]
        found: dict[Placed, float] = {}
        for batch in _batches(packed(inputs, batch_size), batch_size):
            tensors = {name: part.to(self.device) for name, part in laid(batch).items()}
            keys = [each for pack in batch for each in pack.inputs]
            found.update(zip(keys, self.judge(**tensors).tolist(), strict=True))
        return [found[each] for each in inputs]


def packed(inputs: Iterable[Placed], most: int) -> list[Pack]:
    """Every distinct input once, in packs of at most ``most``, the shortest packs first.

    >>> one, other = ((7, 0), (8, 1)), ((7, 0), (9, 1))
    >>> packed([other, one, other], most=8)
    [Pack(inputs=(((7, 0), (8, 1)), ((7, 0), (9, 1))), shared=(0, 1))]
    """
    packs: list[Pack] = []
    waiting: list[tuple[Placed, int]] = []
    length = 0
    # Sorted, inputs that begin alike are neighbours, and none is the beginning of one before it.
    for each in sorted(set(inputs)):
        shared = _common(waiting[-1][0], each) if waiting else 0
        room = max(PACK_TOKENS, 2 * len(waiting[0][0])) if waiting else 0
        if waiting and (length + len(each) - shared > room or len(waiting) == most):
            packs.append(_pack(waiting))
            waiting, length, shared = [], 0, 0
        waiting.append((each, shared))
        length += len(each) - shared
    if waiting:
        packs.append(_pack(waiting))
    return sorted(packs, key=len)


def _common(one: Placed, other: Placed) -> int:
    """How many tokens two inputs begin with alike."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _pack(waiting: Sequence[tuple[Placed, int]]) -> Pack:
    inputs, shared = zip(*waiting, strict=True)
    return Pack(inputs, shared)


def _batches(packs: Iterable[Pack], size: int) -> Iterator[list[Pack]]:
    """Neighbours with at most that many candidates together."""
    batch: list[Pack] = []
    for pack in packs:
        if batch and sum(len(p.inputs) for p in batch) + len(pack.inputs) > size:
            yield batch
            batch = []
        batch.append(pack)
    if batch:
        yield batch


def laid(packs: Sequence[Pack]) -> dict[str, torch.Tensor]:
    """The tensors of a batch; see ``PackedScorer`` for their shapes."""
    longest = max(map(len, packs))
    ids = torch.zeros(len(packs), longest, dtype=torch.long)  # whatever padding is, none sees it
    positions = torch.zeros_like(ids)
    # Every token sees itself, padding too: a softmax over nothing is no number.
    mask = torch.eye(longest, dtype=torch.bool).repeat(len(packs), 1, 1)
    pooled = []
    for row, pack in enumerate(packs):
        path = torch.empty(0, dtype=torch.long)  # where the tokens of an input lie
        end = 0
        for written, shared in zip(pack.inputs, pack.shared, strict=True):
            # Only what differs from the input before is laid, right behind it.
            start, end = end, end + len(written) - shared
            # The shared beginning is where the input before has it, which may itself have found it
            # further up: the path lists, token by token, where this input lies in the row.
            path = torch.cat([path[:shared], torch.arange(start, end)])
            own = torch.tensor(written[shared:])  # of each token id and position
            ids[row, start:end], positions[row, start:end] = own[:, 0], own[:, 1]
            # Own token number i is number ``shared + i`` of the input and sees the numbers up to
            # that along the path: a triangle moved to the right by what is shared.
            mask[row][start:end, path] = torch.ones(end - start, len(written)).tril(shared).bool()
            # An input is never the beginning of one before it (see `packed`), so its last token is
            # its own, and no other input ends there.
            pooled.append((row, end - 1))
    return {
        "input_ids": ids,
        "attention_mask": mask[:, None],
        "position_ids": positions,
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
        model: an ``EntityValidityForSequenceClassification``, or PEFT's model around one.
        tokenizer: its tokenizer.
        settings: how it is asked.
    """
    inner: Any = getattr(model, "get_base_model", lambda: model)()  # below an adapter
    require_masks(inner.model)

    def judge(**batch: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = model(**batch).logits[:, 0]
        return logits

    return PackedScorer(Inputs(Tokens(tokenizer), settings).written, judge, inner.model.device)
