"""Figures 4 to 6: what each draws, with its numbers as a table.

In: results of taggers alone. Out: figures. A backbone's tuned tagger comes from the joint run, or
from the single run where there is no joint one; its zero-shot tagger is the first that was run, in
the order symbolic, HTML, JSON.
"""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from llmner_hf.paper.bars import distributions, grouped_bars, stacked_shares
from llmner_hf.paper.printed import SEEN, TABLE_IV, UNSEEN
from llmner_hf.paper.results import Result, Results, corpus_title, f1_cell, texts_cell
from llmner_hf.paper.runs import TAGGER
from llmner_hf.paper.selectors import CLASSES
from llmner_hf.paper.tables import NOT_RUN, NOTHING, Cell, Column, Table

TUNED = "the jointly trained tagger of a backbone, or else the one trained on one corpus, alone"
PARTS = ("type", "span", "type & span", "spurious")
PAPER = "GLM4-9B, paper"
LAST = 8  # deviations of so many tokens and more are one bin


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure and the numbers in it."""

    table: Table
    figure: Figure


def figure_4(results: Results) -> Picture:
    """F1 without training and with it, on the training corpora."""
    backbones = results.backbones("single", "joint", "zero-shot") or [NOTHING]
    found = {
        (corpus, backbone): (results.zero_shot(backbone, corpus), results.tuned(backbone, corpus))
        for corpus in SEEN
        for backbone in backbones
    }
    rows = [
        (corpus_title(corpus), backbone, texts_cell(pair), *map(f1_cell, pair))
        for (corpus, backbone), pair in found.items()
    ]
    caption = (
        f"Without training and tuned ({TUNED}): strict F1 in per cent with 95 % bootstrap "
        "intervals over texts. The paper prints no numbers; of its four backbones GLM4-9B-Chat is "
        "the best after tuning and DeepSeek-R1-Distill-Qwen-7B the worst."
    )
    ways = "zero-shot", "tuned"
    columns = (
        *map(Column, ("corpus", "backbone", "texts")),
        *(Column(way, limits=True) for way in ways),
    )
    panels = {
        corpus_title(corpus): {
            backbone: [one.f1 if one else None for one in found[corpus, backbone]]
            for backbone in backbones
        }
        for corpus in SEEN
    }
    table = Table("figure_4", "Figure 4", caption, columns, rows)
    return Picture(table, grouped_bars(panels, ways, "strict F1, %"))


def figure_5(results: Results) -> Picture:
    """Shares of the four classes of wrong predictions."""
    errors: list[tuple[str, str, list[int]]] = [
        (r.trial.title, r.setup.name, [getattr(r.scores.errors, name) for name in CLASSES])
        for r in _tuned(results)
    ]
    printed = TABLE_IV["cmeee_v2", TAGGER]
    errors.append((corpus_title("cmeee_v2"), PAPER, list(printed)))
    caption = (
        f"Shares of the classes of wrong predictions in per cent ({TUNED}). The paper prints no "
        "numbers for its figure; its row here follows from the counts of its Table IV."
    )
    columns = (*map(Column, ("corpus", "tagger", "wrong")), *map(Column, PARTS))
    rows: list[tuple[Cell, ...]] = [
        (title, tagger, sum(counts), *(_share(count, sum(counts)) for count in counts))
        for title, tagger, counts in errors
    ]
    if len(errors) == 1:
        rows.insert(0, (NOTHING, NOT_RUN, *[NOT_RUN] * 5))
    bars = [(f"{title} ({tagger})", counts) for title, tagger, counts in errors]
    table = Table("figure_5", "Figure 5", caption, columns, rows)
    return Picture(table, stacked_shares(bars, PARTS, "share of the wrong predictions, %"))


def figure_6(results: Results) -> Picture:
    """How many tokens wrong boundaries are off."""
    bins = (*map(str, range(LAST)), f"{LAST}+")
    panels: dict[str, dict[str, list[float]]] = {
        corpus_title(corpus): {} for corpus in (*SEEN, *UNSEEN)
    }
    rows: list[tuple[Cell, ...]] = []
    for result in _tuned(results):
        shares, total = _deviations(result)
        panels.setdefault(result.trial.title, {})[result.setup.name] = shares
        within = sum(shares[:3])
        rows.append((result.trial.title, result.setup.name, total, *shares, within, "about half"))
    if not rows:
        rows.append((NOTHING, NOT_RUN, *[NOT_RUN] * (len(bins) + 2), "about half"))
    caption = (
        f"Tokens that wrong boundaries are off, start and end together, in per cent ({TUNED}). A "
        "token is a word or punctuation mark, in Chinese a character; 0 is a slip over blanks. "
        "The paper prints no numbers; it says that about half lie within two tokens."
    )
    columns = (
        *map(Column, ("corpus", "tagger", "wrong boundaries")),
        *(Column(bin, ".1f") for bin in bins),
        *(Column("within 2", ".1f"), Column("paper within 2")),
    )
    table = Table("figure_6", "Figure 6", caption, columns, rows)
    names = "tokens that a wrong boundary is off", "share, %"
    return Picture(table, distributions(panels, bins, *names))


def _tuned(results: Results) -> list[Result]:
    """The tuned tagger of every backbone on every corpus, by corpus."""
    backbones = results.backbones("single", "joint")
    corpora = dict.fromkeys([*SEEN, *UNSEEN, *(r.trial.name for r in results.all)])
    pairs = ((backbone, corpus) for corpus in corpora for backbone in backbones)
    return [found for pair in pairs if (found := results.tuned(*pair))]


def _deviations(result: Result) -> tuple[list[float], int]:
    """The share of each bin in per cent, and how many boundaries there are."""
    counts = [0] * (LAST + 1)
    for tokens, number in result.scores.deviations.items():
        counts[min(tokens, LAST)] += number
    return [_share(count, sum(counts)) for count in counts], sum(counts)


def _share(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
