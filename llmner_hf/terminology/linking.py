"""Entities to concepts: which one of a terminology a mention means.

In: a text with its entities. Out: the same entities with links (`core.entities.Link`), each with
the probability that it is right. A mention is first written out if the text says what it is short
for (`core.abbreviations`); a symbol that is a preferred name stays as it is. Then the first of
these that answers decides:

1. a form of a name (`core.linking.forms`), but for the loosest;
2. the name of an element or a salt (`core.linking.elements`);
3. the things that it names at once (`core.linking.composites`), if each of them is found;
4. a name in which one word is exchanged for an equivalent one (`core.linking.equivalents`);
5. the loosest form;
6. a name that looks like it and has the same numbers (`terminology.neighbours`).

Below the threshold there is no link: no answer rather than a wrong one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from llmner_hf.core.abbreviations import Explained
from llmner_hf.core.entities import Entity, Link, ScoredEntity
from llmner_hf.core.linking.composites import parts
from llmner_hf.core.linking.elements import spoken
from llmner_hf.core.linking.equivalents import variants, words_of
from llmner_hf.core.linking.species import taxa
from llmner_hf.core.linking.types import type_of
from llmner_hf.terminology.arrays import Hit
from llmner_hf.terminology.neighbours import Neighbours
from llmner_hf.terminology.scores import probability
from llmner_hf.terminology.store import Terminology

# Ours: an answer that is more likely wrong than right is none.
THRESHOLD = 0.5
# The least cosine of a neighbour. Ours: on development parts one in five of those below was right.
NEAR = 0.6
SHORTEST_NEIGHBOUR = 5  # characters: what is shorter is like everything
MOST = 5  # candidates
MOST_KNOWN = 100_000  # mentions whose candidates are kept
SHORT = 4  # characters of a capital abbreviation, which may mean anything


_Thing = list[tuple[int, str]]  # concepts that a string may mean, each with the evidence for it


class Reranker(Protocol):
    """Orders candidates by what a sentence encoder makes of them."""

    def similarities(self, mention: str, names: Sequence[str]) -> list[float]:
        """How near each name is to a mention, higher for nearer."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A concept that a mention may mean.

    Attributes:
        concept: its number in the terminology.
        evidence: why it is one; what its score hangs on.
        score: the probability that the mention means it.
    """

    concept: int
    evidence: str
    score: float


class Linker:
    """Finds the concepts of entities.

    Args:
        terminology: where they come from.
        types: the type of a concept by the label of an entity, in place of `core.linking.types`.
        threshold: the least score of a link.
        reranker: orders candidates that no form decides.
    """

    def __init__(
        self,
        terminology: Terminology,
        types: Mapping[str, str] | None = None,
        threshold: float = THRESHOLD,
        reranker: Reranker | None = None,
    ) -> None:
        self.terminology = terminology
        self.threshold = threshold
        self._types = dict(types or {})
        self._reranker = reranker
        self._neighbours = Neighbours(terminology)
        self._known: dict[tuple[str, str], list[_Thing]] = {}

    def link(self, text: str, found: Sequence[ScoredEntity]) -> tuple[ScoredEntity, ...]:
        """The entities with their links.

        Args:
            text: where they were found.
            found: all entities of the text: some explain what others are short for.
        """
        meant = self.candidates(text, [one.entity for one in found])
        return tuple(
            replace(one, links=tuple(self._links(things)))
            for one, things in zip(found, meant, strict=True)
        )

    def candidates(self, text: str, entities: Sequence[Entity]) -> list[list[list[Candidate]]]:
        """For each entity, for each thing that it names, what it may mean, the likeliest first.

        Args:
            text: where the entities are.
            entities: all of the text.
        """
        long = Explained(text, entities)
        named = taxa(text)
        return [self._of_entity(one.surface(text), long.of(one), one, named) for one in entities]

    def _links(self, things: Sequence[Sequence[Candidate]]) -> Iterator[Link]:
        """The links of the things that a mention names, if each of them is sure enough."""
        best = [candidates[0] for candidates in things]
        if best and all(one.score >= self.threshold for one in best):
            for concept, score in {one.concept: one.score for one in best}.items():
                store = self.terminology
                yield Link(store.id(concept), store.preferred(concept), score)

    def _of_entity(
        self, surface: str, written_out: str, entity: Entity, named: frozenset[str]
    ) -> list[list[Candidate]]:
        """The candidates of an entity.

        Args:
            surface: its string.
            written_out: what that is short for, or itself.
            entity: of some type.
            named: the species that the text names.
        """
        of_type = self._types.get(entity.label) or type_of(entity.label, self.terminology.types)
        if of_type is None:
            return []
        found = self._looked_up(written_out, of_type)
        if written_out != surface:
            short = self._looked_up(surface, of_type)
            if short and short[0][0][1].startswith("written preferred"):
                found = short
        return [self._judged(thing, of_type, named) for thing in found]

    def _judged(self, thing: _Thing, of_type: str, named: frozenset[str]) -> list[Candidate]:
        """Candidates with their probabilities, those of species that the text names first."""
        judged = []
        for concept, evidence in thing:
            if of_type == "Gene" and named and named.isdisjoint(self.terminology.parents(concept)):
                evidence = f"{evidence} elsewhere"
            judged.append(Candidate(concept, evidence, probability(evidence, of_type)))
        return sorted(judged, key=lambda one: one.evidence.endswith("elsewhere"))[:MOST]

    def _looked_up(self, mention: str, of_type: str) -> list[_Thing]:
        """What a string may mean; looked up once."""
        key = (mention, of_type)
        if key not in self._known:
            if len(self._known) > MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._found(mention, of_type)
        return self._known[key]

    def _found(self, mention: str, of_type: str) -> list[_Thing]:
        hits = self.terminology.look_up(mention, of_type)
        if hits and hits[0].strictness != "bare":
            return [_by_form(hits, mention)]
        name = spoken(mention) if of_type == "Chemical" else None
        if name and (named := self.terminology.look_up(name, of_type)):
            return [[(named[0].concept, "symbol")]]
        if things := self._things(mention, of_type):
            return things
        if exchanged := self._exchanged(mention, of_type):
            return [exchanged]
        if hits:
            return [_by_form(hits, mention)]
        near = self._near(mention, of_type)
        return [near] if near else []

    def _things(self, mention: str, of_type: str) -> list[_Thing]:
        """The things that a mention names at once; nothing if one of them is not known."""
        things = []
        for names in parts(mention):
            looked_up = (self.terminology.look_up(name, of_type) for name in names)
            hits = next((h for h in looked_up if h and h[0].strictness != "bare"), None)
            if hits is None:
                return []
            things.append([(hit.concept, "part") for hit in hits])
        return things

    def _exchanged(self, mention: str, of_type: str) -> _Thing:
        """Concepts with a name in which one word is exchanged, those of most such names first."""
        known = self.terminology.equivalents.get(of_type, {})
        counts: dict[int, int] = {}
        for words in variants(mention, known):
            for hit in self.terminology.look_up_words(words, of_type):
                counts[hit.concept] = counts.get(hit.concept, 0) + 1
        ranked = sorted(counts, key=lambda concept: (-counts[concept], concept))
        return [(concept, "exchanged") for concept in ranked]

    def _near(self, mention: str, of_type: str) -> _Thing:
        """Concepts with a name that looks like the mention."""
        if len(mention) < SHORTEST_NEIGHBOUR:
            return []
        numbers = _numbers(mention)
        found: dict[int, str] = {}
        for concept, name, cosine in self._neighbours.of(mention, of_type):
            if cosine >= NEAR and _numbers(name) == numbers:
                evidence = f"near {_relation(mention, name)} {int(cosine * 10) / 10}"
                found.setdefault(concept, evidence)
        if self._reranker and found:
            names = [self.terminology.preferred(concept) for concept in found]
            nearness = self._reranker.similarities(mention, names)
            order = dict(zip(found, nearness, strict=True))
            found = {one: found[one] for one in sorted(found, key=lambda one: -order[one])}
        return list(found.items())


def _by_form(hits: Sequence[Hit], mention: str) -> _Thing:
    """Concepts by the form that a name of theirs shares with a mention."""
    first = hits[0].order[:-1]
    several = " several" if sum(hit.order[:-1] == first for hit in hits) > 1 else ""
    short = " short" if len(mention) <= SHORT and mention.isupper() else ""
    return [(hit.concept, f"{hit.strictness} {hit.rank}{several}{short}") for hit in hits]


def _relation(mention: str, name: str) -> str:
    """What the words of a mention and of a name that looks like it say of their meanings.

    Ours: of diseases on development parts, a name without some of the words is right in a half, one
    with more words in a fifth, one of the same head with another word in place of one in an eighth.
    """
    asked, known = words_of(mention), words_of(name)
    if set(known) <= set(asked):
        return "wider"
    if set(asked) < set(known):
        return "narrower"
    return "head" if asked[-1:] == known[-1:] else "other"


def _numbers(name: str) -> list[str]:
    """What tells one of a family from the others: numbers, and single letters."""
    return sorted(word for word in words_of(name) if word.isdigit() or len(word) == 1)
