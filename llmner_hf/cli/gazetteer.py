"""``llmner gazetteer``: give a tagger the mentions of its training texts, weighed on others."""

from __future__ import annotations

import argparse
from pathlib import Path

from llmner_hf.core.errors import InputError

NAME = "gazetteer"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("model", type=Path, help="folder of a tagger; its tagger.json is rewritten")
    parser.add_argument(
        "--datasets", nargs="+", required=True, help="tagged datasets that it was trained on"
    )
    parser.add_argument(
        "--lenders",
        nargs="+",
        default=[],
        metavar="DATASET",
        help="others that lend them the mentions of types of the same name",
    )
    parser.add_argument("--rows", type=int, default=150, help="validation rows to weigh by")
    parser.add_argument(
        "--all-rows",
        action="store_true",
        help="with the weights it has, learn of the validation rows too: the last step",
    )
    parser.add_argument(
        "--selector", metavar="FOLDER", help="weigh by what this selector will leave"
    )
    parser.add_argument("--batch-size", type=int, default=64)


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner gazetteer``."""
    from llmner_hf.tagger.tagger import Tagger
    from llmner_hf.training.gazetteer import learnt, parts, relearnt
    from llmner_hf.training.lending import Lending, load_named
    from llmner_hf.training.weighing import Trial, equipped, fit

    if not given.model.is_dir():
        raise InputError(f"{given.model}: no such folder")
    datasets = load_named(given.datasets)
    lending = Lending.load(given.lenders)
    tagger = Tagger.from_pretrained(given.model, selector=given.selector)
    if given.all_rows:
        relearnt(tagger, datasets, lending).settings.save(given.model)
        return
    known, held_out = {}, {}
    for name, splits in datasets.items():
        known[name], held_out[name] = parts(splits, given.rows)
    dictionaries = learnt(tagger.settings, known, lending)
    found = fit(Trial(tagger, dictionaries, held_out, given.batch_size))
    equipped(tagger, dictionaries, found).settings.save(given.model)
    both, alone = found.tried[found.weights], found.alone[found.bias]
    for name, dictionary in dictionaries.items():
        print(
            f"{name}: {len(dictionary.mentions)} mentions; F1 on {len(held_out[name])} validation "
            f"rows: tagger {100 * alone[name]:.1f}, gazetteer {100 * found.listed[name]:.1f}, both "
            f"{100 * both[name]:.1f}"
        )
    print(f"{found.weights}; tagger alone, and types without known mentions: bias {found.bias}")
