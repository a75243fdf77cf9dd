"""brat standoff: a folder of pairs, ``NAME.txt`` with the text and ``NAME.ann`` with annotations.

    T1	Chemical 0 7	Aspirin
    T2	Disease 12 17;22 26	acute pain
    R1	Treats Arg1:T1 Arg2:T2

Offsets count every character of the text file, line ends and a U+FEFF at its head among them; the
end is exclusive. Discontinuous mentions (``12 17;22 26``) are dropped and counted. Relations,
events, attributes, normalisations and notes are not entities and are passed over. The id of a
document is its NAME. Refused: a line of an unknown kind, an ``.ann`` without its ``.txt``, a
surface form that is not in the text (brat writes a blank where the text breaks the line).
"""

from __future__ import annotations

import os
from pathlib import Path

from llmner_hf.core.entities import Language
from llmner_hf.core.errors import InputError
from llmner_hf.readers.files import Place, lines, uncompressed_name, whole
from llmner_hf.readers.reading import Gathering, Mention, Reading, place_number

_NOT_ENTITIES = "REAMN#*"


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
    label, _, span = cells[1].partition(" ") if len(cells) == 3 else ("", "", "")
    fragments = [fragment.split(" ") for fragment in span.split(";")]
    if any(len(fragment) != 2 for fragment in fragments):
        raise place.error(f"{line[:60]!r}: an entity is 'T1<tab>Type start end<tab>text'")
    offsets = [place_number(place, offset) for fragment in fragments for offset in fragment]
    if len(offsets) > 2:
        return None
    start, end = offsets
    surface, found = cells[2], text[start:end]
    return Mention(
        place, start, end, label, found if found.replace("\n", " ") == surface else surface
    )


def _annotations(path: Path, text: str, gathering: Gathering) -> list[Mention]:
    mentions = []
    for place, line in lines(path):
        if line.startswith("T"):
            mention = _mention(place, line, text)
            if mention:
                mentions.append(mention)
            else:
                gathering.dropped["discontinuous mention"] += 1
        elif line.strip() and line[0] not in _NOT_ENTITIES:
            raise place.error(f"{line[:60]!r}: a line begins with T or one of {_NOT_ENTITIES}")
    return mentions


def read(path: str | os.PathLike[str], *, dataset: str, language: Language | None) -> Reading:
    """The documents of a brat folder, by name; None guesses each text's language.

    Raises:
        InputError: it is no folder, or holds no brat files.
        FormatError: a line is not brat, or a mention is not in its text.
    """
    gathering = Gathering(dataset, language)
    for name, files in _pairs(Path(path)).items():
        if "txt" not in files:
            raise Place(files["ann"]).error(f"{name}.txt is missing")
        text = whole(files["txt"], encoding="utf-8")
        if "ann" not in files:
            gathering.remarks["text without an .ann file"] += 1
        mentions = _annotations(files["ann"], text, gathering) if "ann" in files else []
        gathering.add(Place(files["txt"]), name, text, mentions)
    return gathering.reading()
