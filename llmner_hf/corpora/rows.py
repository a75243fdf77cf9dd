"""Examples as rows of a `datasets` table, and back.

In: `Example` values and the schema of their corpus, or rows of such a table. Out: rows with the
columns of ``FEATURES``, or `Example` and `LabelSet` values. A row describes itself: it has its
text, its entities, its label set, and prompt and completion in one style and one tagging strategy.
So joint training on several corpora (paper, section II-B) is a concatenation of tables. Prompt and
completion are lists of chat messages, as TRL's trainers take them. Offsets are half-open characters
of the row's own text. Refused: a row whose offsets do not reproduce the entity text that it states.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from datasets import Dataset, Features, List, Value, load_dataset

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet
from llmner_hf.core.errors import InputError, UnrepresentableError
from llmner_hf.core.prompting import Strategy, Style, messages
from llmner_hf.core.schema import Schema
from llmner_hf.core.tagging import html, json_list, symbolic
from llmner_hf.core.tagging.base import Codec

Row = dict[str, Any]

_STRING = Value("string")
_TURNS = List({"role": _STRING, "content": _STRING})
FEATURES = Features(
    {
        "id": _STRING,
        "text": _STRING,
        "language": _STRING,
        "dataset": _STRING,
        # The row's label set, in the order of the lines of a completion.
        "types": List({"name": _STRING, "definition": _STRING}),
        "entities": List(
            {"start": Value("int32"), "end": Value("int32"), "type": _STRING, "text": _STRING}
        ),
        # Both lists of messages, so that TRL's trainers take the rows as they are.
        "prompt": _TURNS,
        "completion": _TURNS,
    }
)

CODECS: Mapping[Strategy, Codec] = MappingProxyType(
    {"symbolic": symbolic, "html": html, "json_list": json_list}
)


def title_of(dataset: str) -> str:
    """The corpus's own name, as prompts write it; of an unknown dataset the name itself.

    >>> title_of("cmeee_v2"), title_of("ours")
    ('CMeEE-V2', 'ours')
    """
    return CORPORA[dataset].title if dataset in CORPORA else dataset


def to_row(example: Example, schema: Schema, *, style: Style, strategy: Strategy) -> Row:
    """The row of an example.

    Args:
        example: its labels have to be in the schema.
        schema: what the text is asked for.
        style: the style of the prompt.
        strategy: the tagging strategy of the completion.

    Raises:
        UnrepresentableError: the strategy cannot write these entities; the message names the id.
        LabelError: an entity has another label.
        SettingError: the style or the strategy is unknown.
    """
    turns = messages(example.text, schema, style=style, strategy=strategy)
    try:
        completion = CODECS[strategy].encode(example.text, example.entities, schema.labels)
    except UnrepresentableError as error:
        raise UnrepresentableError(f"{example.id}: {error}") from None
    return {
        "id": example.id,
        "text": example.text,
        "language": example.language,
        "dataset": example.dataset,
        "types": [{"name": t.name, "definition": t.definition} for t in schema.labels],
        "entities": entity_rows(example),
        "prompt": [{"role": turn.role, "content": turn.content} for turn in turns],
        "completion": [{"role": "assistant", "content": completion}],
    }


def entity_rows(example: Example) -> list[Row]:
    """The entities of an example as the column "entities" holds them."""
    return [
        {"start": e.start, "end": e.end, "type": e.label, "text": e.surface(example.text)}
        for e in example.entities
    ]


def to_example(row: Mapping[str, Any]) -> Example:
    """The example of a row, checked.

    Raises:
        InputError: the offsets of an entity do not reproduce its text; the message names the id.
    """
    text = row["text"]
    for stated in row["entities"]:
        start, end = stated["start"], stated["end"]
        if not 0 <= start < end <= len(text) or text[start:end] != stated["text"]:
            raise InputError(
                f"{row['id']}: {stated['type']}[{start}:{end}] is {text[start:end]!r} in the text, "
                f"not {stated['text']!r}; build the dataset anew"
            )
    entities = tuple(Entity(e["start"], e["end"], e["type"]) for e in row["entities"])
    return Example(row["id"], text, entities, row["dataset"], row["language"])


def schema_of(split: Dataset) -> Schema:
    """The schema of a dataset, read from its first row.

    Raises:
        InputError: its rows are from several corpora, as in a joint configuration.
    """
    if len(corpora := split.unique("dataset")) > 1:
        raise InputError(
            f"rows from {len(corpora)} corpora ({', '.join(corpora)}) have no one label set; name "
            "their datasets one by one"
        )
    row = split[0]
    return Schema(title_of(row["dataset"]), row["language"], label_set(row))


def label_set(row: Mapping[str, Any]) -> LabelSet:
    """The label set that a row carries."""
    return LabelSet(tuple(EntityType(t["name"], t["definition"]) for t in row["types"]))


def check(rows: Iterable[Mapping[str, Any]]) -> int:
    """The number of rows, every one of which is sound and has an id of its own.

    Raises:
        InputError: an offset does not reproduce its text, a label is not in the row's label set,
            or an id comes twice.
    """
    seen: set[str] = set()
    for row in rows:
        label_set(row).require(to_example(row).entities)
        if row["id"] in seen:
            raise InputError(f"{row['id']}: a second row with this id; ids have to differ")
        seen.add(row["id"])
    return len(seen)


def load(path_or_repo_id: str | os.PathLike[str], split: str) -> Dataset:
    """One split of a built dataset, from a folder or the Hub.

    Raises:
        InputError: there is no such dataset or split, or it has other columns.
    """
    try:
        dataset = load_dataset(os.fspath(path_or_repo_id), split=split)
    except (FileNotFoundError, ValueError) as error:
        raise InputError(f"{path_or_repo_id}, split {split!r}: {error}") from None
    missing = sorted(set(FEATURES) - set(dataset.column_names))
    if missing:
        raise InputError(
            f"{path_or_repo_id}: no column {', '.join(missing)}; make the dataset with llmner build"
        )
    return dataset
