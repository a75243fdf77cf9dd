"""What a pass of a model costs, and what follows for batches: measured, since devices differ.

In: a model, on its device. Out: how many tokens cost as much as a pass does anyway, and which rows
had better go through the model together. It decides about speed alone.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import torch

from llmner_hf.decoding.fast.cache import RowCache


def pass_tokens(model: Any) -> float:
    """How many tokens cost as much as a pass does anyway, measured on the model's device."""
    short, long = (_timed(model, width) for width in (1, 65))
    by_token = max((long - short) / 64, 1e-9)
    return max(short / by_token, 1.0)


def _timed(model: Any, width: int) -> float:
    """Seconds of a pass of one row, the best of a few."""
    times = []
    for _ in range(4):
        cache = RowCache(model, 1)
        mask = cache.place([0], width)
        ids = torch.zeros((1, width), dtype=torch.long, device=model.device)
        started = perf_counter()
        states = model.get_decoder()(
            input_ids=ids,
            attention_mask=mask,
            position_ids=cache.slots,
            past_key_values=cache,
            use_cache=True,
        ).last_hidden_state
        states[0, 0, 0].item()  # waits for the device
        times.append(perf_counter() - started)
    return min(times)


def parts(widths: list[int], pass_tokens: float) -> list[list[int]]:
    """The rows that go through the model together: all, or long ones apart, lest others be padded.

    Args:
        widths: the tokens of each row.
        pass_tokens: how many tokens of padding are worth a pass.

    >>> parts([5, 90, 6], 40), parts([5, 90, 6], 400)
    ([[0, 2], [1]], [[0, 1, 2]])
    """
    order = sorted(range(len(widths)), key=widths.__getitem__)
    longest = widths[order[-1]]
    saved, narrow = max((n * (longest - widths[order[n - 1]]), n) for n in range(1, len(order) + 1))
    if saved <= pass_tokens:
        return [list(range(len(widths)))]
    return [sorted(order[:narrow]), sorted(order[narrow:])]
