"""Tables III and IV: a tagger's scores and errors, alone and with each selector.

Every run that has predictions with a selector gives its rows, on all its corpora; the paper has
CMeEE-V2 and GENIA, by taggers that were trained on one corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from types import MappingProxyType

from llmner_hf.core.scoring import Interval
from llmner_hf.paper.printed import TABLE_III, TABLE_IV
from llmner_hf.paper.results import Result, Results, corpus_title, per_cent, score_cells, texts_cell
from llmner_hf.paper.runs import TAGGER
from llmner_hf.paper.tables import NOT_RUN, NOTHING, Cell, Column, Table

SYSTEMS: Mapping[str, str] = MappingProxyType(
    {
        TAGGER: "tagger alone",
        "best_bias": "tagger alone, its best bias",
        "own_probability": "tagger's own probability",
        "bert_cls": "BERT-CLS",
        "llm_causal": "LLM-CAUSAL",
        "llm_cls": "LLM-CLS",
        "llm_cls_mined": "LLM-CLS, mined negatives",
        "llm_cls_found": "LLM-CLS, found candidates, evidence",
    }
)
CLASSES = ("type", "span", "type_span", "spurious")
HEAD = (*map(Column, ("tagger", "corpus", "selector", "texts")),)
COLUMNS_III = (
    *(*HEAD, Column("P"), Column("R"), Column("F1", limits=True)),
    *(Column("F1 gained", "+.2f", limits=True), Column("p", ".3f")),
    *map(Column, ("paper P", "paper R", "paper F1")),
)
COLUMNS_IV = (
    *HEAD,
    *map(Column, ("type", "span", "type & span", "spurious", "missed")),
    *map(Column, ("paper type", "paper span", "paper type & span", "paper spurious")),
)


def table_3(results: Results) -> Table:
    """Strict scores with each selector."""
    rows = [
        (*_head(result), *score_cells(result), *_gained(result), *_printed_scores(result))
        for result in _selected(results)
    ]
    caption = (
        "Selectors: strict scores in per cent with 95 % bootstrap intervals over texts; interval "
        "and p-value of the F1 gained over the tagger alone by paired bootstrap. The paper's are "
        "of GLM4-9B, trained on one corpus."
    )
    return Table(
        "table_3", "Table III", caption, COLUMNS_III, [*rows, *_not_run(results, TABLE_III)]
    )


def table_4(results: Results) -> Table:
    """Errors by class with each selector."""
    rows = [
        (*_head(result), *_errors(result), *_printed_errors(result))
        for result in _selected(results)
    ]
    caption = (
        "Wrong predictions by class, and gold entities that were missed, with each selector. The "
        "paper's are of GLM4-9B on its own 500 texts."
    )
    return Table("table_4", "Table IV", caption, COLUMNS_IV, [*rows, *_not_run(results, TABLE_IV)])


def _selected(results: Results) -> list[Result]:
    """The results on test sets that a selector was run on; in each the paper's systems first."""
    known = list(SYSTEMS)
    found: list[Result] = []
    for _, group in groupby(results.all, key=lambda r: (r.setup, r.trial.name)):
        of_one = sorted(group, key=lambda r: ([*known, r.selector].index(r.selector), r.selector))
        found += of_one if len(of_one) > 1 else []
    return found


def _not_run(
    results: Results, printed: Mapping[tuple[str, str], tuple[float, ...]]
) -> Iterator[tuple[Cell, ...]]:
    """What the paper prints of selectors that no run here has."""
    run = {(result.trial.name, result.selector) for result in _selected(results)}
    for (corpus, system), cells in printed.items():
        if (corpus, system) not in run:
            yield NOTHING, corpus_title(corpus), SYSTEMS[system], NOTHING, *[NOT_RUN] * 5, *cells


def _head(result: Result) -> tuple[Cell, ...]:
    system = SYSTEMS.get(result.selector, result.selector)
    return result.setup.name, result.trial.title, system, texts_cell([result])


def _gained(result: Result) -> tuple[Interval | None, float | None]:
    if not result.gained:
        return None, None
    return per_cent(result.gained.difference), result.gained.p_value


def _errors(result: Result) -> list[int]:
    return [getattr(result.scores.errors, name) for name in (*CLASSES, "missed")]


def _printed_scores(result: Result) -> tuple[Cell, ...]:
    return TABLE_III.get((result.trial.name, result.selector), (None,) * 3)


def _printed_errors(result: Result) -> tuple[Cell, ...]:
    return TABLE_IV.get((result.trial.name, result.selector), (None,) * 4)
