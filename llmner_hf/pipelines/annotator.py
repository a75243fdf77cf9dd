"""Texts to entities: transcript, sentences, decoder, repeats, selector, links.

In: texts, and what a call asks for. Out: for each text a prediction whose offsets are half-open
characters of the text as it was given. Nothing of a text is altered or cut off; what is read is its
transcript (`core.transcripts`), in which runs of blanks are one and wrapped lines are whole.

A text is annotated sentence by sentence, the unit the models are tuned on (paper, III-A), and the
offsets are put back; with ``sentences=False`` it is annotated whole where it fits the context and
in groups of sentences where it does not. What cannot be an entity is refused (`core.soundness`).
What is found in one sentence is looked for in the others (`core.repeats`), and a selector judges
what that adds as all the rest. A linker says which concepts of a terminology the entities mean.

An annotator knows nothing of transformers' pipelines: `pipelines.local` and `pipelines.endpoint`
are two faces of it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from llmner_hf.core.choosing import flattened, uncrossed
from llmner_hf.core.entities import Language, Prediction, ProblemKind, ScoredEntity, Span
from llmner_hf.core.errors import InputError
from llmner_hf.core.hypertext import holds_html, read_html
from llmner_hf.core.languages import in_words_of
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.offsets import of_whole
from llmner_hf.core.repeats import repeated
from llmner_hf.core.schema import Schema
from llmner_hf.core.sentences import split
from llmner_hf.core.soundness import sound
from llmner_hf.core.tagging.base import view
from llmner_hf.core.transcripts import Transcript, transcript
from llmner_hf.core.writing import in_word, language_of, spoken
from llmner_hf.decoding.request import Decoder
from llmner_hf.pipelines.asking import (
    Call,
    check_threshold,
    known_part,
    schema_of,
)
from llmner_hf.pipelines.parts import Part, Parting
from llmner_hf.pipelines.remarks import (
    HTML,
    Remarks,
    about_cut,
    about_names,
    about_uncalibrated,
    about_unread,
)
from llmner_hf.selector.filtering import Selector, with_threshold
from llmner_hf.settings import TaggerSettings
from llmner_hf.terminology.linking import Linker

logger = logging.getLogger(__name__)

# Sentences that are decoded together where a batch has fewer texts. Ours.
LEAST_SENTENCES = 16
BY_NAME = 0.5  # the score of what is found by name alone: nothing has judged it. Ours.


@dataclass(frozen=True, slots=True)
class Document:
    """A text on its way.

    Attributes:
        transcript: how it is read.
        language: its own.
        parts: of the transcript.
    """

    transcript: Transcript
    language: Language
    parts: Sequence[Part]


class Annotator:
    """A decoder, and what is done before it and behind it.

    Args:
        decoder: what finds entities in a sentence.
        settings: how its model was tuned.
        selector: judges every entity a second time in its sentence.
        context: the tokens that fit the model; None where only a server knows.
        linker: finds the concepts of the entities.
        names: names of types that the model does not know; they are found by name alone.

    Attributes:
        problems: what went wrong, counted by kind over all texts so far.
        dropped: how many entities the selector has dropped.
    """

    def __init__(
        self,
        decoder: Decoder,
        settings: TaggerSettings,
        selector: Selector | None = None,
        context: int | None = None,
        linker: Linker | None = None,
        names: Dictionary | None = None,
    ) -> None:
        self.decoder = decoder
        self.settings = settings
        self.selector = selector
        self.context = context
        self.linker = linker
        self.names = names or Dictionary({})
        self.problems: Counter[ProblemKind] = Counter()
        self.dropped = 0
        self._remarks = Remarks()

    def stream(
        self, texts: Iterable[str], call: Call, batch_size: int
    ) -> Iterator[tuple[str, Prediction]]:
        """Each text with its prediction, a batch of texts at a time."""
        rest = iter(texts)
        while batch := list(islice(rest, max(batch_size, 1))):
            yield from zip(batch, self.annotate(batch, call), strict=True)

    def annotate(self, texts: Sequence[str], call: Call) -> list[Prediction]:
        """The predictions of texts that are decoded together, in their order.

        Raises:
            InputError: a text is none, or an argument of the call is wrong.
        """
        check_threshold(call, self.settings)
        documents = [self._document(text, call) for text in texts]
        parts = [part for document in documents for part in document.parts]
        decoded = iter(self._decoded(parts, max(len(texts), LEAST_SENTENCES), call))
        found = [[next(decoded) for _ in document.parts] for document in documents]
        if call.repeats:
            found = [
                self._repeated(document.parts, own)
                for document, own in zip(documents, found, strict=True)
            ]
        judged = iter(self._judged(parts, [one for own in found for one in own], call))
        predictions = [
            self._prediction(document, [next(judged) for _ in document.parts], call)
            for document in documents
        ]
        if self.linker is None:
            return predictions
        return [
            replace(one, scored=self.linker.link(text, one.scored))
            for text, one in zip(texts, predictions, strict=True)
        ]

    def _document(self, text: str, call: Call) -> Document:
        """A text with its parts, which are annotated one by one."""
        if not isinstance(text, str):
            raise InputError(f"a text must be a string, not {type(text).__name__}")
        if call.html:
            shown = read_html(text)
            read = shown.then(transcript(shown.text))
        else:
            read = transcript(text)
            if holds_html(text):
                self._remarks.say(HTML)
        language = call.language or language_of(read.text)
        parting = Parting(self.decoder, self.context)
        if call.sentences:
            parts, cut = parting.of_sentences(read.text, self._asked(read.text, call, language))
        else:
            parts, cut = self._whole(parting, read.text, call, language)
        if cut:
            self.problems[ProblemKind.TOO_LONG] += len(cut)
            logger.warning(about_cut([read.span(*span) for span in cut], self.context))
        return Document(read, language, parts)

    def _asked(self, text: str, call: Call, language: Language) -> Iterator[tuple[Span, Schema]]:
        """The sentences of a text, each with the types that it is asked for."""
        own = schema_of(call, self.settings, language)
        for span in split(text, own.language):
            for spoken_there in self._languages(text[span[0] : span[1]], call, language):
                schema = own
                if spoken_there != language:
                    schema = schema_of(call, self.settings, spoken_there)
                if (known := self._known(schema)) is not None:
                    yield span, known

    def _whole(
        self, parting: Parting, text: str, call: Call, language: Language
    ) -> tuple[list[Part], list[Span]]:
        """A text in one part, or in as few as may be, for every language that is asked for."""
        parts: list[Part] = []
        cut: list[Span] = []
        languages = self._languages("", call, language)
        for spoken_there in languages:
            schema = schema_of(call, self.settings, spoken_there)
            if (known := self._known(schema)) is not None:
                more, long = parting.of_whole(text, split(text, schema.language), known)
                parts, cut = parts + more, cut + long
        return parts, cut

    def _languages(self, sentence: str, call: Call, language: Language) -> list[Language]:
        """The languages whose types a sentence is asked for, the text's own one if in doubt."""
        if not call.guesses:
            return [language]
        if call.languages == "both":
            others = [one for one in self.settings.defaults if one != language]
            return [language, *others]
        there = spoken(sentence) or language
        return [there if there in self.settings.defaults else language]

    def _known(self, schema: Schema) -> Schema | None:
        """The types of a schema that the model knows; the others are said."""
        unread = self.settings.unread(schema.labels.names)
        by_name = set(self.names.mentions.values())
        if unknown := [name for name in unread if name not in by_name]:
            self._remarks.say(about_unread(unknown, self.settings))
        asked = [name for name in schema.labels.names if name not in by_name]
        if not unknown and self.selector and (unseen := self.settings.unseen(asked)):
            self._remarks.say(about_uncalibrated(unseen))
        return known_part(schema, unread)

    def _decoded(self, parts: Sequence[Part], size: int, call: Call) -> list[Prediction]:
        """What the tagger finds, so many sentences at a time; what went wrong is counted."""
        requests = [part.request for part in parts]
        step = size if call.progress or call.journal else max(len(requests), 1)
        predictions: list[Prediction] = []
        for start in range(0, len(requests), step):
            if call.progress:
                call.progress(start, len(requests))
            some = requests[start : start + step]
            decode = partial(self.decoder.decode, some, size)
            predictions += call.journal.step(some, decode) if call.journal else decode()
        self.problems.update(p.kind for found in predictions for p in found.problems)
        return self._sound(parts, predictions)

    def _sound(self, parts: Sequence[Part], found: Sequence[Prediction]) -> list[Prediction]:
        """Without what cannot be an entity, which is counted."""
        kept = [
            replace(own, scored=tuple(o for o in own.scored if sound(text, *o.entity.span)))
            for text, own in zip((part.request.text for part in parts), found, strict=True)
        ]
        if refused := _number(found) - _number(kept):
            self.problems[ProblemKind.NO_ENTITY] += refused
        return kept

    def _repeated(self, parts: Sequence[Part], found: list[Prediction]) -> list[Prediction]:
        """With what one part has in the others that were asked for the same types."""
        after = list(found)
        for schema in dict.fromkeys(part.request.schema for part in parts):
            places = [n for n, part in enumerate(parts) if part.request.schema == schema]
            texts = [parts[n].request.text for n in places]
            own = repeated(texts, [found[n] for n in places])
            for place, one in zip(places, own, strict=True):
                after[place] = one
        return self._sound(parts, after)

    def _judged(
        self, parts: Sequence[Part], predictions: list[Prediction], call: Call
    ) -> list[Prediction]:
        """What the selector leaves; what it takes is counted."""
        selector = with_threshold(self.selector, call.threshold)
        if selector is None:
            return predictions
        requests = [part.request for part in parts]
        schemas = [request.schema for request in requests]
        found = selector.select(predictions, [request.text for request in requests], schemas)
        self.dropped += _number(predictions) - _number(found)
        return found

    def _of_words(
        self, document: Document, scored: tuple[ScoredEntity, ...]
    ) -> tuple[ScoredEntity, ...]:
        """Without what ends where a word was cut that the context does not hold; it is counted."""
        text = document.transcript.text
        within = {at for part in document.parts for at in part.span if in_word(text, at)}
        kept = tuple(one for one in scored if within.isdisjoint(one.entity.span))
        if len(kept) < len(scored):
            self.problems[ProblemKind.NO_ENTITY] += len(scored) - len(kept)
        return kept

    def _prediction(
        self, document: Document, found: Sequence[Prediction], call: Call
    ) -> Prediction:
        """What was found in a text's parts, with offsets into the text as it was given."""
        read = document.transcript
        pairs = zip(document.parts, found, strict=True)
        scored = self._of_words(document, of_whole((p.start, own.scored) for p, own in pairs))
        named = self.names.annotate(view(read.text), call.entity_types)
        if named:
            self._remarks.say(about_names(sorted({one.label for one in named}), BY_NAME))
        scored += tuple(ScoredEntity(entity, BY_NAME) for entity in named)
        if call.languages == "both":
            scored = uncrossed(in_words_of(document.language, scored))
        if call.flat:
            scored = flattened(scored)
        return Prediction("", read.located(scored))


def _number(predictions: Iterable[Prediction]) -> int:
    """How many entities there are."""
    return sum(len(prediction.scored) for prediction in predictions)
