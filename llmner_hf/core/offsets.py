"""Entities between a text and its parts.

In: entities whose offsets count from the start of a text, or of a part of it. Out: the same
entities with offsets that count from the start of the other. An entity that a part holds only half
has no offsets there: `within` refuses such a part, `inside` leaves the entity out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from llmner_hf.core.entities import Entity, Example, ScoredEntity, Span
from llmner_hf.core.errors import OffsetError


def shifted(entity: Entity, by: int) -> Entity:
    """An entity so many characters further on; back, where ``by`` is negative.

    Raises:
        OffsetError: it would begin before 0.

    >>> shifted(Entity(0, 4, "DNA"), 5)
    Entity(start=5, end=9, label='DNA')
    """
    return Entity(entity.start + by, entity.end + by, entity.label)


def inside(span: Span, entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """The entities that lie whole in a span, with offsets that count from its start.

    >>> inside((5, 14), [Entity(0, 6, "DNA"), Entity(5, 8, "DNA")])
    (Entity(start=0, end=3, label='DNA'),)
    """
    start, end = span
    return tuple(shifted(e, -start) for e in entities if start <= e.start and e.end <= end)


def within(span: Span, entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """As `inside`, of a span that cuts no entity.

    Raises:
        OffsetError: the span cuts an entity.

    >>> within((5, 14), [Entity(0, 4, "DNA"), Entity(5, 8, "DNA")])
    (Entity(start=0, end=3, label='DNA'),)
    """
    start, end = span
    entities = tuple(entities)
    for entity in entities:
        touched = entity.start < end and start < entity.end
        if touched and (entity.start < start or end < entity.end):
            raise OffsetError(f"the part {start}:{end} cuts {entity}; use join_over first")
    return inside(span, entities)


def part_of(example: Example, start: int, end: int) -> Example:
    """The part of an example between two characters, with the entities that lie whole in it.

    >>> example = Example("7", "IL-2 gene", (Entity(0, 4, "protein"),), "own", "en")
    >>> part = part_of(example, 0, 4)
    >>> part.id, part.text, part.entities
    ('7#0', 'IL-2', (Entity(start=0, end=4, label='protein'),))
    """
    return replace(
        example,
        id=f"{example.id}#{start}",
        text=example.text[start:end],
        entities=inside((start, end), example.entities),
    )


def of_whole(parts: Iterable[tuple[int, Iterable[ScoredEntity]]]) -> tuple[ScoredEntity, ...]:
    """The scored entities of the parts of a text, with offsets into the text.

    Args:
        parts: for each part the character of the text at which the part begins, and what was
            found in the part.

    >>> found = ScoredEntity(Entity(0, 4, "DNA"), 0.9)
    >>> of_whole([(0, []), (5, [found])])
    (ScoredEntity(entity=Entity(start=5, end=9, label='DNA'), score=0.9),)
    """
    return tuple(
        replace(one, entity=shifted(one.entity, start)) for start, found in parts for one in found
    )
