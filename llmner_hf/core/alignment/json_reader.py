"""JSON completions read leniently: every item that can be read, wherever it stands.

Preambles, code fences and lists inside objects are passed over. Models miscount characters far
more often than they misspell, so an item is placed by its surface; its offsets decide between
several places.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from llmner_hf.core.alignment.folding import Folded
from llmner_hf.core.alignment.names import Names
from llmner_hf.core.alignment.placing import Source
from llmner_hf.core.entities import Decoding, Entity, LabelSet, Problem, ProblemKind, Span
from llmner_hf.core.tagging.json_list import (
    END,
    START,
    SURFACE,
    TYPE,
    read_item,
    read_list,
    read_value,
)

_EMPTY_LIST = re.compile(r"\[\s*\]")


@dataclass(frozen=True, slots=True)
class _Item:
    """A surface of a type that its offsets do not hold, and every place where it stands."""

    label: str
    offsets: tuple[int | None, int | None]
    places: tuple[Span, ...]
    position: int

    @property
    def likely(self) -> tuple[Span, ...]:
        """The only place, or those that one of the two offsets names."""
        if len(self.places) == 1:
            return self.places
        start, end = self.offsets
        return tuple(place for place in self.places if place[0] == start or place[1] == end)


def read(completion: str, source: Source, labels: LabelSet) -> Decoding:
    """The entities that can be placed, and what was wrong."""
    names = Names(labels)
    values, problems = read_list(completion)
    problems += [Problem(ProblemKind.MALFORMED, p) for p, value in values if not _is_item(value)]
    entities: list[Entity] = []
    items: list[_Item] = []
    for position, value in _objects(completion):
        result = _read_item(value, position, source, names)
        if isinstance(result, Entity):
            entities.append(result)
        elif isinstance(result, _Item):
            items.append(result)
        else:
            problems.append(Problem(result, position))
    problems += [Problem(ProblemKind.COPY_DRIFT, item.position, item.label) for item in items]
    entities, lost = _placed(items, entities)
    return Decoding(tuple(entities), tuple(problems + lost))


def _is_item(value: object) -> bool:
    """Whether it names a type and a surface."""
    return isinstance(value, dict) and TYPE in value and SURFACE in value


def _objects(completion: str) -> Iterator[tuple[int, dict[str, object]]]:
    """Every object that is an item, inside whatever else, and where it begins."""
    position = completion.find("{")
    while position >= 0:
        found = read_value(completion, position)
        behind = position + 1
        if found is not None and isinstance(found[0], dict) and _is_item(found[0]):
            yield position, found[0]
            behind = found[1]
        position = completion.find("{", behind)


def _read_item(
    value: dict[str, object], position: int, source: Source, names: Names
) -> Entity | _Item | ProblemKind:
    """The entity of an item, or the places where its surface stands, or what is wrong."""
    exact = read_item(value, source.view, names.labels)
    if isinstance(exact, Entity):
        return exact
    written, surface = value[TYPE], value[SURFACE]
    if not isinstance(written, str) or not isinstance(surface, str):
        return ProblemKind.MALFORMED
    label = names.find(written)
    if label is None:
        return ProblemKind.UNKNOWN_LABEL
    found = Folded(surface)
    if not found.letters:
        return ProblemKind.EMPTY_SPAN
    places = _places(found, source)
    start, end = (_whole_number(value.get(key)) for key in (START, END))
    return _Item(label, (start, end), places, position)


def _whole_number(value: object) -> int | None:
    """The value if it is a whole number; True and False are none."""
    return value if type(value) is int else None


def _places(found: Folded, source: Source) -> tuple[Span, ...]:
    """Where the surface stands; only where it does letter by letter, if there is such a place."""
    spans = source.places(found, 0, len(found.letters))
    spans = [source.with_blanks(span, found, (0, len(found.text))) for span in spans]
    verbatim = [span for span in spans if source.view[slice(*span)] == found.text]
    return tuple(verbatim or spans)


def _placed(items: list[_Item], entities: list[Entity]) -> tuple[list[Entity], list[Problem]]:
    """The entities, with those of the items that have one place, and the other items."""
    entities = entities + [Entity(*i.likely[0], i.label) for i in items if len(i.likely) == 1]
    taken = set(entities)
    rest: dict[tuple[str, tuple[Span, ...]], list[_Item]] = defaultdict(list)
    for item in items:
        if len(item.likely) != 1:
            rest[item.label, item.places].append(item)
    lost: list[Problem] = []
    for (label, places), group in rest.items():
        free = {Entity(*place, label) for place in places} - taken
        # As many different items as places that no other item has: each place is an entity.
        if free and len({item.offsets for item in group}) == len(free):
            entities += free
        else:
            kind = ProblemKind.AMBIGUOUS if places else ProblemKind.UNPLACED
            lost += [Problem(kind, item.position, label) for item in group]
    return entities, lost
