"""The keys of recipes that are ours; the others are TRL's and transformers'.

In: the values of a recipe and of the command line (`training.parsing`). Out: frozen settings, and
from them the settings that travel with a tuned model. Refused: values that are unknown, out of
bounds or exclude each other. Each key and its default stand once, here or in the class that the
tuned model's settings inherit too; the ``help`` of a field says what it means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from numbers import Real
from typing import Any, Literal

from llmner_hf.core.borders import Cuts
from llmner_hf.core.entities import Language
from llmner_hf.core.errors import SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.settings import SelectorSettings, TaggerSettings, Units
from llmner_hf.settings.selection import EvidenceSettings, QuestionSettings
from llmner_hf.settings.shared import (
    LayoutSettings,
    check_choices,
    check_kinds,
    check_least,
    check_shares,
    common,
    setting,
)
from llmner_hf.settings.tagging import CompletionSettings, LineSettings

Mixing = Literal["alternate", "shuffle"]


@dataclass(frozen=True, kw_only=True)
class SourceSettings:
    """What a model is trained on; the fields' help says what each means."""

    datasets: list[str] = setting(
        [], "folders or Hub ids of tagged datasets; one model is trained on all (paper II-B)"
    )
    max_tokens: int = setting(
        1024,
        "the longest input. The authors' script cuts at 1,024 silently; here a tagger's longer "
        "text is split at sentences, and what cannot be split, or is a selector's, is left out and "
        "counted",
    )


@dataclass(frozen=True, kw_only=True)
class LendingSettings:
    """Auxiliary gazetteer sources; the field's help says more."""

    lenders: list[str] = setting(
        [],
        "folders or Hub ids of tagged datasets that lend gazetteers their mentions and are not "
        "trained on, as in llmner gazetteer; a text that is judged lends nothing",
    )


@dataclass(frozen=True, kw_only=True)
class SmallModel(LineSettings, LendingSettings):
    """Aids that only a small model needs; all defaults are the paper's, without them."""

    bracket_biases: list[float] = setting(
        [0.0],
        "biases of opening brackets to try at every validation; the best ones travel with the "
        "model, for all datasets together and for each",
    )
    allowed_share: float = setting(
        0.0,
        "weight of the loss over the tokens that the copy automaton allows; the rest is the usual "
        "loss over the whole vocabulary",
    )
    word_dropout: float = setting(
        0.0,
        "share of the distinct text tokens of an example that are hidden from the model wherever "
        "they stand in it",
    )
    some_types: float = setting(
        0.0,
        "share of the examples that are asked for some of the types alone, in any order, so that "
        "names count and not their places",
    )
    gazetteer_folds: int = setting(
        0,
        "folds of a dataset's training texts. The mentions of all other folds are the gazetteer of "
        "a text in training, so that the model learns what a gazetteer leaves to it; 0 for none",
    )
    silver: list[str] = setting(
        [],
        "names of datasets that a tagger annotated, not people. They are trained on beside an "
        "empty gazetteer, since it would know what their tagger knew, lend no mentions, and are "
        "not scored",
    )


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(CompletionSettings, SmallModel, SourceSettings):
    """A tagger's recipe; the fields' help says what each means."""

    mixing: Mixing = setting(
        "alternate",
        "alternate takes Chinese and English in turn (paper II-B) until one is used up, and then "
        "the rest of the other; corpus_weights can even them out. shuffle does not look at the "
        "language",
    )
    corpus_weights: dict[str, float] = setting(
        {}, "corpus -> how often an epoch has its examples, as {biored: 2}; 1 if absent"
    )
    pack: int | None = setting(
        None,
        "examples of one corpus that follow each other and share one copy of what their prompts "
        "have in common, with the same loss; 1 mixes single sentences, as the paper does. Absent: "
        "a device's whole batch for style prefix, else 1",
    )
    validation_size: int = setting(
        200,
        "examples of each dataset's validation split, from its beginning, that are decoded and "
        "scored; 0 for no validation",
    )
    join_validation: bool = setting(
        False, "train on the rest of the validation splits too, as the paper's Table I counts it"
    )
    default_datasets: dict[str, str] = setting(
        {},
        "language -> the dataset whose types the tagger uses when none are given, as {en: biored}",
    )

    def __post_init__(self) -> None:
        check_choices(self)
        check_kinds(self)
        check_least(self, max_tokens=1, max_depth=1, validation_size=0, pack=1)
        check_shares(self, ("allowed_share", "word_dropout", "some_types"))
        check_mappings(
            self, corpus_weights=(Real, "{biored: 2}"), default_datasets=(str, "{en: biored}")
        )
        if not self.bracket_biases:
            raise SettingError("bracket_biases: name at least one, as [0.0]")
        if wrong := {n: w for n, w in self.corpus_weights.items() if not 0 < w < inf}:
            raise SettingError(f"corpus_weights must lie above 0, not {wrong}")
        if self.gazetteer_folds and not self.allowed_share:
            raise SettingError(
                "gazetteer_folds needs allowed_share: what a gazetteer says of brackets counts "
                "among the allowed tokens alone"
            )
        if self.gazetteer_folds < 0 or self.gazetteer_folds == 1:
            raise SettingError(f"gazetteer_folds must be 0 or above 1, not {self.gazetteer_folds}")
        if self.lenders and not self.gazetteer_folds:
            raise SettingError("lenders lend to gazetteers; set gazetteer_folds, or leave them out")
        for name in ("allowed_share", "every_type", "lines_apart"):
            if getattr(self, name) and self.strategy != "symbolic":
                raise SettingError(
                    f"{name} needs the symbolic strategy: the copy automaton knows no "
                    f"{self.strategy!r} completions; leave it out"
                )

    def tagger(self, schemas: Mapping[str, Schema], depth: int, cuts: Cuts) -> TaggerSettings:
        """The settings that travel with the tuned model.

        Args:
            schemas: the datasets, by name.
            depth: the deepest nesting in their training texts.
            cuts: the places inside words where entities end there.
        """
        own = common(self, CompletionSettings) | common(self, LineSettings)
        defaults: Mapping[Language, str] = self.default_datasets  # type: ignore[assignment]
        return TaggerSettings(
            **own | {"max_depth": max(1, min(self.max_depth, depth))},
            confidence="allowed" if self.allowed_share == 1 else "full",
            cuts=cuts,
            schemas=schemas,
            defaults=dict(defaults),
        )


@dataclass(frozen=True, kw_only=True)
class SelectorTrainingSettings(QuestionSettings, LendingSettings, SourceSettings):
    """A selector's recipe; the fields' help says what each means."""

    mined: dict[str, str] = setting(
        {},
        "dataset -> file of what a tagger that never saw the texts found in them, as {genia: "
        "PREDICTIONS.jsonl}; what is not gold becomes a negative candidate. Beyond the paper",
    )
    found_alone: bool = setting(
        False,
        "train only on candidates that the tagger of mined found, the ones that a selector will be "
        "asked; right and wrong ones are drawn each up to their share",
    )
    candidates: int = setting(
        10_000, "candidates to draw of each dataset's training split (paper II-C: 10,000)"
    )
    positive_share: float = setting(0.5, "share of gold ones among them; the paper does not say")
    units: Units = setting(
        "tokens",
        "the unit by which a boundary is shifted; the paper says tokens and names no tokenizer, "
        "here it is the backbone's",
    )
    head_dropout: float = setting(
        0.05, "dropout before the classification layer; the paper's 0.05 is LoRA's, the same here"
    )
    validation_candidates: int = setting(
        1_000, "candidates to draw of each dataset's validation split"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_kinds(self)
        check_least(self, max_tokens=1, candidates=1, validation_candidates=0)
        check_shares(self, ("positive_share", "head_dropout"))
        check_mappings(self, mined=(str, "{genia: FILE}"))
        if self.found_alone and not self.mined:
            raise SettingError("found_alone needs mined: what a tagger found in the training texts")

    def selector(self) -> SelectorSettings:
        """The settings that travel with the tuned selector."""
        return SelectorSettings(**common(self, QuestionSettings))


# The classes whose keys a user of a large model can leave alone.
AIDS = LayoutSettings, LineSettings, EvidenceSettings, LendingSettings, SmallModel


def check_mappings(settings: Any, **kinds: tuple[type, str]) -> None:
    """Refuse what is no mapping of names.

    Args:
        settings: a recipe's.
        **kinds: key -> the types of its values, and how one is written.

    Raises:
        SettingError: which, and how it is written.
    """
    for name, (known, example) in kinds.items():
        given = getattr(settings, name)
        sound = isinstance(given, dict) and all(
            isinstance(key, str) and isinstance(value, known) and not isinstance(value, bool)
            for key, value in given.items()
        )
        if not sound:
            raise SettingError(f"{name} must be a mapping, as {example}, not {given!r}")
