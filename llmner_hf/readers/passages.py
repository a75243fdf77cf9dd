"""A document put together from passages and annotations, as BioC has them.

In: texts with the offset at which each begins, and annotations with places in the whole document.
Out: one text, with blanks where nothing stands between two passages, and its mentions. A mention in
several places is one span where only blanks lie between them; others are dropped and counted.
Refused: passages that overlap, and gaps that no document has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from llmner_hf.core.entities import Entity
from llmner_hf.readers.entries import Entry
from llmner_hf.readers.files import Place
from llmner_hf.readers.links import cell, of_infons
from llmner_hf.readers.reading import Gathering, Mention, one_span

# Offsets that skip passages (a caption left out) leave gaps of some thousand characters; more in a
# whole document is a wrong number, and filling it would fill the memory.
_WIDEST_GAPS = 1_000_000


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotation as a file states it.

    Attributes:
        place: where it stands.
        label: its type.
        locations: start and length of each, in characters of the whole document.
        surface: what it says stands there.
        infons: its properties, the score and the concepts among them.
    """

    place: Place
    label: str
    locations: Sequence[tuple[int, int]]
    surface: str | None
    infons: Mapping[str, object]


@dataclass(slots=True)
class Document:
    """A document that is being read.

    Attributes:
        place: where it begins.
        id: as the file gives it.
        parts: the passages so far, and the blanks between them.
        length: of these (characters).
        gaps: how many of these characters stand in no passage.
        title: where the first passage ends.
        annotations: of all passages, offsets in the whole document.
        remarks: what is remarkable -> its number.
    """

    place: Place
    id: str
    parts: list[str] = field(default_factory=list)
    length: int = 0
    gaps: int = 0
    title: int | None = None
    annotations: list[Annotation] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)

    def append(self, place: Place, offset: int, text: str) -> None:
        """A passage or a sentence."""
        gap = offset - self.length
        self.gaps += gap
        if gap < 0 or self.gaps > _WIDEST_GAPS:
            raise place.error(
                f"document {self.id[:60]!r}: a passage at {offset}, where the text before it ends "
                f"at {self.length}"
            )
        self.remarks["gap between passages"] += bool(self.length) and gap > 1
        self.parts.append(" " * gap + text)
        self.length += gap + len(text)

    def end_of_passage(self, number: int) -> None:
        """Take the first of the passages, counted from 0, as the title."""
        if number == 0:
            self.title = self.length

    def add_to(self, gathering: Gathering) -> None:
        """Give the document out."""
        text = "".join(self.parts)
        mentions = [m for a in self.annotations if (m := _mention(text, a, gathering))]
        kept = gathering.add(self.place, self.id, text, mentions)
        if kept and self.title is not None and text[self.title : self.title + 1] == " ":
            gathering.titles[self.id] = self.title
        gathering.remarks += self.remarks


def _score(value: object) -> float | None:
    """The score of an infon; None where it is no probability, as tools use the name freely."""
    try:
        score = float(str(value))
    except ValueError:
        return None
    return score if 0 <= score <= 1 else None


def _mention(text: str, annotation: Annotation, gathering: Gathering) -> Mention | None:
    """The mention of an annotation; None, counted, where it is no span."""
    spans = [(start, start + length) for start, length in annotation.locations]
    span = one_span(text, spans)
    if span is None:
        reason = "discontinuous mention" if spans else "annotation without a location"
        gathering.dropped[reason] += 1
        return None
    surface, label, infons = annotation.surface, annotation.label, annotation.infons
    if len(spans) > 1:
        gathering.remarks["mention in fragments with blanks between, joined"] += 1
        if surface is not None and surface.split() == text[slice(*span)].split():
            surface = None
    links = of_infons(infons, label, gathering.remarks)
    return Mention(annotation.place, *span, label, surface, _score(infons.get("score")), links)


def infons_of(entity: Entity, entry: Entry) -> dict[str, object]:
    """The properties of an annotation to write."""
    told = {
        "score": entry.scores.get(entity),
        "identifier": cell(entry.links.get(entity), entity.label),
    }
    return {
        "type": entity.label,
        **{key: value for key, value in told.items() if value is not None},
    }


def passages_of(entry: Entry) -> list[tuple[int, int, str]]:
    """The passages to write: where each starts and ends (characters), and what it is."""
    length = len(entry.example.text)
    if entry.title is None:
        return [(0, length, "text")]
    return [(0, entry.title, "title"), (entry.title + 1, length, "abstract")]
