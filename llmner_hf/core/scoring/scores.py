"""All scores of a run: strict (the paper's, section III-A), lenient, per type, by nesting, errors.

In: document id -> entities, gold and predicted. Out: `Scores`, which add over documents.

- ``strict``: span and type exactly right; the only score that the paper's tables know.
- ``exact_span``, ``type_overlap``, ``relaxed``: a predicted entity is correct, and a gold entity
  found, when the other side has an entity of the document with the same span (any type), of the
  same type that shares a character, or that shares a character (any type). See `PartnerCounts`.
- ``per_type``: strict, for every type that occurs in gold or in the prediction.
- ``flat`` and ``nested``: strict, for entities that nest and those that do not (`Overlaps.nested`).
  A gold entity belongs where the gold nesting puts it, and so does a prediction that matches it; a
  wrong prediction belongs where the nesting among the predictions puts it. So the two add up to
  ``strict``, and no precision or recall can exceed 1.
- ``errors``: `ErrorCounts`; ``deviations``: see `core.scoring.deviations`, empty without tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from llmner_hf.core.entities import Entity, Span
from llmner_hf.core.errors import InputError
from llmner_hf.core.scoring.counts import Counts, Documents, PartnerCounts, aligned
from llmner_hf.core.scoring.deviations import Ruler, deviations
from llmner_hf.core.scoring.error_classes import ErrorCounts, classify
from llmner_hf.core.scoring.overlaps import Overlaps
from llmner_hf.core.sums import Summed

Spans = Iterable[Span]


@dataclass(frozen=True, slots=True)
class Scores(Summed):
    """The counts of a document or, added, of a corpus."""

    strict: Counts = field(default_factory=Counts)
    exact_span: PartnerCounts = field(default_factory=PartnerCounts)
    type_overlap: PartnerCounts = field(default_factory=PartnerCounts)
    relaxed: PartnerCounts = field(default_factory=PartnerCounts)
    flat: Counts = field(default_factory=Counts)
    nested: Counts = field(default_factory=Counts)
    errors: ErrorCounts = field(default_factory=ErrorCounts)
    per_type: Mapping[str, Counts] = field(default_factory=dict)
    deviations: Counter[int] = field(default_factory=Counter)

    @property
    def macro_f1(self) -> float:
        """The mean of the strict F1 of the types in ``per_type``; 0.0 if there is none.

        A type that was predicted but is not in gold counts with an F1 of 0.0.
        """
        return sum(counts.f1 for counts in self.per_type.values()) / max(len(self.per_type), 1)


def _by_label(gold: frozenset[Entity], predicted: frozenset[Entity]) -> dict[str, Counts]:
    counters = [
        Counter(entity.label for entity in side) for side in (gold & predicted, predicted, gold)
    ]
    labels = sorted(set().union(*counters))
    return {label: Counts(*(counter[label] for counter in counters)) for label in labels}


def _nested(gold: Overlaps, predicted: Overlaps) -> Counts:
    """The strict counts of the nested entities; the opening paragraph says which those are."""
    nested_gold = gold.nested()
    wrong = predicted.nested().difference(gold.entities)
    right = nested_gold.intersection(predicted.entities)
    return Counts(len(right), len(right) + len(wrong), len(nested_gold))


def _partners(
    gold: Mapping[Entity, list[Entity]],
    predicted: Mapping[Entity, list[Entity]],
    agree: Callable[[Entity, Entity], bool],
) -> PartnerCounts:
    """Count the entities with a partner; both sides map an entity to what overlaps it."""

    def partnered(near: Mapping[Entity, list[Entity]]) -> int:
        return sum(any(agree(one, other) for other in others) for one, others in near.items())

    return PartnerCounts(partnered(predicted), len(predicted), partnered(gold), len(gold))


def document_scores(
    gold: Iterable[Entity], predicted: Iterable[Entity], tokens: Spans | None = None
) -> Scores:
    """The scores of one document; ``tokens`` are half-open characters, for the deviations.

    Raises:
        OffsetError: the given tokens are empty or overlap.
    """
    gold, predicted = frozenset(gold), frozenset(predicted)
    gold_side, predicted_side = Overlaps(gold), Overlaps(predicted)
    near_gold = {entity: predicted_side.of(entity) for entity in gold}
    near_predicted = {entity: gold_side.of(entity) for entity in predicted}
    strict = Counts.of(gold, predicted)
    nested = _nested(gold_side, predicted_side)
    classes = (classify(entity, near) for entity, near in near_predicted.items())
    return Scores(
        strict=strict,
        exact_span=_partners(near_gold, near_predicted, lambda one, other: one.span == other.span),
        type_overlap=_partners(
            near_gold, near_predicted, lambda one, other: one.label == other.label
        ),
        relaxed=_partners(near_gold, near_predicted, lambda one, other: True),
        flat=strict - nested,
        nested=nested,
        errors=ErrorCounts.of(filter(None, classes), missed=strict.gold - strict.correct),
        per_type=_by_label(gold, predicted),
        deviations=deviations(gold_side, predicted, Ruler(tokens))
        if tokens is not None
        else Counter(),
    )


def score(
    gold: Documents, predicted: Documents, *, tokens: Mapping[str, Spans] | None = None
) -> Scores:
    """The scores of a prediction.

    Args:
        gold: document id -> its gold entities; every document, those without entities too.
        predicted: document id -> its predicted entities; a document that is absent has none.
        tokens: document id -> half-open characters of its tokens, for ``deviations`` alone.

    Raises:
        InputError: a document was predicted that gold does not know, or has no tokens.
        OffsetError: the given tokens are empty or overlap.

    >>> gold = {"a": [Entity(0, 4, "protein"), Entity(0, 9, "DNA")]}
    >>> scores = score(gold, {"a": [Entity(0, 4, "protein"), Entity(0, 8, "DNA")]})
    >>> scores.strict.f1, scores.per_type["protein"].f1, scores.errors.span, scores.errors.missed
    (0.5, 1.0, 1, 1)
    """
    total = Scores()
    for document, golds, guesses in aligned(gold, predicted):
        if tokens is not None and document not in tokens:
            raise InputError(f"document {document!r} has no tokens; give them for every document")
        total += document_scores(golds, guesses, None if tokens is None else tokens[document])
    return total
