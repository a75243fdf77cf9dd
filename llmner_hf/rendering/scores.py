"""Scores for people, as lines of text, and for other programs, as a row.

In: `core.scoring.Scores` or `LinkScores`, and bootstrap intervals. Out: a table in per cent, and a
dictionary of plain numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from llmner_hf.core.scoring import (
    Comparison,
    Counts,
    Intervals,
    LinkScores,
    PartnerCounts,
    Scores,
)

ERRORS = ("type", "span", "type_span", "spurious", "missed")
# The name of a score of concepts in a table -> in `LinkScores`.
LINKS = {"mentions": "mentions", "end to end": "end_to_end", "documents": "documents"}


def score_table(scores: Scores) -> str:
    """Strict scores in all, by nesting and per type; the lenient ones; the classes of errors."""
    rows = [("strict", scores.strict), ("flat", scores.flat), ("nested", scores.nested)]
    rows += sorted(scores.per_type.items())
    errors = scores.errors
    lines = [
        *_counted("", rows),
        f"macro F1 {100 * scores.macro_f1:.2f}; exact span {100 * scores.exact_span.f1:.2f}, "
        f"type with overlap {100 * scores.type_overlap.f1:.2f}, relaxed "
        f"{100 * scores.relaxed.f1:.2f}",
        f"boundary deviation in tokens: {_deviations(scores)}",
        "errors: " + ", ".join(f"{e.replace('_', ' and ')} {getattr(errors, e)}" for e in ERRORS),
    ]
    return "\n".join(lines)


def _counted(heading: str, rows: Sequence[tuple[str, Counts]]) -> list[str]:
    """A table of counts, a line a row."""
    width = max(len(name) for name, _ in (*rows, (heading, None)))
    return [
        f"{heading:{width}}       P       R      F1  correct predicted    gold",
        *(
            f"{name:{width}}  {100 * c.precision:6.2f}  {100 * c.recall:6.2f}  {100 * c.f1:6.2f}  "
            f"{c.correct:7} {c.predicted:9} {c.gold:7}"
            for name, c in rows
        ),
    ]


def link_table(scores: LinkScores) -> str:
    """The scores of concepts in all and per type, and the accuracy on gold mentions."""
    rows = []
    for name, attribute in LINKS.items():
        rows.append((name, getattr(scores, attribute)))
        rows += [(f"  {label}", getattr(own, attribute)) for label, own in scores.per_type.items()]
    found = scores.mentions
    return "\n".join(
        [
            *_counted("concepts", rows),
            f"accuracy at 1 on the {found.gold} gold mentions with a concept that both sides have: "
            f"{100 * found.recall:.2f}",
        ]
    )


def link_row(scores: LinkScores) -> dict[str, Any]:
    """The scores of concepts as plain numbers, shares in [0, 1]."""
    row: dict[str, Any] = {name: _all(getattr(scores, name)) for name in LINKS.values()}
    row["accuracy_at_1"] = scores.mentions.recall
    if scores.per_type:
        row["per_type"] = {label: link_row(own) for label, own in scores.per_type.items()}
    return row


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
    return {
        "strict": _all(scores.strict),
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


def _all(counts: Counts) -> dict[str, float]:
    return _three(counts) | asdict(counts)


def _three(counts: Counts | PartnerCounts) -> dict[str, float]:
    return {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
