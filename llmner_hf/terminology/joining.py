"""Concepts of several files made one, and cycles of parents broken.

In: concepts by id, in the order of their files. Out: the same without those that were joined into
others, and counts. `building` tells the rules.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from llmner_hf.terminology.concept import Concept


def joined(first: Concept, second: Concept) -> Concept:
    """Two concepts as one, in which the first has the first word.

    Names of another id are borrowed, those of the same id are synonyms.

    >>> a = Concept("MONDO:1", "asthma", "Disease", same=("MESH:D1",))
    >>> b = Concept("MESH:D1", "Asthma", "Disease", ("Bronchial Asthma",))
    >>> joined(a, b).borrowed, joined(a, b).same
    (('Asthma', 'Bronchial Asthma'), ('MESH:D1',))
    """
    own: tuple[str, ...] = first.synonyms
    borrowed = (*first.borrowed, *second.names)
    if first.id == second.id:
        own = (*own, second.name, *second.synonyms)
        borrowed = (*first.borrowed, *second.borrowed)
    said = {first.name, *own}
    same = dict.fromkeys((*first.same, second.id, *second.same))
    return replace(
        first,
        synonyms=tuple(name for name in dict.fromkeys(own) if name != first.name),
        borrowed=tuple(name for name in dict.fromkeys(borrowed) if name not in said),
        parents=tuple(dict.fromkeys((*first.parents, *second.parents))),
        same=tuple(id for id in same if id != first.id),
    )


def terminology_of(id: str) -> str:
    """The prefix of an id."""
    return id.partition(":")[0]


def without_references(by_id: Mapping[str, Concept], remarks: Counter[str]) -> list[Concept]:
    """The concepts, those joined that name each other as meaning the same.

    Args:
        by_id: concepts in the order of their files.
        remarks: takes the counts.
    """
    groups = {id: [id] for id in by_id}
    for one, other in _references(by_id, remarks):
        left, right = groups[one], groups[other]
        if left is right:
            continue
        if {*map(terminology_of, left)} & {*map(terminology_of, right)}:
            remarks["cross-reference that leads to a second id of a terminology, not followed"] += 1
            continue
        remarks["concept joined by a cross-reference"] += 1
        left += right
        groups.update(dict.fromkeys(right, left))
    order = {id: number for number, id in enumerate(by_id)}
    kept = dict[str, Concept]()
    instead = dict[str, str]()
    for id, concept in by_id.items():
        first, *others = sorted(groups[id], key=order.__getitem__)
        if first == id:
            for other in others:
                concept = joined(concept, by_id[other])
                instead[other] = id
            kept[id] = concept
    return [_renamed(concept, instead) for concept in kept.values()]


def _references(by_id: Mapping[str, Concept], remarks: Counter[str]) -> Iterator[tuple[str, str]]:
    """Pairs of ids that mean the same, where neither has two partners in one terminology."""
    pairs = dict[tuple[str, str], None]()
    partners = defaultdict[tuple[str, str], set[str]](set)
    for concept in by_id.values():
        for id in concept.same:
            other = by_id.get(id)
            if other is None or other is concept:
                continue
            if other.type != concept.type:
                remarks["cross-reference to a concept of another type, not followed"] += 1
                continue
            pairs[min(id, concept.id), max(id, concept.id)] = None
            partners[concept.id, terminology_of(id)].add(id)
            partners[id, terminology_of(concept.id)].add(concept.id)
    for one, another in pairs:
        ways = ((one, another), (another, one))
        if any(len(partners[start, terminology_of(end)]) > 1 for start, end in ways):
            remarks["cross-reference to one of several of a terminology, not followed"] += 1
        else:
            yield one, another


def _renamed(concept: Concept, instead: Mapping[str, str]) -> Concept:
    """A concept with the ids of its parents as they are now."""
    if concept.id not in concept.parents and not instead.keys() & {*concept.parents}:
        return concept
    parents = dict.fromkeys(instead.get(parent, parent) for parent in concept.parents)
    return replace(concept, parents=tuple(id for id in parents if id != concept.id))


def without_cycles(concepts: Iterable[Concept], remarks: Counter[str]) -> list[Concept]:
    """The concepts, without the parents through which one would be its own ancestor.

    >>> counted = Counter()
    >>> a, b = Concept("X:1", "a", "T", parents=("X:2",)), Concept("X:2", "b", "T", (), ("X:1",))
    >>> [c.parents for c in without_cycles([a, b], counted)], sum(counted.values())
    ([('X:2',), ()], 1)
    """
    by_id = {concept.id: concept for concept in concepts}
    finished = set[str]()
    cut = defaultdict[str, set[str]](set)
    for start in by_id:
        if start in finished:
            continue
        # The way up from `start`: each id is a parent of the one before it. A loop, as a way of
        # thousands of ids would be too deep for recursion.
        way, on_way = [(start, iter(by_id[start].parents))], {start}
        while way:
            id, parents = way[-1]
            parent = next(parents, None)
            if parent is None:
                finished.add(id)
                on_way.remove(id)
                way.pop()
            elif parent in on_way:
                cut[id].add(parent)
            elif parent in by_id and parent not in finished:
                way.append((parent, iter(by_id[parent].parents)))
                on_way.add(parent)
    for id, parents_cut in cut.items():
        concept = by_id[id]
        kept = tuple(parent for parent in concept.parents if parent not in parents_cut)
        by_id[id] = replace(concept, parents=kept)
        remarks["parent that led back to its own concept, taken away"] += len(parents_cut)
    return list(by_id.values())
