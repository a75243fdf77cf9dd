"""Strict entity scores as an `evaluate` metric: a thin face of `llmner_hf.core.scoring`.

In: one list of entities a document, predicted and gold: dictionaries of a pipeline, whose type is
``entity_group``, or of a tagged dataset, whose type is ``type``. Out: one flat dictionary of
numbers. Refused, by place: offsets that are not whole numbers, missing keys, tags of tokens. Every
fact about scoring lives in the core; this file converts at the border. `llmner push` puts the
modules of the core that it imports beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from operator import index
from typing import Any

import datasets
import evaluate

from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import InputError, OffsetError
from llmner_hf.core.scoring import Linked, LinkScores, link_scores, score

_DESCRIPTION = """
Strict scores for named entity recognition with nested entities: an entity counts only if its start,
its end and its type are all exactly right. Wrong predictions are told apart into four classes: type
(right span, wrong type), span (overlaps a gold entity of its type), type_span (overlaps gold
entities of other types only) and spurious (overlaps none).
"""

_KWARGS_DESCRIPTION = """
Args:
    predictions: one list of predicted entities a document, each a dictionary with `start` and
        `end`, half-open characters of the text, and `type`, or `entity_group` as pipelines call
        it. It may have `links`, the concepts that it names: ids, or dictionaries with an `id`.
        Other keys are passed over: `predictions=ner(texts)` works as it is.
    references: the gold entities, likewise and in the same order of documents:
        `references=dataset["entities"]` works as it is.

An `evaluate.evaluator` or `EvaluationSuite` compares tags of tokens, which are no entities: they
are refused. Call `compute` with the entities.

Duplicates collapse, and the order of the entities of a document never matters. Zero denominators
give 0.0.

Returns:
    precision, recall, f1: micro-averaged over all entities of all documents.
    macro_f1: the mean F1 of the types that occur among the references or the predictions.
    correct, predicted, gold: the counts behind the first three.
    f1_TYPE: the F1 of one type, for every type that occurs.
    errors_type, errors_span, errors_type_span, errors_spurious: wrong predictions by class.
    errors_missed: gold entities that no prediction matches exactly.
    Where a reference has links, and an empty list is one that says "no concept":
    links_accuracy: the share of gold mentions with a concept that were found whose ids are right,
        all of them.
    links_precision, links_recall, links_f1: span, type and ids are right.
    links_f1_documents: the F1 of the set of ids of a document.

Raises:
    ValueError: a document is no list, an entity lacks a key, an offset is no whole number, or a
        span is empty; the message names the place.

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
    "links": datasets.List(datasets.Value("string")),
}


def read_entities(entities: Any, place: str) -> list[tuple[Entity, list[str] | None]]:
    """The entities of one document, each with the ids of its concepts.

    Raises:
        InputError: they are no list, or one of them is no entity.
    """
    if isinstance(entities, str | Mapping) or not isinstance(entities, Iterable):
        raise InputError(
            f"{place} is {_shown(entities)}; give a list of entities for each document, an empty "
            "one for a document without entities"
        )
    places = ((entity, f"{place}[{number}]") for number, entity in enumerate(entities))
    return [(_entity(entity, here), _links(entity, here)) for entity, here in places]


def _entity(entity: Any, place: str) -> Entity:
    """The entity of a dictionary.

    Raises:
        InputError: a key is missing, or its value is none that an entity has.
    """
    if not isinstance(entity, Mapping):
        raise InputError(
            f"{place} is {_shown(entity)}, not an entity; this metric counts entities, no tags of "
            "tokens as `evaluate.evaluator` gives: compute(predictions=ner(texts), "
            'references=dataset["entities"])'
        )
    label_key = "entity_group" if "entity_group" in entity and "type" not in entity else "type"
    if missing := [key for key in ("start", "end", label_key) if entity.get(key) is None]:
        raise InputError(
            f"{place} has no {' and no '.join(missing)}; an entity is a dictionary with start, end "
            "and type (or entity_group)"
        )
    start, end = (_offset(entity[key], f"{place}, {key}") for key in ("start", "end"))
    try:
        return Entity(start, end, str(entity[label_key]))
    except OffsetError as error:
        raise InputError(f"{place}: {error}; the end is exclusive") from None


def _links(entity: Mapping[str, Any], place: str) -> list[str] | None:
    """The ids of the concepts of an entity; None where it says nothing of them.

    Raises:
        InputError: they are no list of ids, or of dictionaries with an id.
    """
    links = entity.get("links")
    if links is None:
        return None
    listed = isinstance(links, Iterable) and not isinstance(links, str | Mapping)
    stated = [one.get("id") if isinstance(one, Mapping) else one for one in links] if listed else []
    ids = [id for id in stated if isinstance(id, str) and id]
    if not listed or len(ids) < len(stated):
        raise InputError(f"{place}, links is {_shown(links)}; give a list of ids of concepts")
    return ids


def _rows(documents: Any, name: str) -> list[list[dict[str, Any]]]:
    """The entities of documents as the columns of ``_ENTITY``."""
    if isinstance(documents, str | Mapping) or not isinstance(documents, Iterable):
        raise InputError(f"{name} is {_shown(documents)}; give one list of entities a document")
    return [
        [
            {"start": e.start, "end": e.end, "type": e.label, "links": links}
            for e, links in read_entities(document, f"{name}[{number}]")
        ]
        for number, document in enumerate(documents)
    ]


def _offset(value: Any, place: str) -> int:
    """A whole number, NumPy's too."""
    if not isinstance(value, bool):
        with suppress(TypeError):
            return index(value)
    raise InputError(f"{place} is {value!r}; an offset is a whole number of characters")


def _shown(value: Any) -> str:
    """A value as an error quotes it."""
    return repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:60]}..."


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

    # Where evaluate's own functions take entities in: it would round 0.5 to 0, and fill in None.
    def add_batch(self, *, predictions: Any = None, references: Any = None, **more: Any) -> None:
        """Take in several documents; `compute` does it for all that it is given."""
        sides = {"predictions": predictions, "references": references}
        super().add_batch(**{name: _rows(side, name) for name, side in sides.items()}, **more)

    def add(self, *, prediction: Any = None, reference: Any = None, **more: Any) -> None:
        """Take in one document."""
        (predicted,), (gold,) = _rows([prediction], "prediction"), _rows([reference], "reference")
        super().add(prediction=predicted, reference=gold, **more)

    def _compute(
        self, predictions: list[list[dict[str, Any]]], references: list[list[dict[str, Any]]]
    ) -> dict[str, float | int]:
        predicted, gold = (
            {
                str(n): {Entity(e["start"], e["end"], e["type"]): e["links"] for e in rows}
                for n, rows in enumerate(side)
            }
            for side in (predictions, references)
        )
        scores = score(gold, predicted)
        linked = any(links is not None for found in gold.values() for links in found.values())
        return {
            "precision": scores.strict.precision,
            "recall": scores.strict.recall,
            "f1": scores.strict.f1,
            "macro_f1": scores.macro_f1,
            **asdict(scores.strict),
            **{f"f1_{label}": counts.f1 for label, counts in scores.per_type.items()},
            **{f"errors_{kind}": number for kind, number in asdict(scores.errors).items()},
            **(_of_links(gold, predicted) if linked else {}),
        }


def _of_links(gold: Linked, predicted: Linked) -> dict[str, float]:
    scores = sum(link_scores(gold, predicted).values(), LinkScores())
    return {
        "links_accuracy": scores.mentions.recall,
        "links_precision": scores.end_to_end.precision,
        "links_recall": scores.end_to_end.recall,
        "links_f1": scores.end_to_end.f1,
        "links_f1_documents": scores.documents.f1,
    }
