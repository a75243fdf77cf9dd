"""What every decoder takes, a text and the schema that it is asked by, and what all of them do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from llmner_hf.core.alignment import align
from llmner_hf.core.entities import Prediction, Problem, ProblemKind, ScoredEntity
from llmner_hf.core.prompting import Message, Strategy
from llmner_hf.core.schema import Schema
from llmner_hf.tokens.canonical import Prompt


@dataclass(frozen=True, slots=True)
class Request:
    """One text to annotate.

    Attributes:
        id: the id of the prediction.
        text: the text as the user gave it.
        schema: title, language and types.
        prompt: what the ``prepare`` of a decoder made of these for itself; absent before.
    """

    id: str
    text: str
    schema: Schema
    prompt: Prompt | tuple[Message, ...] | None = field(default=None, repr=False, compare=False)

    def answered(self, completion: str, strategy: Strategy, truncated: bool) -> Prediction:
        """A completion that was written freely, aligned with the text; scores are 1.0.

        Args:
            completion: what a model wrote.
            strategy: the one it was asked for.
            truncated: whether it reached the longest completion.
        """
        read = align(completion, self.text, self.schema.labels, strategy)
        problems = read.problems
        if truncated:
            problems = (*problems, Problem(ProblemKind.TRUNCATED, len(completion)))
        scored = tuple(ScoredEntity(entity, 1.0) for entity in read.entities)
        return Prediction(self.id, scored, problems)


class Decoder(Protocol):
    """What turns requests into predictions."""

    def prepare(self, request: Request) -> Request:
        """The request with its prompt, which is then made once."""
        ...

    def length(self, request: Request) -> int:
        """The tokens that prompt and longest completion need."""
        ...

    def decode(self, requests: Sequence[Request], batch_size: int = 16) -> list[Prediction]:
        """The predictions of all requests, in their order."""
        ...
