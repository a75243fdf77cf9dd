"""The chat messages that ask a model to tag a text (paper, section II-A, Fig. 3).

In: the text, the schema that it is annotated by, a style and a tagging strategy. Out: chat
messages. The model is told that it is an expert in biomedical NER and which dataset it annotates,
then gets the types with their definitions, and the text. Three styles:

- ``prefix`` (the default): the text comes last, so that everything before it is one prefix, the
  same for every sentence of a dataset. Differs from the paper, which puts the text first.
- ``paper``: the text comes before the types, as in the paper's prompts.
- ``brief``: the names of the types and the text, nothing else, for models too small to read
  definitions; the embedded model is tuned on it.

The text appears as its view (`core.tagging.base.view`); nothing is stripped from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from llmner_hf.core.entities import LabelSet, Language
from llmner_hf.core.errors import SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.core.tagging.base import view

Style = Literal["prefix", "paper", "brief"]
Strategy = Literal["symbolic", "html", "json_list"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Wording:
    """The fixed sentences of a language."""

    role: str
    dataset: str
    any_dataset: str
    types: str
    text: str
    format: Mapping[Strategy, str]
    colon: str


WORDINGS: Mapping[Language, Wording] = MappingProxyType(
    {
        "en": Wording(
            role="You are an expert in biomedical named entity recognition.",
            dataset="Annotate the text by the rules of the dataset {title}.",
            any_dataset="Annotate the entities of the text.",
            types="Entity types and their definitions:",
            text="Text:",
            format={
                "symbolic": "Write one line for each type that occurs, in the order of the types: "
                "the name of the type, a colon, and a copy of the text with [ before and ] after "
                "every entity of that type. Write nothing if no entity occurs.",
                "html": "Copy the text with <type:entity> before and </type:entity> after every "
                "entity.",
                "json_list": "Write a JSON list with start_idx, end_idx (exclusive), type and "
                "entity of every entity.",
            },
            colon=": ",
        ),
        "zh": Wording(
            role="你是生物医学命名实体识别的专家。",
            dataset="请按照{title}数据集的标注规则标注文本。",
            any_dataset="请标注文本中的实体。",
            types="实体类型及其定义：",
            text="文本：",
            format={
                "symbolic": "对文本中出现的每一种类型按顺序输出一行：类型名称、冒号，然后是原文，"
                "并在该类型的每个实体前后加上[和]。没有实体时不输出任何内容。",
                "html": "输出原文，并在每个实体前后加上<类型:实体>和</类型:实体>。",
                "json_list": "输出JSON列表，给出每个实体的start_idx、end_idx（不含）、"
                "type和entity。",
            },
            colon="：",
        ),
    }
)


def messages(
    text: str,
    schema: Schema,
    *,
    style: Style = "prefix",
    strategy: Strategy = "symbolic",
) -> tuple[Message, ...]:
    r"""The messages up to the answer.

    Args:
        text: the text as the user gave it; the messages hold its view.
        schema: the types, in the order in which the answer lists them; the language of the
            instruction; the title, without which no dataset is named.
        style: see the module.
        strategy: the tagging strategy that is asked for.

    Raises:
        SettingError: the style, the strategy or the language is unknown.

    >>> from llmner_hf.core.entities import EntityType
    >>> labels = LabelSet((EntityType("DNA"), EntityType("RNA")))
    >>> messages("the c-fos gene", Schema("", "en", labels), style="brief")
    (Message(role='user', content='DNA, RNA\nthe c-fos gene'),)
    """
    _require("style", style, get_args(Style))
    _require("tagging strategy", strategy, get_args(Strategy))
    _require("language", schema.language, tuple(WORDINGS))
    if style == "brief":
        return (Message("user", ", ".join(schema.labels.names) + "\n" + view(text)),)
    wording = WORDINGS[schema.language]
    title = schema.title
    task = wording.dataset.format(title=title) if title else wording.any_dataset
    types = "\n".join([wording.types, *_definitions(schema.labels, wording)])
    source = f"{wording.text}\n{view(text)}"
    parts = (types, source) if style == "prefix" else (source, types)
    user = "\n".join((task, wording.format[strategy], *parts))
    return Message("system", wording.role), Message("user", user)


def _require(what: str, value: str, known: tuple[str, ...]) -> None:
    """Raise SettingError for a value that is none of those known."""
    if value not in known:
        raise SettingError(f"unknown {what} {value!r}; known are {', '.join(known)}")


def _definitions(labels: LabelSet, wording: Wording) -> list[str]:
    """A line for each type."""
    return [
        f"- {t.name}{wording.colon}{t.definition}" if t.definition else f"- {t.name}"
        for t in labels
    ]
