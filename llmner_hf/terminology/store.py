"""A terminology in one file, which is opened without being parsed.

In: concepts. Out: ``NAME.safetensors``: their names as text, and a sorted table of digests of the
forms of these names (`core.linking.forms`), each with the number of its name. A form is looked up
by binary search, so that a million names are open in a fraction of a second and cost their bytes
alone. The file is of safetensors because models need that library anyway, it checks that a file is
whole, and it runs no code. SQLite would read pages one by one and check nothing, and a trie would
be one dependency more.

A digest has 64 bits: fewer than one look-up in 10^12 takes another string for a form. Names that
were learnt from a corpus (`Rank`) are kept as digests alone, since corpora have licences.

Refused: a file that is cut off, is no store, or has another version.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from llmner_hf.core.errors import FormatError, InputError
from llmner_hf.core.linking.equivalents import Equivalents, equivalents
from llmner_hf.core.linking.forms import STRICTNESSES, Strictness, forms
from llmner_hf.core.writing import digest
from llmner_hf.settings.origin import Origin
from llmner_hf.settings.shared import UNREADABLE
from llmner_hf.terminology.arrays import KINDS, RANKS, TEXTS, Hit, Rank, check, stored
from llmner_hf.terminology.concept import About, Concept
from llmner_hf.terminology.texts import Texts

FORMAT = "llmner terminology"
FILE = "terminology.safetensors"  # its name in a repository
VERSION = "1"


class Terminology:
    """Concepts, found by the forms of their names.

    Attributes:
        about: where they come from.
        types: the entity types of the concepts.

    >>> one = Concept("MESH:D001241", "Aspirin", "Chemical", ("Acetylsalicylic Acid",))
    >>> store = Terminology.of([one], About("tiny"))
    >>> [store.id(hit.concept) for hit in store.look_up("acetylsalicylic acids", "Chemical")]
    ['MESH:D001241']
    """

    def __init__(
        self,
        about: About,
        types: Sequence[str],
        equivalents: Mapping[str, Equivalents],
        arrays: Mapping[str, np.ndarray],
        texts: Mapping[str, Texts],
    ) -> None:
        self.about = about
        self.types = tuple(types)
        self.equivalents = equivalents
        self._arrays = arrays
        self._texts = texts

    @classmethod
    def of(cls, concepts: Iterable[Concept], about: About) -> Terminology:
        """The store of concepts, whose order decides where nothing else does.

        Raises:
            InputError: an id comes twice, or there is no concept.
        """
        listed = list(concepts)
        if not listed:
            raise InputError(f"{about.name}: no concepts, so there is nothing to store")
        for name, number in Counter(one.id for one in listed).most_common(1):
            if number > 1:
                raise InputError(f"{about.name}: the id {name} comes {number} times; join them")
        types = tuple(dict.fromkeys(one.type for one in listed))
        words = {
            of_type: equivalents(one.names for one in listed if one.type == of_type)
            for of_type in types
        }
        return cls(about, types, words, *stored(listed, types))

    def __len__(self) -> int:
        return len(self._arrays["types"])

    @property
    def names(self) -> int:
        """How many names there are, those of other terminologies and learnt ones among them."""
        return len(self._arrays["concepts"])

    def look_up(self, name: str, of_type: str | None = None) -> list[Hit]:
        """The concepts that share a form with a name, the likeliest first.

        Args:
            name: as a text has it.
            of_type: the type of the concepts; None for all.
        """
        best: dict[int, Hit] = {}
        for own in self.types if of_type is None else (of_type,):
            if own not in self.types:
                continue
            for hit in self._hits(forms(name, own), self.types.index(own)):
                if hit.concept not in best or hit.order < best[hit.concept].order:
                    best[hit.concept] = hit
        return sorted(best.values(), key=lambda hit: hit.order)

    def look_up_words(self, words: Sequence[str], of_type: str) -> list[Hit]:
        """The concepts that have a name of these words, in any order."""
        if of_type not in self.types:
            return []
        found = self._hits({" ".join(sorted(words)): "words"}, self.types.index(of_type))
        return sorted((hit for hit in found if hit.strictness != "bare"), key=lambda hit: hit.order)

    def _hits(self, found: Mapping[str, Strictness], of_type: int) -> Iterator[Hit]:
        arrays = self._arrays
        digests = np.array([digest(body) for body in found], dtype=np.int64)
        starts = np.searchsorted(arrays["digests"], digests, "left")
        ends = np.searchsorted(arrays["digests"], digests, "right")
        for asked, start, end in zip(found.values(), starts, ends, strict=True):
            for place in range(start, end):
                name = arrays["entries"][place]
                concept = int(arrays["concepts"][name])
                if arrays["types"][concept] == of_type:
                    looser = max(STRICTNESSES.index(asked), int(arrays["strictness"][place]))
                    yield Hit(concept, STRICTNESSES[looser], RANKS[arrays["ranks"][name]])

    def knows(self, bodies: Sequence[str]) -> np.ndarray:
        """For each form whether a name has it, whatever its kind: (forms,), bool."""
        digests = np.array([digest(body) for body in bodies], dtype=np.int64)
        places = np.searchsorted(self._arrays["digests"], digests)
        places[places == len(self._arrays["digests"])] = 0
        known: np.ndarray = self._arrays["digests"][places] == digests
        return known

    def id(self, concept: int) -> str:
        """The id of a concept."""
        return self._texts["ids"][concept]

    def type(self, concept: int) -> str:
        """The entity type of a concept."""
        return self.types[self._arrays["types"][concept]]

    def preferred(self, concept: int) -> str:
        """The preferred name of a concept."""
        return self.name(int(self._first_names[concept]))

    def names_of(self, concept: int) -> list[tuple[str, Rank]]:
        """The names of a concept with their ranks; a learnt one is empty."""
        first, last = self._first_names[concept], self._first_names[concept + 1]
        return [(self.name(n), RANKS[self._arrays["ranks"][n]]) for n in range(first, last)]

    def same(self, concept: int) -> list[str]:
        """Ids of other terminologies that mean the same."""
        return self._texts["same"][concept].split()

    def parents(self, concept: int) -> list[str]:
        """Ids of broader concepts."""
        return self._texts["parents"][concept].split()

    def digest(self) -> str:
        """What tells this store from others."""
        stored = sha256()
        for array in (*self._arrays.values(), *(t.characters for t in self._texts.values())):
            stored.update(array.tobytes())
        return stored.hexdigest()[:16]

    def number(self, concept_id: str) -> int | None:
        """The number of the concept with an id."""
        return self._numbers.get(concept_id)

    def concepts(self) -> Iterator[Concept]:
        """All concepts, without learnt names."""
        for number in range(len(self)):
            named: dict[str, list[str]] = {rank: [] for rank in RANKS}
            for name, rank in self.names_of(number):
                named[rank].append(name)
            yield Concept(
                id=self.id(number),
                name=self.preferred(number),
                type=self.type(number),
                synonyms=tuple(named["synonym"]),
                parents=tuple(self.parents(number)),
                same=tuple(self.same(number)),
                borrowed=tuple(named["same"]),
            )

    def name(self, number: int) -> str:
        """A name by its number."""
        return self._texts["names"][number]

    def names_of_type(self, of_type: str) -> Iterator[tuple[int, int]]:
        """The numbers of the names of a type, each with its concept; learnt ones are empty."""
        concepts = self._arrays["concepts"]
        own = self._arrays["types"][concepts] == self.types.index(of_type)
        for number in np.flatnonzero(own):
            yield int(number), int(concepts[number])

    def concept_of(self, name: int) -> int:
        """The number of the concept that has a name."""
        return int(self._arrays["concepts"][name])

    @cached_property
    def _first_names(self) -> np.ndarray:
        """For each concept its first name, and how many names there are: (concepts + 1,)."""
        return np.searchsorted(self._arrays["concepts"], np.arange(len(self) + 1))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {self.id(number): number for number in range(len(self))}

    def save(self, path: str | Path) -> None:
        """Write the store."""
        words = {name: dict(of) for name, of in self.equivalents.items()}
        said = {"about": asdict(self.about), "types": self.types, "equivalents": words}
        metadata = {"format": FORMAT, "version": VERSION, "said": json.dumps(said)}
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        arrays = dict(self._arrays)
        for name, texts in self._texts.items():
            arrays |= texts.arrays(name)
        save_file(arrays, path, metadata=metadata)

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path,
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
    ) -> Terminology:
        """Open a store on this computer, or one that was pushed to the Hub as a dataset.

        Args:
            name_or_path: a file that ``save`` wrote, or the name of a repository.
            revision: branch, tag or commit of the repository.
            token: what opens a private repository.
            cache_dir: where downloads are kept.
            local_files_only: whether to look at what was downloaded before and nowhere else.

        Raises:
            InputError: there is neither such a file nor such a repository.
            FormatError: see ``load``.
        """
        if Path(name_or_path).is_file():
            return cls.load(name_or_path)
        where = (revision, token, cache_dir, local_files_only)
        origin = Origin(str(name_or_path), *where, kind="dataset")
        if Path(name_or_path).suffix == ".safetensors":
            raise InputError(f"{name_or_path}: no such file")
        found = origin.file(FILE)
        if found is None:
            raise InputError(f"{origin.name}: no {FILE} there")
        return cls.load(found)

    @classmethod
    def load(cls, path: str | Path) -> Terminology:
        """Open a store that ``save`` wrote.

        Raises:
            FormatError: it is cut off, is no store, or of another version.
        """
        try:
            with safe_open(path, "numpy") as file:
                metadata = file.metadata() or {}
                _check_version(path, metadata)
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            said = json.loads(metadata["said"])
            told = {one.name: said["about"][one.name] for one in fields(About)}
            told["sources"] = tuple(told["sources"])
            _check_words(said["types"], said["equivalents"])
            arrays = {name: tensors[name] for name in KINDS}
            check(arrays, len(said["types"]))
            sizes = {"names": len(arrays["concepts"])}
            texts = {
                name: Texts.read(tensors, name, sizes.get(name, len(arrays["types"])))
                for name in TEXTS
            }
            return cls(About(**told), said["types"], said["equivalents"], arrays, texts)
        except (SafetensorError, *UNREADABLE) as error:
            raise FormatError(path, 0, f"not a terminology, or cut off: {error!r:.200}") from error


def _check_version(path: str | Path, metadata: Mapping[str, str]) -> None:
    """Raise FormatError where a file is no store, or has another version."""
    if metadata.get("format") != FORMAT:
        raise FormatError(path, 0, "not a terminology; build one, llmner terminology build")
    if metadata.get("version") != VERSION:
        told = f"a terminology of version {metadata.get('version')}, and this reads {VERSION}"
        raise FormatError(path, 0, f"{told}; build it again")


def _check_words(types: object, equivalents: object) -> None:
    """Raise ValueError where the types are no list of names, or a word has no list of others."""
    if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
        raise ValueError(f"types are {types!r:.50}")
    by_type = equivalents if isinstance(equivalents, dict) else {"": None}
    for words in by_type.values():
        if not isinstance(words, dict) or not all(isinstance(one, list) for one in words.values()):
            raise ValueError("equivalents are no words with lists of others")
