"""``llmner calibrate``: set a selector's temperature and thresholds by validation texts."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from llmner_hf.cli.reading import read
from llmner_hf.core.errors import InputError

if TYPE_CHECKING:
    from llmner_hf.selector.tuning import Tuning

NAME = "calibrate"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("selector", type=Path, help="folder; its selector.json is written anew")
    parser.add_argument(
        "--gold", type=Path, nargs="+", required=True, help="validation texts with their dataset"
    )
    parser.add_argument(
        "--predicted",
        type=Path,
        nargs="+",
        required=True,
        help="what the tagger alone found there: llmner annotate --no-selector",
    )
    parser.add_argument("--model", help="the tagger; the embedded model if absent")
    parser.add_argument("--revision", help="branch, tag or commit of --model on the Hub")
    parser.add_argument("--batch-size", type=int, default=64)


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner calibrate``."""
    examples = [example for path in given.gold for example in read(path)]
    from llmner_hf.readers.json_lines import read_predictions
    from llmner_hf.rendering.diagrams import reliability_diagram
    from llmner_hf.settings import SELECTOR_FILE, SelectorSettings
    from llmner_hf.tagger.tagger import Tagger
    from llmner_hf.training.calibration import calibrate

    if not given.selector.is_dir():
        raise InputError(f"{given.selector}: no such folder")
    predictions = [found for path in given.predicted for found in read_predictions(path)]
    if not given.model and SelectorSettings.load(given.selector / SELECTOR_FILE).evidence:
        raise InputError(
            f"{given.selector}: it reads what the tagger's gazetteer knows; name the tagger's "
            "folder, --model"
        )
    model = given.model or "embedded"
    tagger = Tagger.from_pretrained(model, revision=given.revision, selector=given.selector)
    tuning = calibrate(tagger, examples, predictions, given.batch_size)
    tuning.save(given.selector)
    reliability_diagram(
        given.selector / "reliability.png",
        {
            f"before: error {tuning.before.error:.3f}": tuning.before.bins,
            f"after: error {tuning.after.error:.3f}": tuning.after.bins,
        },
    )
    _say(tuning)
    print(f"{given.selector}: selector.json, reliability.png")


def _say(tuning: Tuning) -> None:
    """What was found, a line for each set of texts."""
    print(
        f"{tuning.every.candidates} candidates, {tuning.every.missed} gold entities are none of "
        f"them\ntemperature {tuning.temperature:.3f}: expected calibration error "
        f"{tuning.before.error:.4f} -> {tuning.after.error:.4f}"
    )
    for title, choice in {"all": tuning.every, **tuning.datasets}.items():
        print(
            f"{title}: threshold {choice.threshold:.3f} ({choice.candidates} candidates): "
            f"F1 {100 * choice.f1:.2f} -> {100 * choice.selected:.2f}; "
            f"at best {100 * choice.best.f1:.2f} at {choice.best.threshold:.3f}"
        )
