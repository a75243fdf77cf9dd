"""Entities to concepts: which one of a terminology a mention means.

In: a text with its entities. Out: the same entities with links (`core.entities.Link`), each with
the probability that it is right. A mention is looked up in this order, and the first that answers
decides:

1. what the text itself says that it is short for (`core.abbreviations`);
2. a form of a name (`core.linking.forms`), but for the loosest;
3. the symbol of an element;
4. the things that it names at once (`core.linking.composites`), if each of them is found;
5. a name in which one word is exchanged for an equivalent one (`core.linking.equivalents`);
6. the loosest form;
7. a name that looks like it (`terminology.neighbours`).

Below the threshold there is no link: no answer rather than a wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from llmner_hf.core.abbreviations import Explained
from llmner_hf.core.entities import Link, ScoredEntity
from llmner_hf.core.linking.composites import parts
from llmner_hf.core.linking.elements import element
from llmner_hf.core.linking.equivalents import variants
from llmner_hf.core.linking.types import type_of
from llmner_hf.terminology.neighbours import Neighbours
from llmner_hf.terminology.scores import probability
from llmner_hf.terminology.store import Hit, Terminology

# Ours: an answer that is more likely wrong than right is none.
THRESHOLD = 0.5
# The least cosine of a neighbour. Ours: on development parts one in five of those below was right.
NEAR = 0.6
SHORTEST_NEIGHBOUR = 5  # characters: what is shorter is like everything
MOST = 5  # candidates
HUMAN = "NCBITaxon:9606"


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
        self._known: dict[tuple[str, str], list[list[Candidate]]] = {}

    def link(self, text: str, found: Sequence[ScoredEntity]) -> tuple[ScoredEntity, ...]:
        """The entities with their links.

        Args:
            text: where they were found.
            found: all entities of the text: some explain what others are short for.
        """
        long = Explained(text, found)
        things = [self.candidates(long.of(one.entity), one.entity.label) for one in found]
        return tuple(
            replace(one, links=tuple(self._links(own)))
            for one, own in zip(found, things, strict=True)
        )

    def _links(self, things: Sequence[Sequence[Candidate]]) -> Iterator[Link]:
        """The links of the things that a mention names, if each of them is sure enough."""
        best = [candidates[0] for candidates in things if candidates]
        if best and all(one.score >= self.threshold for one in best):
            for concept, score in {one.concept: one.score for one in best}.items():
                store = self.terminology
                yield Link(store.id(concept), store.preferred(concept), score)

    def candidates(self, mention: str, label: str) -> list[list[Candidate]]:
        """For each thing that a mention names the concepts that it may mean, the likeliest first.

        Args:
            mention: its string, written out if the text says what it is short for.
            label: the type of the entity.
        """
        of_type = self._types.get(label) or type_of(label, self.terminology.types)
        if of_type is None:
            return []
        key = (mention, of_type)
        if key not in self._known:
            if len(self._known) > 100_000:
                self._known.clear()
            self._known[key] = self._found(mention, of_type)
        return self._known[key]

    def _found(self, mention: str, of_type: str) -> list[list[Candidate]]:
        hits = self.terminology.look_up(mention, of_type)
        if hits and hits[0].strictness != "bare":
            return [_by_form(hits)]
        symbol = element(mention) if of_type == "Chemical" else None
        if symbol and (named := self.terminology.look_up(symbol, of_type)):
            return [_scored([hit.concept for hit in named[:1]], "symbol")]
        if things := self._things(mention, of_type):
            return things
        if exchanged := self._exchanged(mention, of_type):
            return [_scored(exchanged, "exchanged")]
        if hits:
            return [_by_form(hits)]
        near = self._near(mention, of_type)
        return [near] if near else []

    def _things(self, mention: str, of_type: str) -> list[list[Candidate]]:
        """The things that a mention names at once; nothing if one of them is not known."""
        things = []
        for names in parts(mention):
            looked_up = (self.terminology.look_up(name, of_type) for name in names)
            hits = next((h for h in looked_up if h and h[0].strictness != "bare"), None)
            if hits is None:
                return []
            things.append(_scored([hit.concept for hit in hits], "part"))
        return things

    def _exchanged(self, mention: str, of_type: str) -> list[int]:
        """Concepts with a name in which one word is exchanged, those of most such names first."""
        known = self.terminology.equivalents.get(of_type, {})
        counts: dict[int, int] = {}
        for words in variants(mention, known):
            for hit in self.terminology.look_up_words(words, of_type):
                counts[hit.concept] = counts.get(hit.concept, 0) + 1
        return sorted(counts, key=lambda concept: (-counts[concept], concept))

    def _near(self, mention: str, of_type: str) -> list[Candidate]:
        """Concepts with a name that looks like the mention."""
        if len(mention) < SHORTEST_NEIGHBOUR:
            return []
        found = [
            (c, cosine) for c, cosine in self._neighbours.of(mention, of_type) if cosine > NEAR
        ]
        if self._reranker and found:
            names = [self.terminology.preferred(concept) for concept, _ in found]
            nearness = self._reranker.similarities(mention, names)
            order = sorted(range(len(found)), key=lambda place: -nearness[place])
            found = [found[place] for place in order]
        return [
            Candidate(concept, evidence, probability(evidence))
            for concept, cosine in found
            for evidence in [f"near {int(cosine * 10) / 10}"]
        ]


def _by_form(hits: Sequence[Hit]) -> list[Candidate]:
    """Candidates by the form that they share with a mention."""
    first = hits[0].order[:-1]
    several = sum(hit.order[:-1] == first for hit in hits) > 1
    found = []
    for hit in hits[:MOST]:
        evidence = f"{hit.strictness} {hit.rank}{' several' if several else ''}"
        found.append(Candidate(hit.concept, evidence, probability(evidence)))
    return found


def _scored(concepts: Iterable[int], evidence: str) -> list[Candidate]:
    """Concepts with one evidence."""
    return [Candidate(one, evidence, probability(evidence)) for one in list(concepts)[:MOST]]
