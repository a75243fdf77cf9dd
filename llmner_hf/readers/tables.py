"""Tables with a header: CSV, TSV and Parquet, a document a row, read and written.

A column "text" (or another that is named) holds the text, a column "id" the id, and a column
"entities", if there is one, what JSON lines hold: in CSV and TSV as JSON in the cell, in Parquet as
a list of structs. Other columns travel along. Refused: a row with more or fewer cells than the
header, two columns of one name.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from llmner_hf.core.errors import UnrepresentableError
from llmner_hf.readers.entries import Entry
from llmner_hf.readers.files import AnyPath, Place, opened, whole, written_bytes
from llmner_hf.readers.json_lines import entry_row, gather_rows
from llmner_hf.readers.reading import Gathering, Reading, reader
from llmner_hf.readers.records import Record, is_nearly, one_line

_LARGEST_CELL = 2**31 - 1  # of the csv module, whose own limit of 131,072 a long article exceeds


@contextmanager
def _large_cells() -> Iterator[None]:
    """Lift the csv module's limit for a while."""
    before = csv.field_size_limit(_LARGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _rows(path: AnyPath, delimiter: str) -> Iterator[tuple[Place, list[str]]]:
    """The rows that are not blank, each with the line on which it begins."""
    text = io.StringIO(whole(path), newline="")
    found = csv.reader(text, delimiter=delimiter, strict=True)
    line = 1
    while True:
        try:
            row = next(found, None)
        except csv.Error as error:
            raise Place(path, line).error(f"not a table: {error}") from None
        if row is None:
            return
        if row:
            yield Place(path, line), row
        line = found.line_num + 1


def _records(path: AnyPath, delimiter: str) -> Iterator[Record]:
    rows = _rows(path, delimiter)
    place, header = next(rows, (Place(path, 1), []))
    twice = [name for name, number in Counter(header).items() if number > 1]
    if twice:
        raise place.error(f"two columns have the name {twice[0][:60]!r}; rename one")
    if "entities" not in header and (near := [n for n in header if is_nearly(n, "entities")]):
        raise place.error(f"column {near[0]!r}: its name has to be 'entities', or less like it")
    for place, row in rows:
        if len(row) != len(header):
            raise place.error(f"{len(row)} cells where the header has {len(header)}")
        fields: dict[str, object] = dict(zip(header, row, strict=True))
        cell = fields.pop("entities", None)
        if isinstance(cell, str) and cell.strip():
            fields["entities"] = one_line(place, cell)
        for name in ("id", "article", "language"):
            if fields.get(name) == "":
                del fields[name]
        yield Record(place, fields)


@reader
def read(path: AnyPath, gathering: Gathering, delimiter: str = ",", **fields: str) -> None:
    """The documents of a CSV file; the options are those of `json_lines.gather_rows`."""
    with _large_cells():
        records = list(_records(path, delimiter))
    gather_rows(records, path, gathering, **fields)


def read_tsv(path: AnyPath, **options: Any) -> Reading:
    """The documents of a TSV file, as `read` reads those of a CSV file."""
    return read(path, delimiter="\t", **options)


@reader
def read_parquet(path: AnyPath, gathering: Gathering, **fields: str) -> None:
    """The documents of a Parquet file; the options are those of `json_lines.gather_rows`."""
    import pyarrow
    from pyarrow import parquet

    try:
        with opened(path) as stream:
            rows = parquet.read_table(pyarrow.BufferReader(stream.read())).to_pylist()
    except (pyarrow.ArrowException, UnicodeDecodeError) as error:
        raise Place(path).error(f"not a Parquet file: {str(error).splitlines()[0]}") from None
    places = (Place(path, 0, f"row {number} from 0: ") for number in range(len(rows)))
    records = (
        Record(place, {name: _plain(value) for name, value in row.items() if value is not None})
        for place, row in zip(places, rows, strict=True)
    )
    gather_rows(records, path, gathering, **fields)


def _plain(value: object) -> object:
    """A value as JSON can hold it: dates and the like as text, no number for NaN."""
    if isinstance(value, dict):
        # A struct has every key in every row; what a row lacks is null.
        return {str(name): _plain(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, str | int | float) else str(value)


def _header(rows: Iterable[dict[str, Any]]) -> list[str]:
    """The columns of rows: id and text first, entities last."""
    names = dict.fromkeys(name for row in rows for name in row)
    others = [name for name in names if name not in ("id", "text", "entities")]
    return ["id", "text", *others, "entities"]


def write(path: AnyPath, entries: Sequence[Entry], delimiter: str) -> None:
    """Write a table with every cell in quotation marks, all or nothing.

    Raises:
        RunError: the file cannot be written.
    """
    rows = [dict(entry_row(entry)) for entry in entries]
    content = io.StringIO(newline="")
    writer = csv.writer(content, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    header = _header(rows)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(row.get(name, "")) for name in header])
    written_bytes(path, content.getvalue().encode("utf-8"))


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def write_parquet(path: AnyPath, entries: Sequence[Entry]) -> None:
    """Write a Parquet table, all or nothing.

    Raises:
        UnrepresentableError: a field that travels along has values of several kinds.
        RunError: the file cannot be written.
    """
    import pyarrow
    from pyarrow import parquet

    rows = [dict(entry_row(entry)) for entry in entries]
    text = pyarrow.string()
    link = pyarrow.struct({"id": text, "name": text, "score": pyarrow.float64()})
    entity = pyarrow.struct(
        {
            "start": pyarrow.int64(),
            "end": pyarrow.int64(),
            "type": text,
            "text": text,
            "score": pyarrow.float64(),
            **({"links": pyarrow.list_(link)} if any(entry.links for entry in entries) else {}),
        }
    )
    kinds = {"id": text, "text": text, "entities": pyarrow.list_(entity)}
    columns = {}
    for name in _header(rows):
        values = [row.get(name) for row in rows]
        try:
            columns[name] = pyarrow.array(values, kinds.get(name))
        except (pyarrow.ArrowException, TypeError) as error:
            raise UnrepresentableError(
                f"{path}: the field {name!r} does not fit a Parquet column: "
                f"{str(error).splitlines()[0]}; use JSON lines"
            ) from None
    content = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), content)
    written_bytes(path, content.getvalue())
