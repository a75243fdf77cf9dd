"""Sentences to what a decoder is asked, none longer than the model's context.

In: a text, its sentences, and the types that each is asked for. Out: parts, and the sentences that
had to be cut. A sentence that fits is a part as it is, whatever stands beside it. Refused: a prompt
that fills the context alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from llmner_hf.core.cutting import fitted, group
from llmner_hf.core.entities import Span
from llmner_hf.core.errors import SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.decoding.request import Decoder, Request

# The pieces of a sentence that is cut have this share of the context, and room for so many tokens
# at least. Ours: models are tuned on sentences, and in texts of thousands of tokens the embedded
# one gives the same mention several types.
SHARE = 8
LEAST_ROOM = 256


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence of a text, or several, to annotate.

    Attributes:
        start: the character of the text at which it begins.
        request: its own text, and the types that are asked for.
    """

    start: int
    request: Request

    @property
    def span(self) -> Span:
        """Its characters of the text."""
        return self.start, self.start + len(self.request.text)


@dataclass(frozen=True, slots=True)
class Parting:
    """What makes parts.

    Attributes:
        decoder: what measures and prepares them.
        limit: the tokens that fit the model; None where only a server knows.
    """

    decoder: Decoder
    limit: int | None

    def of_sentences(
        self, text: str, asked: Iterable[tuple[Span, Schema]]
    ) -> tuple[list[Part], list[Span]]:
        """A part for every sentence that fits, and for every piece of one that does not."""
        parts: list[Part] = []
        cut: list[Span] = []
        for span, schema in asked:
            part = self._part(text, span, schema)
            if self._fits(part):
                parts.append(part)
                continue
            pieces, _ = fitted(
                text,
                [span],
                self._checked(schema),
                partial(self._measure, schema=schema),
                self._room(schema),
            )
            parts += [self._part(text, piece, schema) for piece in pieces]
            cut.append(span)
        return parts, cut

    def of_whole(
        self, text: str, spans: Sequence[Span], schema: Schema
    ) -> tuple[list[Part], list[Span]]:
        """One part where the context holds the text, else groups of sentences."""
        if not spans:
            return [], []
        part = self._part(text, (spans[0][0], spans[-1][1]), schema)
        if self._fits(part):
            return [part], []
        limit = self._checked(schema)
        chunks, cut = group(text, spans, limit, partial(self._measure, schema=schema))
        return [self._part(text, chunk, schema) for chunk in chunks], list(cut)

    def _part(self, text: str, span: Span, schema: Schema) -> Part:
        """What is measured is what is decoded, so that its prompt is made once."""
        return Part(span[0], self.decoder.prepare(Request("", text[span[0] : span[1]], schema)))

    def _fits(self, part: Part) -> bool:
        return self.limit is None or self.decoder.length(part.request) <= self.limit

    def _measure(self, text: str, schema: Schema) -> int:
        return self.decoder.length(Request("", text, schema))

    def _checked(self, schema: Schema) -> int:
        """The limit, which holds the prompt and a character at least."""
        limit = self.limit or 0
        if self._measure(".", schema) > limit:
            needed = self._measure("", schema)
            raise SettingError(
                f"the prompt alone needs {needed} tokens and the model's context has {limit}; give "
                "fewer types or shorter definitions"
            )
        return limit

    def _room(self, schema: Schema) -> int:
        """The measure of the pieces of a sentence that is cut."""
        limit, prompt = self.limit or 0, self._measure("", schema)
        return min(limit, prompt + max((limit - prompt) // SHARE, LEAST_ROOM))
