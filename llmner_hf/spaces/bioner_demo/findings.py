"""What was found, and how the page shows it.

In: documents with scored entities, or the reason why there are none. Out: HTML, where every piece
of a text, a name or a message is escaped. A threshold hides what was found before: the model is not
asked again, and no type changes its colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape

from llmner_hf.rendering import Document
from llmner_hf.rendering.colours import numbers
from llmner_hf.rendering.web import articles

_WELCOME = "The text will stand here, with a line under each entity."


@dataclass(frozen=True)
class Findings:
    """The documents of one question.

    Attributes:
        documents: with all that was found in them.
        types: the number of each type's colour.
        refusal: why there are no documents.
        remark: what a reader has to know of what was found.
    """

    documents: tuple[Document, ...] = ()
    types: Mapping[str, int] = field(default_factory=dict)
    refusal: str = ""
    remark: str = ""

    @classmethod
    def of(cls, documents: tuple[Document, ...], remark: str = "") -> Findings:
        """The findings with a colour for each type."""
        types = numbers([e.label for e in d.entities] for d in documents)
        return cls(documents, types, remark=remark)

    def above(self, threshold: float) -> tuple[Document, ...]:
        """The documents with the entities of at least that score."""
        return tuple(
            replace(d, scored=tuple(one for one in d.scored if one.score >= threshold))
            for d in self.documents
        )

    def view(self, threshold: float) -> str:
        """The page's main part; it needs `rendering.colours.style_within`."""
        if not self.documents:
            role = ' role="alert"' if self.refusal else ""
            return (
                f'<article><p class="note"{role}>{escape(self.refusal or _WELCOME)}</p></article>'
            )
        shown = self.above(threshold)
        kept, found = (sum(len(d.scored) for d in each) for each in (shown, self.documents))
        summary = f"{kept:,} of {found:,} entities have a score of {threshold:.2f} or more."
        if self.remark:
            summary += f" {escape(self.remark[0].upper() + self.remark[1:])}."
        return f'<p class="note" role="status">{summary}</p>\n{articles(shown, self.types)}'
