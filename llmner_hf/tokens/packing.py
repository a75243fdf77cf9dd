"""The masks of packs: one beginning, and several parts behind it that share it.

In: for each token the number of the part that it belongs to. Out: a mask with which every part sees
the beginning and itself. The parts are rows of a batch whose prompts begin alike, so that a pack
gives what its rows give one by one; or they are the lines of one row (`tokens.layout.LinesApart`).
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.attention.flex_attention import BlockMask, create_block_mask

from llmner_hf.core.errors import SettingError

SHARED = 0  # the segment of the beginning
PAD = -1  # the segment of padding; it sees itself, since a softmax over nothing is no number


def seen(segments: torch.Tensor) -> torch.Tensor:
    """Which token sees which: itself, what stands before it in its part, and the beginning.

    Args:
        segments: the number of each token's part, from 1, ``SHARED`` or ``PAD``, (packs, tokens).

    Returns:
        (packs, 1, tokens, tokens), the token that looks first.
    """
    place = torch.arange(segments.shape[1], device=segments.device)
    own = segments[:, :, None] == segments[:, None, :]
    shared = segments[:, None, :] == SHARED
    return ((place[:, None] >= place) & (own | shared))[:, None]


def seen_by_block(segments: torch.Tensor) -> BlockMask:
    """The same for flex attention, which leaves out the blocks of a pack in which nobody sees."""

    def sees(pack: Any, head: Any, query: Any, key: Any) -> Any:
        own = segments[pack, query] == segments[pack, key]
        return (query >= key) & (own | (segments[pack, key] == SHARED))

    packs, tokens = segments.shape
    return create_block_mask(sees, packs, None, tokens, tokens, device=str(segments.device))


def mask_for(attention: str, segments: torch.Tensor, dtype: torch.dtype) -> Any:
    """The mask in the form that an attention of transformers takes.

    Raises:
        SettingError: it takes no mask for every pair of tokens.
    """
    if attention == "flex_attention":
        return seen_by_block(segments)
    if attention == "sdpa":
        return seen(segments)
    if attention == "eager":  # adds its mask to the scores
        hidden = torch.zeros_like(seen(segments), dtype=dtype)
        return hidden.masked_fill(~seen(segments), torch.finfo(dtype).min)
    raise SettingError(
        f"{attention!r} attention takes no mask for every pair of tokens, which rows that share a "
        "prefix need; set attn_implementation to sdpa or flex_attention, or pack to 1"
    )
