"""Attention of packs, segment by segment, for training on a CPU.

In: states of packs, and where their segments lie. Out: what dense attention gives under the mask of
`tokens.packing.seen`. That mask has the square of a pack's tokens, and hides most of it: of a text
with nine lines apart, four fifths. Here each segment is taken out, scored against the beginning
that it shares and against itself, and put back. The scores are plain products of matrices, which
``torch.compile`` fuses with the softmax: the CPU's own kernel is slow on short rows.

The name ``segmented`` is an ``attn_implementation`` of transformers once this module is imported;
whatever is no pack is given to ``sdpa``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch.nn import functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import repeat_kv, sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from llmner_hf.tokens.packing import SHARED

SEGMENTED = "segmented"
NOWHERE = -1


class Segments(NamedTuple):
    """Where the segments of a batch of packs lie: each a row, padded to the width of the longest.

    Args:
        pack: the pack of each segment, (segments,).
        there: the token in each place of a segment, or ``NOWHERE``, (segments, width).
        back: for each token of the batch its place, or ``NOWHERE``, (packs, tokens).
        shared: the segment sees this token of the beginning, (segments, 1, 1, beginning).
        own: a token of the segment sees another, (segments, 1, width, width).
        causal: a token of the beginning sees another, (beginning, beginning).
    """

    pack: torch.Tensor
    there: torch.Tensor
    back: torch.Tensor
    shared: torch.Tensor
    own: torch.Tensor
    causal: torch.Tensor


def segments_of(numbers: torch.Tensor) -> Segments:
    """Find the segments.

    Args:
        numbers: of each token's segment, as in `tokens.packing.seen`; those of a segment follow
            each other, and those of the beginning come first, (packs, tokens).
    """
    packs, tokens = numbers.shape
    device = numbers.device
    inside = numbers > SHARED
    first = inside & (numbers != F.pad(numbers, (1, 0), value=SHARED)[:, :-1])
    starts = first.flatten().nonzero()[:, 0]  # (segments,)
    flat = torch.arange(packs * tokens, device=device)
    segment = first.flatten().cumsum(0) - 1
    within = flat - starts[segment]
    chosen = inside.flatten()
    width = int(within[chosen].max()) + 1
    there = torch.full((len(starts), width), NOWHERE, device=device)
    there[segment[chosen], within[chosen]] = flat[chosen]
    back = torch.full_like(flat, NOWHERE)
    back[chosen] = (segment * width + within)[chosen]
    beginning = (numbers == SHARED).sum(1)
    longest = max(int(beginning.max()), 1)
    pack = starts // tokens
    place = torch.arange(width, device=device)
    itself = torch.eye(
        width, dtype=torch.bool, device=device
    )  # for padding; see `tokens.packing.PAD`
    own = (place[:, None] >= place) & (there != NOWHERE)[:, None] | itself
    shared = torch.arange(longest, device=device) < beginning[pack][:, None]
    causal = torch.ones(longest, longest, dtype=torch.bool, device=device).tril()
    return Segments(
        pack, there, back.view(packs, tokens), shared[:, None, None], own[:, None], causal
    )


class _Moved(torch.autograd.Function):
    """Tokens put elsewhere, each to one place at most, so that gradients are moved, not added."""

    @staticmethod
    def forward(
        ctx: Any, states: torch.Tensor, source: torch.Tensor, target: torch.Tensor
    ) -> torch.Tensor:
        ctx.save_for_backward(source, target)
        return _taken(states, source)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        _, target = ctx.saved_tensors
        return _taken(gradients[0], target), None, None


def _taken(states: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    taken = states.flatten(0, 1).index_select(0, places.clamp(min=0).flatten())
    return taken.unflatten(0, places.shape) * (places != NOWHERE)[..., None]


def segmented_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    segments: Segments | None = None,
    **kwargs: Any,
) -> tuple[torch.Tensor, None]:
    """An attention function of transformers; without ``segments`` it is ``sdpa``.

    Returns:
        (packs, tokens, heads, width of a head), and no weights. What padding gets is of no use.
    """
    if segments is None:
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, **kwargs
        )
    heads, width = query.shape[1], query.shape[3]
    scale = width**-0.5 if scaling is None else scaling
    groups = heads // key.shape[1]
    flat = [
        states.transpose(1, 2).flatten(2)  # (packs, tokens, heads and their width)
        for states in (query, repeat_kv(key, groups), repeat_kv(value, groups))
    ]

    def by_head(states: torch.Tensor) -> torch.Tensor:
        return states.unflatten(2, (heads, width)).transpose(1, 2)

    def scores(of: torch.Tensor, to: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        raw = (of @ to.transpose(2, 3)).float() * scale
        return raw.masked_fill(~seen, torch.finfo(raw.dtype).min)

    longest = segments.causal.shape[0]
    queries, keys, values = (by_head(states[:, :longest]) for states in flat)
    weights = scores(queries, keys, segments.causal).softmax(3)
    beginning = F.dropout(weights, dropout).to(values.dtype) @ values
    beginning = beginning.transpose(1, 2).flatten(2)

    keys, values = keys[segments.pack], values[segments.pack]
    own_queries, own_keys, own_values = (
        by_head(_Moved.apply(states, segments.there, segments.back)) for states in flat
    )
    shared = scores(own_queries, keys, segments.shared)
    own = scores(own_queries, own_keys, segments.own)
    # A softmax over both, which are not laid side by side.
    highest = torch.maximum(shared.amax(3, keepdim=True), own.amax(3, keepdim=True)).detach()
    shared, own = (shared - highest).exp(), (own - highest).exp()
    whole = shared.sum(3, keepdim=True) + own.sum(3, keepdim=True)
    found = F.dropout(shared / whole, dropout).to(values.dtype) @ values
    found = found + F.dropout(own / whole, dropout).to(values.dtype) @ own_values
    found = found.transpose(1, 2).flatten(2)

    outside = (segments.back == NOWHERE)[..., None]
    first = F.pad(beginning, (0, 0, 0, flat[0].shape[1] - longest)) * outside
    states = _Moved.apply(found, segments.back, segments.there) + first
    return states.unflatten(2, (heads, width)), None


AttentionInterface.register(SEGMENTED, segmented_attention)
AttentionMaskInterface.register(SEGMENTED, sdpa_mask)
