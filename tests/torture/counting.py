"""How many documents and mentions a file holds, counted without the package's readers.

In: the bytes of a file. Out: two numbers, or None where the file cannot be counted so. Every format
is counted by what stands in it and not by the names of its fields, so that a list of mentions under
a misspelt name counts.
"""

import io
import json
import re

Counted = tuple[int, int] | None


def json_values(content):
    """Documents are objects, mentions the elements of their lists."""
    text, place, rows = content.decode("utf-8-sig").strip(" \t\r\n"), 0, []
    while place < len(text):
        value, place = json.JSONDecoder().raw_decode(text, place)
        rows += value if isinstance(value, list) else [value]
        while text[place : place + 1] in tuple(" \t\r\n"):
            place += 1
    return len(rows), sum(map(_held, rows))


def _held(row):
    values = [value for value in row.values() if isinstance(value, list | dict)]
    return sum(len(value) if isinstance(value, list) else 1 for value in values)


def bioc_json(content):
    """Mentions are objects with a list of objects that hold two numbers and nothing else."""
    documents = json.loads(content.decode("utf-8-sig"))
    lists = [value for value in documents.values() if isinstance(value, list)]
    return sum(map(len, lists)), sum(1 for one in _objects(documents) if _is_located(one))


def _objects(value):
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, list | dict):
            yield from _objects(inner)


def _is_located(one):
    return any(
        isinstance(value, list)
        and any(
            isinstance(at, dict) and len(at) > 1 and all(isinstance(n, int) for n in at.values())
            for at in value
        )
        for value in one.values()
    )


def table(mark):
    """Mentions are the elements of the cells that hold an array."""

    def counted(content):
        rows = _cells(content.decode("utf-8-sig"), mark)
        arrays = [json.loads(cell) for row in rows[1:] for cell in row if cell.strip()[:1] == "["]
        return len(rows) - 1, sum(map(len, arrays))

    return counted


def _cells(text, mark):
    """The rows of a table, character by character."""
    rows, row, cell, quoted, place = [], [], "", False, 0
    while place < len(text):
        one, place = text[place], place + 1
        if quoted and one == '"' and text[place : place + 1] == '"':
            cell, place = cell + '"', place + 1
        elif one == '"' and (quoted or not cell):
            quoted = not quoted
        elif quoted or one not in (mark, "\n", "\r"):
            cell += one
        elif one == mark:
            row, cell = [*row, cell], ""
        else:
            rows, row, cell = [*rows, [*row, cell]], [], ""
    rows.append([*row, cell])
    return [row for row in rows if row != [""]]


def parquet(content):
    """Mentions are the elements of all columns that hold lists."""
    from pyarrow import parquet, types

    columns = parquet.read_table(io.BytesIO(content))
    lists = [column for column in columns.columns if types.is_list(column.type)]
    return columns.num_rows, sum(len(one or ()) for column in lists for one in column.to_pylist())


def _lines(content, encoding="utf-8-sig"):
    text = content.decode(encoding)
    return re.split("\r?\n" if "\n" in text else "\r", text)


def pubtator(content):
    """A document has a title line; a line with a tab that is neither title nor abstract is one."""
    lines = _lines(content)
    heads = [re.match(r"[^|\t]+\|([ta])\|", line) for line in lines]
    rest = [line.strip() for line, head in zip(lines, heads, strict=True) if not head]
    mentions = sum("\t" in line for line in rest)
    return sum(bool(head) and head[1] == "t" for head in heads), mentions


def markup(document, mention):
    """Elements of these names."""

    def counted(content):
        text = content.decode("utf-8-sig")
        return len(re.findall(rf"<{document}[\s>]", text)), len(
            re.findall(rf"<{mention}[\s>]", text)
        )

    return counted


def columns(content):
    """A mention is opened by B or S, or by another letter that goes on with none of its type."""
    documents, mentions, before = 0, 0, None
    for line in [*_lines(content), ""]:
        if not line.strip(" \t"):
            documents, before = documents + (before is not None), None
            continue
        letter, _, label = line.split()[-1].partition("-")
        going_on = before and before[0] in "BIM" and before[1] == label and letter in "IELM"
        mentions += letter != "O" and not going_on
        before = letter, label
    return documents, mentions


def standoff(content):
    """A mention is a line with two numbers behind a word."""
    return 1, sum(
        bool(re.search(r"\t[^\t ]+ \d+ \d+\t", line)) for line in _lines(content, "utf-8")
    )


def bars(content):
    """A document is a line, a mention what stands between bars."""
    lines = [line.split("|||") for line in _lines(content, "utf-8") if line]
    return len(lines), sum(bool(cell.strip()) for _, *cells in lines for cell in cells)
