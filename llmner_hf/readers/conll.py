"""CoNLL columns: a token and its tag on a line, an empty line between sentences.

    Aspirin	B-Chemical
    helps	O

Columns are separated by tabs, or by blanks where a line has no tab. Tags are IOB1, IOB2, BIOES,
BILOU or BMES; an inside tag that continues nothing begins an entity, as conlleval has it. A
sentence is an example, and its text is **rebuilt**: the tokens joined by one blank, with the
offsets referring to that. A byte order mark at the head of the file is no part of the first token.
Rows that are marks and not text are skipped and remarked. Refused: a row without a tag or without
a token, an unknown tag.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator

from llmner_hf.core.entities import Language
from llmner_hf.readers.files import Place, lines, stem
from llmner_hf.readers.reading import Gathering, Mention, Reading, numbered_id

DOCUMENT_MARK = "-DOCSTART-"
TAG = re.compile(r"O|[BIESLUMW]-(\S.*)")

_Row = tuple[Place, str, str]


def _row(place: Place, line: str, column: int) -> _Row:
    """The place, token and tag of a line."""
    cells = line.split("\t") if "\t" in line else [cell for cell in line.split(" ") if cell]
    try:
        token, tag = cells[0], cells[column]
    except IndexError:
        raise place.error(f"{line[:60]!r} has no column {column}") from None
    if len(cells) < 2 or not token:
        raise place.error(f"{line[:60]!r}: a row is a token, columns, and a tag")
    if not TAG.fullmatch(tag):
        raise place.error(f"tag {tag!r} is not O and not a letter of BIOESLUMW, '-' and a type")
    return place, token, tag


def _mentions(rows: list[_Row]) -> Iterator[Mention]:
    """The entities of a sentence, offsets in its rebuilt text."""
    position, going_on = 0, False
    open_mention: Mention | None = None
    for place, token, tag in rows:
        letter, label, end = tag[0], tag[2:], position + len(token)
        inside = open_mention and going_on and letter in "IELM" and label == open_mention.label
        if open_mention and not inside:
            yield open_mention
            open_mention = None
        if letter != "O":
            at, start = (
                (open_mention.place, open_mention.start) if open_mention else (place, position)
            )
            open_mention = Mention(at, start, end, label)
        going_on = letter in "BIM"
        position = end + 1
    if open_mention:
        yield open_mention


def _sentences(
    path: str | os.PathLike[str], column: int, skip: Collection[str], gathering: Gathering
) -> Iterator[list[_Row]]:
    rows: list[_Row] = []
    for place, line in lines(path):
        if line.strip(" \t"):
            if line.partition("\t")[0].partition(" ")[0] in skip:
                gathering.remarks["skipped row"] += 1
            else:
                rows.append(_row(place, line, column))
        elif rows:
            yield rows
            rows = []
    if rows:
        yield rows


def read(
    path: str | os.PathLike[str],
    *,
    dataset: str,
    language: Language | None,
    column: int = -1,
    skip: Collection[str] = (DOCUMENT_MARK,),
) -> Reading:
    """The sentences of a CoNLL file.

    Args:
        path: the file.
        dataset: goes into every example.
        language: likewise; None guesses it for each sentence.
        column: the column of the tag, from 0 or from the end.
        skip: rows whose token is one of these are marks ("<ALL>" and "</ALL>" in BioRED's).

    Raises:
        FormatError: a row is not one of tokens and tags.
    """
    gathering, file = Gathering(dataset, language), stem(path)
    for index, rows in enumerate(_sentences(path, column, skip, gathering)):
        text = " ".join(token for _, token, _ in rows)
        identifier = numbered_id(dataset, file, index)
        gathering.add(rows[0][0], identifier, text, _mentions(rows))
    return gathering.reading()
