"""What every decoder takes: a text, and the schema that it is asked to annotate by."""

from __future__ import annotations

from dataclasses import dataclass

from llmner_hf.core.schema import Schema


@dataclass(frozen=True, slots=True)
class Request:
    """One text to annotate.

    Attributes:
        id: the id of the prediction.
        text: the text as the user gave it.
        schema: title, language and types.
    """

    id: str
    text: str
    schema: Schema
