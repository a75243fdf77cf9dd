"""Table V: the gain of joint training, and of a selector behind it."""

from __future__ import annotations

from llmner_hf.paper.printed import SEEN, TABLE_V
from llmner_hf.paper.results import SELECTOR, Results, Setup, corpus_title, f1_cell, texts_cell
from llmner_hf.paper.tables import NOTHING, Cell, Column, Table

WAYS = ("single", "joint", "joint + LLM-CLS")
COLUMNS = (
    *map(Column, ("backbone", "corpus", "texts")),
    *(Column(way, limits=True) for way in WAYS),
    *(Column(f"paper {way}") for way in WAYS),
)


def table_5(results: Results) -> Table:
    """F1 on the four training corpora, for every backbone that was trained."""
    rows = [
        _row(results, backbone, corpus)
        for backbone in results.backbones("single", "joint") or [NOTHING]
        for corpus in SEEN
    ]
    caption = (
        "Training on one corpus, on four jointly, and jointly with the selector; strict F1 in per "
        "cent with 95 % bootstrap intervals over texts. The paper's are of GLM4-9B."
    )
    return Table("table_5", "Table V", caption, COLUMNS, rows)


def _row(results: Results, backbone: str, corpus: str) -> tuple[Cell, ...]:
    single, joint = Setup(backbone, "single"), Setup(backbone, "joint")
    found = [
        results.find(single, corpus),
        results.find(joint, corpus),
        results.find(joint, corpus, SELECTOR),
    ]
    head = backbone, corpus_title(corpus), texts_cell(found)
    return *head, *map(f1_cell, found), *TABLE_V[corpus]
