"""What every reader gives back, and the one gate through which its documents go.

In: texts with mentions as a file states them. Out: a `Reading`: examples, counts of what was
dropped, counts of what was kept but is remarkable, and what travels along with an example. Refused,
with file and line: a mention outside its text, a mention whose stated surface form is not what
stands there, two documents with one id and different content. Where ``skip_bad`` is set, a mention
that does not fit is dropped and counted instead. Labels stay as the file writes them; texts stay
character for character.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from llmner_hf.core.entities import Entity, Example, Language, ordered
from llmner_hf.core.errors import FormatError
from llmner_hf.core.writing import language_of
from llmner_hf.readers.files import AnyPath, Place
from llmner_hf.readers.links import Links, united
from llmner_hf.readers.surfaces import written_otherwise

_Stated = TypeVar("_Stated")
_Taken = TypeVar("_Taken")


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of one file.

    Attributes:
        examples: in the order of the file; ids are unique.
        dropped: reason -> number of mentions or documents that are in the file and not here.
        remarks: what was kept and differs from the rule -> number.
        groups: example id -> article id, where the format knows articles.
        fields: example id -> the other fields that its file has of it.
        titles: example id -> the characters of its title, where the format knows titles; a blank
            follows them.
        scores: example id -> the scores of its entities, where the file has scores.
        links: example id -> the concepts of its entities, where the file states them: none where it
            says that an entity has no concept; an entity of which it says nothing is absent.
        numbered: whether the reader made the ids, because the file has none.
        format: its name, where `read_any` chose the reader.
    """

    examples: tuple[Example, ...]
    dropped: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    groups: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    titles: Mapping[str, int] = field(default_factory=dict)
    scores: Mapping[str, Mapping[Entity, float]] = field(default_factory=dict)
    links: Mapping[str, Mapping[Entity, Links]] = field(default_factory=dict)
    numbered: bool = False
    format: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention as a file states it: half-open characters, not yet checked against the text."""

    place: Place
    start: int
    end: int
    label: str
    surface: str | None = None
    score: float | None = None
    links: Links | None = None


class Reader(Protocol):
    """What every module of `readers` offers as ``read``."""

    def __call__(
        self,
        path: AnyPath,
        *,
        dataset: str,
        language: Language | None,
        skip_bad: bool = False,
        **options: Any,
    ) -> Reading:
        """The documents of a file.

        Args:
            path: the file, or the folder of a format that has folders.
            dataset: goes into every example.
            language: likewise; None guesses it for each text.
            skip_bad: whether a mention that does not fit its text is dropped and counted.
            **options: those of the format.

        Raises:
            FormatError: it has another format, or a mention does not fit and is not to be skipped.
        """
        ...


def one_span(text: str, fragments: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    r"""The span of fragments between which only blanks lie; None where other characters do.

    brat and others cut a mention at every line break that it crosses.

    >>> one_span("chest\n pain", [(0, 5), (7, 11)]), one_span("acute or old", [(0, 5), (9, 12)])
    ((0, 11), None)
    """
    for (_, end), (start, _) in pairwise(fragments):
        if not end <= start or text[end:start].strip():
            return None
    return (fragments[0][0], fragments[-1][1]) if fragments else None


@dataclass(slots=True)
class Gathering:
    """Collects the documents of one file; ``reading()`` gives them out.

    Args:
        dataset: goes into every example.
        language: likewise; None guesses it for each text.
        skip_bad: whether a mention that does not fit its text is dropped and counted.
    """

    dataset: str
    language: Language | None
    skip_bad: bool = False
    examples: dict[str, Example] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    groups: dict[str, str] = field(default_factory=dict)
    fields: dict[str, Mapping[str, object]] = field(default_factory=dict)
    titles: dict[str, int] = field(default_factory=dict)
    scores: dict[str, dict[Entity, float]] = field(default_factory=dict)
    links: dict[str, dict[Entity, Links]] = field(default_factory=dict)
    numbered: bool = False
    refused: list[FormatError] = field(default_factory=list)

    def add(
        self,
        place: Place,
        identifier: str,
        text: str,
        mentions: Iterable[Mention],
        article: str | None = None,
    ) -> bool:
        """Check a document and keep it; False for a repeated one, which is dropped and counted.

        Raises:
            FormatError: the id is empty, or a repeated one has other content.
        """
        if not identifier:
            raise place.error("a document needs an id")
        fitting = self._fitting(mentions, text)
        entities = [entity for entity, _ in fitting]
        known = self.examples.get(identifier)
        if known is None:
            language = self.language or language_of(text)
            example = Example(identifier, text, tuple(entities), self.dataset, language)
            self.examples[identifier] = example
            self.dropped["repeated mention"] += len(entities) - len(example.entities)
            if article is not None:
                self.groups[identifier] = article
            self._tell(identifier, fitting)
            return True
        if known.text != text or (known.entities != ordered(entities) and not self.skip_bad):
            raise place.error(
                f"a second document {identifier[:60]!r} with another text or other mentions; "
                "give it an id of its own"
            )
        self.dropped["repeated document"] += 1
        self.dropped["mention of a repeated document"] += len(entities)
        return False

    def each(self, stated: Callable[[_Stated], _Taken], items: Iterable[_Stated]) -> list[_Taken]:
        """What is stated, item by item, but for those that are malformed: they do not fit."""
        taken = []
        for item in items:
            try:
                taken.append(stated(item))
            except FormatError as error:
                self.refuse(error)
        return taken

    def refuse(self, *errors: FormatError) -> None:
        """Note mentions that do not fit: ``reading()`` raises an error, or counts them."""
        self.refused += errors

    def _fitting(self, mentions: Iterable[Mention], text: str) -> list[tuple[Entity, Mention]]:
        """The mentions that fit, each with its entity."""
        fitting = []
        for mention in mentions:
            if mention.surface == "" and mention.start == mention.end:
                self.dropped["mention without text"] += 1
                continue
            try:
                fitting.append((self._entity(mention, text), mention))
            except FormatError as error:
                self.refuse(error)
        return fitting

    def _tell(self, identifier: str, fitting: Iterable[tuple[Entity, Mention]]) -> None:
        """Keep the scores and the concepts of a document's entities, where they are stated."""
        scores: dict[Entity, float] = {}
        links: dict[Entity, Links] = {}
        for entity, mention in fitting:
            if mention.score is not None:
                scores[entity] = max(mention.score, scores.get(entity, 0.0))
            if mention.links is not None:
                links[entity] = united(links.get(entity, ()), mention.links)
        self.scores |= {identifier: scores} if scores else {}
        self.links |= {identifier: links} if links else {}

    def _entity(self, mention: Mention, text: str) -> Entity:
        """The mention as an entity, checked against its text."""
        start, end, surface = mention.start, mention.end, mention.surface
        label = mention.label[:60]
        shown = f"{label if label.isprintable() else repr(label)}[{start}:{end}]"
        if not mention.label:
            raise mention.place.error(f"mention {start} to {end} has no type")
        if not 0 <= start < end:
            raise mention.place.error(f"{shown}: a mention needs 0 <= start < end")
        found = text[start:end]
        if surface is not None and surface != found:
            # NCBI-Disease 10923035 states a surface form with two blanks at its end that the text
            # lacks. Beside blanks at the end, only characters that a tool could not write may
            # differ, as PubTator's Greek letters: anything else is a wrong offset.
            if surface.rstrip(" ") and surface.rstrip(" ") == found.rstrip(" "):
                self.remarks["surface form differs in blanks at its end"] += 1
                end = min(end, len(text))
            elif end <= len(text) and written_otherwise(found, surface):
                self.remarks["surface form written otherwise, kept by its offsets"] += 1
            else:
                raise mention.place.error(
                    f"{shown} is {found[:60]!r} in the text, not {surface[:60]!r}"
                )
        if end > len(text):
            raise mention.place.error(f"{shown} ends behind the text of {len(text)} characters")
        return Entity(start, end, mention.label)

    def reading(self) -> Reading:
        """Everything that was added, counts of nothing left out.

        Raises:
            FormatError: mentions do not fit and are not to be skipped; names one and the number.
        """
        if self.refused and not self.skip_bad:
            first, more = self.refused[0], len(self.refused) - 1
            if more:
                first.args = (
                    f"{first} (and {more} more that do not fit; --skip-bad, or skip_bad=True, "
                    "drops and counts them)",
                )
            raise first
        self.dropped["mention that does not fit its text"] += len(self.refused)
        return Reading(
            tuple(self.examples.values()),
            +self.dropped,
            +self.remarks,
            dict(self.groups),
            dict(self.fields),
            dict(self.titles),
            dict(self.scores),
            dict(self.links),
            self.numbered,
        )


def reader(gather: Callable[..., None]) -> Reader:
    """The reader of a format, from what adds the documents of a file to a `Gathering`."""

    @wraps(gather)
    def read(
        path: AnyPath,
        *,
        dataset: str,
        language: Language | None,
        skip_bad: bool = False,
        **options: Any,
    ) -> Reading:
        gathering = Gathering(dataset, language, skip_bad)
        gather(path, gathering, **options)
        return gathering.reading()

    return read


def numbered_id(dataset: str, stem: str, index: int) -> str:
    """The id of a document whose format gives none: dataset, file and place from 0.

    >>> numbered_id("cmeee_v2", "CMeEE-V2_dev", 17)
    'cmeee_v2-CMeEE-V2_dev-00017'
    """
    return "-".join(part for part in (dataset, stem, f"{index:05d}") if part)
