"""What a visitor of the demo gives: a text or a file, and types.

In: strings as they come from a form or over the network, and paths of uploaded files. Out: examples
to annotate and the options of the pipeline's call. Refused, before any work and in words that a
visitor understands: what is empty, too long or no text, archives (a small one can hold a huge
file), more types than a page can show.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from llmner_hf.core.entities import EntityType, Example, LabelSet
from llmner_hf.core.errors import InputError
from llmner_hf.core.writing import language_of
from llmner_hf.readers import read_any

# The embedded model reads about 3,000 characters of prose a second on one core, and text without
# a single sentence end, the slowest, about 400.
MOST_CHARACTERS = 20_000
MOST_TEXTS = 500  # of a file
MOST_TYPES = 32
MOST_DEFINED = 4_000  # characters of names and definitions
MOST_BYTES = 1_000_000  # of an uploaded file: markup may be many times as long as the text
OWN = "own"  # the choice of one's own types, beside the names of datasets and "" for automatic

_COLON = re.compile("[:：]")


def examples_of_text(text: str) -> tuple[Example, ...]:
    """The one text of the form.

    >>> examples_of_text("IL-2 gene")[0].language
    'en'
    """
    return _checked((Example("text", text, (), "", language_of(text)),))


def examples_of_file(path: str | None) -> tuple[Example, ...]:
    """The texts of an uploaded file in any format that `readers` knows; its entities are ignored.

    Raises:
        InputError: there is none, it is an archive, or not of its format.
    """
    if path is None:
        raise InputError("choose a file first")
    name = Path(path).name
    if Path(path).suffix in (".xz", ".gz"):
        raise InputError(f"{name}: unpack it first; the demo reads no archives")
    try:
        return _checked(read_any(path, skip_bad=True).examples)
    except InputError as error:
        # The visitor knows the file by its name, and need not know where the server keeps it.
        raise InputError(str(error).replace(path, name)) from None


def _checked(examples: tuple[Example, ...]) -> tuple[Example, ...]:
    text = "".join(example.text for example in examples)
    if not text.strip():
        raise InputError("there is no text to annotate")
    if len(text) > MOST_CHARACTERS:
        raise InputError(
            f"the text is longer than {MOST_CHARACTERS:,} characters, the most that this page "
            "annotates at once; give it in parts, or use llmner annotate, which has no limit"
        )
    if len(examples) > MOST_TEXTS:
        raise InputError(
            f"{len(examples):,} texts, and this page annotates at most {MOST_TEXTS} at once; give "
            "them in parts, or use llmner annotate, which has no limit"
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError("the text holds half a character (a lone surrogate); save it as UTF-8")
    return examples


def own_types(lines: str) -> tuple[EntityType, ...]:
    r"""The types of a form, one a line, as ``name`` or ``name: definition``.

    >>> [(t.name, t.definition) for t in own_types("Disease: an illness\n\n药物：治疗的物质")]
    [('Disease', 'an illness'), ('药物', '治疗的物质')]
    """
    pairs = (_COLON.split(line, maxsplit=1) for line in lines.splitlines() if line.strip())
    return _checked_types((pair[0].strip(), "".join(pair[1:]).strip()) for pair in pairs)


def types_of(definitions: Mapping[str, str]) -> tuple[EntityType, ...]:
    """The types of a call, as name -> definition, unchecked as they come over the network."""
    if not isinstance(definitions, Mapping) or not all(
        isinstance(text, str) for pair in definitions.items() for text in pair
    ):
        raise InputError("types have to map names to definitions, and both have to be texts")
    return _checked_types(definitions.items())


def _checked_types(pairs: Iterable[tuple[str, str]]) -> tuple[EntityType, ...]:
    labels = LabelSet(tuple(EntityType(name, definition) for name, definition in pairs))
    characters = sum(len(t.name) + len(t.definition) for t in labels)
    if len(labels) > MOST_TYPES or characters > MOST_DEFINED:
        raise InputError(
            f"{len(labels)} types in {characters:,} characters are too many: this page takes at "
            f"most {MOST_TYPES} types in {MOST_DEFINED:,} characters"
        )
    return labels.types


def lines_of(labels: LabelSet) -> str:
    r"""The types as a form shows them.

    >>> lines_of(LabelSet((EntityType("DNA", "genes"), EntityType("RNA"))))
    'DNA: genes\nRNA'
    """
    return "\n".join(f"{t.name}: {t.definition}" if t.definition else t.name for t in labels)


def options(choice: str, types: Iterable[EntityType]) -> dict[str, Any]:
    """The options of the pipeline's call, from a dataset's name, ``OWN`` or nothing.

    >>> options("", ()), options("genia", ()), options("own", [EntityType("Disease")])
    ({}, {'dataset': 'genia'}, {'entity_types': {'Disease': ''}})
    """
    if choice == OWN:
        return {"entity_types": {t.name: t.definition for t in types}}
    return {"dataset": choice} if choice else {}
