"""What tagger and selector, and their recipes, have in common: each default declared once.

In: values from a recipe, a file or a caller. Out: the base classes of the settings that travel with
a model and of the recipes that train one. A field's ``help`` metadata says what it means and where
its default comes from; ``llmner train --help`` shows it. Refused: a value that is none of the known
ones of a closed set.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from numbers import Real
from pathlib import Path
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from safetensors import SafetensorError

from llmner_hf.core.errors import FormatError, InputError, SettingError
from llmner_hf.core.prompting import Style

# What Python and its libraries raise over a file that holds something else.
UNREADABLE = (
    *(KeyError, IndexError, TypeError, AttributeError, ValueError, ArithmeticError),
    *(RecursionError, OSError, SafetensorError),
)


@contextmanager
def reading(path: str | Path, what: str) -> Iterator[None]:
    """Turn whatever is wrong with a file of settings into one line.

    Raises:
        FormatError: the file is not what it is read as.
    """
    try:
        yield
    except FormatError:
        raise
    except InputError as error:
        raise FormatError(path, 0, str(error)) from error
    except UNREADABLE as error:
        raise FormatError(path, 0, f"not the {what}: {error!r:.200}") from error


def write(path: Path, values: Mapping[str, Any]) -> None:
    """Write settings as JSON."""
    text = json.dumps(values, ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


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


def check_kinds(settings: Any) -> None:
    """Refuse a value that is not of its field's type, or a number that is not finite.

    Raises:
        SettingError: which, and what it should be.
    """
    for name, kind in get_type_hints(type(settings)).items():
        value = getattr(settings, name, None)
        kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
        if not any(_is(value, each) for each in kinds):
            meant = " or ".join(_NAMES.get(each, "nothing") for each in kinds)
            raise SettingError(f"{name} must be {meant}, not {value!r:.60}")


# The types of fields that are looked at here; others have checks of their own.
_NAMES: Mapping[Any, str] = MappingProxyType(
    {
        bool: "true or false",
        int: "a whole number",
        float: "a finite number",
        str: "a string",
        list[str]: "a list of strings",
        list[float]: "a list of finite numbers",
    }
)


def _is(value: Any, kind: Any) -> bool:
    """Whether a value is of a type; no number is true or false."""
    if kind in (list[str], list[float]):
        return isinstance(value, list) and all(_is(each, get_args(kind)[0]) for each in value)
    if kind is float:
        return isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is NoneType:
        return value is None
    return kind not in _NAMES or isinstance(value, kind)


def check_least(settings: Any, **bounds: int) -> None:
    """Refuse a number below its bound; None is none.

    Raises:
        SettingError: which.
    """
    for name, bound in bounds.items():
        value = getattr(settings, name)
        if value is not None and value < bound:
            raise SettingError(f"{name} must be at least {bound}, not {value}")


def check_range(settings: Any, least: float, most: float, *names: str) -> None:
    """Refuse a number outside its range; what is no finite number lies outside.

    Raises:
        SettingError: which.
    """
    for name in names:
        value = getattr(settings, name)
        if not (_is(value, float) and least <= value <= most):
            raise SettingError(f"{name} must lie between {least} and {most}, not {value!r:.40}")


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
