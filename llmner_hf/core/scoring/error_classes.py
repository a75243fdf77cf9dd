"""The four classes of a wrong prediction (paper section II-C, Fig. 5 and Table IV), and misses.

In: a predicted entity and the gold entities of its document. Out: exactly one class, or None for
an entity that is right. Gold entities that another prediction already matches still count as gold:
a second, shorter prediction on a gold entity is a boundary error, not a spurious one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from llmner_hf.core.entities import Entity
from llmner_hf.core.sums import Summed


class ErrorClass(StrEnum):
    """What is wrong with a predicted entity, in order of precedence."""

    TYPE = "type"
    """The span of a gold entity, under another type."""
    SPAN = "span"
    """Overlaps a gold entity of its type."""
    TYPE_SPAN = "type_span"
    """Overlaps gold entities of other types only."""
    SPURIOUS = "spurious"
    """Overlaps no gold entity."""


@dataclass(frozen=True, slots=True)
class ErrorCounts(Summed):
    """Wrong predictions by class, and the gold entities that no prediction matches exactly."""

    type: int = 0
    span: int = 0
    type_span: int = 0
    spurious: int = 0
    missed: int = 0

    @classmethod
    def of(cls, classes: Iterable[ErrorClass], missed: int) -> ErrorCounts:
        """The counts of one document."""
        counter = Counter(classes)
        return cls(**{kind.value: counter[kind] for kind in ErrorClass}, missed=missed)

    @property
    def wrong(self) -> int:
        """All wrong predictions: the four classes together, without the missed."""
        return self.type + self.span + self.type_span + self.spurious


def classify(entity: Entity, gold: Iterable[Entity]) -> ErrorClass | None:
    """The error class of a predicted entity; None if it is right.

    >>> classify(Entity(0, 4, "DNA"), [Entity(0, 4, "protein"), Entity(0, 9, "DNA")])
    <ErrorClass.TYPE: 'type'>
    """
    overlapping = [other for other in gold if other.overlaps(entity)]
    if entity in overlapping:
        return None
    if not overlapping:
        return ErrorClass.SPURIOUS
    if any(other.span == entity.span for other in overlapping):
        return ErrorClass.TYPE
    if any(other.label == entity.label for other in overlapping):
        return ErrorClass.SPAN
    return ErrorClass.TYPE_SPAN
