"""brat standoff: a folder of pairs, ``NAME.txt`` with the text and ``NAME.ann`` with annotations.

    T1	Chemical 0 7	Aspirin
    T2	Disease 12 17;22 26	acute pain
    R1	Treats Arg1:T1 Arg2:T2
    N1	Reference T1 MESH:D001241	Aspirin

Offsets count every character of the text file, line ends and a U+FEFF at its head among them; the
end is exclusive. brat cuts a mention at a line break (``0 12;13 17``): fragments between which only
blanks lie are one span. Other discontinuous mentions (``12 17;22 26``) are dropped and counted.
A normalisation (``N1``) of a mention names its concept and the concept's name; one of anything else
is left out and remarked. Relations, events, attributes and notes are not entities and are passed
over. The id of a document is its NAME. Refused: a line of an unknown kind, an ``.ann`` without its
``.txt``, a surface form that is not in the text.

Written, a mention is cut at line breaks likewise, and a blank in a type's name becomes ``_``, since
a blank ends the name there. That a mention has no concept cannot be said.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import InputError, UnrepresentableError
from llmner_hf.readers.files import (
    AnyPath,
    Place,
    lines,
    recoded,
    uncompressed_name,
    whole,
    write_lines,
)
from llmner_hf.readers.links import Links, of_named
from llmner_hf.readers.reading import Gathering, Mention, one_span, reader

_NOT_ENTITIES = "REAMN#*"
_NORMALISATION = re.compile(r"N\d*\t\S+ (\S+) (\S+)(?:\t(.*))?", re.DOTALL)
_PIECES = re.compile(r"[^\n\r]+")
_BREAKS = str.maketrans("\n\r", "  ")


def _pairs(folder: Path) -> dict[str, dict[str, Path]]:
    """NAME -> its files by their suffix, "txt" and "ann", in the order of the names."""
    if not folder.is_dir():
        raise InputError(f"{folder}: brat data is a folder of .txt and .ann files")
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        name, _, suffix = uncompressed_name(path).rpartition(".")
        if suffix not in ("txt", "ann") or name.startswith(".") or not name:
            continue
        files = found.setdefault(name, {})
        if suffix in files:
            raise InputError(f"{path}: {files[suffix].name} stands beside it; remove one")
        files[suffix] = path
    if not found:
        raise InputError(f"{folder}: no .txt and .ann files in it")
    return found


def _mention(place: Place, line: str, text: str) -> Mention | None:
    """The mention of a T line; None for a discontinuous one."""
    cells = line.split("\t", 2)
    label, _, written = cells[1].partition(" ") if len(cells) == 3 else ("", "", "")
    fragments = [fragment.split(" ") for fragment in written.split(";")]
    if any(len(fragment) != 2 for fragment in fragments):
        raise place.error(f"{line[:60]!r}: an entity is 'T1<tab>Type start end<tab>text'")
    offsets = [place.number(offset) for fragment in fragments for offset in fragment]
    span = one_span(text, list(zip(offsets[::2], offsets[1::2], strict=True)))
    if span is None:
        return None
    surface, found = cells[2], text[slice(*span)]
    # brat writes a blank where the text breaks the line, and one between fragments.
    same = found.translate(_BREAKS) == surface
    joined = len(fragments) > 1 and found.split() == surface.split()
    return Mention(place, *span, label, found if same or joined else surface)


def _annotations(path: AnyPath, text: str, gathering: Gathering) -> list[Mention]:
    """The mentions of a text, with their concepts; lines that are malformed do not fit."""
    mentions: list[tuple[str, Mention]] = []
    concepts: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)  # ids and names

    def take(row: tuple[Place, str]) -> None:
        place, line = row
        if line.startswith("T"):
            mention = _mention(place, line, text)
            if mention:
                mentions.append((line.partition("\t")[0], mention))
            gathering.dropped["discontinuous mention"] += mention is None
        elif line.startswith("N"):
            key, id, name = _normalisation(place, line)
            concepts[key].append((id, name))
        elif line.strip() and line[0] not in _NOT_ENTITIES:
            raise place.error(f"{line[:60]!r}: a line begins with T or one of {_NOT_ENTITIES}")

    gathering.each(take, lines(path))
    # Only now, since a normalisation may stand before its mention.
    stray = concepts.keys() - {key for key, _ in mentions}
    number = sum(len(concepts[key]) for key in stray)
    gathering.remarks["normalisation of no mention, left out"] += number
    return [
        replace(mention, links=of_named(concepts[key], mention.label, gathering.remarks))
        for key, mention in mentions
    ]


def _normalisation(place: Place, line: str) -> tuple[str, str, str]:
    """Which mention an N line is about, the id of its concept, and the concept's name."""
    stated = _NORMALISATION.fullmatch(line)
    if not stated:
        raise place.error(f"{line[:60]!r}: a normalisation is 'N1<tab>Reference T1 ID<tab>name'")
    return stated[1], stated[2], stated[3] or ""


@reader
def read(path: AnyPath, gathering: Gathering, encoding: str = "utf-8") -> None:
    """The documents of a brat folder, by name.

    Raises:
        InputError: it is no folder, or holds no brat files.
    """
    for name, files in _pairs(Path(path)).items():
        if "txt" not in files:
            raise Place(files["ann"]).error(f"{name}.txt is missing")
        text = whole(files["txt"], encoding)
        if "ann" not in files:
            gathering.remarks["text without an .ann file"] += 1
        notes = files.get("ann")
        mentions = _annotations(recoded(notes, encoding), text, gathering) if notes else []
        gathering.add(Place(files["txt"]), name, text, mentions)


def write(
    folder: AnyPath,
    examples: Iterable[Example],
    links: Mapping[str, Mapping[Entity, Links]] = MappingProxyType({}),
) -> int:
    """Write a pair of files for each document into a folder, made if missing; their number.

    Args:
        folder: where.
        examples: the documents.
        links: example id -> the concepts of its entities.

    Raises:
        UnrepresentableError: an id cannot be the name of a file, or a label not that of a type.
        RunError: a file cannot be written.
    """
    documents = tuple(examples)
    Path(folder).mkdir(parents=True, exist_ok=True)
    for example in documents:
        _require_name(example.id)
        rows = [_row(number, example) for number in range(len(example.entities))]
        rows += _normalisations(example, links.get(example.id, {}))
        Path(folder, f"{example.id}.txt").write_bytes(example.text.encode("utf-8"))
        write_lines(Path(folder, f"{example.id}.ann"), rows)
    return len(documents)


def _row(number: int, example: Example) -> str:
    entity = example.entities[number]
    label = entity.label.replace(" ", "_")
    if not label.isprintable():
        raise UnrepresentableError(
            f"{example.id}: the label {entity.label!r} cannot be the name of a type in brat; use "
            "JSON lines"
        )
    pieces = [match.span() for match in _PIECES.finditer(example.text, *entity.span)]
    if not pieces or (pieces[0][0], pieces[-1][1]) != entity.span:
        pieces = [entity.span]  # a line break at an end of the mention cannot be cut away
    places = ";".join(f"{start} {end}" for start, end in pieces)
    surface = " ".join(example.text[start:end] for start, end in pieces).translate(_BREAKS)
    return f"T{number + 1}\t{label} {places}\t{surface}"


def _normalisations(example: Example, links: Mapping[Entity, Links]) -> list[str]:
    numbered = enumerate(example.entities, 1)
    named = [(number, link) for number, entity in numbered for link in links.get(entity, ())]
    return [
        f"N{row}\tReference T{number} {link.id}\t{link.name.translate(_BREAKS)}"
        for row, (number, link) in enumerate(named, 1)
    ]


def _require_name(name: str) -> None:
    """Raise for an id that is no plain file name: it could lead out of the folder, or be hidden."""
    if not name.isprintable() or name.startswith(".") or not name or set(name) & set('/\\:*?"<>|'):
        raise UnrepresentableError(
            f"the id {name!r} cannot be the name of a file; rename the document or use JSON lines"
        )
