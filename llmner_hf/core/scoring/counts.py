"""Counts of right and wrong entities, and the precision, recall and F1 that follow from them.

In: sets of entities, document by document. Out: `Counts`, where one gold entity answers one
predicted entity, and `PartnerCounts`, where several may share a partner. Both add, so a corpus is
the sum of its documents, and both give 0.0 where a denominator is zero. Refused: a predicted
document that gold does not know, because its entities could not be told from spurious ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import InputError
from llmner_hf.core.sums import Summed

Documents = Mapping[str, Iterable[Entity]]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


@dataclass(frozen=True, slots=True)
class Counts(Summed):
    """Entities that are exactly right, predicted, and gold.

    >>> (Counts(1, 2, 4) + Counts(1, 1, 0)).precision
    0.6666666666666666
    """

    correct: int = 0
    predicted: int = 0
    gold: int = 0

    @classmethod
    def of(cls, gold: frozenset[Entity], predicted: frozenset[Entity]) -> Counts:
        """The counts of one document."""
        return cls(len(gold & predicted), len(predicted), len(gold))

    @property
    def precision(self) -> float:
        """The share of predicted entities that are correct."""
        return _ratio(self.correct, self.predicted)

    @property
    def recall(self) -> float:
        """The share of gold entities that were predicted."""
        return _ratio(self.correct, self.gold)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return _ratio(2 * self.correct, self.predicted + self.gold)


@dataclass(frozen=True, slots=True)
class PartnerCounts(Summed):
    """Entities that have a partner on the other side, counted from both sides.

    Two predicted entities may overlap one gold entity, so that "correct" has two readings:
    ``correct`` of the ``predicted`` entities have a gold partner (precision), ``found`` of the
    ``gold`` entities have a predicted partner (recall). Neither can exceed 1.

    >>> PartnerCounts(correct=2, predicted=2, found=1, gold=2).f1
    0.6666666666666666
    """

    correct: int = 0
    predicted: int = 0
    found: int = 0
    gold: int = 0

    @property
    def precision(self) -> float:
        """The share of predicted entities that have a gold partner."""
        return _ratio(self.correct, self.predicted)

    @property
    def recall(self) -> float:
        """The share of gold entities that have a predicted partner."""
        return _ratio(self.found, self.gold)

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return _ratio(2 * self.precision * self.recall, self.precision + self.recall)


def aligned(
    gold: Documents, predicted: Documents
) -> Iterator[tuple[str, frozenset[Entity], frozenset[Entity]]]:
    """Every document's id with its gold and its predicted entities, sorted by id.

    Raises:
        InputError: a document was predicted that gold does not know.
    """
    unknown = sorted(predicted.keys() - gold.keys())
    if unknown:
        raise InputError(
            f"document {unknown[0]!r} is predicted but not in gold ({len(unknown)} such); "
            "give it gold entities, an empty list if it has none, or drop it"
        )
    for document in sorted(gold):
        yield document, frozenset(gold[document]), frozenset(predicted.get(document, ()))


def document_counts(gold: Documents, predicted: Documents) -> dict[str, Counts]:
    """The strict counts of every document; they add to those of the corpus.

    Raises:
        InputError: a document was predicted that gold does not know.

    >>> document_counts({"a": [Entity(0, 4, "DNA")], "b": []}, {"a": [Entity(0, 4, "RNA")]})
    {'a': Counts(correct=0, predicted=1, gold=1), 'b': Counts(correct=0, predicted=0, gold=0)}
    """
    return {name: Counts.of(golds, guesses) for name, golds, guesses in aligned(gold, predicted)}
