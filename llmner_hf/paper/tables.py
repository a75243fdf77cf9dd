"""Tables: once as values, three times as text, in Markdown, CSV and LaTeX.

A cell is text, a count, a number, or a number with its interval; None is a dash. A number comes out
as its column says; the CSV has six digits and the limits in columns of their own. Text comes from
users too (a title, the name of a file): characters that mean something in Markdown or LaTeX
are escaped.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from llmner_hf.core.scoring import Interval
from llmner_hf.rendering.glyphs import readable

NOTHING, NOT_RUN = "–", "not run"

Cell = str | int | float | Interval | None

# An underscore inside a word is one in GitHub's Markdown; elsewhere it may begin emphasis.
_MARKDOWN = re.compile(r"[\\`*~$|\[\]]|(?<![^\W_])_|_(?![^\W_])")
_BLANK = re.compile(r"\s")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LATEX = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "–": "--",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A head, how its numbers are written, and whether they have limits."""

    title: str
    form: str = ".2f"
    limits: bool = False

    def shown(self, cell: Cell) -> str:
        """A cell as people read it.

        >>> Column("F1", limits=True).shown(Interval(48.654, 47.1, 50.25))
        '48.65 (47.10 to 50.25)'
        """
        if isinstance(cell, Interval):
            low, high = format(cell.low, self.form), format(cell.high, self.form)
            return f"{format(cell.value, self.form)} ({low} to {high})"
        if isinstance(cell, float):
            return format(cell, self.form)
        return NOTHING if cell is None else str(cell)


@dataclass(frozen=True, slots=True)
class Table:
    """A table with what is said about it.

    Attributes:
        name: of its files.
        title: its number.
        caption: what it shows, in plain words.
    """

    name: str
    title: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]

    def _shown(self, escape: Callable[[str], str]) -> list[list[str]]:
        head = [escape(column.title) for column in self.columns]
        body = (
            [escape(column.shown(cell)) for column, cell in zip(self.columns, row, strict=True)]
            for row in self.rows
        )
        return [head, *body]

    def markdown(self) -> str:
        """The table alone."""
        lines = ["| " + " | ".join(row) + " |" for row in self._shown(markdown_text)]
        return "\n".join([lines[0], "|---" * len(self.columns) + "|", *lines[1:]])

    def latex(self) -> str:
        """A floating table, for the package booktabs."""
        head, *body = (" & ".join(row) + r" \\" for row in self._shown(latex_text))
        return "\n".join(
            [
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{latex_text(self.caption)}}}",
                rf"\label{{tab:{self.name}}}",
                rf"\begin{{tabular}}{{{'l' * len(self.columns)}}}",
                *(r"\toprule", head, r"\midrule", *body, r"\bottomrule"),
                r"\end{tabular}",
                r"\end{table}",
                "",
            ]
        )

    def write(self, folder: Path) -> None:
        """Write ``NAME.csv`` and ``NAME.tex``."""
        (folder / f"{self.name}.tex").write_text(self.latex(), encoding="utf-8")
        with (folder / f"{self.name}.csv").open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file, lineterminator="\n")
            rows.writerow(name for column in self.columns for name in _names(column))
            for row in self.rows:
                pairs = zip(self.columns, row, strict=True)
                rows.writerow(value for column, cell in pairs for value in _values(column, cell))


def _names(column: Column) -> list[str]:
    limits = [f"{column.title} low", f"{column.title} high"] if column.limits else []
    return [column.title, *limits]


def _values(column: Column, cell: Cell) -> Iterator[object]:
    """A value for each of the names."""
    limits: list[object] = ["", ""] if column.limits else []
    value: object = cell
    if isinstance(cell, Interval):
        value, limits = cell.value, [round(cell.low, 6), round(cell.high, 6)]
    yield "" if value is None else round(value, 6) if isinstance(value, float) else value
    yield from limits


def markdown_text(text: str) -> str:
    r"""A text in a line of Markdown, never interpreted.

    >>> print(markdown_text("a|b\n<i> llm_cls _x_"))
    a\|b &lt;i&gt; llm_cls \_x\_
    """
    safe = _MARKDOWN.sub(lambda match: "\\" + match[0], readable(_BLANK.sub(" ", text)))
    return "".join(_HTML.get(character, character) for character in safe)


def latex_text(text: str) -> str:
    r"""A text in LaTeX.

    >>> print(latex_text("95 % of llm_cls"))
    95 \% of llm\_cls
    """
    return "".join(_LATEX.get(character, character) for character in " ".join(text.split()))
