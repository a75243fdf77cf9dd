"""A schema: what a text is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import LabelSet, Language


@dataclass(frozen=True, slots=True)
class Schema:
    """What a text is asked for, as a prompt says it: a dataset's title, a language, and types.

    Attributes:
        title: the corpus's own name, empty for types that a user made up.
        language: the language of names and definitions, and so of the instruction.
        labels: the types, in the order of the lines of a completion.
    """

    title: str
    language: Language
    labels: LabelSet

    @classmethod
    def of_corpus(cls, name: str) -> Schema:
        """The schema of a corpus of the catalogue."""
        corpus = CORPORA[name]
        return cls(corpus.title, corpus.language, corpus.labels)

    def shared(self, other: Schema) -> frozenset[str]:
        """The names of the types that both have; none where the languages differ."""
        if self.language != other.language:
            return frozenset()
        return frozenset({*self.labels.names} & {*other.labels.names})
