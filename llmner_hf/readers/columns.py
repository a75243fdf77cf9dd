"""Rows of columns as they stand in a file, and texts rebuilt from tokens.

In: a file of rows and empty lines. Out: its sentences, each a list of `Row`, every row with as many
cells as the others. Skipped and remarked: rows that are marks, and comments, which begin with "#"
and are no row. Refused, with the line: a row with more or fewer cells.

Rebuilt: tokens are joined by one blank, but Chinese is written without blanks. No blank stands
beside a Chinese character; and where a file holds Chinese and no token is longer than a character,
its tokens are the characters of its texts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from llmner_hf.core.writing import IDEOGRAPHS
from llmner_hf.readers.files import AnyPath, Place, lines

_MEDLINE_MARK = "###MEDLINE:"
# Han characters, their punctuation, and full-width forms.
_CHINESE = re.compile(f"[\u3000-\u303f\uff00-\uffef{IDEOGRAPHS}]")
_HAN = re.compile(f"[{IDEOGRAPHS}]")


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a line."""

    place: Place
    cells: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The row as an error shows it."""
        return repr("\t".join(self.cells)[:60])


def _cells(line: str) -> tuple[str, ...]:
    if "\t" in line:
        return tuple(line.split("\t"))
    return tuple(cell for cell in line.split(" ") if cell)


def sentences_of(
    path: AnyPath,
    skip: Collection[str],
    remarks: Counter[str],
    is_tag: Callable[[str], bool],
) -> list[list[Row]]:
    """The rows of each sentence.

    Args:
        path: the file.
        skip: first cells of rows that are marks.
        remarks: takes how many rows were skipped.
        is_tag: whether a cell can be a tag, which tells the token "#" from a comment.

    Raises:
        FormatError: a row has another number of cells than most.
    """
    kept: list[Row | None] = []
    for place, line in lines(path):
        row = Row(place, _cells(line))
        first = row.cells[0] if row.cells else ""
        if not line.strip(" \t"):
            kept.append(None)
        elif first in skip or first.startswith(_MEDLINE_MARK):
            remarks["skipped row"] += 1
        else:
            kept.append(row)
    counted = Counter(len(row.cells) for row in kept if row and not row.cells[0].startswith("#"))
    usual = counted.most_common(1)[0][0] if counted else 0
    rows = []
    for row_or_end in kept:
        if row_or_end and _is_comment(row_or_end, usual, is_tag):
            remarks["comment line"] += 1
        else:
            rows.append(row_or_end)
    for row in filter(None, rows):
        _require_columns(row, usual)
    return [sentence for sentence in _split(rows) if sentence]


def _is_comment(row: Row, usual: int, is_tag: Callable[[str], bool]) -> bool:
    """Whether a row is none: it begins with "#" and lacks a tag, or has not the usual columns."""
    wrong = len(row.cells) != usual or not is_tag(row.cells[-1].strip())
    return row.cells[0].startswith("#") and wrong


def _require_columns(row: Row, usual: int) -> None:
    if len(row.cells) == 1:
        raise row.place.error(f"{row.shown}: a row is a token, columns, and a tag")
    if len(row.cells) != usual:
        raise row.place.error(
            f"{row.shown}: {len(row.cells)} columns where the file has {usual}; separate them by "
            "tabs if a token holds blanks"
        )


def _split(rows: Iterable[Row | None]) -> Iterator[list[Row]]:
    """The runs of rows between empty lines."""
    sentence: list[Row] = []
    for row in rows:
        if row:
            sentence.append(row)
        else:
            yield sentence
            sentence = []
    yield sentence


def separator(tokens: Iterable[str]) -> str:
    """What stands between the tokens of a file: nothing where each is a character.

    >>> separator("患 者 2 天".split()), separator("IL-2 gene".split())
    ('', ' ')
    """
    chinese = False
    for token in tokens:
        if len(token) > 1:
            return " "
        chinese = chinese or bool(_HAN.match(token))
    return "" if chinese else " "


def rebuilt(tokens: Sequence[str], between: str = " ") -> tuple[str, list[int]]:
    """The text of tokens, and where each of them begins in it (characters).

    >>> rebuilt(["服用", "阿司匹林", "和", "IL-2", "gene"])
    ('服用阿司匹林和IL-2 gene', [0, 2, 6, 7, 12])
    """
    text, starts = "", list[int]()
    chinese = any(map(_HAN.search, tokens))
    for token in tokens:
        close = not text or (chinese and (_CHINESE.match(token) or _CHINESE.match(text[-1])))
        text += "" if close else between
        starts.append(len(text))
        text += token
    return text, starts
