"""``llmner train-selector``: tune an entity selector by a recipe; every key of it is an option."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from llmner_hf.core.errors import InputError, SettingError

NAME = "train-selector"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("recipe", type=Path, help="a YAML file, as in recipes/selector/")


def run(given: argparse.Namespace, rest: list[str]) -> None:
    """``llmner train-selector``."""
    if not given.recipe.is_file():
        raise InputError(f"{given.recipe}: no such recipe")
    from datasets import load_dataset
    from transformers import TrainingArguments
    from trl import ModelConfig, TrlParser

    from llmner_hf.settings import SelectorTrainingSettings
    from llmner_hf.training.selector.preparation import SelectionReport
    from llmner_hf.training.selector.run import train

    kinds: Any = (SelectorTrainingSettings, TrainingArguments, ModelConfig)
    try:
        settings, optimisation, model = TrlParser(kinds).parse_args_and_config(
            ["--config", str(given.recipe), *rest]
        )
    except (ValueError, TypeError) as error:
        raise SettingError(f"{given.recipe}: {error}") from error
    if not settings.datasets:
        raise SettingError(f"{given.recipe}: names no datasets")
    datasets = {Path(place).name: load_dataset(place) for place in settings.datasets}
    lenders = [load_dataset(place) for place in settings.lenders]
    record = train(settings, optimisation, model, datasets, lenders)
    for name, splits in record["candidates"].items():
        for split, report in splits.items():
            print(f"{name}, {split}: {SelectionReport(**report).as_text()}")
    print(f"held-out candidates: {record['validation']}")
