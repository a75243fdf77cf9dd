"""What tagger and selector, and their recipes, have in common: each default declared once.

In: values from a recipe, a file or a caller. Out: the base classes of the settings that travel with
a model and of the recipes that train one. A field's ``help`` metadata says what it means and where
its default comes from; ``llmner train --help`` shows it. Refused: a value that is none of the known
ones of a closed set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from llmner_hf.core.errors import SettingError
from llmner_hf.core.prompting import Style


def setting(default: Any, text: str) -> Any:
    """A field with its default and its help; a new list or mapping for each object."""
    if isinstance(default, list | dict):
        return field(default_factory=default.copy, metadata={"help": text}, hash=False)
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True, kw_only=True)
class PromptSettings:
    """How a prompt is written; the fields' help says what each means."""

    style: Style = setting(
        "prefix",
        "style of the prompt: definitions before the text (prefix), names alone (brief), or the "
        "paper's order; default ours, see core.prompting",
    )


@dataclass(frozen=True, kw_only=True)
class LayoutSettings:
    """What each token of a completion sees; the field's help says more."""

    lines_apart: bool = setting(
        False,
        "each line of a completion sees the prompt and itself alone, and a copied token stands a "
        "fixed number of positions behind its original (tokens.layout); default as in the paper, "
        "where a token sees all before it",
    )


def check_choices(settings: Any) -> None:
    """Refuse a value that is not one of its field's ``Literal``.

    Raises:
        SettingError: the message names the known ones.
    """
    for name, kind in get_type_hints(type(settings)).items():
        if get_origin(kind) is Literal and getattr(settings, name) not in get_args(kind):
            known, value = ", ".join(get_args(kind)), getattr(settings, name)
            raise SettingError(f"{name} must be one of {known}, not {value!r}")


def check_shares(settings: Any, names: Iterable[str]) -> None:
    """Refuse a share that does not lie between 0 and 1.

    Raises:
        SettingError: which.
    """
    for name in names:
        if not 0 <= getattr(settings, name) <= 1:
            raise SettingError(f"{name} must lie between 0 and 1, not {getattr(settings, name)}")


def common(settings: Any, kind: type) -> dict[str, Any]:
    """The values of the fields that a settings object inherits from a class."""
    return {each.name: getattr(settings, each.name) for each in fields(kind)}


def stored(settings: Any, first: Iterable[str]) -> dict[str, Any]:
    """The settings as a file holds them.

    Args:
        settings: a dataclass.
        first: the keys that the file begins with; the others follow in the order of the fields.
    """
    values: Mapping[str, Any] = asdict(settings)
    return {name: values[name] for name in first} | dict(values)
