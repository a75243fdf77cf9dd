"""How a tagger is asked and how its answers are read.

``TaggerSettings`` travels with a tuned model as ``tagger.json``, so that the model is asked in the
words that it was trained on; its gazetteer lies beside. Refused: a file that ``save`` did not
write.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from llmner_hf.core.borders import Cuts
from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import EntityType, LabelSet, Language
from llmner_hf.core.errors import SettingError
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.prompting import Strategy
from llmner_hf.core.schema import Schema
from llmner_hf.settings.gazetteer import GAZETTEER_FILE, Gazetteer
from llmner_hf.settings.shared import (
    LayoutSettings,
    PromptSettings,
    check_choices,
    check_kinds,
    check_range,
    reading,
    setting,
    stored,
    write,
)

TAGGER_FILE = "tagger.json"
# The keys that ``tagger.json`` begins with.
FIRST = "strategy", "style", "max_depth", "every_type", "lines_apart"

# Logits differ by some ten, and what is added to them, to rule a bracket in or out, by no more than
# this; no line nests deeper.
MOST_ADDED = 100_000
DEEPEST = 32


@dataclass(frozen=True, slots=True)
class Weights:
    """What is added to the logits of brackets; all 0 is the model alone.

    Attributes:
        bias: of every opening bracket.
        sure: of one before a known mention of the line's type, besides.
        unsure: the same before a mention that mostly is no entity.
        close: of a closing bracket behind a known mention.
    """

    bias: float = 0.0
    sure: float = 0.0
    unsure: float = 0.0
    close: float = 0.0

    def __post_init__(self) -> None:
        check_range(self, -MOST_ADDED, MOST_ADDED, "bias", "sure", "unsure", "close")


# Ours: where the search for a dataset's weights begins, and what training adds.
USUAL_WEIGHTS = Weights(bias=-0.5, sure=6.0, unsure=3.0, close=4.0)


@dataclass(frozen=True, kw_only=True)
class CompletionSettings(PromptSettings):
    """How a completion is written; the fields' help says what each means."""

    strategy: Strategy = setting(
        "symbolic", "the tagging strategy of completions; default the paper's best (Table II)"
    )
    max_depth: int = setting(
        3,
        "the deepest nesting of brackets in a line; a tagger is left with what its training texts "
        "show of it. Default ours: the corpora reach 2",
    )


@dataclass(frozen=True, kw_only=True)
class LineSettings(LayoutSettings):
    """What the lines of a completion are; the fields' help says what each means."""

    every_type: bool = setting(
        False,
        "a completion has a line for every type, those without entities too. A small model decides "
        "better where brackets stand than which types a text will turn out to hold, before it has "
        "written anything. Default as in the paper",
    )


@dataclass(frozen=True, kw_only=True)
class TaggerSettings(CompletionSettings, LineSettings):
    """How a tuned model is asked and how its answers are read.

    A model with ``lines_apart`` is decoded under the constraint alone.

    Attributes:
        bracket_bias: added to the logits of opening brackets: above 0 more entities are found,
            below 0 fewer and surer ones. It does not act on the few openings inside a token, which
            a shorter token announces. Default: 0, the model's own choice.
        weights: dataset -> its own bias, and how much its gazetteer counts.
        confidence: the probabilities that scores are made of: of the ``full`` vocabulary, or among
            the ``allowed`` tokens, for a model that was trained on those alone.
        gazetteer: the mentions of its training texts, which help to decide (beyond the paper).
        cuts: the places inside words where an entity of its training texts ends, see
            `core.borders`; nowhere else may a bracket stand inside a word.
        schemas: the datasets it was trained on, by name.
        defaults: language -> the dataset whose types it uses when none are given.
    """

    bracket_bias: float = 0.0
    weights: Mapping[str, Weights] = field(default_factory=dict, hash=False)
    confidence: Literal["full", "allowed"] = "full"
    gazetteer: Gazetteer | None = None
    cuts: Cuts = field(default_factory=dict, hash=False)
    schemas: Mapping[str, Schema] = field(default_factory=dict, hash=False)
    defaults: Mapping[Language, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        check_choices(self)
        check_kinds(self)
        check_range(self, 1, DEEPEST, "max_depth")
        check_range(self, -MOST_ADDED, MOST_ADDED, "bracket_bias")
        if not all(isinstance(name, str) for pair in self.defaults.items() for name in pair):
            raise SettingError(f"defaults must name datasets, not {self.defaults!r:.100}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all types that it was trained on."""
        own = (name for schema in self.schemas.values() for name in schema.labels.names)
        return tuple(dict.fromkeys(own))

    def unread(self, names: Iterable[str]) -> tuple[str, ...]:
        """Of these names of types those that mean nothing to the model.

        One that reads definitions can be asked for any type, and of one that does not say what it
        was trained on nothing is known.
        """
        return self.unseen(names) if self.style == "brief" else ()

    def unseen(self, names: Iterable[str]) -> tuple[str, ...]:
        """Of these names of types those that it was not trained on, if it says what it was."""
        known = frozenset(self.names)
        return tuple(name for name in names if known and name not in known)

    def dictionary(self, schema: Schema) -> Dictionary | None:
        """The known mentions of a schema's dataset, or of its types' names, if there are any."""
        return self.gazetteer.of(schema) if self.gazetteer else None

    def weights_of(self, schema: Schema) -> Weights:
        """The weights of a schema's dataset.

        Of types made up by a user they are the usual ones where mentions are known by the types'
        names, else the general bias alone.
        """
        names = (name for name, own in self.schemas.items() if own.title == schema.title)
        found = (self.weights[name] for name in names if name in self.weights)
        usual = USUAL_WEIGHTS if self.dictionary(schema) else Weights(self.bracket_bias)
        return next(found, usual)

    def biased(self, bias: float) -> TaggerSettings:
        """The settings with another bias, for all datasets."""
        weights = {name: replace(own, bias=bias) for name, own in self.weights.items()}
        return replace(self, bracket_bias=bias, weights=weights)

    def schema(self, name: str) -> Schema:
        """The schema of a dataset: the model's own, or the catalogue's.

        Raises:
            SettingError: neither knows it.
        """
        if name in self.schemas:
            return self.schemas[name]
        if name in CORPORA:
            return Schema.of_corpus(name)
        known = ", ".join(sorted({*self.schemas, *CORPORA}))
        raise SettingError(f"unknown dataset {name!r}; known are {known}")

    def default_schema(self, language: Language) -> Schema:
        """The schema for a text of this language when the caller names no types.

        Raises:
            SettingError: the model has none for it.
        """
        if language not in self.defaults:
            raise SettingError(
                f"this model has no default types for language {language!r}; give entity_types or "
                f"a dataset: {', '.join(self.schemas) or 'it names none'}"
            )
        return self.schema(self.defaults[language])

    def save(self, folder: str | Path) -> None:
        """Write ``tagger.json`` into a model's or adapter's folder, and the gazetteer if any."""
        values = stored(replace(self, gazetteer=None), FIRST)
        if self.gazetteer and self.gazetteer.dictionaries:
            self.gazetteer.save(folder)
            values["gazetteer"] = GAZETTEER_FILE
        write(Path(folder, TAGGER_FILE), values)

    @classmethod
    def load(cls, path: str | Path) -> TaggerSettings:
        """Read ``tagger.json``, and the gazetteer beside it if it has one.

        Raises:
            FormatError: a file is not one that ``save`` wrote.
        """
        with reading(path, "settings of a tagger"):
            values = json.loads(Path(path).read_text(encoding="utf-8"))
            schemas = {name: _schema(entry) for name, entry in values.pop("schemas").items()}
            values["weights"] = {k: Weights(**v) for k, v in values.get("weights", {}).items()}
            values["cuts"] = {word: _places(own) for word, own in values.get("cuts", {}).items()}
            if values.pop("gazetteer", None):
                values["gazetteer"] = Gazetteer.load(Path(path).with_name(GAZETTEER_FILE))
            return cls(schemas=schemas, **values)


def _schema(entry: dict[str, Any]) -> Schema:
    types = tuple(EntityType(**entity_type) for entity_type in entry["labels"]["types"])
    said = [entry["title"], *(type_.definition for type_ in types)]
    if entry["language"] not in get_args(Language) or not all(isinstance(s, str) for s in said):
        raise ValueError(f"no schema: {entry!r:.100}")
    return Schema(entry["title"], entry["language"], LabelSet(types))


def _places(given: list[int]) -> tuple[int, ...]:
    """The places in a word, as a file holds them."""
    if not all(isinstance(place, int) and place > 0 for place in given):
        raise ValueError(f"no places in a word: {given!r:.100}")
    return tuple(given)
