"""BioC, XML or JSON: documents of passages, each with its offset, and annotations.

Offsets count characters of the whole document; an annotation gives a start and a length. The text
is put together from the passages (or their sentences) at their offsets, and what lies between two
of them becomes blanks. The type is the infon with the key "type". Dropped and counted: annotations
with several locations (discontinuous) or none (about the document as a whole). Relations are not
entities. Refused: passages that overlap, a surface form that is not in the text, and in XML all
that `markup` refuses. A JSON file is one value: its errors name the document instead of a line.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from llmner_hf.core.entities import Language
from llmner_hf.readers.files import Place, head
from llmner_hf.readers.markup import parse, place_of
from llmner_hf.readers.reading import Gathering, Mention, Reading, place_number
from llmner_hf.readers.records import Record, as_record, one_value

# Offsets that skip passages (a caption left out) leave gaps of some thousand characters; more is a
# wrong number, and filling it would fill the memory.
_WIDEST_GAP = 1_000_000


@dataclass(slots=True)
class _Document:
    place: Place
    id: str
    text: str = ""
    mentions: list[Mention] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)

    def append(self, place: Place, offset: int, text: str) -> None:
        """A passage or a sentence."""
        gap = offset - len(self.text)
        if not 0 <= gap <= _WIDEST_GAP:
            raise place.error(
                f"document {self.id!r}: a passage at {offset}, where the text before it ends at "
                f"{len(self.text)}"
            )
        self.remarks["gap between passages"] += bool(self.text) and gap > 1
        self.text += " " * gap + text

    def annotate(
        self, place: Place, label: str, locations: list[tuple[int, int]], surface: str | None
    ) -> None:
        """An annotation: (start, length) of its locations."""
        if len(locations) == 1:
            (start, length), *_ = locations
            self.mentions.append(Mention(place, start, start + length, label, surface))
        else:
            reason = "discontinuous mention" if locations else "annotation without a location"
            self.dropped[reason] += 1


def _xml_parts(passage: Element) -> Iterator[Element]:
    """The elements that carry the text: a passage, or the sentences in it."""
    if passage.find("text") is not None:
        yield passage
    else:
        yield from passage.iter("sentence")


def _xml_type(place: Place, annotation: Element) -> str:
    for infon in annotation.findall("infon"):
        if infon.get("key") == "type":
            return infon.text or ""
    raise place.error('an annotation needs <infon key="type">')


def _xml_documents(path: str | os.PathLike[str]) -> Iterator[_Document]:
    root = parse(path)
    if root.tag != "collection":
        raise place_of(path, root).error(f"<{root.tag}> is not BioC; its root is <collection>")
    for element in root.iter("document"):
        document = _Document(place_of(path, element), element.findtext("id") or "")
        for passage in element.iter("passage"):
            for part in _xml_parts(passage):
                place = place_of(path, part)
                offset = place_number(place, part.findtext("offset"))
                document.append(place, offset, part.findtext("text") or "")
        for annotation in element.iter("annotation"):
            place = place_of(path, annotation)
            locations = [
                (place_number(place, at.get("offset")), place_number(place, at.get("length")))
                for at in annotation.findall("location")
            ]
            label = _xml_type(place, annotation)
            document.annotate(place, label, locations, annotation.findtext("text"))
        yield document


def _json_annotate(document: _Document, holder: Record) -> None:
    for annotation in holder.records("annotations"):
        label = as_record(document.place, annotation.fields.get("infons")).text("type")
        locations = [
            (at.whole_number("offset"), at.whole_number("length"))
            for at in annotation.records("locations")
        ]
        surface = annotation.text("text") if "text" in annotation else None
        document.annotate(document.place, label, locations, surface)


def _json_document(record: Record) -> _Document:
    document = _Document(record.place, record.text("id"))
    for passage in record.records("passages"):
        sentences = passage.records("sentences")
        for part in [passage] if "text" in passage else sentences:
            text = part.text("text") if "text" in part else ""
            document.append(record.place, part.whole_number("offset"), text)
        for holder in (passage, *sentences):
            _json_annotate(document, holder)
    _json_annotate(document, record)
    return document


def _json_documents(path: str | os.PathLike[str]) -> Iterator[_Document]:
    place = Place(path)
    value = one_value(path)
    for collection in value if isinstance(value, list) else [value]:
        record = as_record(place, collection)
        if "documents" not in record:
            raise place.error('BioC JSON is an object with a list "documents"')
        for index, item in enumerate(record.records("documents")):
            within = Place(path, 0, f"document number {index} from 0: ")
            yield _json_document(as_record(within, item.fields))


def read(path: str | os.PathLike[str], *, dataset: str, language: Language | None) -> Reading:
    """The documents of a BioC file; None guesses each text's language.

    Raises:
        FormatError: it is not BioC, or a mention is not in its text.
    """
    gathering = Gathering(dataset, language)
    is_xml = head(path).lstrip().startswith("<")
    for document in _xml_documents(path) if is_xml else _json_documents(path):
        gathering.add(document.place, document.id, document.text, document.mentions)
        gathering.dropped += document.dropped
        gathering.remarks += document.remarks
    return gathering.reading()
