"""Scores for people, as lines of text, and for other programs, as a row.

In: `core.scoring.Scores` and its bootstrap intervals. Out: a table in per cent, and a dictionary
of plain numbers.
"""

from __future__ import annotations

from typing import Any

from llmner_hf.core.scoring import Counts, Intervals, PartnerCounts, Scores

ERRORS = ("type", "span", "type_span", "spurious", "missed")


def score_table(scores: Scores) -> str:
    """Strict scores in all, by nesting and per type; the lenient ones; the classes of errors."""
    rows = [("strict", scores.strict), ("flat", scores.flat), ("nested", scores.nested)]
    rows += sorted(scores.per_type.items())
    width = max(len(name) for name, _ in rows)
    errors = scores.errors
    lines = [
        f"{'':{width}}       P       R      F1  correct predicted    gold",
        *(
            f"{name:{width}}  {100 * c.precision:6.2f}  {100 * c.recall:6.2f}  {100 * c.f1:6.2f}  "
            f"{c.correct:7} {c.predicted:9} {c.gold:7}"
            for name, c in rows
        ),
        f"macro F1 {100 * scores.macro_f1:.2f}; exact span {100 * scores.exact_span.f1:.2f}, "
        f"type with overlap {100 * scores.type_overlap.f1:.2f}, relaxed "
        f"{100 * scores.relaxed.f1:.2f}",
        "errors: " + ", ".join(f"{e.replace('_', ' and ')} {getattr(errors, e)}" for e in ERRORS),
    ]
    return "\n".join(lines)


def interval_line(intervals: Intervals, documents: int) -> str:
    """The bootstrap intervals of precision, recall and F1 in per cent."""
    named = (("P", intervals.precision), ("R", intervals.recall), ("F1", intervals.f1))
    parts = (f"{name} {100 * i.low:.2f}-{100 * i.high:.2f}" for name, i in named)
    return f"95 % intervals over {documents} documents: {', '.join(parts)}"


def score_row(scores: Scores) -> dict[str, Any]:
    """The scores as plain numbers, shares in [0, 1]."""
    strict = scores.strict
    return {
        "strict": _three(strict)
        | {"correct": strict.correct, "predicted": strict.predicted, "gold": strict.gold},
        "flat": _three(scores.flat),
        "nested": _three(scores.nested),
        "exact_span": _three(scores.exact_span),
        "type_overlap": _three(scores.type_overlap),
        "relaxed": _three(scores.relaxed),
        "macro_f1": scores.macro_f1,
        "per_type": {name: _three(counts) for name, counts in scores.per_type.items()},
        "errors": {name: getattr(scores.errors, name) for name in ERRORS},
    }


def _three(counts: Counts | PartnerCounts) -> dict[str, float]:
    return {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
