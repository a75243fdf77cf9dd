"""How good probabilities are: how they rank, what they promise, and which threshold to choose.

In: the probabilities that a selector gives candidates, and for each whether it is gold. Out: area
under the ROC curve and average precision (ranking), the reliability diagram and the expected
calibration error (what a probability promises), the temperature that makes it keep its promise, and
the threshold that maximises the F1 of tagger and selector together. The paper drops a candidate
below a threshold (section II-C) and does not say how it chose the threshold. Equal
probabilities are one step: no order among them is ever assumed. Refused: two lists of different
length, a probability outside [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from math import exp, log, log1p, nan, sqrt

from llmner_hf.core.errors import InputError

# The search for a temperature stays between these: beyond, every answer is certain or a guess.
COLDEST, HOTTEST = 0.05, 20.0


@dataclass(frozen=True, slots=True)
class Bin:
    """The candidates whose probability lies in [low, high), in the last bin [low, high].

    Attributes:
        low: the lower limit.
        high: the upper limit.
        number: how many there are, never 0.
        confidence: the mean of their probabilities.
        accuracy: the share of them that is gold.
    """

    low: float
    high: float
    number: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class BestThreshold:
    """A threshold and the F1 that it gives; a candidate exactly as probable is kept."""

    threshold: float
    f1: float


def probability(logit: float, temperature: float = 1.0) -> float:
    """The calibrated probability of a logit: the sigmoid of logit / temperature.

    >>> probability(0.0), probability(-800.0), probability(800.0, temperature=2.0)
    (0.5, 0.0, 1.0)
    """
    scaled = logit / temperature
    small = exp(-abs(scaled))  # never of a positive number, which would overflow
    return (1.0 if scaled >= 0 else small) / (1 + small)


def auc(probabilities: Sequence[float], gold: Sequence[bool]) -> float:
    """The chance that a gold candidate is more probable than another; ties count half.

    Not a number where there are no gold candidates or no others.

    >>> auc([0.9, 0.8, 0.8, 0.1], [True, True, False, False])
    0.875
    """
    won = above = 0.0
    for _, right, wrong in _steps(probabilities, gold):
        won += wrong * (above + right / 2)
        above += right
    pairs = above * (len(gold) - above)
    return won / pairs if pairs else nan


def average_precision(probabilities: Sequence[float], gold: Sequence[bool]) -> float:
    """The mean over the gold candidates of the precision at their probability.

    Not a number where there are none.

    >>> average_precision([0.9, 0.8, 0.7], [True, False, True])
    0.8333333333333333
    """
    found = taken = total = 0.0
    for _, right, wrong in _steps(probabilities, gold):
        found += right
        taken += right + wrong
        total += right * found / taken
    return total / found if found else nan


def reliability(
    probabilities: Sequence[float], gold: Sequence[bool], bins: int = 15
) -> tuple[Bin, ...]:
    """The reliability diagram: bins of equal width that hold a candidate, lowest first.

    >>> reliability([0.1, 0.9, 1.0], [False, True, False], bins=2)[1]
    Bin(low=0.5, high=1.0, number=2, confidence=0.95, accuracy=0.5)
    """
    filled: dict[int, list[tuple[float, bool]]] = {}
    for value, right in _pairs(probabilities, gold):
        filled.setdefault(min(int(value * bins), bins - 1), []).append((value, right))
    return tuple(
        Bin(
            low=index / bins,
            high=(index + 1) / bins,
            number=len(members),
            confidence=sum(value for value, _ in members) / len(members),
            accuracy=sum(right for _, right in members) / len(members),
        )
        for index, members in sorted(filled.items())
    )


def calibration_error(
    probabilities: Sequence[float], gold: Sequence[bool], bins: int = 15
) -> float:
    """The expected calibration error: the mean distance of confidence and accuracy in a bin.

    >>> round(calibration_error([0.75, 0.75, 0.75, 0.75], [True, True, False, False]), 6)
    0.25
    """
    apart = (
        bin.number * abs(bin.confidence - bin.accuracy)
        for bin in reliability(probabilities, gold, bins)
    )
    return sum(apart) / max(len(gold), 1)


def log_loss(logits: Sequence[float], gold: Sequence[bool], temperature: float = 1.0) -> float:
    """The mean negative log-likelihood of the truth of the candidates.

    >>> round(log_loss([0.0, 0.0], [True, False]), 6)
    0.693147
    """
    scaled = (
        (-logit if right else logit) / temperature
        for logit, right in zip(logits, gold, strict=True)
    )
    return sum(max(x, 0.0) + log1p(exp(-abs(x))) for x in scaled) / max(len(gold), 1)


def temperature(logits: Sequence[float], gold: Sequence[bool]) -> float:
    """The temperature in [COLDEST, HOTTEST] under which ``gold`` is the most likely.

    The likelihood is concave in the inverse of the temperature, so it has a single maximum, which a
    golden-section search finds. Without candidates the temperature is 1.

    >>> round(temperature([2.0] * 4, [True, True, True, False]), 3)  # 2 / log(3)
    1.82
    """
    _check(logits, gold)
    if not gold:
        return 1.0
    ratio = (sqrt(5) - 1) / 2
    low, high = log(COLDEST), log(HOTTEST)
    while high - low > 1e-9:
        lower, upper = high - ratio * (high - low), low + ratio * (high - low)
        if log_loss(logits, gold, exp(lower)) <= log_loss(logits, gold, exp(upper)):
            high = upper
        else:
            low = lower
    return exp((low + high) / 2)


def best_threshold(
    probabilities: Sequence[float], gold: Sequence[bool], missed: int = 0
) -> BestThreshold:
    """The threshold of the highest F1; of several, the lowest, which keeps most candidates.

    It lies midway between the least probable candidate that is kept and the next one below. Where
    all candidates are kept it is 0.

    Args:
        probabilities: those of a tagger's candidates.
        gold: whether each is a gold entity.
        missed: gold entities that the tagger did not find; no selector brings them back.

    >>> best_threshold([0.9, 0.6, 0.2], [True, True, False], missed=1)
    BestThreshold(threshold=0.4, f1=0.8)
    """
    wanted = sum(gold) + missed
    steps = list(_steps(probabilities, gold))
    best, correct, kept = BestThreshold(0.0, 0.0), 0, 0
    for (value, right, wrong), below in zip_longest(steps, [step[0] for step in steps[1:]]):
        correct += right
        kept += right + wrong
        f1 = 2 * correct / (kept + wanted)
        if f1 >= best.f1:
            best = BestThreshold(_between(value, below), f1)
    return best


def _between(value: float, below: float | None) -> float:
    """A threshold that keeps ``value`` and not what is below it."""
    if below is None:
        return 0.0
    middle = (value + below) / 2
    return middle if middle > below else value  # neighbours among floating-point numbers


def _check(values: Sequence[float], gold: Sequence[bool]) -> None:
    if len(values) != len(gold):
        raise InputError(f"{len(values)} candidates were scored and {len(gold)} are gold or not")


def _pairs(probabilities: Sequence[float], gold: Sequence[bool]) -> list[tuple[float, bool]]:
    """Probability and truth of every candidate, checked."""
    _check(probabilities, gold)
    for value in probabilities:
        if not 0 <= value <= 1:
            raise InputError(f"{value} is not a probability; give numbers in [0, 1]")
    return list(zip(probabilities, gold, strict=True))


def _steps(
    probabilities: Sequence[float], gold: Sequence[bool]
) -> Iterator[tuple[float, int, int]]:
    """Every probability, highest first, and how many candidates with it are gold, how many not."""
    pairs = sorted(_pairs(probabilities, gold), key=lambda pair: -pair[0])
    for value, members in groupby(pairs, key=lambda pair: pair[0]):
        truths = [right for _, right in members]
        yield value, sum(truths), len(truths) - sum(truths)
