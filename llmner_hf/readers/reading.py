"""What every reader gives back, and the one gate through which its documents go.

In: texts with mentions as a file states them. Out: a `Reading`: examples, counts of what was
dropped, counts of what was kept but is remarkable, and the articles that examples belong to.
Refused, with file and line: a mention outside its text, a mention whose stated surface form is not
what stands there, two documents with one id and different content. Labels stay as the file writes
them; texts stay character for character.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from llmner_hf.core.entities import Entity, Example, Language, ordered
from llmner_hf.core.writing import language_of
from llmner_hf.readers.files import Place


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of one file.

    Attributes:
        examples: in the order of the file; ids are unique.
        dropped: reason -> number of mentions or documents that are in the file and not here.
        remarks: what was kept and differs from the rule -> number.
        groups: example id -> article id, where the format knows articles.
    """

    examples: tuple[Example, ...]
    dropped: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    groups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention as a file states it: half-open characters, not yet checked against the text."""

    place: Place
    start: int
    end: int
    label: str
    surface: str | None = None


def place_number(place: Place, value: object) -> int:
    """An offset written in decimal digits.

    >>> place_number(Place("a.ann", 1), "17")
    17
    """
    if not isinstance(value, str) or not (value.isascii() and value.isdigit() and len(value) < 16):
        raise place.error(f"{value!r} is not an offset; write a whole number from 0 up")
    return int(value)


@dataclass(slots=True)
class Gathering:
    """Collects the documents of one file; ``reading()`` gives them out.

    Args:
        dataset: goes into every example.
        language: likewise; None guesses it for each text.
    """

    dataset: str
    language: Language | None
    examples: dict[str, Example] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    groups: dict[str, str] = field(default_factory=dict)

    def add(
        self,
        place: Place,
        identifier: str,
        text: str,
        mentions: Iterable[Mention],
        article: str | None = None,
    ) -> None:
        """Check a document and keep it; a repeated one is dropped and counted.

        Raises:
            FormatError: a mention does not fit, or a repeated id has other content.
        """
        if not identifier:
            raise place.error("a document needs an id")
        entities = [self._entity(mention, text) for mention in mentions]
        known = self.examples.get(identifier)
        if known is None:
            language = self.language or language_of(text)
            example = Example(identifier, text, tuple(entities), self.dataset, language)
            self.examples[identifier] = example
            self.dropped["repeated mention"] += len(entities) - len(example.entities)
            if article is not None:
                self.groups[identifier] = article
        elif (known.text, known.entities) != (text, ordered(entities)):
            raise place.error(
                f"a second document {identifier!r} with another text or other mentions; "
                "give it an id of its own"
            )
        else:
            self.dropped["repeated document"] += 1
            self.dropped["mention of a repeated document"] += len(entities)

    def _entity(self, mention: Mention, text: str) -> Entity:
        """The mention as an entity, checked against its text."""
        start, end, surface = mention.start, mention.end, mention.surface
        shown = f"{mention.label}[{start}:{end}]"
        if not mention.label:
            raise mention.place.error(f"mention {start} to {end} has no type")
        if not 0 <= start < end:
            raise mention.place.error(f"{shown}: a mention needs 0 <= start < end")
        found = text[start:end]
        if surface is not None and surface != found:
            # NCBI-Disease 10923035 states a surface form with two blanks at its end that the text
            # lacks. Blanks at the end are all that may differ: anything else is a wrong offset.
            if not surface.rstrip(" ") or surface.rstrip(" ") != found.rstrip(" "):
                raise mention.place.error(f"{shown} is {found!r} in the text, not {surface!r}")
            self.remarks["surface form differs in blanks at its end"] += 1
            end = min(end, len(text))
        if end > len(text):
            raise mention.place.error(f"{shown} ends behind the text of {len(text)} characters")
        return Entity(start, end, mention.label)

    def reading(self) -> Reading:
        """Everything that was added, counts of nothing left out."""
        examples = tuple(self.examples.values())
        return Reading(examples, +self.dropped, +self.remarks, dict(self.groups))


def numbered_id(dataset: str, stem: str, index: int) -> str:
    """The id of a document whose format gives none: dataset, file and place from 0.

    >>> numbered_id("cmeee_v2", "CMeEE-V2_dev", 17)
    'cmeee_v2-CMeEE-V2_dev-00017'
    """
    return "-".join(part for part in (dataset, stem, f"{index:05d}") if part)
