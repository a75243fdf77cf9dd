"""Contrastive candidates (paper, section II-C): gold entities, and spans that are almost gold.

In: an example, its label set, and the units of its text in which boundaries move. Out: its gold
entities as positives, and as negatives every span that differs from a gold one by one or two units
at its start or at its end, or has another type of the label set. A negative is never gold: a span
that is annotated with a type is no negative of that type. None is empty, none leaves the text, and
none comes twice. Units are half-open characters, so no boundary can cut a character; where a gold
boundary lies inside a unit, the next one is the nearest boundary of a unit beyond it. The paper
does not say which tokens it means; units are chosen by the caller.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random
from typing import TypeVar

from llmner_hf.core.entities import Entity, Example, LabelSet, Span

Key = TypeVar("Key")

# Paper II-C: a boundary is shifted by one or two tokens; half of all boundary errors are that near.
SHIFTS = (-2, -1, 1, 2)
MINED_SHARE = 0.5  # of the negatives that are drawn; ours


class Kind(StrEnum):
    """Where a candidate comes from."""

    GOLD = "gold"
    START = "start shifted"
    END = "end shifted"
    TYPE = "type changed"
    MINED = "mined from a tagger"


@dataclass(frozen=True, slots=True)
class Contrast:
    """A candidate of known truth."""

    entity: Entity
    kind: Kind

    @property
    def positive(self) -> bool:
        """Whether it is gold."""
        return self.kind is Kind.GOLD


def positives(example: Example) -> tuple[Contrast, ...]:
    """The gold entities."""
    return tuple(Contrast(entity, Kind.GOLD) for entity in example.entities)


def negatives(example: Example, labels: LabelSet, units: Sequence[Span]) -> tuple[Contrast, ...]:
    """All negatives of an example; where two kinds make the same one, the first of them names it.

    Args:
        example: its labels have to be in ``labels``.
        labels: the types to choose from.
        units: disjoint spans of the text, in order, none of which begins or ends with a blank.

    >>> from llmner_hf.core.entities import EntityType
    >>> example = Example("1", "the IL-2 gene", (Entity(4, 13, "DNA"),), "ours", "en")
    >>> labels, words = LabelSet((EntityType("DNA"),)), [(0, 3), (4, 8), (9, 13)]
    >>> for contrast in negatives(example, labels, words):
    ...     print(contrast.kind, contrast.entity.surface(example.text))
    start shifted the IL-2 gene
    start shifted gene
    end shifted IL-2
    """
    labels.require(example.entities)
    found: dict[Entity, Contrast] = {}
    for gold in example.entities:
        for contrast in (*_shifted(gold, units), *_retyped(gold, labels)):
            found.setdefault(contrast.entity, contrast)
    for gold in example.entities:
        found.pop(gold, None)
    return tuple(found.values())


def mined(example: Example, predicted: Iterable[Entity]) -> tuple[Contrast, ...]:
    """What a tagger found wrongly, as negatives; the paper constructs all of its negatives."""
    wrong = dict.fromkeys(e for e in predicted if e not in example.entities)
    return tuple(Contrast(entity, Kind.MINED) for entity in wrong)


def sample(
    candidates: Iterable[tuple[Key, Contrast]],
    number: int,
    *,
    positive_share: float = 0.5,
    seed: int = 0,
) -> list[tuple[Key, Contrast]]:
    """Candidates drawn at random, in the order given; all of them where there are fewer.

    Half of the negatives are mined ones, as far as there are any.

    Args:
        candidates: each with whatever its caller needs to know of it.
        number: how many (paper II-C: 10,000 positives and negatives).
        positive_share: the share of positives; the paper does not say.
        seed: of the drawing.
    """
    pool = list(candidates)
    gold = [i for i, (_, contrast) in enumerate(pool) if contrast.positive]
    hard = [i for i, (_, contrast) in enumerate(pool) if contrast.kind is Kind.MINED]
    taken = {*gold, *hard}
    made = [i for i in range(len(pool)) if i not in taken]
    random = Random(seed)
    wanted = round(number * positive_share)
    drawn = _drawn(gold, wanted, random)
    mistakes = _drawn(hard, round((number - wanted) * MINED_SHARE), random)
    drawn += mistakes + _drawn(made, number - wanted - len(mistakes), random)
    return [pool[index] for index in sorted(drawn)]


def _drawn(indices: list[int], number: int, random: Random) -> list[int]:
    return random.sample(indices, min(number, len(indices)))


def _shifted(gold: Entity, units: Sequence[Span]) -> Iterator[Contrast]:
    """The gold entity with one boundary moved."""
    for start in _moved(gold.start, [start for start, _ in units]):
        if start < gold.end:
            yield Contrast(replace(gold, start=start), Kind.START)
    for end in _moved(gold.end, [end for _, end in units]):
        if gold.start < end:
            yield Contrast(replace(gold, end=end), Kind.END)


def _moved(place: int, boundaries: Sequence[int]) -> Iterator[int]:
    """The boundaries one and two before and behind a place, which need not be one itself."""
    for shift in SHIFTS:
        first = bisect_left(boundaries, place) if shift < 0 else bisect_right(boundaries, place) - 1
        if 0 <= first + shift < len(boundaries):
            yield boundaries[first + shift]


def _retyped(gold: Entity, labels: LabelSet) -> Iterator[Contrast]:
    """The gold span with every other type."""
    for name in labels.names:
        if name != gold.label:
            yield Contrast(replace(gold, label=name), Kind.TYPE)
