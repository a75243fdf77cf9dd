"""``llmner evaluate``: strict scores with intervals, error classes, per type."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from llmner_hf.cli.reading import read
from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.scoring import bootstrap, paired_bootstrap, score
from llmner_hf.core.writing import word_spans
from llmner_hf.rendering.scores import comparison_line, interval_line, score_row, score_table

NAME = "evaluate"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--gold", type=Path, required=True, help="any format with entities")
    parser.add_argument("--predicted", type=Path, required=True, help="any format with entities")
    parser.add_argument(
        "--against", type=Path, help="predictions of another system to compare with"
    )
    parser.add_argument("--samples", type=int, default=1000, help="of the bootstrap; 0 for none")
    parser.add_argument("--json", type=Path, help="also write the scores as JSON")


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner evaluate``."""
    examples = read(given.gold)
    gold, predicted = _entities(examples), _entities(read(given.predicted))
    tokens = {example.id: word_spans(example.text) for example in examples}
    scores = score(gold, predicted, tokens=tokens)
    print(score_table(scores))
    if given.samples and given.against:
        others = _entities(read(given.against))
        print(comparison_line(paired_bootstrap(gold, predicted, others, samples=given.samples)))
    if given.samples:
        print(interval_line(bootstrap(gold, predicted, samples=given.samples), len(gold)))
    if given.json:
        given.json.write_text(json.dumps(score_row(scores), indent=2) + "\n", encoding="utf-8")


def _entities(examples: Sequence[Example]) -> dict[str, tuple[Entity, ...]]:
    return {example.id: example.entities for example in examples}
