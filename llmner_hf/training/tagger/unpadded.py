"""A batch of packs without its waste: no token is padding, and no score is one that a mask hides.

In: a padded batch of `training.tagger.trainer.Collator`. Out: all its tokens in one row, and where
in it each part lies with the beginning that it shares. Attention is computed part by part, so the
result is what the padded batch and its mask give (`tokens.packing`), in less time: on a CPU a mask
saves no work, and a pack of n parts has almost n times the scores that count. A GPU does better
with few large calls, so there, and in a model that is compiled, the padded batch is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any, NamedTuple

import torch
from torch.nn import functional as F
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import repeat_kv

from llmner_hf.tokens.packing import PAD, SHARED

NAME = "by_parts"  # of the attention, as transformers' models know it


class Part(NamedTuple):
    """Neighbouring tokens of the row, which see what stands before them in the part.

    Attributes:
        length: how many.
        beginning: the number of the part whose tokens all of them see too; None if they see none.
    """

    length: int
    beginning: int | None


def can_be_unpadded(model: Any, compiled: bool) -> bool:
    """Whether a model's batches are computed without padding.

    Not with checkpointing: layers are computed again when the attention has its usual name again.
    """
    usual = model.config._attn_implementation == "sdpa" and model.device.type == "cpu"
    return bool(usual and not compiled and not model.is_activation_checkpointing)


def unpadded(batch: Mapping[str, Any]) -> tuple[dict[str, torch.Tensor], list[Part]]:
    """The tokens of a batch in one row, ``input_ids``, ``position_ids`` and ``labels``; its parts.

    Behind the last token of a pack stands the first of the next, which is a prompt's and bears no
    loss: so labels can be moved by one token as within a pack.
    """
    tokens = batch["input_ids"]
    positions = torch.arange(tokens.shape[1]).expand_as(tokens)
    segments = batch.get("segments")
    if segments is None:  # each row by itself, with no beginning
        segments = torch.where(batch["attention_mask"].bool(), SHARED + 1, PAD)
    columns = {"input_ids": tokens, "position_ids": batch.get("position_ids", positions)}
    row = {
        name: column[segments != PAD][None]
        for name, column in {**columns, "labels": batch["labels"]}.items()
    }
    parts: list[Part] = []
    for pack in segments.tolist():
        parts += _parts(pack, len(parts))
    return row, parts


def _parts(pack: Sequence[int], first: int) -> Iterator[Part]:
    """The parts of a pack, of which ``first`` is the number of the first."""
    beginning = None
    for number, (segment, tokens) in enumerate(groupby(pack), first):
        if segment == PAD:
            return
        if segment == SHARED:
            beginning = number
        yield Part(len(list(tokens)), None if segment == SHARED else beginning)


@contextmanager
def by_parts(model: Any) -> Iterator[None]:
    """Inside, the model takes the ``parts`` of an unpadded batch in place of a mask."""
    AttentionInterface.register(NAME, attend)
    usual = model.config._attn_implementation
    model.config._attn_implementation = NAME
    try:
        yield
    finally:
        model.config._attn_implementation = usual


def attend(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    parts: Sequence[Part],
    scaling: float | None = None,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[torch.Tensor, None]:
    """Attention in the form of transformers' ``AttentionInterface``.

    Args:
        module: the layer.
        query: (1, heads, tokens, head size).
        key: as the query, with fewer heads where several share one.
        value: as the key.
        attention_mask: not looked at.
        parts: of the row.
        scaling: of the scores.
        dropout: of the weights.

    Returns:
        (1, tokens, heads, head size), and no weights.
    """
    groups = query.shape[1] // key.shape[1]
    lengths = [part.length for part in parts]
    queries, keys, values = (
        each.split(lengths, dim=2)
        for each in (query, repeat_kv(key, groups), repeat_kv(value, groups))
    )
    written = []
    for number, part in enumerate(parts):
        seen = [number] if part.beginning is None else [part.beginning, number]
        own_keys, own_values = (torch.cat([each[n] for n in seen], 2) for each in (keys, values))
        mask = None if part.beginning is None else _triangle(part.length, lengths[part.beginning])
        written.append(
            F.scaled_dot_product_attention(
                *(queries[number], own_keys, own_values, mask, dropout),
                is_causal=mask is None,
                scale=scaling,
            )
        )
    return torch.cat(written, dim=2).transpose(1, 2), None


def _triangle(length: int, before: int) -> torch.Tensor:
    """Own token i sees the beginning and the own ones up to i: a triangle moved right."""
    return torch.ones(length, before + length, dtype=torch.bool).tril(before)
