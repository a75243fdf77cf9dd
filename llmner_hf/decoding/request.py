"""What every decoder takes: a text, and the schema that it is asked to annotate by."""

from __future__ import annotations

from dataclasses import dataclass, field

from llmner_hf.core.prompting import Message
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
