"""The mentions that a tagger's training texts held, by dataset, as they travel with it.

In: dictionaries of mentions. Out: for a schema its dictionary; and ``gazetteer.safetensors``, which
holds digests instead of words, since corpora have licences: a digest tells whether a given string
is a mention, and cannot be read. A dataset is known by its title. The types of another dataset, or
of a user, have the mentions of known types with the same names, if every name is known.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from llmner_hf.core.mentions import Dictionary, Key
from llmner_hf.core.schema import Schema
from llmner_hf.settings.shared import reading

GAZETTEER_FILE = "gazetteer.safetensors"
# Ours: kept are mentions that are entities in a fifth of their occurrences. Half, the dictionary's
# own share, loses mentions that the context tells apart.
MENTION_SHARE = 0.2
# Sets of types whose mentions are kept joined at a time. Ours: a service may see many.
JOINED = 16


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """The known mentions of each dataset.

    Attributes:
        dictionaries: hashed, by the dataset's title.
    """

    dictionaries: Mapping[str, Dictionary] = field(default_factory=dict, hash=False)
    _joined: dict[frozenset[str], Dictionary | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def of(self, schema: Schema) -> Dictionary | None:
        """The dictionary of a schema's dataset, or of the names of its types, if there is one."""
        own = self.dictionaries.get(schema.title)
        return own or self._named(frozenset(schema.labels.names))

    def _named(self, names: frozenset[str]) -> Dictionary | None:
        """The mentions of types of these names, if every name is known."""
        if names not in self._joined:
            if len(self._joined) == JOINED:
                self._joined.clear()
            parts = [dictionary.limited(names) for dictionary in self.dictionaries.values()]
            known = {name for part in parts for name in part.mentions.values()}
            self._joined[names] = Dictionary.joined(parts) if known == names else None
        return self._joined[names]

    def save(self, folder: str | Path) -> None:
        """Write ``gazetteer.safetensors`` into a model's or adapter's folder."""
        tensors: dict[str, np.ndarray] = {}
        names: dict[str, str] = {}
        for title, dictionary in sorted(self.dictionaries.items()):
            labels = sorted(set(dictionary.mentions.values()))
            number = str(len(names))
            names[number] = json.dumps({"title": title, "labels": labels}, ensure_ascii=False)
            tensors |= {f"{number}.{k}": v for k, v in _arrays(dictionary, labels).items()}
        save_file(tensors, Path(folder, GAZETTEER_FILE), metadata=names)

    @classmethod
    def load(cls, path: str | Path) -> Gazetteer:
        """Read ``gazetteer.safetensors``.

        Raises:
            FormatError: the file is not one that ``save`` wrote.
        """
        with reading(path, "gazetteer of a tagger"), safe_open(path, "numpy") as file:
            dictionaries = {}
            for number, entry in (file.metadata() or {}).items():
                said = json.loads(entry)
                names = ("digests", "labels", "unsure", "starts", "lengths")
                arrays = {name: file.get_tensor(f"{number}.{name}") for name in names}
                dictionaries[said["title"]] = _dictionary(arrays, said["labels"])
            return cls(dictionaries)


def _arrays(dictionary: Dictionary, labels: list[str]) -> dict[str, np.ndarray]:
    """A dictionary as arrays: (mentions,) and, of first characters with a length, (pairs,)."""
    hashed = dictionary.digested()
    digests = sorted(hashed.mentions)
    pairs = sorted((start, size) for start, sizes in hashed.lengths.items() for size in sizes)
    return {
        "digests": np.array(digests, dtype=np.int64),
        "labels": np.array([labels.index(hashed.mentions[d]) for d in digests], dtype=np.uint8),
        "unsure": np.array([d in hashed.unsure for d in digests], dtype=np.bool_),
        "starts": np.array([start for start, _ in pairs], dtype=np.uint16),
        "lengths": np.array([size for _, size in pairs], dtype=np.uint16),
    }


def _dictionary(arrays: Mapping[str, np.ndarray], labels: list[str]) -> Dictionary:
    """The dictionary that ``_arrays`` wrote.

    Raises:
        ValueError: the arrays are not of its kinds, or a length is none.
    """
    kinds = {"digests": "i", "labels": "u", "unsure": "b", "starts": "u", "lengths": "u"}
    for name, kind in kinds.items():
        if arrays[name].dtype.kind != kind or arrays[name].ndim != 1:
            raise ValueError(f"{name} is {arrays[name].dtype} of {arrays[name].ndim} dimensions")
    if not arrays["lengths"].all() or not all(isinstance(label, str) for label in labels):
        raise ValueError("a mention of length 0, or a type without a name")
    digests: list[int] = arrays["digests"].tolist()
    types = [labels[number] for number in arrays["labels"].tolist()]
    lengths: dict[Key, list[int]] = {}
    for start, size in zip(arrays["starts"].tolist(), arrays["lengths"].tolist(), strict=True):
        lengths.setdefault(start, []).insert(0, size)
    unsure = zip(digests, arrays["unsure"].tolist(), strict=True)
    return Dictionary(
        dict(zip(digests, types, strict=True)),
        frozenset(digest for digest, mostly_not in unsure if mostly_not),
        {start: tuple(sizes) for start, sizes in lengths.items()},
        hashed=True,
    )
