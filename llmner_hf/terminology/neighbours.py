"""Names that look like a mention: neighbours by character trigrams (scikit-learn's TF-IDF).

In: a terminology and a mention. Out: the names of a type that share most trigrams with it, with
their cosine similarity. The index of a type is made when it is first asked for: some six seconds
for a hundred thousand names. It answers where no form of a name fits.

Only names that share a rare trigram with the mention are compared: the trigrams of the mention are
taken from the rarest on, until the names that have them are `MOST_COMPARED`. A trigram of a hundred
thousand names costs most of the time and tells least.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np

from llmner_hf.core.linking.forms import tokens_of
from llmner_hf.terminology.store import Terminology

logger = logging.getLogger(__name__)

# Names of up to so many characters: longer ones are systematic, and hit by everything. Ours.
LONGEST = 60
# Entries of the index that are added up for a mention. Ours: of names that no form fits, on
# development parts, 98 in 100 have the same nearest name as by all entries.
MOST_COMPARED = 10_000
MOST_EXACT = 100  # names of which the cosine over all trigrams is computed


@dataclass(frozen=True, slots=True)
class _Index:
    """The names of a type.

    Attributes:
        vectorizer: a name to its weights.
        weights: of all names, (names, trigrams).
        by_trigram: the same, (trigrams, names).
        names: as they were indexed.
        concepts: of each name, (names,).
    """

    vectorizer: Any
    weights: Any
    by_trigram: Any
    names: list[str]
    concepts: np.ndarray

    def nearest(self, name: str, most: int) -> list[tuple[float, int]]:
        """The cosines of the nearest names with their numbers, the nearest first."""
        asked = self.vectorizer.transform([name])
        places = self._comparable(asked.indices, asked.data)
        cosines = (self.weights[places] @ asked.T).toarray()[:, 0]
        best = np.lexsort((places, -cosines))[:most]
        return [(min(float(cosines[one]), 1.0), int(places[one])) for one in best]

    def _comparable(self, trigrams: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The names with most of the rare trigrams, (at most `MOST_EXACT`,)."""
        starts, ends = self.by_trigram.indptr[trigrams], self.by_trigram.indptr[trigrams + 1]
        rarest = np.argsort(ends - starts, kind="stable")
        taken = np.cumsum((ends - starts)[rarest]) <= MOST_COMPARED
        taken[:1] = True
        lists = [(slice(starts[one], ends[one]), weights[one]) for one in rarest[taken]]
        if not lists:
            return np.zeros(0, dtype=np.int64)
        names = np.concatenate([self.by_trigram.indices[part] for part, _ in lists])
        added = np.concatenate([self.by_trigram.data[part] * weight for part, weight in lists])
        partial = np.bincount(names, added)
        places = np.flatnonzero(partial)
        if len(places) > MOST_EXACT:
            places = places[np.argpartition(-partial[places], MOST_EXACT)[:MOST_EXACT]]
        return places


class Neighbours:
    """The neighbours of mentions among the names of a terminology."""

    def __init__(self, terminology: Terminology) -> None:
        self._terminology = terminology
        self._indices: dict[str, _Index | None] = {}

    def of(self, mention: str, of_type: str, most: int = 20) -> list[tuple[int, str, float]]:
        """The nearest names, each with its concept and its cosine, the nearest first.

        Args:
            mention: as a text has it.
            of_type: the type of the concepts.
            most: so many names.
        """
        if of_type not in self._indices:
            self._indices[of_type] = self._index(of_type)
        index = self._indices[of_type]
        if index is None:
            return []
        nearest = index.nearest(" ".join(tokens_of(mention)), most)
        return [
            (int(index.concepts[place]), index.names[place], cosine) for cosine, place in nearest
        ]

    def _index(self, of_type: str) -> _Index | None:
        try:
            from sklearn.feature_extraction.text import TfidfVectorizer
        except ImportError:
            logger.warning(
                "names that are spelt as no name of the terminology are not linked: "
                "pip install 'llmner_hf[linking]'"
            )
            return None
        names: dict[str, int] = {}
        for number, concept in self._terminology.names_of_type(of_type):
            name = self._terminology.name(number)
            if 0 < len(name) <= LONGEST:
                names.setdefault(" ".join(tokens_of(name)), concept)
        names.pop("", None)
        if not names:
            return None
        vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 3), sublinear_tf=True, dtype=np.float32
        )
        weights = vectorizer.fit_transform(names).tocsr()
        concepts = np.fromiter(names.values(), dtype=np.int64, count=len(names))
        return _Index(vectorizer, weights, weights.T.tocsr(), list(names), concepts)
