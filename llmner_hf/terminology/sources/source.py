"""A file of a distributor while it is read: what is asked of it, and what was met in it.

In: a path and `Options`. A reader takes the file's lines from here and gives its concepts through
`Source.concepts`, which is the one gate: blanks of a name are made one, a name of more than
`LONGEST_NAME` characters is refused as a name. Out, beside the concepts: what was left out and what
is remarkable, counted, with the first places of each. Nothing here raises for one bad line; a file
that is no such file at all, or is cut off, is refused as a whole.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from llmner_hf.core.errors import InputError
from llmner_hf.readers.files import Place, opened
from llmner_hf.terminology.concept import LONGEST_NAME, Concept
from llmner_hf.terminology.sources.selection import Selection

_SHOWN_PLACES = 3
Scope = Literal["exact", "related", "narrow", "broad"]
Role = Literal["id", "name", "synonyms", "type", "parents", "same"]


@dataclass(frozen=True, slots=True)
class Options:
    """What a user says of the files.

    Attributes:
        selection: the concepts to take and their types; an empty one is that of the format.
        scopes: the synonyms to take of an ontology.
        languages: the languages to take of the UMLS and RxNorm, as these write them.
        columns: role -> name of a column of a table, where it is not that of the role.
        separator: what stands between several values in a cell of a table.
        prefix: of ids of a table that have none; the name of the file where it is "".
    """

    selection: Selection = field(default_factory=Selection)
    scopes: tuple[Scope, ...] = ("exact", "related")
    languages: tuple[str, ...] = ("ENG", "CHI")
    columns: Mapping[Role, str] = field(default_factory=dict)
    separator: str = "|"
    prefix: str = ""


@dataclass(slots=True)
class Source:
    """A file that is being read.

    Attributes:
        path: where it is.
        options: what is asked of it.
        selection: the concepts to take and their types.
        known: concepts of files before this one, by id.
        dropped: what is in the file and not among the concepts, and why -> number.
        remarks: what was kept and is remarkable -> number.
        places: either's reason -> the first places where it was met.
        version: of the data, where the file says it.
        licence: likewise.
        attribution: likewise.
    """

    path: str | os.PathLike[str]
    options: Options = field(default_factory=Options)
    selection: Selection = field(default_factory=Selection)
    known: Mapping[str, Concept] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)
    version: str = ""
    licence: str = ""
    attribution: str = ""

    def __post_init__(self) -> None:
        self.selection = self.options.selection or self.selection

    def place(self, line: int = 0, within: str = "") -> Place:
        """A place in the file."""
        return Place(self.path, line, within)

    def drop(self, place: Place, reason: str) -> None:
        """Count what is left out, and keep its place."""
        self.dropped[reason] += 1
        self._noted(place, reason)

    def remark(self, place: Place, reason: str) -> None:
        """Count what is kept and remarkable, and keep its place."""
        self.remarks[reason] += 1
        self._noted(place, reason)

    def _noted(self, place: Place, reason: str) -> None:
        places = self.places.setdefault(reason, [])
        if len(places) < _SHOWN_PLACES:
            line = f"line {place.line}" if place.line else ""
            places.append(f"{line} {place.within}".strip())

    def concepts(
        self,
        place: Place,
        id: str,
        kind: str,
        names: Iterable[str],
        parents: Iterable[str] = (),
        same: Iterable[str] = (),
    ) -> Iterator[Concept]:
        """The concept of a record; none, with the reason counted, where it cannot be one.

        Args:
            place: of the record.
            id: with its prefix.
            kind: its type; "" where it is not selected.
            names: the preferred one first.
            parents: ids of broader concepts.
            same: ids of other terminologies.
        """
        if not kind:
            self.dropped["concept that is not selected"] += 1
            return
        kept = self._names(place, names)
        if not kept:
            self.drop(place, "concept without a name")
            return
        above, others = self._ids(place, id, parents), self._ids(place, id, same)
        try:
            yield Concept(id, kept[0], kind, tuple(kept[1:]), above, others)
        except InputError:
            self.drop(place, "id that is none, as it is empty or holds a blank")

    def _ids(self, place: Place, own: str, ids: Iterable[str]) -> tuple[str, ...]:
        kept = dict[str, None]()
        for id in ids:
            if any(map(str.isspace, id)):
                self.drop(place, "id of another concept that holds a blank")
            elif id != own:
                kept[id] = None
        return tuple(kept)

    def _names(self, place: Place, names: Iterable[str]) -> list[str]:
        kept = dict[str, None]()
        for name in names:
            name = " ".join(name.split())
            if len(name) > LONGEST_NAME:
                self.drop(place, f"name of more than {LONGEST_NAME:,} characters")
            elif name:
                kept[name] = None
        return list(kept)

    def lines(self) -> Iterator[tuple[Place, str]]:
        """The lines that are text, without their ends; others are counted."""
        with opened(self.path) as stream:
            yield from self.decoded(stream)

    def headed(self) -> tuple[Place, str, Iterator[tuple[Place, str]]]:
        """The first line with its place, and the lines behind it.

        Raises:
            FormatError: the file is empty.
        """
        lines = self.lines()
        place, first = next(lines, (self.place(), ""))
        if not first:
            raise place.error("the first line is empty; it has the names of the columns")
        return place, first, lines

    def decoded(self, stream: Iterable[bytes]) -> Iterator[tuple[Place, str]]:
        """The lines of a stream that are text, without their ends; others are counted."""
        for number, raw in enumerate(stream, 1):
            place = self.place(number)
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                self.drop(place, "line that is not UTF-8")
                continue
            yield place, text.rstrip("\r\n")

    def rows(
        self, lines: Iterable[tuple[Place, str]], header: Sequence[str], delimiter: str
    ) -> Iterator[tuple[Place, dict[str, str]]]:
        """The rows of a table as column -> cell; those with another number of cells are counted.

        Raises:
            FormatError: a quotation mark is never closed.
        """
        cells = _quoted(lines) if delimiter == "," else _split(lines, delimiter)
        for place, row in cells:
            if row is None or len(row) != len(header):
                self.drop(place, "row with other cells than the header")
            elif any(row):
                yield place, dict(zip(header, map(str.strip, row), strict=True))


def _split(
    lines: Iterable[tuple[Place, str]], delimiter: str
) -> Iterator[tuple[Place, list[str] | None]]:
    """Cells between tabs; a pair of quotation marks around a whole cell is taken away."""
    for place, line in lines:
        if line.strip():
            yield place, [_bare(cell) for cell in line.split(delimiter)]


def _bare(cell: str) -> str:
    """A cell without quotation marks around it.

    >>> _bare('"A1|A2"'), _bare('"Q" fever')
    ('A1|A2', '"Q" fever')
    """
    inner = cell[1:-1].replace('""', "")
    if len(cell) > 1 and cell[0] == cell[-1] == '"' and '"' not in inner:
        return cell[1:-1].replace('""', '"')
    return cell


def _quoted(lines: Iterable[tuple[Place, str]]) -> Iterator[tuple[Place, list[str] | None]]:
    """Cells of CSV, which may hold line breaks; None for a row that is malformed."""
    begin: list[Place] = []

    def texts() -> Iterator[str]:
        for place, line in lines:
            begin.append(place)
            yield line + "\n"

    reader = csv.reader(texts(), strict=True)
    while True:
        begin.clear()
        try:
            row = next(reader, None)
        except csv.Error as error:
            if "end of data" in str(error) or "field limit" in str(error):
                raise begin[0].error(
                    "a quotation mark opens here and is not closed, or far below; close it"
                ) from None
            yield begin[0], None
            continue
        if row is None:
            return
        if row:
            yield begin[0], row
