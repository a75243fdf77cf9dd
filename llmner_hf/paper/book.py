"""The whole report: every table and figure in one page, and each in files of its own.

In: runs and their results. Out, in a folder: ``results.md`` with all tables and links to the
figures, a CSV and a LaTeX file of each table, a PNG and an SVG of each figure, and ``cases.md``,
the one file that holds texts of the corpora. Nothing depends on a clock, on where the folders lie
or in which order a disk lists them: equal runs give equal bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import indent

from llmner_hf.paper import cases as table_viii
from llmner_hf.paper.bars import save
from llmner_hf.paper.figures import Picture, figure_4, figure_5, figure_6
from llmner_hf.paper.joint import table_5
from llmner_hf.paper.results import Results, Setup
from llmner_hf.paper.runs import Run
from llmner_hf.paper.selectors import table_3, table_4
from llmner_hf.paper.strategies import table_2
from llmner_hf.paper.systems import table_6, table_7
from llmner_hf.paper.tables import Column, Table, markdown_text

PAGE = "results.md"
HEAD = """\
# Results

Tables II to VIII and Figures 4 to 6 of the paper from the runs listed at the end, beside the
numbers that it prints. Written by `llmner report RUNS -o DIR`, whose intervals come from {samples}
bootstrap samples. Strict scores: an entity counts only where its span and its type are both right.
"not run": no run gives this cell; a dash: there is no such number. Every table is also a CSV and a
LaTeX file beside this page, every figure an SVG.
"""


def write(runs: Sequence[Run], results: Results, samples: int, folder: Path) -> Path:
    """Write everything into a folder; returns the page.

    Raises:
        InputError: the folder cannot be written to.
    """
    found = table_viii.cases(results)
    tables = [table(results) for table in (table_2, table_3, table_4, table_5, table_6, table_7)]
    tables.append(table_viii.table_8(found))
    pictures = [figure(results) for figure in (figure_4, figure_5, figure_6)]
    records = [runs_table(runs), splits(runs), *costs(runs)]
    folder.mkdir(parents=True, exist_ok=True)
    for table in (*tables, *(picture.table for picture in pictures), *records):
        table.write(folder)
    for picture in pictures:
        save(picture.figure, folder / picture.table.name)
    (folder / table_viii.FILE).write_text(table_viii.page(found), encoding="utf-8")
    lines = [HEAD.format(samples=samples), *map(_section, tables), *map(_figure, pictures)]
    lines += [*map(_section, records), *_commands(runs)]
    (folder / PAGE).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / PAGE


def _section(table: Table, picture: str = "") -> str:
    return f"## {table.title}\n\n{markdown_text(table.caption)}\n\n{picture}{table.markdown()}\n"


def _figure(picture: Picture) -> str:
    table = picture.table
    return _section(table, f"![{table.title}]({table.name}.png)\n\n")


def runs_table(runs: Sequence[Run]) -> Table:
    """What was run."""
    rows = [
        (run.name, run.system.title, run.system.backbone, run.system.training, run.system.strategy)
        for run in runs
    ]
    columns = [Column(name) for name in ("run", "title", "backbone", "training", "strategy")]
    caption = "The run folders, by their places below RUNS."
    return Table("runs", "Runs", caption, columns, rows)


def splits(runs: Sequence[Run]) -> Table:
    """Which texts the runs were tested on."""
    tested: dict[tuple[str, int, str, int, str], list[str]] = {}
    for run in runs:
        for trial in run.trials:
            texts = len(trial.examples)
            part = f"first {texts}" if trial.name in run.system.rows else "all"
            gold = sum(len(example.entities) for example in trial.examples)
            test = trial.title, texts, part, gold, trial.fingerprint
            tested.setdefault(test, []).append(run.name)
    rows = [(*test, ", ".join(tested[test])) for test in sorted(tested)]
    columns = [Column(name) for name in ("corpus", "texts", "part", "entities", "SHA-256", "runs")]
    caption = (
        "The test sets. The fingerprint is over ids, texts and gold entities in order: scores "
        "with different ones are not of the same test."
    )
    return Table("test_sets", "Test sets", caption, columns, rows)


def costs(runs: Sequence[Run]) -> Iterator[Table]:
    """What endpoints were asked and charged; no table where none was."""
    asked = [(run, run.system.cost) for run in runs if run.system.cost]
    rows = [
        (run.name, cost.requests, cost.prompt_tokens, cost.completion_tokens, cost.price)
        for run, cost in asked
    ]
    columns = ("run", "requests", "prompt tokens", "completion tokens", "price")
    caption = "Requests to endpoints; the price by what its user said that a token costs."
    if rows:
        yield Table("costs", "Costs", caption, [Column(name) for name in columns], rows)


def _commands(runs: Sequence[Run]) -> Iterator[str]:
    """Indented, which needs no escape: a command may hold any character."""
    yield "## Commands\n\nWhat made each run, as it says itself.\n"
    for run in runs:
        yield f"{markdown_text(run.name)}: {markdown_text(Setup.of(run.system).name)}\n"
        yield indent(run.system.command.strip(), " " * 4) + "\n"
