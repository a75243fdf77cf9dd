"""BioC as JSON, read and written; `bioc` tells what both forms hold.

A file is a collection, a list, PubTator 3's object, one document, or one of these a line. Its
errors name the document, since one value may be all of the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from llmner_hf.readers.entries import Entry
from llmner_hf.readers.files import AnyPath, Place, write_lines
from llmner_hf.readers.passages import Annotation, Document, infons_of, passages_of
from llmner_hf.readers.reading import Gathering
from llmner_hf.readers.records import Record, as_record, each_value, misnamed


def _annotation(place: Place, annotation: Record) -> Annotation:
    infons = as_record(place, annotation.fields.get("infons"))
    label = infons.text("type")
    locations = [
        (at.whole_number("offset"), at.whole_number("length"))
        for at in annotation.records("locations")
    ]
    surface = annotation.text("text") if "text" in annotation else None
    return Annotation(place, label, locations, surface, infons.fields)


def _document(record: Record, gathering: Gathering) -> Document:
    document = Document(record.place, record.identifier("id"))
    holders = []
    _require_lists(record, "passages")
    for number, passage in enumerate(record.records("passages")):
        sentences = passage.records("sentences")
        own = passage.text("text") if "text" in passage else ""
        if not own and not sentences:
            _require_lists(passage, "sentences")
            document.remarks["passage without text"] += "text" not in passage
        for part in [passage] if own or not sentences else sentences:
            text = part.text("text") if "text" in part else ""
            document.append(record.place, part.whole_number("offset"), text)
        document.end_of_passage(number)
        holders += [passage, *sentences]
    for holder in (*holders, record):
        gathering.refuse(*misnamed(holder, "annotations", ("locations",)))
        document.annotations += gathering.each(
            lambda annotation: _annotation(record.place, annotation), holder.records("annotations")
        )
    return document


def _require_lists(record: Record, name: str) -> None:
    """Refuse texts under another name than passages or sentences have.

    Raises:
        FormatError: there are some.
    """
    for error in misnamed(record, name, ("offset",)):
        raise error


def _records(record: Record) -> Iterator[Record]:
    """The documents of a collection, of PubTator 3's object, or the one that the record is."""
    for name in ("documents", "PubTator3"):
        if name in record:
            yield from record.records(name)
            return
    if "passages" not in record:
        raise record.place.error('BioC JSON is an object with a list "documents" or "passages"')
    yield record


def documents(path: AnyPath, gathering: Gathering) -> Iterator[Document]:
    """The documents of a file.

    Raises:
        FormatError: it is not BioC's JSON.
    """
    found = (item for record in each_value(path) for item in _records(record))
    for index, record in enumerate(found):
        within = Place(path, 0, f"document number {index} from 0: ")
        yield _document(as_record(within, record.fields), gathering)


def _passage(entry: Entry, start: int, end: int, kind: str) -> dict[str, object]:
    """A passage with the entities that begin in it, or on the blank behind it."""
    annotations = [
        {
            "id": str(number),
            "infons": infons_of(entity, entry),
            "text": row["text"],
            "locations": [{"offset": entity.start, "length": entity.end - entity.start}],
        }
        for number, (entity, row) in enumerate(entry.rows())
        if start <= entity.start <= end
    ]
    return {
        "offset": start,
        "infons": {"type": kind},
        "text": entry.example.text[start:end],
        "sentences": [],
        "annotations": annotations,
        "relations": [],
    }


def write(path: AnyPath, entries: Iterable[Entry]) -> None:
    """Write a collection, a document a line, all or nothing.

    Raises:
        RunError: the file cannot be written.
    """

    def rows() -> Iterator[str]:
        yield '{"source": "", "date": "", "key": "", "infons": {}, "documents": ['
        before = ""
        for entry in entries:
            if before:
                yield before + ","
            document = {
                "id": entry.example.id,
                "infons": {},
                "passages": [_passage(entry, *passage) for passage in passages_of(entry)],
                "relations": [],
            }
            before = json.dumps(document, ensure_ascii=False, allow_nan=False)
        yield before
        yield "]}"

    write_lines(path, rows())
