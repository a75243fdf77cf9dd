"""The package's own files: one document a line, gold or predicted, read and written.

    {"id": "101", "text": "IL-2 gene", "entities": [{"start": 0, "end": 4, "type": "protein"}]}

(on one line). Offsets are half-open characters. An entity may have "text", which must then be what
stands there, and "score", which predictions have. What a pipeline gives is read too, where the type
is called "entity_group" and the text "word". A document may have "dataset" and "language",
which go before the caller's, and "article", its group. Other fields are passed over. A document
without "entities" has none and is remarked, so that a file of bare texts cannot pass unseen for one
of predictions.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from llmner_hf.core.entities import Entity, Example, Language, Prediction, ScoredEntity
from llmner_hf.readers.files import write_lines
from llmner_hf.readers.reading import Gathering, Mention, Reading
from llmner_hf.readers.records import Record, each_line

Row = Mapping[str, object]


def _stated(record: Record) -> Mention:
    named = next((name for name in ("text", "word") if name in record), None)
    surface = record.text(named) if named else None
    start, end = record.whole_number("start"), record.whole_number("end")
    return Mention(record.place, start, end, _type(record), surface)


def _type(record: Record) -> str:
    """The type of an entity, by the name that a dataset or a pipeline gives it."""
    piped = "entity_group" in record and "type" not in record
    return record.text("entity_group" if piped else "type")


def _language(record: Record, default: Language | None) -> Language | None:
    if "language" not in record:
        return default
    for known in get_args(Language):
        if record.fields["language"] == known:
            return known
    raise record.place.error(f"language {record.fields['language']!r} is not one of 'zh', 'en'")


def gather(record: Record, gathering: Gathering) -> None:
    """Add the document of a row."""
    mentions = [_stated(mention) for mention in record.records("entities")]
    gathering.remarks['document without "entities"'] += "entities" not in record
    article = record.text("article") if "article" in record else None
    gathering.add(record.place, record.text("id"), record.text("text"), mentions, article)


def read(path: str | os.PathLike[str], *, dataset: str, language: Language | None) -> Reading:
    """The documents of a file; scores are left aside (`read_predictions` takes them).

    Raises:
        FormatError: a line is not such a document, or a mention is not in its text.
    """
    whole = Gathering(dataset, language)
    for record in each_line(path):
        whole.dataset = record.text("dataset") if "dataset" in record else dataset
        whole.language = _language(record, language)
        gather(record, whole)
    return whole.reading()


def _score(record: Record) -> float:
    """The score of an entity; 1 where the file gives none."""
    value = record.fields.get("score", 1.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise record.place.error(f"score {value!r} is not a number in [0, 1]")
    return float(value)


def read_predictions(path: str | os.PathLike[str]) -> tuple[Prediction, ...]:
    """The documents of a file as predictions, each entity with its score or 1.

    Raises:
        FormatError: a line is not such a document, or an id comes twice.
    """
    predictions: dict[str, Prediction] = {}
    for record in each_line(path):
        alone = Gathering("", None)
        gather(record, alone)
        identifier = record.text("id")
        if identifier in predictions:
            raise record.place.error(f"a second document {identifier!r}; ids have to differ")
        scored = tuple(
            ScoredEntity(
                Entity(entity.whole_number("start"), entity.whole_number("end"), _type(entity)),
                _score(entity),
            )
            for entity in record.records("entities")
        )
        predictions[identifier] = Prediction(identifier, scored)
    return tuple(predictions.values())


def _entity_row(entity: Entity) -> dict[str, object]:
    return {"start": entity.start, "end": entity.end, "type": entity.label}


def gold_row(example: Example) -> Row:
    """An example as a row of a gold file.

    >>> gold_row(Example("1", "IL-2 gene", (Entity(0, 4, "protein"),), "genia", "en"))["entities"]
    [{'start': 0, 'end': 4, 'type': 'protein'}]
    """
    return {
        "id": example.id,
        "text": example.text,
        "dataset": example.dataset,
        "language": example.language,
        "entities": [_entity_row(entity) for entity in example.entities],
    }


def predicted_row(text: str, prediction: Prediction) -> Row:
    """A prediction and the text it is about as a row of a prediction file."""
    entities = [
        {**_entity_row(scored.entity), "score": scored.score} for scored in prediction.scored
    ]
    return {"id": prediction.id, "text": text, "entities": entities}


def write(path: str | os.PathLike[str], rows: Iterable[Row]) -> int:
    """Write rows, all or nothing; the number of rows.

    Raises:
        RunError: the file cannot be written.
    """

    def written() -> Iterator[str]:
        for row in rows:
            yield json.dumps(row, ensure_ascii=False, allow_nan=False)

    return write_lines(path, written())
