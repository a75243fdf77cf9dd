"""Concepts as the arrays of a store.

In: concepts. Out: a sorted table of the forms of their names, and columns of names and concepts
(`terminology.store` says what for). Refused: arrays that do not fit each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from llmner_hf.core.linking.forms import STRICTNESSES, Strictness, forms
from llmner_hf.core.writing import digest
from llmner_hf.terminology.concept import LONGEST_NAME, Concept
from llmner_hf.terminology.texts import Texts

# How a name belongs to a concept: learnt from annotated texts, preferred, a synonym, or the name of
# a concept that another terminology says is the same.
Rank = Literal["learnt", "preferred", "synonym", "same"]
RANKS: tuple[Rank, ...] = get_args(Rank)

KINDS = {
    "digests": np.int64,
    "entries": np.uint32,
    "strictness": np.uint8,
    "concepts": np.uint32,
    "ranks": np.uint8,
    "types": np.uint8,
}
TEXTS = ("names", "ids", "same", "parents")


@dataclass(frozen=True, slots=True)
class Hit:
    """A concept that has a name with a form.

    Attributes:
        concept: its number in the store.
        strictness: the looser of the kinds that the form has of the two names.
        rank: how the name belongs to it.
    """

    concept: int
    strictness: Strictness
    rank: Rank

    @property
    def order(self) -> tuple[bool, int, int, int]:
        """The sort key, the likeliest first: learnt names, then strict forms, then good names."""
        looseness = STRICTNESSES.index(self.strictness)
        known = self.rank == "learnt" and looseness <= STRICTNESSES.index("spelt")
        return not known, looseness, RANKS.index(self.rank), self.concept


def stored(
    listed: Sequence[Concept], types: Sequence[str]
) -> tuple[dict[str, np.ndarray], dict[str, Texts]]:
    """Concepts as the arrays and texts of a store."""
    names: list[str] = []
    columns: dict[str, list[int]] = {name: [] for name in KINDS}
    for number, one in enumerate(listed):
        for rank, name in _ranked(one):
            kinds = forms(name, one.type) if len(name) <= LONGEST_NAME else {}
            for body, strictness in kinds.items():
                columns["digests"].append(digest(body))
                columns["entries"].append(len(names))
                columns["strictness"].append(STRICTNESSES.index(strictness))
            names.append("" if rank == "learnt" else name)
            columns["concepts"].append(number)
            columns["ranks"].append(RANKS.index(rank))
    columns["types"] = [types.index(one.type) for one in listed]
    arrays = {name: np.array(columns[name], dtype=kind) for name, kind in KINDS.items()}
    # One name has a form once, so that its number decides the order of equal digests.
    order = np.lexsort((arrays["entries"], arrays["digests"]))
    for name in ("digests", "entries", "strictness"):
        arrays[name] = arrays[name][order]
    texts = {
        "names": names,
        "ids": [one.id for one in listed],
        "same": [" ".join(one.same) for one in listed],
        "parents": [" ".join(one.parents) for one in listed],
    }
    return arrays, {name: Texts.of(values) for name, values in texts.items()}


def _ranked(one: Concept) -> Iterator[tuple[Rank, str]]:
    """The names of a concept, each with its rank, once; the preferred one first."""
    ranked: Mapping[Rank, tuple[str, ...]] = {
        "preferred": (one.name,),
        "synonym": one.synonyms,
        "same": one.borrowed,
    }
    said: set[str] = set()
    for rank, names in ranked.items():
        for name in names:
            if name not in said:
                said.add(name)
                yield rank, name
    for name in one.learnt:
        yield "learnt", name


def check(arrays: Mapping[str, np.ndarray], types: int) -> None:
    """Raise ValueError where an array does not fit the others."""
    for name, kind in KINDS.items():
        if arrays[name].dtype != kind or arrays[name].ndim != 1:
            raise ValueError(f"{name} is {arrays[name].dtype} of {arrays[name].ndim} dimensions")
    bounds = {
        "entries": len(arrays["concepts"]),
        "concepts": len(arrays["types"]),
        "strictness": len(STRICTNESSES),
        "ranks": len(RANKS),
        "types": types,
    }
    for name, bound in bounds.items():
        if len(arrays[name]) and int(arrays[name].max()) >= bound:
            raise ValueError(f"{name} holds a number above {bound - 1}")
    if not len(arrays["digests"]) == len(arrays["entries"]) == len(arrays["strictness"]):
        raise ValueError("digests and entries differ in number")
    if len(arrays["ranks"]) != len(arrays["concepts"]):
        raise ValueError("names and ranks differ in number")
    for name in ("digests", "concepts"):
        if np.any(arrays[name][1:] < arrays[name][:-1]):
            raise ValueError(f"{name} are out of order")
