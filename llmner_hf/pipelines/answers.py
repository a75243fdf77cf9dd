"""Predictions as transformers' pipelines give them, for texts in any form in which they come.

In: what a caller gave for texts. Out: dictionaries for one text, a list or an iterator for several.
Refused: what holds no texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from llmner_hf.core.entities import Link, Prediction
from llmner_hf.core.errors import InputError


def as_dictionaries(text: str, prediction: Prediction) -> list[dict[str, Any]]:
    """The entities of a text as transformers' grouped token classification gives them.

    One that is linked to concepts has "links" beside that: "id", "name" and "score" of each.
    """
    return [
        {
            "entity_group": found.entity.label,
            "score": found.score,
            "word": found.entity.surface(text),
            "start": found.entity.start,
            "end": found.entity.end,
            **({"links": [asdict(link) for link in found.links]} if found.links else {}),
        }
        for found in prediction.scored
    ]


def links_of(entity: Mapping[str, Any]) -> tuple[Link, ...]:
    """The links of such a dictionary."""
    return tuple(Link(**link) for link in entity.get("links", ()))


def answered(inputs: Any, answer: Callable[[Iterable[str]], Iterator[list[dict[str, Any]]]]) -> Any:
    """The answer to any form in which texts come: the one place where forms are told apart.

    Args:
        inputs: a text; a sequence of texts, as a list, a tuple, a column of a dataset or a pandas
            Series, which gives a list; or an iterator, which gives an iterator.
        answer: the entities of each text.

    Raises:
        InputError: it is none of these.
    """
    if isinstance(inputs, str):
        return next(answer([inputs]))
    counted = hasattr(inputs, "__len__")
    listed = counted and hasattr(inputs, "__getitem__") and not hasattr(inputs, "__iter__")
    if isinstance(inputs, Mapping | bytes) or not (listed or hasattr(inputs, "__iter__")):
        raise InputError(f"a text must be a string, not {type(inputs).__name__}")
    # transformers' `KeyDataset` has items and no iterator.
    texts = (inputs[number] for number in range(len(inputs))) if listed else inputs
    return list(answer(texts)) if counted else answer(texts)
