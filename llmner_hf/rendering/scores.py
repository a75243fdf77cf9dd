"""Scores for people, as lines of text, and for other programs, as a row.

In: `core.scoring.Scores` and its bootstrap intervals. Out: a table in per cent, and a dictionary
of plain numbers.
"""

from __future__ import annotations

from typing import Any

from llmner_hf.core.scoring import Comparison, Counts, Intervals, PartnerCounts, Scores

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
        f"boundary deviation in tokens: {_deviations(scores)}",
        "errors: " + ", ".join(f"{e.replace('_', ' and ')} {getattr(errors, e)}" for e in ERRORS),
    ]
    return "\n".join(lines)


def interval_line(intervals: Intervals, documents: int) -> str:
    """The bootstrap intervals of precision, recall and F1 in per cent."""
    named = (("P", intervals.precision), ("R", intervals.recall), ("F1", intervals.f1))
    parts = (f"{name} {100 * i.low:.2f}-{100 * i.high:.2f}" for name, i in named)
    return f"95 % intervals over {documents} documents: {', '.join(parts)}"


def comparison_line(comparison: Comparison) -> str:
    """The difference of two systems' F1 in points, with its interval and p-value."""
    gap = comparison.difference
    return (
        f"F1 against the other system: {100 * gap.value:+.2f} "
        f"({100 * gap.low:+.2f} to {100 * gap.high:+.2f}), p = {comparison.p_value:.4f}"
    )


def _deviations(scores: Scores) -> str:
    counts = sorted(scores.deviations.items())
    return ", ".join(f"{size}: {number}" for size, number in counts) or "none"


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
        "deviations": dict(sorted(scores.deviations.items())),
        "per_type": {name: _three(counts) for name, counts in scores.per_type.items()},
        "errors": {name: getattr(scores.errors, name) for name in ERRORS},
    }


def _three(counts: Counts | PartnerCounts) -> dict[str, float]:
    return {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
