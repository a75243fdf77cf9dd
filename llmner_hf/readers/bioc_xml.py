"""BioC as XML, read and written; `bioc` tells what both forms hold.

Refused beside that: all that `markup` refuses, and written, characters that XML cannot hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from llmner_hf.core.errors import UnrepresentableError
from llmner_hf.readers.entries import Entry
from llmner_hf.readers.files import AnyPath, write_lines
from llmner_hf.readers.markup import parse, place_of
from llmner_hf.readers.passages import Annotation, Document, infons_of, passages_of
from llmner_hf.readers.reading import Gathering

# What XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def _parts(passage: Element) -> Iterator[Element]:
    """The elements that carry the text: a passage, or the sentences in it."""
    sentences = list(passage.iter("sentence"))
    yield from sentences if sentences and not passage.findtext("text") else [passage]


def _annotation(path: AnyPath, annotation: Element) -> Annotation:
    place = place_of(path, annotation)
    locations = [
        (place.number(at.get("offset")), place.number(at.get("length")))
        for at in annotation.findall("location")
    ]
    infons: dict[str, str] = {}
    for infon in annotation.findall("infon"):
        infons.setdefault(infon.get("key", ""), infon.text or "")
    if "type" not in infons:
        raise place.error('an annotation needs <infon key="type">')
    return Annotation(place, infons["type"], locations, annotation.findtext("text"), infons)


def documents(path: AnyPath, gathering: Gathering) -> Iterator[Document]:
    """The documents of a file.

    Raises:
        FormatError: it is not BioC's XML.
    """
    root = parse(path)
    if root.tag != "collection":
        raise place_of(path, root).error(f"<{root.tag}> is not BioC; its root is <collection>")
    for element in root.iter("document"):
        document = Document(place_of(path, element), element.findtext("id") or "")
        for number, passage in enumerate(element.iter("passage")):
            for part in _parts(passage):
                place = place_of(path, part)
                offset = place.number(part.findtext("offset"))
                text = part.findtext("text")
                document.remarks["passage without text"] += text is None
                document.append(place, offset, text or "")
            document.end_of_passage(number)
        document.annotations += gathering.each(
            lambda annotation: _annotation(path, annotation), element.iter("annotation")
        )
        yield document


def write(path: AnyPath, entries: Iterable[Entry]) -> None:
    """Write a collection, all or nothing.

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
            for start, end, kind in passages_of(entry):
                yield f'<passage><infon key="type">{kind}</infon><offset>{start}</offset>'
                yield f"<text>{_escaped(entry, entry.example.text[start:end])}</text>"
                yield from _annotations(entry, start, end)
                yield "</passage>"
            yield "</document>"
        yield "</collection>"

    write_lines(path, rows())


def _annotations(entry: Entry, start: int, end: int) -> Iterator[str]:
    """The entities that begin in a passage, or on the blank behind it."""
    for number, (entity, row) in enumerate(entry.rows()):
        if start <= entity.start <= end:
            yield f'<annotation id="{number}">'
            for key, value in infons_of(entity, entry).items():
                yield f'<infon key="{key}">{_escaped(entry, str(value))}</infon>'
            length = entity.end - entity.start
            yield f'<location offset="{entity.start}" length="{length}"/>'
            yield f"<text>{_escaped(entry, str(row['text']))}</text></annotation>"


def _escaped(entry: Entry, text: str) -> str:
    """Characters of an element; a carriage return would else be read as a line break."""
    bad = _NOT_XML.search(text)
    if bad:
        raise UnrepresentableError(
            f"{entry.example.id[:60]!r}: XML cannot hold the character {bad[0]!r}; use BioC JSON"
        )
    return escape(text, {"\r": "&#13;"})
