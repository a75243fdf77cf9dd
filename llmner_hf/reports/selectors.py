"""Tables III and IV: what a selector does to a tagger's scores, and to its errors.

In: test sets with the predictions of the tagger alone and of the tagger with each selector. Out:
two tables with the paper's numbers beside ours where it has some, in Markdown and as one CSV. The
paper's are those of GLM4-9B and of its own test set of CMeEE-V2: they show the size of an effect,
and are not to be matched by another model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from llmner_hf.core.scoring import Comparison, Scores
from llmner_hf.reports.runs import TAGGER, Trial
from llmner_hf.reports.tables import NOTHING, markdown, per_cent, write_csv

SYSTEMS: Mapping[str, str] = MappingProxyType(
    {
        TAGGER: "tagger alone",
        "best_bias": "tagger alone, its best bias",
        "own_probability": "tagger's own probability",
        "bert_cls": "BERT-CLS",
        "llm_causal": "LLM-CAUSAL",
        "llm_cls": "LLM-CLS",
        "llm_cls_mined": "LLM-CLS, mined negatives",
    }
)
# Dataset and system -> precision, recall, F1.
TABLE_III: Mapping[tuple[str, str], tuple[float, float, float]] = MappingProxyType(
    {
        ("cmeee_v2", TAGGER): (73.66, 78.81, 76.15),
        ("cmeee_v2", "bert_cls"): (74.27, 78.68, 76.41),
        ("cmeee_v2", "llm_causal"): (74.92, 78.76, 76.79),
        ("cmeee_v2", "llm_cls"): (75.86, 78.73, 77.26),
        ("genia", TAGGER): (81.96, 77.41, 79.62),
        ("genia", "bert_cls"): (82.40, 77.06, 79.64),
        ("genia", "llm_causal"): (84.05, 77.22, 80.49),
        ("genia", "llm_cls"): (84.56, 77.28, 80.76),
    }
)
# Dataset and system -> errors of type, span, both, and spurious.
TABLE_IV: Mapping[tuple[str, str], tuple[int, int, int, int]] = MappingProxyType(
    {
        ("cmeee_v2", TAGGER): (84, 252, 166, 139),
        ("cmeee_v2", "llm_cls"): (74, 218, 157, 121),
    }
)
CLASSES = ("type", "span", "type_span", "spurious")
HEAD_III = ("corpus", "selector", "P", "R", "F1", "F1 gained", "p", "paper P / R / F1")
HEAD_IV = ("corpus", "selector", "type", "span", "type & span", "spurious", "missed", "paper")
HEAD_CSV = (
    *("dataset", "system", "precision", "recall", "f1", "correct", "predicted", "gold"),
    *("f1_gained", "low", "high", "p_value", *CLASSES, "missed"),
)

Result = tuple[Trial, str, Scores, Comparison | None]


def results(trials: Sequence[Trial], samples: int = 1000) -> list[Result]:
    """The scores of every system on every test set; all but the tagger compared with it."""
    return [
        (
            trial,
            system,
            trial.scores(system),
            trial.against_tagger(system, samples) if system != TAGGER else None,
        )
        for trial in trials
        for system in _in_order(trial.found)
    ]


def _in_order(systems: Mapping[str, object]) -> list[str]:
    """The paper's systems in its order, then the others by name."""
    return [*(s for s in SYSTEMS if s in systems), *sorted(set(systems) - set(SYSTEMS))]


def write(found: Sequence[Result], folder: Path) -> str:
    """Write ``selectors.md`` and ``selectors.csv`` into a folder; returns the former."""
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join(
        [
            "Strict scores with each selector (paper, Table III); 95 % intervals and p-values of "
            "the F1 gained by paired bootstrap over texts.",
            markdown(HEAD_III, [_scores_row(*result) for result in found]),
            "Wrong predictions by class, and gold entities missed (paper, Table IV: type, span, "
            "type & span, spurious).",
            markdown(HEAD_IV, [_errors_row(*result) for result in found]),
        ]
    )
    (folder / "selectors.md").write_text(text + "\n", encoding="utf-8")
    write_csv(folder / "selectors.csv", HEAD_CSV, [list(_csv_row(*result)) for result in found])
    return text


def _scores_row(
    trial: Trial, system: str, scores: Scores, comparison: Comparison | None
) -> list[str]:
    strict, gained, chance = scores.strict, NOTHING, NOTHING
    if comparison:
        gap = comparison.difference
        gained = f"{100 * gap.value:+.2f} ({100 * gap.low:+.2f} to {100 * gap.high:+.2f})"
        chance = f"{comparison.p_value:.3f}"
    printed = TABLE_III.get((trial.name, system))
    return [
        trial.title,
        SYSTEMS.get(system, system),
        *map(per_cent, (strict.precision, strict.recall, strict.f1)),
        gained,
        chance,
        " / ".join(f"{number:.2f}" for number in printed) if printed else NOTHING,
    ]


def _errors_row(trial: Trial, system: str, scores: Scores, _: object) -> list[str]:
    printed = TABLE_IV.get((trial.name, system))
    return [
        trial.title,
        SYSTEMS.get(system, system),
        *(str(getattr(scores.errors, name)) for name in (*CLASSES, "missed")),
        " / ".join(map(str, printed)) if printed else NOTHING,
    ]


def _csv_row(
    trial: Trial, system: str, scores: Scores, comparison: Comparison | None
) -> Iterator[object]:
    strict = scores.strict
    yield from (trial.name, system, strict.precision, strict.recall, strict.f1)
    yield from (strict.correct, strict.predicted, strict.gold)
    if comparison:
        gap = comparison.difference
        yield from (gap.value, gap.low, gap.high, comparison.p_value)
    else:
        yield from ("", "", "", "")
    yield from (getattr(scores.errors, name) for name in (*CLASSES, "missed"))
