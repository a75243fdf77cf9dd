"""``llmner train-selector``: tune an entity selector by a recipe; every key of it is an option."""

from __future__ import annotations

import argparse

from llmner_hf.cli.train import with_keys

NAME = "train-selector"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    with_keys(parser, "SelectorTrainingSettings", "selector/embedded.yaml")


def run(given: argparse.Namespace, rest: list[str]) -> None:
    """``llmner train-selector``."""
    from llmner_hf.training.lending import loaded
    from llmner_hf.training.parsing import parsed
    from llmner_hf.training.recipe import SelectorTrainingSettings
    from llmner_hf.training.selector.preparation import SelectionReport
    from llmner_hf.training.selector.run import train

    settings, optimisation, model = parsed(SelectorTrainingSettings, given.recipe, rest)
    record = train(settings, optimisation, model, *loaded(settings))
    for name, splits in record["candidates"].items():
        for split, report in splits.items():
            print(f"{name}, {split}: {SelectionReport(**report).as_text()}")
    print(f"held-out candidates: {record['validation']}")
