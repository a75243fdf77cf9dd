"""BioC, XML or JSON: documents of passages, each with its offset, and annotations.

Offsets count characters of the whole document; an annotation gives a start and a length. The text
is put together from the passages, or from their sentences where a passage has no text of its own,
at their offsets, and what lies between two of them becomes blanks. The type is the infon with the
key "type". A mention in several locations is one span where only blanks lie between them. Dropped
and counted: other annotations with several locations (discontinuous), and those with none (about
the document as a whole). Relations are not entities. Refused: passages that overlap, a surface form
that is not in the text, and in XML all that `markup` refuses. A JSON file is a collection, a list,
PubTator 3's object, one document, or one of these a line; its errors name the document.

Written: a passage for the title, where it is known, and one for the rest; a score is an infon.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape, quoteattr

from llmner_hf.core.entities import Language
from llmner_hf.core.errors import FormatError, UnrepresentableError
from llmner_hf.readers.entries import Entry
from llmner_hf.readers.files import Place, head, write_lines
from llmner_hf.readers.markup import parse, place_of
from llmner_hf.readers.reading import Gathering, Mention, Reading, one_span, place_number
from llmner_hf.readers.records import Record, as_record, each_value

# Offsets that skip passages (a caption left out) leave gaps of some thousand characters; more in a
# whole document is a wrong number, and filling it would fill the memory.
_WIDEST_GAPS = 1_000_000
# What XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")

_Annotation = tuple[Place, str, list[tuple[int, int]], str | None, float | None]


@dataclass(slots=True)
class _Document:
    place: Place
    id: str
    parts: list[str] = field(default_factory=list)
    length: int = 0
    gaps: int = 0
    title: int | None = None
    annotations: list[_Annotation] = field(default_factory=list)
    refused: list[FormatError] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)

    def append(self, place: Place, offset: int, text: str) -> None:
        """A passage or a sentence."""
        gap = offset - self.length
        self.gaps += gap
        if gap < 0 or self.gaps > _WIDEST_GAPS:
            raise place.error(
                f"document {self.id[:60]!r}: a passage at {offset}, where the text before it ends "
                f"at {self.length}"
            )
        self.remarks["gap between passages"] += bool(self.length) and gap > 1
        self.parts.append(" " * gap + text)
        self.length += gap + len(text)

    def end_of_passage(self, number: int) -> None:
        """Take the first of the passages, counted from 0, as the title."""
        if number == 0:
            self.title = self.length

    def add_to(self, gathering: Gathering) -> None:
        """Give the document out."""
        text = "".join(self.parts)
        mentions = [m for a in self.annotations if (m := _mention(text, a, gathering))]
        for error in self.refused:
            gathering.refuse(error)
        kept = gathering.add(self.place, self.id, text, mentions)
        if kept and self.title is not None and text[self.title : self.title + 1] == " ":
            gathering.titles[self.id] = self.title
        gathering.remarks += self.remarks


def _score(value: object) -> float | None:
    """The score of an infon; None where it is no probability, as tools use the name freely."""
    try:
        score = float(str(value))
    except ValueError:
        return None
    return score if 0 <= score <= 1 else None


def _mention(text: str, annotation: _Annotation, gathering: Gathering) -> Mention | None:
    """The mention of an annotation; None, counted, where it is no span."""
    place, label, locations, surface, score = annotation
    spans = [(start, start + length) for start, length in locations]
    span = one_span(text, spans)
    if span is None:
        reason = "discontinuous mention" if spans else "annotation without a location"
        gathering.dropped[reason] += 1
        return None
    if len(spans) > 1:
        gathering.remarks["mention in fragments with blanks between, joined"] += 1
        if surface is not None and surface.split() == text[slice(*span)].split():
            surface = None
    return Mention(place, *span, label, surface, score)


def _xml_parts(passage: Element) -> Iterator[Element]:
    """The elements that carry the text: a passage, or the sentences in it."""
    sentences = list(passage.iter("sentence"))
    yield from sentences if sentences and not passage.findtext("text") else [passage]


def _xml_type(place: Place, annotation: Element) -> str:
    for infon in annotation.findall("infon"):
        if infon.get("key") == "type":
            return infon.text or ""
    raise place.error('an annotation needs <infon key="type">')


def _xml_annotation(path: str | os.PathLike[str], annotation: Element) -> _Annotation:
    place = place_of(path, annotation)
    locations = [
        (place_number(place, at.get("offset")), place_number(place, at.get("length")))
        for at in annotation.findall("location")
    ]
    score = _score(annotation.findtext("infon[@key='score']"))
    return place, _xml_type(place, annotation), locations, annotation.findtext("text"), score


def _xml_documents(path: str | os.PathLike[str]) -> Iterator[_Document]:
    root = parse(path)
    if root.tag != "collection":
        raise place_of(path, root).error(f"<{root.tag}> is not BioC; its root is <collection>")
    for element in root.iter("document"):
        document = _Document(place_of(path, element), element.findtext("id") or "")
        for number, passage in enumerate(element.iter("passage")):
            for part in _xml_parts(passage):
                place = place_of(path, part)
                offset = place_number(place, part.findtext("offset"))
                document.append(place, offset, part.findtext("text") or "")
            document.end_of_passage(number)
        for annotation in element.iter("annotation"):
            try:
                document.annotations.append(_xml_annotation(path, annotation))
            except FormatError as error:
                document.refused.append(error)
        yield document


def _json_annotation(place: Place, annotation: Record) -> _Annotation:
    infons = as_record(place, annotation.fields.get("infons"))
    label, score = infons.text("type"), _score(infons.fields.get("score"))
    locations = [
        (at.whole_number("offset"), at.whole_number("length"))
        for at in annotation.records("locations")
    ]
    surface = annotation.text("text") if "text" in annotation else None
    return place, label, locations, surface, score


def _json_document(record: Record) -> _Document:
    document = _Document(record.place, record.identifier("id"))
    holders = []
    for number, passage in enumerate(record.records("passages")):
        sentences = passage.records("sentences")
        own = passage.text("text") if "text" in passage else ""
        for part in [passage] if own or not sentences else sentences:
            text = part.text("text") if "text" in part else ""
            document.append(record.place, part.whole_number("offset"), text)
        document.end_of_passage(number)
        holders += [passage, *sentences]
    for holder in (*holders, record):
        for annotation in holder.records("annotations"):
            try:
                document.annotations.append(_json_annotation(record.place, annotation))
            except FormatError as error:
                document.refused.append(error)
    return document


def _json_records(record: Record) -> Iterator[Record]:
    """The documents of a collection, of PubTator 3's object, or the one that the record is."""
    for name in ("documents", "PubTator3"):
        if name in record:
            yield from record.records(name)
            return
    if "passages" not in record:
        raise record.place.error('BioC JSON is an object with a list "documents" or "passages"')
    yield record


def _json_documents(path: str | os.PathLike[str]) -> Iterator[_Document]:
    found = (item for record in each_value(path) for item in _json_records(record))
    for index, record in enumerate(found):
        within = Place(path, 0, f"document number {index} from 0: ")
        yield _json_document(as_record(within, record.fields))


def read(
    path: str | os.PathLike[str],
    *,
    dataset: str,
    language: Language | None,
    skip_bad: bool = False,
) -> Reading:
    """The documents of a BioC file; None guesses each text's language.

    Raises:
        FormatError: it is not BioC, or a mention is not in its text and not to be skipped.
    """
    gathering = Gathering(dataset, language, skip_bad)
    is_xml = head(path).lstrip().startswith("<")
    for document in _xml_documents(path) if is_xml else _json_documents(path):
        document.add_to(gathering)
    return gathering.reading()


def _passages(entry: Entry) -> list[dict[str, object]]:
    """The passages of a document, each entity in the passage in which it begins."""
    text, parts = entry.example.text, [(0, "title"), (len(entry.example.text) + 1, "")]
    if entry.title is not None:
        parts[1:] = [(entry.title + 1, "abstract"), parts[1]]
    else:
        parts[0] = (0, "text")
    passages: list[dict[str, object]] = []
    for (start, kind), (end, _) in pairwise(parts):
        annotations = [
            {
                "id": str(number),
                "infons": {"type": row["type"]}
                | ({"score": row["score"]} if "score" in row else {}),
                "text": row["text"],
                "locations": [{"offset": entity.start, "length": entity.end - entity.start}],
            }
            for number, (entity, row) in enumerate(entry.rows())
            if start <= entity.start < end
        ]
        passages.append(
            {
                "offset": start,
                "infons": {"type": kind},
                "text": text[start : end - 1],
                "sentences": [],
                "annotations": annotations,
                "relations": [],
            }
        )
    return passages


def write_json(path: str | os.PathLike[str], entries: Iterable[Entry]) -> None:
    """Write a collection as JSON, a document a line, all or nothing.

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
                "passages": _passages(entry),
                "relations": [],
            }
            before = json.dumps(document, ensure_ascii=False, allow_nan=False)
        yield before
        yield "]}"

    write_lines(path, rows())


def write_xml(path: str | os.PathLike[str], entries: Iterable[Entry]) -> None:
    """Write a collection as XML, all or nothing.

    Raises:
        UnrepresentableError: a text holds a character that XML cannot.
        RunError: the file cannot be written.
    """

    def rows() -> Iterator[str]:
        yield '<?xml version="1.0" encoding="UTF-8"?>'
        yield '<!DOCTYPE collection SYSTEM "BioC.dtd">'
        yield "<collection><source/><date/><key/>"
        for entry in entries:
            yield f"<document><id>{_escaped(entry, entry.example.id)}</id>"
            for passage in _passages(entry):
                yield from _xml_passage(entry, passage)
            yield "</document>"
        yield "</collection>"

    write_lines(path, rows())


def _xml_passage(entry: Entry, passage: dict[str, object]) -> Iterator[str]:
    """The lines of a passage."""
    (kind,) = as_record(Place(""), passage["infons"]).fields.values()
    text = _escaped(entry, str(passage["text"]))
    yield f'<passage><infon key="type">{kind}</infon><offset>{passage["offset"]}</offset>'
    yield f"<text>{text}</text>"
    for annotation in Record(Place(""), passage).records("annotations"):
        infons = as_record(Place(""), annotation.fields["infons"]).fields
        (location,) = annotation.records("locations")
        yield f"<annotation id={quoteattr(annotation.text('id'))}>" + "".join(
            f'<infon key="{key}">{_escaped(entry, str(value))}</infon>'
            for key, value in infons.items()
        )
        yield '<location offset="{offset}" length="{length}"/>'.format(**location.fields)
        yield f"<text>{_escaped(entry, annotation.text('text'))}</text></annotation>"
    yield "</passage>"


def _escaped(entry: Entry, text: str) -> str:
    """Characters of an element; a carriage return would else be read as a line break."""
    bad = _NOT_XML.search(text)
    if bad:
        raise UnrepresentableError(
            f"{entry.example.id[:60]!r}: XML cannot hold the character {bad[0]!r}; use BioC JSON"
        )
    return escape(text, {"\r": "&#13;"})
