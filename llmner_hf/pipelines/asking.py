"""What a call of a pipeline asks for, and which types that means for a text.

In: the arguments of a call, and how a model was tuned. Out: the schema of a sentence. A model that
reads names of types alone (style ``brief``) knows the names that it was trained on: it is asked for
no others, which it would answer with whatever it knows. Refused: unknown arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from llmner_hf.core.entities import EntityType, LabelSet, Language
from llmner_hf.core.errors import InputError, LabelError
from llmner_hf.core.schema import Schema
from llmner_hf.pipelines.journal import Journal
from llmner_hf.settings import TaggerSettings

EntityTypes = Sequence[str] | Mapping[str, str]
Progress = Callable[[int, int], object]
Languages = Literal["guessed", "both"]
Threshold = float | Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Call:
    """What a call of a pipeline asks for.

    Attributes:
        entity_types: the types to find, as names or as name -> definition. Without them, those of
            ``dataset``; without that, the model's default for the language.
        dataset: the name of a dataset that the model was tuned on, or of a known corpus.
        language: "zh" or "en", the language of the instruction; guessed for every sentence if
            absent.
        languages: "both" asks every sentence for the default types of both languages. Types that
            mean the same (`core.languages`) get the name of the text's own language.
        sentences: whether to annotate sentence by sentence.
        repeats: whether to look for what is found in one sentence of a text in its others.
        threshold: in place of all of the selector's own; or by type, in place of those alone.
        flat: whether entities that overlap are left out but for the most probable one.
        html: whether entities and tags of HTML in a text are read as a browser shows them.
        progress: called with how many sentences are done and how many there are, of a text or of a
            batch of texts, before every step.
        journal: keeps what each step finds, and knows what the steps of an earlier run found.
    """

    entity_types: EntityTypes | None = None
    dataset: str | None = None
    language: Language | None = None
    languages: Languages = "guessed"
    sentences: bool = True
    repeats: bool = True
    threshold: Threshold | None = None
    flat: bool = False
    html: bool = False
    progress: Progress | None = None
    journal: Journal | None = None

    def but(self, **given: Any) -> Call:
        """The call with other arguments.

        Raises:
            InputError: there is no such argument, or it cannot be that.
        """
        if "aggregation_strategy" in given:
            raise InputError(
                "aggregation_strategy puts tokens together, and here a model writes whole "
                "entities; leave it out"
            )
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(given) - known):
            raise InputError(f"unknown argument {', '.join(unknown)} of the bioner pipeline")
        if given.get("languages", "guessed") not in get_args(Languages):
            raise InputError(
                f"languages {given['languages']!r} is not one of "
                f"{', '.join(map(repr, get_args(Languages)))}; for one of them say language="
            )
        return replace(self, **given)

    @property
    def guesses(self) -> bool:
        """Whether the types hang on the language of the text."""
        return self.entity_types is None and self.dataset is None and self.language is None


def schema_of(call: Call, settings: TaggerSettings, language: Language) -> Schema:
    """The types that are asked for, as a prompt names them.

    Raises:
        LabelError: the types are neither names nor definitions.
        SettingError: the dataset is unknown, or there are no default types for the language.
    """
    named = settings.schema(call.dataset) if call.dataset else None
    types = call.entity_types
    if types is None:
        return named or settings.default_schema(language)
    if isinstance(types, str) or not types:
        raise LabelError(
            f"entity_types must be a list of names or a mapping from name to definition, not "
            f"{types!r}"
        )
    definitions = types if isinstance(types, Mapping) else {}
    labels = LabelSet(tuple(EntityType(name, definitions.get(name, "")) for name in types))
    return replace(named, labels=labels) if named else Schema("", language, labels)


def known_part(schema: Schema, unread: Sequence[str]) -> Schema | None:
    """The schema without some of its types; None where there is no other."""
    if not unread:
        return schema
    kept = tuple(one for one in schema.labels if one.name not in unread)
    return replace(schema, labels=LabelSet(kept)) if kept else None


def check_threshold(call: Call, settings: TaggerSettings) -> None:
    """Refuse thresholds of types that cannot be found.

    Raises:
        InputError: a type is none of the model's and none that is asked for.
    """
    if not isinstance(call.threshold, Mapping):
        return
    asked = settings.schema(call.dataset).labels.names if call.dataset else ()
    known = dict.fromkeys([*(call.entity_types or ()), *asked, *settings.names])
    if unknown := [name for name in call.threshold if name not in known]:
        raise InputError(
            f"threshold of unknown types {', '.join(unknown)}; known are {', '.join(known)}"
        )
