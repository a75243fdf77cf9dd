"""``llmner train``: tune a model by a recipe; every key of it is an option, --KEY VALUE."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from llmner_hf.core.errors import InputError, SettingError

NAME = "train"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("recipe", type=Path, help="a YAML file, as in recipes/")
    parser.add_argument("--dry-run", action="store_true", help="print what the run will be")


def run(given: argparse.Namespace, rest: list[str]) -> None:
    """``llmner train``."""
    if not given.recipe.is_file():
        raise InputError(f"{given.recipe}: no such recipe")
    from datasets import load_dataset
    from trl import ModelConfig, SFTConfig, TrlParser

    from llmner_hf.settings import TrainingSettings
    from llmner_hf.training.evaluation import validator
    from llmner_hf.training.tagger.run import train as tune
    from llmner_hf.training.tagger.sources import of_people

    kinds: Any = (TrainingSettings, SFTConfig, ModelConfig)
    parser = TrlParser(kinds)
    try:
        settings, optimisation, model = parser.parse_args_and_config(
            # A plan needs no GPU, where transformers refuses bf16 without one.
            ["--config", str(given.recipe), *rest, *(["--use_cpu", "true"] * given.dry_run)]
        )
    except (ValueError, TypeError) as error:
        raise SettingError(f"{given.recipe}: {error}") from error
    if not settings.datasets:
        raise SettingError(f"{given.recipe}: names no datasets")
    datasets = {Path(place).name: load_dataset(place) for place in settings.datasets}
    lenders = [load_dataset(place) for place in settings.lenders]
    if given.dry_run:
        from llmner_hf.training.plan.dry_run import planned

        print(
            planned(settings, optimisation, model, datasets, lenders).as_text(sys.stdout.isatty())
        )
        return
    validate = validator(of_people(datasets, settings), settings.validation_size)
    record = tune(settings, optimisation, model, datasets, validate, lenders)
    for name, report in record["preparation"].items():
        print(f"{name}: {report}")
    print(f"validation: {record['validation']}")
