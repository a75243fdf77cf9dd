"""What a token of a pack sees: one beginning, shared by several rows behind it.

In: for each token the number of the row that it belongs to. Out: a mask with which every row reads
the beginning and itself, so that a pack gives what its rows give one by one.
"""

from __future__ import annotations

import torch

SHARED = 0  # the segment of the beginning
PAD = -1  # the segment of padding; it sees itself, since a softmax over nothing is no number


def seen(segments: torch.Tensor) -> torch.Tensor:
    """Which token sees which: itself, what stands before it in its row, and the beginning.

    Args:
        segments: the number of each token's row, from 1; ``SHARED`` and ``PAD``, (packs, tokens).

    Returns:
        (packs, 1, tokens, tokens), the token that looks first.
    """
    place = torch.arange(segments.shape[1])
    own = segments[:, :, None] == segments[:, None, :]
    shared = segments[:, None, :] == SHARED
    return ((place[:, None] >= place) & (own | shared))[:, None]
