"""Strict entity scores as an `evaluate` metric: a thin face of `llmner_hf.core.scoring`.

In: one list of ``{"start", "end", "type"}`` a document, predicted and gold. Out: one flat
dictionary of numbers. Every fact about scoring lives in the core; this file converts at the border.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import datasets
import evaluate

from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import OffsetError
from llmner_hf.core.scoring import score

_DESCRIPTION = """
Strict scores for named entity recognition with nested entities: an entity counts only if its start,
its end and its type are all exactly right. Wrong predictions are told apart into four classes: type
(right span, wrong type), span (overlaps a gold entity of its type), type_span (overlaps gold
entities of other types only) and spurious (overlaps none).
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: one list of predicted entities a document, each a dictionary with `start` and
        `end`, half-open characters of the text, and `type`.
    references: the gold entities, in the same form and the same order of documents.

Duplicates collapse, and the order of the entities of a document never matters. Zero denominators
give 0.0.

Returns:
    precision, recall, f1: micro-averaged over all entities of all documents.
    macro_f1: the mean F1 of the types that occur among the references or the predictions.
    correct, predicted, gold: the counts behind the first three.
    f1_TYPE: the F1 of one type, for every type that occurs.
    errors_type, errors_span, errors_type_span, errors_spurious: wrong predictions by class.
    errors_missed: gold entities that no prediction matches exactly.

Examples:
    Two documents, the second without any gold entity:

    >>> import evaluate
    >>> metric = evaluate.load("llmner_hf/spaces/bioner_strict")
    >>> references = [
    ...     [{"start": 0, "end": 4, "type": "protein"}, {"start": 0, "end": 9, "type": "DNA"}],
    ...     [],
    ... ]
    >>> predictions = [
    ...     [{"start": 0, "end": 4, "type": "protein"}, {"start": 0, "end": 8, "type": "DNA"}],
    ...     [{"start": 3, "end": 7, "type": "DNA"}],
    ... ]
    >>> results = metric.compute(predictions=predictions, references=references)
    >>> results["f1"], results["f1_protein"], results["f1_DNA"]
    (0.4, 1.0, 0.0)
    >>> results["errors_span"], results["errors_spurious"], results["errors_missed"]
    (1, 1, 1)
"""

_CITATION = """
Lv et al., A Unified Biomedical Named Entity Recognition Framework with Large Language Models.
Scores as in its section III-A, error classes as in its section II-C.
"""

_ENTITY = {
    "start": datasets.Value("int64"),
    "end": datasets.Value("int64"),
    "type": datasets.Value("string"),
}


def read_entities(entities: Iterable[Mapping[str, Any]], place: str) -> list[Entity]:
    """The entities of one document.

    Raises:
        OffsetError: a span is empty or negative; names ``place``.
    """
    try:
        return [Entity(entity["start"], entity["end"], entity["type"]) for entity in entities]
    except OffsetError as error:
        raise OffsetError(f"{place}: {error}; the end is exclusive") from None


class BioNerStrict(evaluate.Metric):
    """Strict micro precision, recall and F1, F1 per type, and error classes."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=_DESCRIPTION,
            citation=_CITATION,
            inputs_description=_KWARGS_DESCRIPTION,
            # `List`, not `Sequence`: a Sequence of a dictionary means a dictionary of lists, and
            # evaluate 0.4.6 then refuses lists of dictionaries.
            features=datasets.Features(
                {"predictions": datasets.List(_ENTITY), "references": datasets.List(_ENTITY)}
            ),
        )

    def _compute(
        self, predictions: list[list[dict[str, Any]]], references: list[list[dict[str, Any]]]
    ) -> dict[str, float | int]:
        predicted, gold = (
            {str(n): read_entities(side[n], f"{name}[{n}]") for n in range(len(side))}
            for name, side in (("predictions", predictions), ("references", references))
        )
        scores = score(gold, predicted)
        return {
            "precision": scores.strict.precision,
            "recall": scores.strict.recall,
            "f1": scores.strict.f1,
            "macro_f1": scores.macro_f1,
            **asdict(scores.strict),
            **{f"f1_{label}": counts.f1 for label, counts in scores.per_type.items()},
            **{f"errors_{kind}": number for kind, number in asdict(scores.errors).items()},
        }
