"""Test scores of a card, counted anew from gold and predicted files.

In: a folder with pairs ``NAME.gold.jsonl`` and ``NAME.predicted.jsonl``, as `llmner annotate`
writes and `llmner evaluate` reads. Out: tables with 95 % intervals and error classes, and the
entries of the Hub's ``model-index``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import EvalResult

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import InputError
from llmner_hf.core.scoring import Interval, Intervals, Scores, bootstrap, score
from llmner_hf.readers import json_lines

GOLD, PREDICTED = ".gold.jsonl", ".predicted.jsonl"
METRICS = ("precision", "recall", "f1")
_ERRORS = ("type", "span", "type_span", "spurious", "missed")


@dataclass(frozen=True, slots=True)
class TestScore:
    """The scores on the test split of one corpus."""

    __test__ = False  # pytest takes the name for that of a test

    name: str
    texts: int
    scores: Scores
    intervals: Intervals

    @property
    def title(self) -> str:
        """The corpus's own name."""
        return CORPORA[self.name].title if self.name in CORPORA else self.name

    @property
    def results(self) -> list[EvalResult]:
        """The entries of the ``model-index``."""
        return [
            EvalResult(
                task_type="token-classification",
                task_name="Named entity recognition",
                dataset_type=self.name,
                dataset_name=self.title,
                dataset_split="test",
                metric_type=metric,
                metric_name=f"strict micro {metric}",
                metric_value=round(getattr(self.intervals, metric).value, 4),
            )
            for metric in METRICS
        ]


def test_scores(folder: Path) -> tuple[TestScore, ...]:
    """The scores of every pair of files in a folder, by name; nothing where there is no folder.

    Raises:
        InputError: a gold file has no predictions.
        FormatError: a file is malformed.
    """
    return tuple(_scored(path) for path in sorted(folder.glob(f"*{GOLD}")))


test_scores.__test__ = False  # type: ignore[attr-defined]


def _scored(path: Path) -> TestScore:
    name = path.name.removesuffix(GOLD)
    predicted = path.with_name(name + PREDICTED)
    if not predicted.is_file():
        raise InputError(f"{predicted}: missing; annotate {path.name} into it")
    gold, found = (_entities(file) for file in (path, predicted))
    return TestScore(name, len(gold), score(gold, found), bootstrap(gold, found))


def _entities(path: Path) -> dict[str, tuple[Entity, ...]]:
    reading = json_lines.read(path, dataset="", language=None)
    return {example.id: example.entities for example in reading.examples}


def score_table(found: Sequence[TestScore], trained_on: Sequence[str]) -> str:
    """Strict scores with their intervals, in per cent, as Markdown."""
    lines = [
        "| corpus | texts | entities | precision | recall | F1 |",
        "|---|---:|---:|---|---|---|",
    ]
    for one in found:
        unseen = "" if one.name in trained_on else " (unseen)"
        shown = " | ".join(_per_cent(getattr(one.intervals, metric)) for metric in METRICS)
        entities = f"{one.scores.strict.gold:,}"
        lines.append(f"| {one.title}{unseen} | {one.texts:,} | {entities} | {shown} |")
    return "\n".join(lines)


def error_table(found: Sequence[TestScore]) -> str:
    """The four error classes of the paper (II-C) and what was missed, as Markdown."""
    heads = (error.replace("_", " and ") for error in _ERRORS)
    lines = [f"| corpus | {' | '.join(heads)} |", "|---" + "|---:" * len(_ERRORS) + "|"]
    for one in found:
        counts = " | ".join(f"{getattr(one.scores.errors, error):,}" for error in _ERRORS)
        lines.append(f"| {one.title} | {counts} |")
    return "\n".join(lines)


def _per_cent(interval: Interval) -> str:
    return f"{100 * interval.value:.1f} ({100 * interval.low:.1f}-{100 * interval.high:.1f})"
