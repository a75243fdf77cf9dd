"""What a model chooses among the legal tokens, for all cells of a pass at once.

In: the states of a pass, one for each cell of its walks, and the priors of their texts. Out: the
best legal token behind each state, and its log probability among the legal ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
import torch

from llmner_hf.decoding.fast.walk import Walk
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.tokens.prior import Prior


def choose(
    states: torch.Tensor,
    walks: Sequence[Walk],
    priors: Sequence[Prior],
    logits: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    tokens: Tokens,
) -> tuple[list[int], torch.Tensor]:
    """The best legal token of each state, by the rows of the output matrix that are legal there.

    Args:
        states: those behind the cells of all walks, (places, hidden).
        walks: the drafts.
        priors: for each walk what is added to the logits of brackets.
        logits: of tokens behind states, one for each pair.
        tokens: says which tokens are brackets.

    Returns:
        The tokens, and their log probabilities among the legal ones, (places,).
    """
    legal = [cell.tokens for walk in walks for cell in walk.cells]
    widths = np.fromiter(map(len, legal), dtype=np.int64, count=len(legal))
    flat = np.fromiter(chain.from_iterable(legal), dtype=np.int64, count=widths.sum())
    ends = widths.cumsum()
    # The legal tokens of all places lie one behind the other in ``flat``. In the table of logits
    # each place has a row, as wide as the place with most legal tokens; the rest of it is -inf.
    place = np.arange(len(legal)).repeat(widths)
    column = np.arange(len(flat)) - (ends - widths).repeat(widths)
    device = states.device
    where = torch.from_numpy(place).to(device), torch.from_numpy(column).to(device)
    each = logits(states[where[0]], torch.from_numpy(flat).to(device))
    own = raised = each.new_full((len(legal), int(widths.max())), -torch.inf)
    own[where] = each
    if any(prior.weighs for prior in priors):
        raised = own.clone()
        raised[where] += torch.from_numpy(_added(walks, priors, flat, tokens)).to(device)
    best = raised.argmax(1)  # the first of equals, and the tokens are sorted
    chosen = flat[ends - widths + best.cpu().numpy()]
    # The prior decides what is written; probabilities are the model's own.
    return chosen.tolist(), own.gather(1, best[:, None])[:, 0] - own.logsumexp(1)


def _added(
    walks: Sequence[Walk], priors: Sequence[Prior], flat: np.ndarray, tokens: Tokens
) -> np.ndarray:
    """What is added to the logits of all legal tokens, (legal tokens,)."""
    counts = [sum(len(cell.tokens) for cell in walk.cells) for walk in walks]
    biases = np.array([prior.bias for prior in priors], dtype=np.float32).repeat(counts)
    added = np.where(np.isin(flat, tokens.opening), biases, np.float32(0))
    number = 0
    # Few cells stand where a mention is known; the others have the bias alone.
    for walk, prior in zip(walks, priors, strict=True):
        for cell, line in zip(walk.cells, walk.lines, strict=True):
            if cell.here in prior.places[line]:
                for column, token in enumerate(cell.tokens):
                    after = cell.steps[token].state
                    added[number + column] = prior.added(tokens, line, cell.depth, after, token)
            number += len(cell.tokens)
    return added


def agreement(choices: Sequence[int], draft: Sequence[int]) -> int:
    """How many tokens of the draft are what the model chose.

    >>> agreement([1, 2, 9, 4], [1, 2, 3])
    2
    """
    for place, token in enumerate(draft):
        if choices[place] != token:
            return place
    return len(draft)
