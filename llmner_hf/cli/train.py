"""``llmner train``: tune a model by a recipe; every key of it is an option, --KEY VALUE."""

from __future__ import annotations

import argparse
import sys
from typing import Any

NAME = "train"


class Help(argparse.Action):
    """``--help``: the options of a command, then every key of its recipes.

    The keys are looked up when they are asked for: their libraries take seconds to import.
    """

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print both and leave."""
        from llmner_hf.training import parsing, recipe

        kind = getattr(recipe, str(self.const))
        print(parser.format_help())
        print(parsing.RecipeParser(kind, add_help=False, usage=argparse.SUPPRESS).format_help())
        parser.exit()


def with_keys(parser: argparse.ArgumentParser, kind: str, example: str) -> None:
    """The options of a command that reads a recipe."""
    parser.add_argument(
        "-h",
        "--help",
        nargs=0,
        action=Help,
        const=kind,
        default=argparse.SUPPRESS,
        help="show this, and all keys",
    )
    parser.add_argument("recipe", help=f"a YAML file, or one of the package's own: {example}")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    with_keys(parser, "TrainingSettings", "embedded/tune.yaml")
    parser.add_argument("--dry-run", action="store_true", help="print what the run will be")


def run(given: argparse.Namespace, rest: list[str]) -> None:
    """``llmner train``."""
    from llmner_hf.training.lending import loaded
    from llmner_hf.training.parsing import parsed
    from llmner_hf.training.recipe import TrainingSettings
    from llmner_hf.training.tagger.run import train as tune

    # A plan needs no GPU, where transformers refuses bf16 without one.
    options = [*rest, *(["--use_cpu", "true"] * given.dry_run)]
    settings, optimisation, model = parsed(TrainingSettings, given.recipe, options)
    datasets, lending = loaded(settings)
    if given.dry_run:
        from llmner_hf.training.plan.dry_run import planned

        plan = planned(settings, optimisation, model, datasets, lending)
        print(plan.as_text(sys.stdout.isatty()))
        return
    record = tune(settings, optimisation, model, datasets, lending)
    for name, report in record["preparation"].items():
        print(f"{name}: {report}")
    print(f"validation: {record['validation']}")
