"""The entities of one document, ready to be asked which of them overlap a span.

In: the gold or the predicted entities of a document. Out: partners of an entity of the other side,
and nesting within this side. Sorted by start, so that a whole article costs no quadratic search.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from llmner_hf.core.entities import Entity, ordered


class Overlaps:
    """A document's entities, sorted once.

    >>> Overlaps([Entity(0, 4, "DNA"), Entity(5, 9, "DNA")]).of(Entity(3, 5, "protein"))
    [Entity(start=0, end=4, label='DNA')]
    """

    def __init__(self, entities: Iterable[Entity]) -> None:
        self.entities = ordered(entities)
        self._starts = [entity.start for entity in self.entities]
        self._longest = max((entity.end - entity.start for entity in self.entities), default=0)

    def of(self, entity: Entity) -> list[Entity]:
        """The entities that share a character with this one, itself included if it is here."""
        # Whatever starts this far before the entity ends before the entity starts.
        low = bisect_right(self._starts, entity.start - self._longest)
        high = bisect_left(self._starts, entity.end)
        return [other for other in self.entities[low:high] if other.overlaps(entity)]

    def nested(self) -> frozenset[Entity]:
        """The entities that contain another one or are contained in it.

        Two types on one span contain each other; spans that merely cross do not nest.
        """
        return frozenset(
            entity
            for entity in self.entities
            if any(other != entity and not other.crosses(entity) for other in self.of(entity))
        )
