"""Gold concepts of three corpora, and when an answer is right: what `linking.py` measures with.

In: the shared folder. Out: documents with the concepts of their mentions, and counts of right
answers. BC5CDR, NCBI-Disease and BioRED name MeSH concepts, genes of NCBI and taxa; the last two
name some diseases by OMIM instead.

An answer is right when its ids are those of gold, as a set, but for the rule for OMIM:
an id of OMIM counts as named where a concept of the answer states it among the ids that mean the
same (`Terminology.same`). A mention without a concept in gold is no part of an accuracy, and an
answer on it is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from llmner_hf.core.entities import Entity
from llmner_hf.readers import read_any
from llmner_hf.terminology.linking import Candidate
from llmner_hf.terminology.store import Terminology

PARTS = ("train", "dev", "test")
# Corpus -> the file of each part.
FILES = {
    "BC5CDR": {
        part: f"bc5cdr/CDR_{name}Set.PubTator.txt.xz"
        for part, name in zip(PARTS, ("Training", "Development", "Test"), strict=True)
    },
    "NCBI-Disease": {
        part: f"ncbi_disease/NCBI{name}set_corpus.txt.xz"
        for part, name in zip(PARTS, ("train", "develop", "test"), strict=True)
    },
    "BioRED": {part: f"biored/{part.title()}.PubTator.xz" for part in PARTS},
}

Things = Sequence[Sequence[Candidate]]  # for each thing that a mention names, what it may mean


@dataclass(frozen=True, slots=True)
class Document:
    """A text with the concepts of its mentions; of an entity that is absent nothing is known."""

    id: str
    text: str
    entities: tuple[Entity, ...]
    gold: dict[Entity, frozenset[str]]


def documents(shared: Path, corpus: str, part: str) -> list[Document]:
    """One part of a corpus."""
    reading = read_any(shared / "corpora" / FILES[corpus][part], dataset=corpus, language="en")
    return [
        Document(
            one.id,
            one.text,
            one.entities,
            {
                entity: frozenset(link.id for link in links)
                for entity, links in reading.links.get(one.id, {}).items()
            },
        )
        for one in reading.examples
    ]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one answer.

    Attributes:
        right: by the rule for OMIM.
        same_ids: without that rule.
        in_five: gold is among the first five of each thing.
    """

    right: bool
    same_ids: bool
    in_five: bool


def judged(store: Terminology, things: Things, gold: Set[str]) -> Verdict:
    """Whether the candidates of a mention are right."""
    best = {one[0].concept for one in things}
    first = {candidate.concept for one in things for candidate in one[:5]}
    answer = {store.id(concept) for concept in best}
    return Verdict(
        right=bool(gold)
        and (answer == gold or (len(answer) <= len(gold) and _names(store, best, gold))),
        same_ids=bool(gold) and answer == gold,
        in_five=bool(gold) and _names(store, first, gold),
    )


def _names(store: Terminology, concepts: Set[int], gold: Set[str]) -> bool:
    """Whether the concepts name all ids of gold."""
    ids = {store.id(concept) for concept in concepts}
    other = {id for concept in concepts for id in store.same(concept)}
    return all(id in ids or (id.startswith("OMIM:") and id in other) for id in gold)
