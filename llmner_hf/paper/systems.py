"""Tables VI and VII: systems beside each other, on the training corpora and on unseen ones.

Our systems come first: every tagger, with the selector and alone, then the systems without a
language model; all rows of the paper stand below. Taggers in HTML or JSON that were trained on one
corpus stand in Table II alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmner_hf.paper.printed import SEEN, TABLE_VI, TABLE_VII, UNSEEN
from llmner_hf.paper.results import (
    SELECTOR,
    Results,
    Setup,
    corpus_title,
    f1_cell,
    score_cells,
    texts_cell,
)
from llmner_hf.paper.runs import TAGGER
from llmner_hf.paper.tables import NOT_RUN, NOTHING, Cell, Column, Table

OURS, PAPER = "run here", "paper"
MISSING = "a joint tagger with LLM-CLS"
COLUMNS_VI = (
    *map(Column, ("system", "source", "texts")),
    *(Column(corpus_title(corpus), limits=True) for corpus in SEEN),
)
COLUMNS_VII = (
    *map(Column, ("corpus", "system", "source", "texts", "P", "R")),
    Column("F1", limits=True),
)


def table_6(results: Results) -> Table:
    """F1 on the four training corpora."""
    rows: list[tuple[Cell, ...]] = []
    for setup, selector in _systems(results, SEEN):
        found = [results.find(setup, corpus, selector) for corpus in SEEN]
        rows.append((_name(setup, selector), OURS, texts_cell(found), *map(f1_cell, found)))
    if not _with_selector(results, SEEN):
        rows.insert(0, (MISSING, OURS, NOTHING, *[NOT_RUN] * len(SEEN)))
    rows += [(name, PAPER, None, *printed) for name, printed in TABLE_VI.items()]
    caption = (
        "Systems on the training corpora; strict F1 in per cent, of those run here with 95 % "
        "bootstrap intervals over texts. The paper's CMeEE-V2 is its own 500 texts."
    )
    return Table("table_6", "Table VI", caption, COLUMNS_VI, rows)


def table_7(results: Results) -> Table:
    """Precision, recall and F1 on the two corpora that no one was trained on."""
    rows: list[tuple[Cell, ...]] = []
    for corpus in UNSEEN:
        title = corpus_title(corpus)
        for setup, selector in _systems(results, [corpus]):
            found = results.find(setup, corpus, selector)
            head = title, _name(setup, selector), OURS, texts_cell([found])
            rows.append((*head, *score_cells(found)))
        if not _with_selector(results, [corpus]):
            rows.append((title, MISSING, OURS, NOTHING, *score_cells(None)))
        rows += [
            (title, name, PAPER, None, *printed)
            for (printed_corpus, name), printed in TABLE_VII.items()
            if printed_corpus == corpus
        ]
    caption = (
        "Systems on corpora unseen in training (a dictionary is learnt on the corpus itself and "
        "is no zero-shot system); strict scores in per cent, of those run here with 95 % "
        "bootstrap intervals over texts."
    )
    return Table("table_7", "Table VII", caption, COLUMNS_VII, rows)


def _systems(results: Results, corpora: Sequence[str]) -> list[tuple[Setup, str]]:
    """Every setup that has one of the corpora, with the selector and alone."""
    return [
        (setup, selector)
        for setup in results.setups
        if setup.training != "single" or setup.strategy == "symbolic"
        for selector in (SELECTOR, TAGGER)
        if any(results.find(setup, corpus, selector) for corpus in corpora)
    ]


def _with_selector(results: Results, corpora: Sequence[str]) -> bool:
    systems = _systems(results, corpora)
    return any(setup.training == "joint" and name == SELECTOR for setup, name in systems)


def _name(setup: Setup, selector: str) -> str:
    return f"{setup.name} + LLM-CLS" if selector == SELECTOR else setup.name
