"""Names that look like a mention: neighbours by character trigrams (scikit-learn's TF-IDF).

In: a terminology and a mention. Out: the names of a type that share most trigrams with it, with
their cosine similarity. The index of a type is made when it is first asked for: some 15 seconds for
a hundred thousand names. It answers where no form of a name fits.
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


@dataclass(frozen=True, slots=True)
class _Index:
    """The names of a type: weights (trigrams, names), and the concept of each name (names,)."""

    vectorizer: Any
    weights: Any
    names: list[str]
    concepts: np.ndarray


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
        asked = index.vectorizer.transform([" ".join(tokens_of(mention))])
        found = (asked @ index.weights).tocoo()
        nearest = sorted(zip(-found.data, found.col, strict=True))[:most]
        return [
            (int(index.concepts[place]), index.names[place], min(-float(cosine), 1.0))
            for cosine, place in nearest
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
        for number in range(self._terminology.names):
            concept = self._terminology.concept_of(number)
            if self._terminology.type(concept) == of_type:
                name = self._terminology.name(number)
                if 0 < len(name) <= LONGEST:
                    names.setdefault(" ".join(tokens_of(name)), concept)
        names.pop("", None)
        if not names:
            return None
        vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 3), sublinear_tf=True, dtype=np.float32
        )
        weights = vectorizer.fit_transform(names)
        concepts = np.fromiter(names.values(), dtype=np.int64, count=len(names))
        return _Index(vectorizer, weights.T.tocsr(), list(names), concepts)
