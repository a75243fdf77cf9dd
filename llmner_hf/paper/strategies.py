"""Table II: the three tagging strategies, each trained on one corpus alone."""

from __future__ import annotations

from llmner_hf.core.prompting import Strategy
from llmner_hf.paper.printed import TABLE_II
from llmner_hf.paper.results import Results, Setup, corpus_title, score_cells, texts_cell
from llmner_hf.paper.tables import NOTHING, Cell, Column, Table

COLUMNS = (
    *map(Column, ("backbone", "corpus", "strategy", "texts", "P", "R")),
    Column("F1", limits=True),
    *map(Column, ("paper P", "paper R", "paper F1")),
)


def table_2(results: Results) -> Table:
    """Every strategy on the paper's two corpora, for every backbone that was trained singly."""
    strategies: tuple[Strategy, ...] = ("json_list", "html", "symbolic")
    rows = [
        _row(results, backbone, corpus, strategy)
        for backbone in results.backbones("single") or [NOTHING]
        for corpus in ("cmeee_v2", "genia")
        for strategy in strategies
    ]
    caption = (
        "Tagging strategies, training on one corpus, tagger alone; strict scores in per cent with "
        "95 % bootstrap intervals over texts. The paper's are of GLM4-9B."
    )
    return Table("table_2", "Table II", caption, COLUMNS, rows)


def _row(results: Results, backbone: str, corpus: str, strategy: Strategy) -> tuple[Cell, ...]:
    found = results.find(Setup(backbone, "single", strategy), corpus)
    texts, scores = texts_cell([found]), score_cells(found)
    return backbone, corpus_title(corpus), strategy, texts, *scores, *TABLE_II[strategy, corpus]
