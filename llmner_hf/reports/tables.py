"""Tables in Markdown and CSV.

In: heads and rows of cells. Out: text, or a file. A cell is text that a report made, or the name of
a system, which is that of a file: what could end a cell is written out.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

NOTHING = "–"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    r"""A table in Markdown.

    >>> print(markdown(["a", "b|c"], [["1", "2"]]))
    | a | b\|c |
    |---|---|
    | 1 | 2 |
    """
    lines = ["| " + " | ".join(map(_cell, row)) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def _cell(text: str) -> str:
    return " ".join(text.replace("|", r"\|").replace("<", "&lt;").split())


def write_csv(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """The same numbers for programs."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])


def per_cent(share: float) -> str:
    """A share as the paper prints it.

    >>> per_cent(0.7726)
    '77.26'
    """
    return f"{100 * share:.2f}"
