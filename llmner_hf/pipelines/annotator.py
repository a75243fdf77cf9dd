"""Texts to entities: sentences, decoder, repeats, selector.

In: texts, and what a call asks for. Out: for each text a prediction whose offsets are half-open
characters of the text as it was given. Nothing of a text is normalised, stripped or cut off.

A text is annotated sentence by sentence, the unit the models are tuned on (paper, III-A), and the
offsets are put back; with ``sentences=False`` it is annotated whole where it fits the context and
in groups of sentences where it does not. What is found in one sentence is looked for in the others
(`core.repeats`), and a selector judges what that adds as all the rest.

An annotator knows nothing of transformers' pipelines: `pipelines.local` and `pipelines.endpoint`
are two faces of it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import islice
from typing import Any, Protocol

from llmner_hf.core.entities import (
    EntityType,
    LabelSet,
    Language,
    Prediction,
    ProblemKind,
    Span,
)
from llmner_hf.core.errors import InputError, LabelError, SettingError
from llmner_hf.core.offsets import of_whole
from llmner_hf.core.repeats import repeated
from llmner_hf.core.schema import Schema
from llmner_hf.core.sentences import group, split
from llmner_hf.core.writing import language_of
from llmner_hf.decoding.request import Request
from llmner_hf.selector.filtering import Selector, with_threshold
from llmner_hf.settings import TaggerSettings

logger = logging.getLogger(__name__)

EntityTypes = Sequence[str] | Mapping[str, str]
Progress = Callable[[int, int], object]

# Sentences that are decoded together where a batch has fewer texts. Ours.
LEAST_SENTENCES = 16


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


@dataclass(frozen=True, slots=True)
class Call:
    """What a call of a pipeline asks for.

    Attributes:
        entity_types: the types to find, as names or as name -> definition. Without them, those of
            ``dataset``; without that, the model's default for the language.
        dataset: the name of a dataset that the model was tuned on, or of a known corpus.
        language: "zh" or "en", the language of the instruction; guessed from the text if absent.
        sentences: whether to annotate sentence by sentence.
        repeats: whether to look for what is found in one sentence of a text in its others.
        threshold: in place of all of the selector's own.
        progress: called with how many sentences are done and how many there are, of a text or of a
            batch of texts, before every step.
    """

    entity_types: EntityTypes | None = None
    dataset: str | None = None
    language: Language | None = None
    sentences: bool = True
    repeats: bool = True
    threshold: float | None = None
    progress: Progress | None = None

    def but(self, **given: Any) -> Call:
        """The call with other arguments.

        Raises:
            InputError: there is no such argument.
        """
        if "aggregation_strategy" in given:
            raise InputError(
                "aggregation_strategy puts tokens together, and here a model writes whole "
                "entities; leave it out"
            )
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(given) - known):
            raise InputError(f"unknown argument {', '.join(unknown)} of the bioner pipeline")
        return replace(self, **given)


@dataclass(frozen=True, slots=True)
class Part:
    """A sentence of a text, or several, to annotate.

    Attributes:
        start: the character of the text at which it begins.
        request: its own text, and the types that are asked for.
    """

    start: int
    request: Request


class Annotator:
    """A decoder, and what is done before it and behind it.

    Args:
        decoder: what finds entities in a sentence.
        settings: how its model was tuned.
        selector: judges every entity a second time in its sentence.
        context: the tokens that fit the model; None where only a server knows.

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
    ) -> None:
        self.decoder = decoder
        self.settings = settings
        self.selector = selector
        self.context = context
        self.problems: Counter[ProblemKind] = Counter()
        self.dropped = 0

    def stream(
        self, texts: Iterable[str], call: Call, batch_size: int
    ) -> Iterator[tuple[str, Prediction]]:
        """Each text with its prediction, a batch of texts at a time.

        Args:
            texts: any number of them.
            call: what is asked for.
            batch_size: texts at a time; changes speed and memory, never a result.
        """
        rest = iter(texts)
        while batch := list(islice(rest, max(batch_size, 1))):
            yield from zip(batch, self.annotate(batch, call), strict=True)

    def annotate(self, texts: Sequence[str], call: Call) -> list[Prediction]:
        """The predictions of texts that are decoded together, in their order.

        Raises:
            InputError: a text is none, or an argument of the call is wrong.
        """
        groups = [self._parts(text, call) for text in texts]
        parts = [part for group in groups for part in group]
        decoded = iter(self._decoded(parts, max(len(texts), LEAST_SENTENCES), call.progress))
        found = [[next(decoded) for _ in group] for group in groups]
        if call.repeats:
            found = [
                repeated([part.request.text for part in group], own)
                for group, own in zip(groups, found, strict=True)
            ]
        judged = iter(self._judged(parts, [one for own in found for one in own], call.threshold))
        return [
            Prediction("", of_whole((part.start, next(judged).scored) for part in group))
            for group in groups
        ]

    def _parts(self, text: str, call: Call) -> list[Part]:
        """The parts of a text that are annotated one by one."""
        if not isinstance(text, str):
            raise InputError(f"a text must be a string, not {type(text).__name__}")
        schema = self._schema(call, call.language or language_of(text))
        return self._fitting(text, schema, call.sentences)

    def _schema(self, call: Call, language: Language) -> Schema:
        """The types that are asked for, as a prompt names them."""
        named = self.settings.schema(call.dataset) if call.dataset else None
        types = call.entity_types
        if types is None:
            return named or self.settings.default_schema(language)
        if isinstance(types, str) or not types:
            raise LabelError(
                f"entity_types must be a list of names or a mapping from name to definition, not "
                f"{types!r}"
            )
        definitions = types if isinstance(types, Mapping) else {}
        labels = LabelSet(tuple(EntityType(name, definitions.get(name, "")) for name in types))
        return replace(named, labels=labels) if named else Schema("", language, labels)

    def _fitting(self, text: str, schema: Schema, sentences: bool) -> list[Part]:
        """The sentences, or the whole, where the context holds them; else groups of sentences.

        What is measured is what is decoded, so that its prompt is made once.
        """

        def asked(spans: Sequence[Span]) -> list[Part]:
            requests = ((start, Request("", text[start:end], schema)) for start, end in spans)
            return [Part(start, self.decoder.prepare(request)) for start, request in requests]

        spans, limit = split(text, schema.language), self.context
        whole = ((spans[0][0], spans[-1][1]),) if spans else ()
        parts = asked(spans if sentences else whole)
        if limit is None or all(self.decoder.length(part.request) <= limit for part in parts):
            return parts
        if self._measure(".", schema) > limit:
            needed = self._measure("", schema)
            raise SettingError(
                f"the prompt alone needs {needed} tokens and the model's context has {limit}; give "
                "fewer types or shorter definitions"
            )
        chunks, cut = group(text, spans, limit, lambda part: self._measure(part, schema))
        if cut:
            self.problems[ProblemKind.TOO_LONG] += cut
            logger.warning(
                "%d sentences are longer than the context of %d tokens and were cut; an entity "
                "across a cut cannot be found",
                cut,
                limit,
            )
        return asked(chunks)

    def _measure(self, text: str, schema: Schema) -> int:
        return self.decoder.length(Request("", text, schema))

    def _decoded(
        self, parts: Sequence[Part], size: int, progress: Progress | None
    ) -> list[Prediction]:
        """What the tagger finds, so many sentences at a time; what went wrong is counted."""
        requests = [part.request for part in parts]
        step = size if progress else max(len(requests), 1)
        predictions: list[Prediction] = []
        for start in range(0, len(requests), step):
            if progress:
                progress(start, len(requests))
            predictions += self.decoder.decode(requests[start : start + step], size)
        self.problems.update(p.kind for found in predictions for p in found.problems)
        return predictions

    def _judged(
        self, parts: Sequence[Part], predictions: list[Prediction], threshold: float | None
    ) -> list[Prediction]:
        """What the selector leaves; what it takes is counted."""
        selector = with_threshold(self.selector, threshold)
        if selector is None:
            return predictions
        requests = [part.request for part in parts]
        schemas = [request.schema for request in requests]
        found = selector.select(predictions, [request.text for request in requests], schemas)
        self.dropped += _number(predictions) - _number(found)
        return found


def _number(predictions: Iterable[Prediction]) -> int:
    """How many entities there are."""
    return sum(len(prediction.scored) for prediction in predictions)


def as_dictionaries(text: str, prediction: Prediction) -> list[dict[str, Any]]:
    """The entities of a text as transformers' grouped token classification gives them."""
    return [
        {
            "entity_group": found.entity.label,
            "score": found.score,
            "word": found.entity.surface(text),
            "start": found.entity.start,
            "end": found.entity.end,
        }
        for found in prediction.scored
    ]


def answered(inputs: Any, answer: Callable[[Iterable[str]], Iterator[list[dict[str, Any]]]]) -> Any:
    """The answer to any form in which texts come: the one place where forms are told apart.

    Args:
        inputs: a text; a sequence of texts, as a list, a tuple, a column of a dataset or a pandas
            Series, which gives a list; or an iterator, which gives an iterator.
        answer: the entities of each text.

    Raises:
        InputError: it is none of these.
    """
    if isinstance(inputs, str):
        return next(answer([inputs]))
    counted = hasattr(inputs, "__len__")
    listed = counted and hasattr(inputs, "__getitem__") and not hasattr(inputs, "__iter__")
    if isinstance(inputs, Mapping | bytes) or not (listed or hasattr(inputs, "__iter__")):
        raise InputError(f"a text must be a string, not {type(inputs).__name__}")
    # transformers' `KeyDataset` has items and no iterator.
    texts = (inputs[number] for number in range(len(inputs))) if listed else inputs
    return list(answer(texts)) if counted else answer(texts)
