"""What writers write: a document with its entities, and what travels along with it.

In: a `Reading`, or examples and what was found in them. Out: `Entry`. An entity has one form in all
files that know names: {"start", "end", "type", "text", "score", "links"}, the score and the links
where they are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from llmner_hf.core.entities import Entity, Example, Prediction
from llmner_hf.readers.links import Links, in_json
from llmner_hf.readers.reading import Reading


@dataclass(frozen=True, slots=True)
class Entry:
    """A document to write.

    Attributes:
        example: the document.
        scores: of its entities, where they are known.
        links: likewise; of an entity without a concept they are known and none.
        fields: what its file had beside text and entities.
        title: the characters of its title, which a blank follows; None where nobody knows.
    """

    example: Example
    scores: Mapping[Entity, float] = field(default_factory=dict)
    fields: Mapping[str, object] = field(default_factory=dict)
    title: int | None = None
    links: Mapping[Entity, Links] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[Entity, dict[str, object]]]:
        """Every entity with its form in files."""
        for entity in self.example.entities:
            score, links = self.scores.get(entity), self.links.get(entity)
            yield entity, entity_row(entity, self.example.text, score, links)


def entity_row(
    entity: Entity, text: str, score: float | None = None, links: Links | None = None
) -> dict[str, object]:
    """The form of an entity in files.

    >>> entity_row(Entity(0, 4, "protein"), "IL-2 gene", 0.5)
    {'start': 0, 'end': 4, 'type': 'protein', 'text': 'IL-2', 'score': 0.5}
    """
    row: dict[str, object] = {
        "start": entity.start,
        "end": entity.end,
        "type": entity.label,
        "text": entity.surface(text),
    }
    if score is not None:
        row["score"] = score
    if links is not None:
        row["links"] = in_json(links)
    return row


def entries_of(reading: Reading) -> tuple[Entry, ...]:
    """The documents of a reading, with all that travels along."""
    return tuple(
        Entry(
            example,
            reading.scores.get(example.id, {}),
            reading.fields.get(example.id, {}),
            reading.titles.get(example.id),
            reading.links.get(example.id, {}),
        )
        for example in reading.examples
    )


def annotated(reading: Reading, predictions: Mapping[str, Prediction]) -> tuple[Entry, ...]:
    """The documents of a reading with predicted entities in place of its own.

    Args:
        reading: the documents.
        predictions: example id -> what was found in it; an id that is absent has no entity.
    """
    entries = []
    for entry in entries_of(reading):
        example, found = entry.example, predictions.get(entry.example.id, Prediction("", ()))
        scores = {scored.entity: scored.score for scored in found.scored}
        links = {scored.entity: scored.links for scored in found.scored if scored.links}
        gold = Example(example.id, example.text, found.entities, example.dataset, example.language)
        entries.append(Entry(gold, scores, entry.fields, entry.title, links))
    return tuple(entries)
