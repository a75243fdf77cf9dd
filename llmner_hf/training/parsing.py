"""Recipes: YAML files whose every key is an option of ``llmner train`` and ``train-selector`` too.

In: the name of a recipe and options. Out: its three parts, ours, the optimiser's and the model's;
and the help of all keys, ours first. A recipe is a file, seen from where one stands, or one of the
package's own by its name below ``recipes/``, as ``embedded/tune.yaml``. A key that is a mapping is
written on the command line as in the file: ``--default_datasets '{en: biored}'``. Refused: an
unknown recipe, key or value, in one line.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn, get_origin

import yaml
from transformers import TrainingArguments
from trl import ModelConfig, SFTConfig, TrlParser

from llmner_hf.core.errors import InputError, SettingError
from llmner_hf.training.recipe import AIDS, SelectorTrainingSettings, TrainingSettings

PACKAGE = Path(__file__).parents[1]
# Inside the package where it is installed, beside it in the repository.
FOLDERS = PACKAGE / "recipes", PACKAGE.parent / "recipes"
# Keys of TRL that change nothing here, and why: rows are made by `training.tagger.preparation`.
NO_EFFECT: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(
        ("max_length", "truncation_mode"), "nothing is cut; the longest row is max_tokens"
    )
    | dict.fromkeys(
        ("packing", "packing_strategy", "padding_free", "pad_to_multiple_of"),
        "rows share a copy of their prompts by pack",
    )
    | dict.fromkeys(
        ("completion_only_loss", "assistant_only_loss"), "the loss is on completions alone"
    )
    | dict.fromkeys(
        ("dataset_text_field", "dataset_kwargs", "dataset_num_proc", "chat_template_path"),
        "rows are made of text, entities and types",
    )
    | dict.fromkeys(("shuffle_dataset",), "the order is by mixing")
)
# Our settings -> the optimiser's that stand in the same recipe.
OPTIMISATION: dict[type, type] = {
    TrainingSettings: SFTConfig,
    SelectorTrainingSettings: TrainingArguments,
}


def found(recipe: str | Path) -> Path:
    """Where a recipe lies: from where one stands, or among the package's own.

    Raises:
        InputError: nowhere; the message names the package's own.
    """
    # "recipes/embedded/tune.yaml", as the manual has it, is found from anywhere.
    inside = (
        Path(recipe).relative_to("recipes") if Path(recipe).parts[:1] == ("recipes",) else recipe
    )
    for path in (Path(recipe), *(folder / inside for folder in FOLDERS)):
        if path.is_file():
            return path
    own = sorted(
        path.relative_to(folder).as_posix() for folder in FOLDERS for path in folder.rglob("*.yaml")
    )
    raise InputError(f"{recipe}: no such recipe, neither here nor among {', '.join(own)}")


def parsed(kind: type, recipe: str | Path, options: Sequence[str] = ()) -> tuple[Any, Any, Any]:
    """The parts of a recipe: ours, the optimiser's, the model's.

    Args:
        kind: ``TrainingSettings`` or ``SelectorTrainingSettings``.
        recipe: file, or name below the package's ``recipes/``.
        options: keys with other values, as ``["--max_steps", "1500"]``.

    Raises:
        InputError: there is no such recipe.
        SettingError: a key or a value is wrong, or no datasets are named.
    """
    path = found(recipe)
    try:
        keys = _keys(path, options)
        if kind is TrainingSettings:
            _refuse_no_effect(keys)
        parts = RecipeParser(kind).parse_args_and_config(["--config", str(path), *options])
        check_numbers(parts[1])
    # Of any kind: TRL, transformers and accelerate all look at the values in their own ways.
    except Exception as error:
        told = " ".join(str(error).split()) or repr(error)
        raise SettingError(f"{recipe}: {told}") from error
    if not parts[0].datasets:
        raise SettingError(f"{recipe}: names no datasets")
    return parts[0], parts[1], parts[2]


def _keys(path: Path, options: Iterable[str]) -> list[str]:
    """The keys that a recipe and options give.

    Raises:
        SettingError: the recipe is no mapping.
    """
    values = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(values, dict):
        raise SettingError(f"not a mapping of keys to values, but {values!r:.60}")
    given = (option[2:].partition("=")[0] for option in options if option.startswith("--"))
    return [*map(str, values), *(name.replace("-", "_").removeprefix("no_") for name in given)]


def _refuse_no_effect(keys: Iterable[str]) -> None:
    for key in keys:
        if key in NO_EFFECT:
            raise SettingError(f"{key} has no effect here: {NO_EFFECT[key]}; leave it out")


def check_numbers(arguments: TrainingArguments) -> None:
    """Refuse numbers of transformers' arguments that it takes and fails by later.

    Raises:
        SettingError: which.
    """
    counts = {"per_device_train_batch_size": 1, "gradient_accumulation_steps": 1, "seed": 0}
    least = {"learning_rate": 0, "weight_decay": 0, "max_grad_norm": 0, "warmup_steps": 0, **counts}
    for name, bound in least.items():
        value = getattr(arguments, name)
        if not (isinstance(value, int | float) and math.isfinite(value) and value >= bound):
            raise SettingError(f"{name} must be a number from {bound}, not {value}")
    if arguments.max_steps < 1 and not 0 < arguments.num_train_epochs < math.inf:
        raise SettingError(
            f"max_steps {arguments.max_steps} and num_train_epochs {arguments.num_train_epochs}: "
            "no step would be taken; set one of them above 0"
        )
    if arguments.max_steps == 0:
        raise SettingError("max_steps 0: no step would be taken; leave it out, or set it above 0")


class RecipeParser(TrlParser):
    """TRL's parser with our keys first, mappings among them, and errors that are exceptions."""

    def __init__(self, kind: type, **options: Any) -> None:
        super().__init__((), formatter_class=_Lines, allow_abbrev=False, **options)
        ours = self.add_argument_group("keys of this project")
        small = self.add_argument_group("keys of this project that help a small model alone")
        self._theirs: Any = self.add_argument_group("keys of TRL and transformers")
        aids = {each.name for aid in AIDS for each in dataclasses.fields(aid)}
        self._group = {
            each.name: small if each.name in aids else ours for each in dataclasses.fields(kind)
        }
        kinds: list[Any] = [kind, OPTIMISATION[kind], ModelConfig]
        self.dataclass_types = kinds
        for dataclass in kinds:
            self._add_dataclass_arguments(dataclass)

    def _parse_dataclass_field(self, parser: Any, field: Any) -> None:  # type: ignore[override]
        """Add the option of a field; transformers knows neither mappings nor tuples."""
        group = self._group.get(field.name, self._theirs)
        if get_origin(field.type) not in (dict, tuple) or group is self._theirs:
            super()._parse_dataclass_field(group, field)
            return
        names = dict.fromkeys((f"--{field.name}", f"--{field.name.replace('_', '-')}"))
        given = {"help": field.metadata["help"], "dest": field.name}
        if get_origin(field.type) is tuple:
            group.add_argument(*names, nargs=2, default=field.default, **given)
        else:
            default = field.default_factory()
            group.add_argument(*names, type=mapping, default=default, metavar="MAPPING", **given)

    def error(self, message: str) -> NoReturn:
        """Raise instead of leaving the process.

        Raises:
            SettingError: always.
        """
        raise SettingError(message)


class _Lines(argparse.ArgumentDefaultsHelpFormatter):
    """Help with one spelling of each key; the other, with hyphens, does the same."""

    def _format_action_invocation(self, action: argparse.Action) -> str:
        if not action.option_strings:
            return super()._format_action_invocation(action)
        if action.nargs == 0:
            return action.option_strings[0]
        kind = getattr(action.type, "__name__", "str").removeprefix("string_to_").upper()
        if action.choices:
            kind = "{" + ",".join(map(str, action.choices)) + "}"
        several = {"+": " ...", 2: f" {kind}"}.get(action.nargs or "", "")
        return f"{action.option_strings[0]} {action.metavar or kind + several}"


def mapping(text: str) -> dict[str, Any]:
    """A mapping as a recipe or JSON writes it.

    >>> mapping("{en: biored}"), mapping('{"genia": 0.5}')
    ({'en': 'biored'}, {'genia': 0.5})

    Raises:
        ArgumentTypeError: it is none.
    """
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        value = None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is no mapping, as '{{en: biored}}'")
    return value
