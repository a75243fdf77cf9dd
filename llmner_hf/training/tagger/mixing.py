"""The order in which rows of several corpora are trained on (paper, section II-B).

In: the corpus and the language of every row. Out: a sampler that shuffles anew each epoch and takes
Chinese and English in turn, where asked: exactly in turn until the smaller side is used up. It is a
function of seed and epoch alone, so a resumed run and every process of a distributed one see the
same order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, zip_longest
from random import Random
from typing import Any
from zlib import crc32

import torch
from torch.utils.data import Sampler

from llmner_hf.core.errors import SettingError
from llmner_hf.training.recipe import Mixing


class MixingSampler(Sampler[int]):
    """Indices of rows, in a new order each epoch.

    Rows of one corpus come in groups, so that their prompts' common part can be shared; with groups
    of one row this is the paper's mixing at sentence level.

    Args:
        corpora: the corpus of each row.
        languages: the language of each row.
        mixing: ``alternate`` takes the languages in turn. When the smaller side is used up, the
            rest of the other follows, so that every row is seen once; the paper does not say.
            ``shuffle`` does not look at the languages.
        weights: corpus -> how often an epoch has its rows; 0.5 is a new half of them each epoch.
        group: rows of one corpus that follow each other.
        lengths: of each row, where rows of like length are to stand together: of every so many
            shuffled rows the longest come first, as in transformers' ``group_by_length``.
        pool: so many.
        seed: with the epoch it determines the order.

    Raises:
        SettingError: a weight is not positive, or names no corpus.
    """

    def __init__(
        self,
        corpora: Sequence[str],
        languages: Sequence[str],
        *,
        mixing: Mixing = "alternate",
        weights: Mapping[str, float] | None = None,
        group: int = 1,
        lengths: Sequence[int] | None = None,
        pool: int = 1,
        seed: int = 0,
    ) -> None:
        self.mixing, self.group, self.seed = mixing, group, seed
        self.lengths, self.pool = lengths, pool
        self.epoch = 0
        self._rows: dict[str, list[int]] = defaultdict(list)
        self._language: dict[str, str] = {}
        for index, (corpus, language) in enumerate(zip(corpora, languages, strict=True)):
            self._rows[corpus].append(index)
            self._language[corpus] = language
        self.weights = dict(weights or {})
        _check(self.weights, self._rows)
        self._length = sum(1 for _ in self)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[int]:
        random = Random(f"{self.seed}/{self.epoch}")
        sides: dict[str, list[list[int]]] = {}
        short: list[list[int]] = []
        for corpus, rows in self._rows.items():
            drawn = _drawn(rows, self.weights.get(corpus, 1.0), random)
            side = self._language[corpus] if self.mixing == "alternate" else ""
            groups = sides.setdefault(side, [])
            for begin in range(0, len(drawn), self.group):
                part = drawn[begin : begin + self.group]
                (groups if len(part) == self.group else short).append(part)
        for groups in sides.values():
            random.shuffle(groups)
        turns = zip_longest(*sorted(sides.values(), key=len))  # the smaller side first
        in_turn = (group for turn in turns for group in turn if group is not None)
        # What is left of each corpus comes last, or every batch behind it would hold two corpora.
        mixed = chain.from_iterable(chain(in_turn, short))
        return mixed if self.lengths is None else self._alike(mixed, self.lengths)

    def set_epoch(self, epoch: int) -> None:
        """The epoch whose order comes next."""
        self.epoch = epoch

    def _alike(self, rows: Iterator[int], lengths: Sequence[int]) -> Iterator[int]:
        """The rows of each pool, the longest first."""
        while pool := list(islice(rows, self.pool)):
            yield from sorted(pool, key=lambda row: -lengths[row])


class SeededSampler(Sampler[int]):
    """Another sampler, its order a function of seed and epoch as `MixingSampler`'s is.

    Transformers draws the order of rows of like length from the state that training has come to,
    which a run resumed within an epoch cannot know.

    Args:
        sampler: one that draws from its ``generator``.
        seed: with the epoch it determines the order.
    """

    def __init__(self, sampler: Any, seed: int) -> None:
        self.sampler, self.seed, self.epoch = sampler, seed, 0

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[int]:
        drawn = crc32(f"{self.seed}/{self.epoch}".encode())
        self.sampler.generator = torch.Generator().manual_seed(drawn)
        return iter(self.sampler)

    def set_epoch(self, epoch: int) -> None:
        """The epoch whose order comes next."""
        self.epoch = epoch


def _check(weights: Mapping[str, float], rows: Mapping[str, list[int]]) -> None:
    for corpus, weight in weights.items():
        if corpus not in rows:
            raise SettingError(
                f"corpus_weights names {corpus!r}, which is not trained on: {', '.join(rows)}"
            )
        if weight <= 0:
            raise SettingError(f"the weight of {corpus!r} must be above 0, not {weight}")


def _drawn(rows: list[int], weight: float, random: Random) -> list[int]:
    """So many of the rows as the weight says, whole times first, in a new order."""
    whole, part = divmod(round(len(rows) * weight), len(rows))
    drawn = rows * whole + random.sample(rows, part)
    random.shuffle(drawn)
    return drawn
