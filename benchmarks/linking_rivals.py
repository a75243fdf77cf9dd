"""Other ways from a mention to a concept, over the same store: what `linking.py` compares with.

Each way is called as `Linker.candidates` is: a text and its entities -> for each entity one thing
with its candidates. What the text explains is written out for all of them.

- `Dictionary`: a name in lower case.
- `Trigrams`: scispaCy's way (Neumann and others, 2019): the nearest names by TF-IDF of character
  trigrams, whatever the cosine; a link from 0.7 on, scispaCy's own threshold. scispaCy searches an
  approximate index, and this is the exact one.
- `Fuzzy`: the nearest names by `rapidfuzz.fuzz.ratio`; a link from 0.9 on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from llmner_hf.core.abbreviations import Explained
from llmner_hf.core.entities import Entity
from llmner_hf.core.linking.types import type_of
from llmner_hf.terminology.linking import Candidate
from llmner_hf.terminology.store import Terminology

MOST = 5  # concepts
MOST_NAMES = 30  # scispaCy's k


class Dictionary:
    """Names in lower case; of several concepts with one name the first."""

    threshold = 0.5

    def __init__(self, store: Terminology) -> None:
        self._store = store
        self._known: dict[tuple[str, str], list[Candidate]] = {}
        # Names in lower case of each type, with the concept of each.
        self.names: dict[str, dict[str, int]] = {of_type: {} for of_type in store.types}
        for number in range(store.names):
            name = store.name(number).lower()
            concept = store.concept_of(number)
            if name:
                self.names[store.type(concept)].setdefault(name, concept)

    def candidates(self, text: str, entities: Sequence[Entity]) -> list[list[list[Candidate]]]:
        """As `Linker.candidates`."""
        long = Explained(text, entities)
        found = []
        for one in entities:
            of_type = type_of(one.label, self._store.types)
            things: list[list[Candidate]] = []
            if of_type is not None:
                key = (long.of(one).lower(), of_type)
                if key not in self._known:
                    self._known[key] = self._of(*key)
                things = [self._known[key]] if self._known[key] else []
            found.append(things)
        return found

    def _of(self, mention: str, of_type: str) -> list[Candidate]:
        concept = self.names[of_type].get(mention)
        return [] if concept is None else [Candidate(concept, "name", 1.0)]


class Trigrams(Dictionary):
    """The nearest names by TF-IDF of character trigrams."""

    threshold = 0.7

    def __init__(self, store: Terminology) -> None:
        super().__init__(store)
        self._indices = {}
        for of_type, names in self.names.items():
            vectorizer = TfidfVectorizer(
                analyzer="char_wb", ngram_range=(3, 3), min_df=10, dtype=np.float32
            )
            try:
                weights = vectorizer.fit_transform(names).T.tocsr()
            except ValueError:  # a type with too few names to share trigrams
                continue
            concepts = np.fromiter(names.values(), dtype=np.int64, count=len(names))
            self._indices[of_type] = (vectorizer, weights, concepts)

    def _of(self, mention: str, of_type: str) -> list[Candidate]:
        if of_type not in self._indices:
            return []
        vectorizer, weights, concepts = self._indices[of_type]
        found = (vectorizer.transform([mention]) @ weights).tocoo()
        nearest = np.lexsort((found.col, -found.data))[:MOST_NAMES]
        return _first(
            (int(concepts[found.col[place]]), float(found.data[place])) for place in nearest
        )


class Fuzzy(Dictionary):
    """The nearest names by the edits from one to the other."""

    threshold = 0.9

    def __init__(self, store: Terminology) -> None:
        from rapidfuzz import fuzz, process

        super().__init__(store)
        self._nearest = lambda asked, names: process.extract(
            asked, names, scorer=fuzz.ratio, limit=MOST_NAMES
        )
        self._listed = {
            of_type: (list(names), list(names.values())) for of_type, names in self.names.items()
        }

    def _of(self, mention: str, of_type: str) -> list[Candidate]:
        names, concepts = self._listed[of_type]
        found = self._nearest(mention, names)
        return _first((concepts[place], ratio / 100) for _, ratio, place in found)


def _first(found) -> list[Candidate]:
    """The concepts of the nearest names, each once."""
    best: dict[int, float] = {}
    for concept, score in found:
        best.setdefault(concept, min(score, 1.0))
    return [Candidate(concept, "near", score) for concept, score in list(best.items())[:MOST]]
