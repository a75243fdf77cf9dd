"""The package's own files: one document a line, gold or predicted, read and written.

    {"id": "101", "text": "IL-2 gene", "entities": [{"start": 0, "end": 4, "type": "protein"}]}

(on one line; a JSON array of such documents is read likewise). Offsets are half-open characters. An
entity may have "text", which must then be what stands there, "score", which predictions have, and
"links" to concepts (`links`). A document may have "dataset" and "language", which go before the
caller's, and "article", its group. An id may be a whole number; without ids documents are numbered.
Other fields travel along. An entity may also be as the pipeline gives it, with "entity_group" and
"word".

A document without "entities" has none and is remarked, so that a file of bare texts cannot pass
unseen for one of predictions. Refused: spans in a field of another name, where "entities" is
missing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import get_args

from llmner_hf.core.entities import Example, Language, Prediction, ScoredEntity
from llmner_hf.readers.entries import Entry, entity_row
from llmner_hf.readers.files import AnyPath, Place, head, stem, write_lines
from llmner_hf.readers.links import of_record
from llmner_hf.readers.reading import Gathering, Mention, numbered_id, reader
from llmner_hf.readers.records import Record, as_record, each_line, each_value, misnamed

Row = Mapping[str, object]

_BARE = 'document without "entities"'


def _stated(record: Record, remarks: Counter[str]) -> Mention:
    """A mention, in the names of these files or in those of the pipeline's output."""
    label = "entity_group" if "entity_group" in record and "type" not in record else "type"
    word = next((name for name in ("text", "word") if name in record), None)
    surface = record.text(word) if word else None
    start, end = record.whole_number("start"), record.whole_number("end")
    score = record.share("score") if "score" in record.fields else None
    name = record.text(label)
    links = of_record(record, name, remarks)
    return Mention(record.place, start, end, name, surface, score, links)


def _language(record: Record, default: Language | None) -> Language | None:
    if "language" not in record:
        return default
    for known in get_args(Language):
        if record.fields["language"] == known:
            return known
    raise record.place.error(f"language {record.fields['language']!r} is not one of 'zh', 'en'")


def gather(
    record: Record, gathering: Gathering, identifier: str | None = None, text_field: str = "text"
) -> None:
    """Add the document of a row; None takes the identifier of the row."""
    listed = gathering.each(record.items, ["entities"])
    mentions = gathering.each(
        lambda item: _stated(as_record(record.place, item), gathering.remarks),
        chain.from_iterable(listed),
    )
    if "entities" not in record:
        gathering.remarks[_BARE] += 1
        gathering.refuse(*misnamed(record, "entities", ("start", "end")))
    article = record.text("article") if "article" in record else None
    identifier = record.identifier("id") if identifier is None else identifier
    if gathering.add(record.place, identifier, record.text(text_field), mentions, article):
        others = {
            name: value
            for name, value in record.fields.items()
            if name not in ("id", text_field, "text", "entities")
        }
        hidden = text_field != "text" and "text" in record
        gathering.remarks['field "text" beside the one with the text, left out'] += hidden
        if others:
            gathering.fields[identifier] = others


def _records(path: AnyPath) -> Iterator[Record]:
    """One document a line, or those of an array, or of objects that run over several lines."""
    first = next(iter(head(path).strip("\ufeff \t\r\n").splitlines()), "")
    by_line = not first or (first.startswith("{") and first.rstrip().endswith("}"))
    return each_line(path) if by_line else each_value(path)


@reader
def read(path: AnyPath, gathering: Gathering, **fields: str) -> None:
    """The documents of a file; the options are those of `gather_rows`."""
    gather_rows(_records(path), path, gathering, **fields)


def gather_rows(
    records: Iterable[Record],
    path: AnyPath,
    whole: Gathering,
    text_field: str = "text",
    id_field: str = "id",
) -> None:
    """Add the documents of rows, wherever these come from.

    Raises:
        FormatError: there is no such field.
    """
    dataset, language = whole.dataset, whole.language
    place, named, number = Place(path), 0, 0
    for number, record in enumerate(records):
        if not number and text_field not in record.fields:
            columns = ", ".join(map(repr, record.fields)) or "none"
            raise record.place.error(
                f"field {text_field!r} is missing; fields are {columns[:200]}: name the one with "
                "the text, --text-field"
            )
        whole.dataset = record.text("dataset") if record.fields.get("dataset") else dataset
        whole.language = _language(record, language)
        has_id = id_field in record
        named += has_id
        made = numbered_id(dataset, stem(path), number)
        gather(record, whole, record.identifier(id_field) if has_id else made, text_field)
    if id_field != "id" and number and not named:
        raise place.error(f"no document has the field {id_field!r}")
    whole.numbered = bool(whole.examples) and not named


def read_predictions(path: AnyPath) -> tuple[Prediction, ...]:
    """The documents of a file as predictions, each entity with its score or 1, and its links.

    Raises:
        FormatError: a line is not such a document, or an id comes twice.
    """
    predictions: dict[str, Prediction] = {}
    for record in each_line(path):
        alone = Gathering("", None)
        gather(record, alone)
        reading = alone.reading()
        (example,) = reading.examples
        if example.id in predictions:
            raise record.place.error(f"a second document {example.id!r}; ids have to differ")
        scores, links = reading.scores.get(example.id, {}), reading.links.get(example.id, {})
        scored = (
            ScoredEntity(entity, scores.get(entity, 1.0), links.get(entity, ()))
            for entity in example.entities
        )
        predictions[example.id] = Prediction(example.id, tuple(scored))
    return tuple(predictions.values())


def gold_row(example: Example) -> Row:
    """An example as a row of a gold file.

    >>> from llmner_hf.core.entities import Entity
    >>> gold_row(Example("1", "IL-2 gene", (Entity(0, 4, "protein"),), "genia", "en"))["entities"]
    [{'start': 0, 'end': 4, 'type': 'protein', 'text': 'IL-2'}]
    """
    return {
        "id": example.id,
        "text": example.text,
        "dataset": example.dataset,
        "language": example.language,
        "entities": [entity_row(entity, example.text) for entity in example.entities],
    }


def predicted_row(text: str, prediction: Prediction, fields: Row | None = None) -> Row:
    """A prediction and the text it is about as a row of a prediction file."""
    found = [entity_row(s.entity, text, s.score, s.links or None) for s in prediction.scored]
    return {"id": prediction.id, "text": text, **(fields or {}), "entities": found}


def entry_row(entry: Entry) -> Row:
    """A document to write as a row."""
    example, entities = entry.example, [row for _, row in entry.rows()]
    return {"id": example.id, "text": example.text, **entry.fields, "entities": entities}


def write(path: AnyPath, rows: Iterable[Row]) -> int:
    """Write rows, all or nothing; the number of rows.

    Raises:
        RunError: the file cannot be written.
    """

    def written() -> Iterator[str]:
        for row in rows:
            yield json.dumps(row, ensure_ascii=False, allow_nan=False)

    return write_lines(path, written())
