"""Names learnt from annotated texts: what annotators link to a concept is a name of it.

In: concepts, and texts with links. Out: the concepts with learnt names (`Concept.learnt`), and
counts. A mention becomes a learnt name of a concept that more than half of its occurrences in texts
are linked to. Against it count those that are linked to another concept, to several at once, or to
none. An id stands for the concept that has it, or for the only one that states it as meaning the
same. Texts that are left out, as test parts, are known by their id or their characters.

A store keeps learnt names as digests alone, since corpora have licences.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from llmner_hf.core.entities import Example, Link
from llmner_hf.core.linking.types import type_of
from llmner_hf.readers import Reading
from llmner_hf.terminology.concept import Concept

_UNCLEAR = "mention that is linked to no concept in more than half of its occurrences"
_UNKNOWN = "mention of a concept that no FILE has, or that has another type"
_LEFT_OUT = "text that is left out"


def with_learnt(
    concepts: Sequence[Concept],
    texts: Iterable[Reading],
    left_out: Iterable[Reading] = (),
) -> tuple[list[Concept], Counter[str]]:
    """The concepts with the names that annotated texts have for them, and counts.

    Args:
        concepts: each id once.
        texts: with links.
        left_out: texts of which nothing is learnt.
    """
    counts: Counter[str] = Counter()
    by_id = _by_id(concepts)
    types = tuple(dict.fromkeys(one.type for one in concepts))
    names: dict[int, dict[str, None]] = defaultdict(dict)
    for (of_type, mention), meant in _linked(texts, left_out, types, counts).items():
        [(id, number)] = meant.most_common(1)
        if not id or 2 * number <= meant.total():
            counts[_UNCLEAR] += 1
            continue
        place = by_id.get(id)
        if place is None or concepts[place].type != of_type:
            counts[_UNKNOWN] += 1
            continue
        names[place][mention] = None
    listed = list(concepts)
    for place, own in names.items():
        learnt = dict.fromkeys((*listed[place].learnt, *own))
        listed[place] = replace(listed[place], learnt=tuple(learnt))
    counts["name learnt from annotated texts"] = sum(map(len, names.values()))
    return listed, counts


def _by_id(concepts: Sequence[Concept]) -> dict[str, int]:
    """The place of the concept that an id means, its own or one that only it states."""
    stated: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(concepts):
        for id in one.same:
            stated[id].append(place)
    found = {id: places[0] for id, places in stated.items() if len(places) == 1}
    return found | {one.id: place for place, one in enumerate(concepts)}


def _linked(
    texts: Iterable[Reading],
    left_out: Iterable[Reading],
    types: Sequence[str],
    counts: Counter[str],
) -> dict[tuple[str | None, str], Counter[str]]:
    """Type and string of a mention -> id -> how often; no id where it has none, or several.

    The type is the terminology's: labels of several corpora, as ``Modifier`` and
    ``SpecificDisease``, vote together.
    """
    unread = {key for reading in left_out for one in reading.examples for key in _keys(one)}
    found: dict[tuple[str | None, str], Counter[str]] = defaultdict(Counter)
    for reading in texts:
        for one in reading.examples:
            if not unread.isdisjoint(_keys(one)):
                counts[_LEFT_OUT] += 1
                continue
            for entity, links in reading.links.get(one.id, {}).items():
                of_type = type_of(entity.label, types)
                found[of_type, entity.surface(one.text)][_only(links)] += 1
    return found


def _keys(example: Example) -> Iterator[str]:
    """What a text is known by."""
    yield f"id {example.id}"
    yield f"text {example.text}"


def _only(links: Sequence[Link]) -> str:
    """The id of the only link, or nothing."""
    return links[0].id if len(links) == 1 else ""
