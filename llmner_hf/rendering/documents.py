"""A document that can be shown, and how deep each of its entities is nested.

In: a text and its scored entities. Out: the same, ordered by start, then longest first, and the
depth of each entity. Of equal entities the best score is kept, as `core.entities.Prediction` does.
Refused: entities that end behind their text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmner_hf.core.entities import Entity, Language, Prediction, ScoredEntity
from llmner_hf.core.errors import OffsetError
from llmner_hf.core.writing import has_ideograph


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its scored entities.

    Raises:
        OffsetError: an entity ends behind the text.
    """

    id: str
    text: str
    scored: tuple[ScoredEntity, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "scored", Prediction(self.id, tuple(self.scored)).scored)
        for entity in self.entities:
            if entity.end > len(self.text):
                raise OffsetError(
                    f"{self.id}: {entity} ends behind the text of {len(self.text)} characters; "
                    "show the text that the entities were found in"
                )

    @property
    def entities(self) -> tuple[Entity, ...]:
        """The entities without their scores, in the same order."""
        return tuple(candidate.entity for candidate in self.scored)

    @property
    def language(self) -> Language:
        """Chinese where the text holds any ideograph, so that a browser picks the right glyphs.

        `core.writing.language_of` answers another question: what most of the text is.
        """
        return "zh" if has_ideograph(self.text) else "en"


def depths(entities: Sequence[Entity]) -> list[int]:
    """For each entity how many entities contain it; they must be ordered as a document's are.

    Equal spans are equally deep. Of crossing spans neither contains the other: what lies in both
    counts as inside the one that starts later.

    >>> depths([Entity(0, 9, "DNA"), Entity(0, 4, "protein"), Entity(5, 9, "DNA")])
    [0, 1, 1]
    """
    found: list[int] = []
    around: list[Entity] = []
    for entity in entities:
        # A stack is enough: whatever lies in a span that is popped here, and starts later, lies
        # in the span that popped it as well.
        while around and around[-1].end < entity.end:
            around.pop()
        if not around or around[-1].span != entity.span:
            around.append(entity)
        found.append(len(around) - 1)
    return found
