"""Bootstrap intervals over documents: how much of a score, or of a difference, is chance.

In: gold and one or two systems' predictions, document id -> entities. Out: percentile intervals of
the strict precision, recall and F1, or of the difference of two F1, and of any other counts of
documents. Documents are drawn with replacement, whole, because the entities of a document are not
independent. Documents are sorted by id and the generator is seeded, so the same input gives the
same interval. Refused: no document at all, fewer than one sample.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from llmner_hf.core.errors import InputError, SettingError
from llmner_hf.core.scoring.counts import Counts, Documents, document_counts

Numbers = tuple[int, ...]
LEVEL = 0.95  # of all intervals, as every table says


@dataclass(frozen=True, slots=True)
class Interval:
    """A measured value and the limits that ``LEVEL`` of the samples lie between."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """Strict precision, recall and F1, each with its interval."""

    precision: Interval
    recall: Interval
    f1: Interval


@dataclass(frozen=True, slots=True)
class Comparison:
    """F1 of the first system less F1 of the second, and how likely chance alone does as much.

    ``p_value`` is two-sided: the share of samples whose difference lies at least as far from the
    measured one as that lies from zero, with one added to both counts so that it is never 0.
    """

    difference: Interval
    p_value: float


def _quantile(values: Sequence[float], share: float) -> float:
    """The value below which this share of the sorted values lies, interpolated linearly."""
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def _interval(value: float, samples: Sequence[float]) -> Interval:
    values = sorted(samples)
    tail = (1 - LEVEL) / 2
    return Interval(value, _quantile(values, tail), _quantile(values, 1 - tail))


def _numbers(*systems: Counts) -> Numbers:
    return tuple(n for counts in systems for n in (counts.correct, counts.predicted, counts.gold))


def _resampled(rows: Sequence[Numbers], samples: int, seed: int) -> Iterator[Numbers]:
    """The sums of as many rows as there are, drawn with replacement, ``samples`` times."""
    random = Random(seed)
    for _ in range(samples):
        # Plain tuples, summed by column: adding Counts one by one takes three times as long.
        drawn = random.choices(rows, k=len(rows))
        yield tuple(map(sum, zip(*drawn, strict=True)))


def _check(documents: int, samples: int) -> None:
    if not documents:
        raise InputError("gold has no document; a bootstrap needs at least one to draw from")
    if samples < 1:
        raise SettingError(f"samples = {samples}: a bootstrap needs at least one sample")


def bootstrap(
    gold: Documents, predicted: Documents, *, samples: int = 1000, seed: int = 0
) -> Intervals:
    """Percentile intervals of strict precision, recall and F1 over documents.

    Raises:
        InputError: a document was predicted that gold does not know, or there is no document.
        SettingError: fewer than one sample.
    """
    counts = document_counts(gold, predicted).values()
    return intervals(tuple(counts), samples=samples, seed=seed)


def intervals(documents: Sequence[Counts], *, samples: int = 1000, seed: int = 0) -> Intervals:
    """Percentile intervals of precision, recall and F1 of any counts, one of each document.

    Raises:
        InputError: there is no document.
        SettingError: fewer than one sample.
    """
    _check(len(documents), samples)
    total = sum(documents, Counts())
    drawn = [Counts(*sums) for sums in _resampled([_numbers(d) for d in documents], samples, seed)]
    return Intervals(
        precision=_interval(total.precision, [counts.precision for counts in drawn]),
        recall=_interval(total.recall, [counts.recall for counts in drawn]),
        f1=_interval(total.f1, [counts.f1 for counts in drawn]),
    )


def paired_bootstrap(
    gold: Documents, first: Documents, second: Documents, *, samples: int = 1000, seed: int = 0
) -> Comparison:
    """Compare two systems on the same documents; both are scored on every sample.

    Raises:
        InputError: a document was predicted that gold does not know, or there is no document.
        SettingError: fewer than one sample.
    """
    firsts = tuple(document_counts(gold, first).values())
    seconds = tuple(document_counts(gold, second).values())
    _check(len(firsts), samples)
    difference = sum(firsts, Counts()).f1 - sum(seconds, Counts()).f1
    rows = [_numbers(one, other) for one, other in zip(firsts, seconds, strict=True)]
    drawn = [
        Counts(*sums[:3]).f1 - Counts(*sums[3:]).f1 for sums in _resampled(rows, samples, seed)
    ]
    extreme = sum(abs(sample - difference) >= abs(difference) for sample in drawn)
    return Comparison(_interval(difference, drawn), (1 + extreme) / (1 + samples))
