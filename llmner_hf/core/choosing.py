"""Which of the entities that stand in each other's way stay: the more probable one.

In: scored entities of one text. Out: some of them, as they are. Of two that are equally probable
the longer stays, then the earlier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from llmner_hf.core.entities import Entity, ScoredEntity

Found = tuple[ScoredEntity, ...]


def uncrossed(scored: Iterable[ScoredEntity]) -> Found:
    """Without the entities that cross a better one of their own type.

    >>> from llmner_hf.core.entities import Entity
    >>> pair = [ScoredEntity(Entity(0, 5, "x"), 0.5), ScoredEntity(Entity(3, 9, "x"), 0.9)]
    >>> [one.entity.span for one in uncrossed(pair)]
    [(3, 9)]
    """
    return _best(scored, lambda one, other: one.label == other.label and one.crosses(other))


def flattened(scored: Iterable[ScoredEntity]) -> Found:
    """Without the entities that overlap a better one, of whatever type.

    >>> from llmner_hf.core.entities import Entity
    >>> pair = [ScoredEntity(Entity(0, 9, "x"), 0.8), ScoredEntity(Entity(3, 9, "y"), 0.7)]
    >>> [one.entity.label for one in flattened(pair)]
    ['x']
    """
    return _best(scored, Entity.overlaps)


def _best(scored: Iterable[ScoredEntity], against: Callable[[Entity, Entity], bool]) -> Found:
    found = list(scored)
    kept: list[ScoredEntity] = []
    for one in sorted(found, key=_rank):
        if not any(against(one.entity, other.entity) for other in kept):
            kept.append(one)
    return tuple(sorted(kept, key=lambda one: one.entity.order))


def _rank(one: ScoredEntity) -> tuple[float, int, int, str]:
    entity = one.entity
    return -one.score, entity.start - entity.end, entity.start, entity.label
