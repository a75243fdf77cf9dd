"""Tables of one's own: CSV or TSV with a header.

In: columns "id", "name", "synonyms", "type", "parents" and "same"; others can be named for each of
these roles. Only a name is needed. Several values of a cell stand between bars. Out: concepts. A
row without an id has the number of its line for one. An id without a terminology gets that of
`Options.prefix`, else the name of the file. The type of a row is what its cell says; with a
selection it is what the selection says of the cell, and a row without a cell has the type that is
told for all.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from typing import get_args

from llmner_hf.core.errors import InputError
from llmner_hf.readers.files import Place, stem
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.source import Role, Source

ROLES: tuple[Role, ...] = get_args(Role)


def read(source: Source) -> Iterator[Concept]:
    """The concepts of a table.

    Raises:
        InputError: a column that was named is not there.
        FormatError: it has no column of names, or no type is told.
    """
    place, first, lines = source.headed()
    delimiter = "\t" if "\t" in first or "," not in first else ","
    header = _header(place, first, delimiter)
    columns = _columns(source, place, header)
    for place, row in source.rows(lines, header, delimiter):
        cells = {role: row[column] for role, column in columns.items()}
        if not cells.get("id"):
            source.remarks["row without an id, numbered by its line"] += 1
        yield from source.concepts(
            place,
            _written(source, cells.get("id") or str(place.line)),
            _type(source, cells.get("type", "")),
            [cells["name"], *_several(source, cells.get("synonyms", ""))],
            [_written(source, each) for each in _several(source, cells.get("parents", ""))],
            [_written(source, each) for each in _several(source, cells.get("same", ""))],
        )


def _header(place: Place, line: str, delimiter: str) -> list[str]:
    header = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
    twice = [name for name, number in Counter(header).items() if number > 1]
    if twice:
        raise place.error(f"two columns have the name {twice[0][:60]!r}; rename one")
    return header


def _columns(source: Source, place: Place, header: list[str]) -> dict[Role, str]:
    """Role -> its column, of those that are there."""
    named = source.options.columns
    for column in named.values():
        if column not in header:
            raise InputError(f"{source.path}: no column {column!r}; it has {', '.join(header)}")
    found = {role: named.get(role, role) for role in ROLES if named.get(role, role) in header}
    if "name" not in found:
        raise place.error(
            f"no column of names; call one 'name', or say which it is (--columns name={header[0]})"
        )
    if "type" not in found and not source.selection.rest:
        raise place.error("no column 'type'; say one type for all (--type), or which column it is")
    return found


def _type(source: Source, cell: str) -> str:
    if source.selection.keys:
        return source.selection.by_key([cell])
    return cell or source.selection.rest


def _several(source: Source, cell: str) -> list[str]:
    values = (value.strip() for value in cell.split(source.options.separator))
    return [value for value in values if value]


def _written(source: Source, id: str) -> str:
    prefix = source.options.prefix or "_".join(stem(source.path).split())
    return id if ":" in id else f"{prefix}:{id}"
