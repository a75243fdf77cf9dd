"""The values that everything else passes around.

In: plain numbers and strings. Out: frozen, hashable values whose constructor is the only gate, so
that code which receives one never checks it again. Offsets are half-open characters of the text as
the user gave it. Refused: empty or negative spans, spans outside their text, label names that a
tagging strategy could not tell apart from its own marks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, get_args

from llmner_hf.core.errors import InputError, LabelError, OffsetError

Language = Literal["zh", "en"]
Span = tuple[int, int]  # half-open characters

# A name must survive every strategy: the symbolic header ends at a colon (ASCII or full-width),
# HTML marks use angle brackets, and a line is a line.
RESERVED_IN_NAMES = frozenset(':：[]<>"\\')


@dataclass(frozen=True, slots=True)
class Entity:
    """A typed span: half-open characters of the source, 0 <= start < end.

    >>> Entity(0, 4, "protein").surface("IL-2 gene")
    'IL-2'
    """

    start: int
    end: int
    label: str

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise OffsetError(f"{self}: a span needs 0 <= start < end")

    def __str__(self) -> str:
        return f"{self.label}[{self.start}:{self.end}]"

    @property
    def span(self) -> Span:
        """Start and end in characters, half-open."""
        return self.start, self.end

    @property
    def order(self) -> tuple[int, int, str]:
        """The sort key of every list of entities: by start, then longest first, then label."""
        return self.start, -self.end, self.label

    def surface(self, text: str) -> str:
        """The characters of ``text`` that this entity covers."""
        return text[self.start : self.end]

    def overlaps(self, other: Entity) -> bool:
        """Whether the two spans share a character."""
        return self.start < other.end and other.start < self.end

    def depth(self, entities: Iterable[Entity]) -> int:
        """How deep it nests in those of its type, itself among them.

        >>> Entity(0, 4, "protein").depth([Entity(0, 4, "protein"), Entity(0, 13, "protein")])
        2
        """
        return sum(
            other.label == self.label and other.start <= self.start and self.end <= other.end
            for other in entities
        )

    def crosses(self, other: Entity) -> bool:
        """Whether the two spans overlap and neither contains the other."""
        return (
            self.start < other.start < self.end < other.end
            or other.start < self.start < other.end < self.end
        )


@dataclass(frozen=True, slots=True)
class EntityType:
    """The name of a type and the definition a model reads.

    Raises:
        LabelError: the name is empty, blank at an end, or holds a character that is reserved or not
            printable, as a line break.
    """

    name: str
    definition: str = ""

    def __post_init__(self) -> None:
        bad = sorted(c for c in self.name if c in RESERVED_IN_NAMES or not c.isprintable())
        if not self.name or self.name != self.name.strip() or bad:
            raise LabelError(
                f"type name {self.name!r}: a name is printable, has no blank at its ends and none "
                f"of {' '.join(sorted(RESERVED_IN_NAMES))}"
            )


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The types of a corpus or of a user, in the order of the lines of a completion.

    >>> [t.name for t in LabelSet((EntityType("DNA"), EntityType("RNA")))]
    ['DNA', 'RNA']
    """

    types: tuple[EntityType, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "types", tuple(self.types))
        if not self.types:
            raise LabelError("a label set needs at least one type")
        if len(set(self.names)) < len(self.types):
            raise LabelError(f"type names must differ: {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(entity_type.name for entity_type in self.types)

    def __iter__(self) -> Iterator[EntityType]:
        return iter(self.types)

    def __len__(self) -> int:
        return len(self.types)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def require(self, entities: Iterable[Entity]) -> None:
        """Raise LabelError for the first entity whose label is not in this set."""
        for entity in entities:
            if entity.label not in self.names:
                raise LabelError(f"{entity}: unknown label; known are {', '.join(self.names)}")


def ordered(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """Unique entities, by start, then longest first, then label."""
    return tuple(sorted(set(entities), key=lambda entity: entity.order))


@dataclass(frozen=True, slots=True)
class Example:
    """A text with its gold entities; the constructor sorts them and drops exact duplicates.

    Raises:
        OffsetError: an entity ends behind the text.
        InputError: the language is not one of "zh", "en".
    """

    id: str
    text: str
    entities: tuple[Entity, ...]
    dataset: str
    language: Language

    def __post_init__(self) -> None:
        object.__setattr__(self, "entities", ordered(self.entities))
        if self.language not in get_args(Language):
            raise InputError(f"{self.id}: language {self.language!r} is not one of 'zh', 'en'")
        for entity in self.entities:
            if entity.end > len(self.text):
                raise OffsetError(
                    f"{self.id}: {entity} ends behind the text of {len(self.text)} characters"
                )


class ProblemKind(StrEnum):
    """What can be wrong with a completion. Problems are data: counted in reports, never raised."""

    UNKNOWN_LABEL = "unknown label"
    REPEATED_LINE = "repeated line"
    NO_HEADER = "no header"
    UNOPENED = "unopened"
    UNCLOSED = "unclosed"
    EMPTY_SPAN = "empty span"
    CROSSING = "crossing"
    COPY_DRIFT = "copy drift"
    UNPLACED = "unplaced"
    AMBIGUOUS = "ambiguous place"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    TOO_LONG = "too long"
    DERAILED = "derailed"
    NO_ENTITY = "no entity"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that was wrong, and its place in the completion (characters)."""

    kind: ProblemKind
    position: int = 0
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Decoding:
    """What a completion yields: entities that lie inside the text, and problems."""

    entities: tuple[Entity, ...]
    problems: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "entities", ordered(self.entities))


@dataclass(frozen=True, slots=True)
class Link:
    """A concept of a terminology that an entity names.

    Attributes:
        id: with its terminology as a prefix, as in ``MESH:D001241`` or ``NCBIGene:672``.
        name: the preferred name.
        score: the probability that the entity means it.

    >>> Link("MESH:D001241", "Aspirin", 0.98).terminology
    'MESH'
    """

    id: str
    name: str
    score: float

    def __post_init__(self) -> None:
        if not all(self.id.partition(":")) or any(c.isspace() for c in self.id):
            raise InputError(f"concept {self.id!r}: write an id as terminology:number, no blanks")
        if not 0.0 <= self.score <= 1.0:
            raise InputError(f"{self.id}: score {self.score} is not in [0, 1]")

    @property
    def terminology(self) -> str:
        """The prefix of the id."""
        return self.id.partition(":")[0]


@dataclass(frozen=True, slots=True)
class ScoredEntity:
    """An entity with the probability that the model or the selector gives it.

    Attributes:
        entity: what was found.
        score: in [0, 1].
        links: the concepts that it names; several where it names several at once, as "breast and
            ovarian cancer" does. None where no terminology was asked, or none has it.
    """

    entity: Entity
    score: float
    links: tuple[Link, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise InputError(f"{self.entity}: score {self.score} is not in [0, 1]")


@dataclass(frozen=True, slots=True)
class Prediction:
    """The predicted entities of one document, sorted, with the problems met on the way."""

    id: str
    scored: tuple[ScoredEntity, ...]
    problems: tuple[Problem, ...] = ()

    def __post_init__(self) -> None:
        best: dict[Entity, ScoredEntity] = {}
        for candidate in self.scored:
            kept = best.setdefault(candidate.entity, candidate)
            if candidate.score > kept.score:
                best[candidate.entity] = candidate
        object.__setattr__(self, "scored", tuple(best[entity] for entity in ordered(best)))

    @property
    def entities(self) -> tuple[Entity, ...]:
        """The entities without their scores."""
        return tuple(candidate.entity for candidate in self.scored)
