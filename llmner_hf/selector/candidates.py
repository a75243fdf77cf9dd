"""A candidate, and the units in which its boundaries move.

In: a text with a typed span, the schema that the type belongs to, and a dictionary of mentions if
there is one. Out: the value that all selectors judge. Refused: a span that leaves its text, a type
that the schema lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate, pairwise

from llmner_hf.core.entities import Entity, EntityType
from llmner_hf.core.errors import OffsetError
from llmner_hf.core.mentions import Dictionary, Evidence
from llmner_hf.core.schema import Schema
from llmner_hf.core.tagging.base import view
from llmner_hf.core.writing import trimmed, word_spans
from llmner_hf.settings import Units
from llmner_hf.tokens.canonical import Span, Tokens


@dataclass(frozen=True, slots=True)
class Candidate:
    """One text, one typed span of it: is it an entity of that type?

    Attributes:
        text: as the user gave it.
        entity: the span.
        schema: the types that were asked for.
        evidence: what the tagger's gazetteer knows of the span's string.

    Raises:
        OffsetError: the span ends behind the text.
        LabelError: the schema lacks the type.
    """

    text: str
    entity: Entity
    schema: Schema
    evidence: Evidence = "unknown"

    def __post_init__(self) -> None:
        self.schema.labels.require([self.entity])
        if self.entity.end > len(self.text):
            raise OffsetError(f"{self.entity} ends behind the text of {len(self.text)} characters")

    @classmethod
    def of(
        cls, text: str, entity: Entity, schema: Schema, dictionary: Dictionary | None
    ) -> Candidate:
        """With what a dictionary knows of its string."""
        evidence = dictionary.said_of(text, entity) if dictionary else "unknown"
        return cls(text, entity, schema, evidence)

    @property
    def entity_type(self) -> EntityType:
        """The type with its definition."""
        return next(t for t in self.schema.labels if t.name == self.entity.label)


def units_of(text: str, kind: Units, tokens: Tokens) -> list[Span]:
    """The units of a text: disjoint, in order, without blanks at their ends.

    Args:
        text: the text as the user gave it.
        kind: ``tokens`` of the backbone; a token that ends inside a character lasts to the end of
            it. ``words``: words and punctuation marks, in Chinese characters. ``characters``.
        tokens: the backbone's tokenisation.
    """
    seen = view(text)
    if kind == "words":
        return word_spans(seen)
    if kind == "characters":
        return [(place, place + 1) for place, char in enumerate(seen) if char != " "]
    cut = (span for piece in tokens.spans(seen) for span in _token_spans(seen, piece, tokens))
    return [span for start, end in cut if (span := trimmed(seen, start, end))]


def _token_spans(text: str, piece: Span, tokens: Tokens) -> list[Span]:
    """The characters of each token of a piece; one span where the tokenizer changes the piece."""
    written = text[slice(*piece)]
    # Byte-level BPE spells a token with one character for each of its bytes.
    spelled = tokens.tokenizer.convert_ids_to_tokens(list(tokens.piece_ids(written)))
    token_ends = list(accumulate(map(len, spelled)))
    byte_ends = accumulate(len(character.encode()) for character in written)
    places = {end: place for place, end in enumerate(byte_ends, piece[0] + 1)}
    if token_ends[-1] != max(places):
        return [piece]  # normalised: its bytes are not those of the text
    return list(pairwise([piece[0], *(places[end] for end in token_ends if end in places)]))
