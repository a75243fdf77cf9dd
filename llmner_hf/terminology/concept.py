"""A concept, as all readers of `terminology.sources` give it, and what a store says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from llmner_hf.core.errors import InputError

# Characters. Ours: what is longer is the structure of a molecule or a damaged line, no name.
LONGEST_NAME = 1_000


@dataclass(frozen=True, slots=True)
class Concept:
    """An identifier with its names.

    Attributes:
        id: with its terminology as a prefix, as in ``MESH:D001241``.
        name: the preferred name.
        type: the entity type of what it names, as "Chemical".
        synonyms: its other names.
        parents: ids of broader concepts.
        same: ids that mean the same in other terminologies.
        borrowed: the names that these have for it.
        learnt: mentions of annotated texts that were linked to it.

    Raises:
        InputError: the id has no prefix, or there is no name or no type.
    """

    id: str
    name: str
    type: str
    synonyms: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    borrowed: tuple[str, ...] = ()
    learnt: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not all(self.id.partition(":")) or any(c.isspace() for c in self.id):
            raise InputError(f"concept {self.id!r}: write an id as terminology:number, no blanks")
        if not self.name.strip() or not self.type.strip():
            raise InputError(f"concept {self.id}: it needs a name and a type")

    @property
    def names(self) -> tuple[str, ...]:
        """The names that may be shown, the preferred one first, each once."""
        return tuple(dict.fromkeys((self.name, *self.synonyms, *self.borrowed)))


@dataclass(frozen=True, slots=True)
class About:
    """Where a terminology comes from, and what may be done with it.

    Attributes:
        name: as one calls it.
        version: of the data.
        licence: of the data.
        attribution: the sentence that its licence asks for.
        sources: the files that it was built from.
        counts: what building counted, as names left out.
    """

    name: str
    version: str = ""
    licence: str = ""
    attribution: str = ""
    sources: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict, hash=False)
