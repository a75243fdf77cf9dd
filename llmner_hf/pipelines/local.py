"""``pipeline("bioner")``: texts in, entities with exact character offsets out.

In: a string, a list, a generator or a dataset column of texts. Out: for each text a list of
dictionaries ``{"entity_group", "score", "word", "start", "end"}``, as transformers' grouped
token-classification pipeline gives them, sorted by start, then longest first; ``word`` is
``text[start:end]``. Nothing of a text is normalised, stripped or cut off.

A text is annotated sentence by sentence, the unit the models are tuned on (paper, III-A), and the
offsets are put back; with ``sentences=False`` it is annotated whole where it fits the context and
in groups of sentences where it does not. What is found in one sentence is looked for in the others
(`core.repeats`), and a selector judges what that adds as all the rest.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast

from transformers import AutoModelForCausalLM, Pipeline
from transformers.pipelines import PIPELINE_REGISTRY

from llmner_hf.core.entities import (
    Entity,
    EntityType,
    LabelSet,
    Language,
    Prediction,
    ProblemKind,
    ScoredEntity,
)
from llmner_hf.core.errors import InputError, LabelError, SettingError
from llmner_hf.core.repeats import repeated
from llmner_hf.core.schema import Schema
from llmner_hf.core.sentences import Span, group, split
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.decoding.free import FreeDecoder
from llmner_hf.decoding.reference import ReferenceDecoder
from llmner_hf.decoding.request import Request
from llmner_hf.readers.reading import language_of
from llmner_hf.selector.filtering import Selector, with_threshold
from llmner_hf.selector.rules import enforced, rules_named
from llmner_hf.selector.sharing import can_share, selector_at, selector_on
from llmner_hf.settings import TaggerSettings
from llmner_hf.tagger.folder import keep_layout, merge_adapters, selector_beside, settings_of

logger = logging.getLogger(__name__)

TASK = "bioner"
EMBEDDED = Path(__file__).parents[1] / "embedded"
BESIDE = "beside"  # the selector in the model's own folder, if there is one

Decoder = ConstrainedDecoder | ReferenceDecoder | FreeDecoder
ENGINES: Mapping[str, type[Decoder]] = {
    "constrained": ConstrainedDecoder,
    "reference": ReferenceDecoder,
    "free": FreeDecoder,
}

EntityTypes = Sequence[str] | Mapping[str, str]

# The arguments of a call.
PREPARING = frozenset({"entity_types", "dataset", "language", "sentences"})
DECODING = frozenset({"repeats", "progress"})


class BioNerPipeline(Pipeline):
    """Named entities of biomedical texts.

    Arguments of the call, each of which can also be given to ``pipeline`` as a default:

    - ``entity_types``: the types to find, as names or as name -> definition. Without them, those of
      ``dataset``; without that, the model's default for the language.
    - ``dataset``: the name of a dataset that the model was tuned on, or of a known corpus.
    - ``language``: "zh" or "en", the language of the instruction; guessed from the text if absent.
    - ``sentences``: whether to annotate sentence by sentence; default True.
    - ``repeats``: whether to look for what is found in one sentence of a text in its other
      sentences; default True.
    - ``progress``: called with how many sentences are done and how many there are, of a text or of
      a batch of texts, before every step.
    - ``batch_size``: texts at a time; changes speed and memory, never a result.

    With a selector every entity is judged a second time in its sentence: one that is improbable is
    dropped (paper, II-C) and counted in ``dropped``, and the ``score`` of the others is their
    calibrated probability. Without one it is the product of the probabilities of the tokens from
    the opening to the closing bracket (`decoding.record`); in free decoding, where no probability
    is known, 1.0.

    What went wrong is counted by kind in ``problems``, over all texts so far: sentences that had to
    be cut, completions that the model was driven to by the constraint against its own judgement
    ("derailed"), and in free decoding whatever could not be read or placed.

    Args:
        model: a causal language model; an adapter's folder loads its base and, unless that is
            quantised or a selector shares it, is merged into it in memory, which saves two products
            in every layer.
        tokenizer: its tokenizer.
        settings: how it was tuned; read from the ``tagger.json`` beside the model if absent.
        engine: "constrained"; "reference" for the same result one token at a time, which also
            serves models whose attention has windows; "free" for models not tuned for copying.
        selector: folder or Hub id of a selector, or one that was loaded. An adapter on the same
            base is put on the model in memory. Default: the one beside the model, in its folder
            ``selector``, if there is one. None: no selector. One that reads evidence reads that of
            the model's gazetteer.
        threshold: in place of all of the selector's own.
        rules: what entities must obey where a text is asked for the types of that corpus, as
            "cmeee_v2" (`selector.rules`); ``forbidden`` counts those removed. Default: none.
        **kwargs: those of ``transformers.Pipeline`` and of the call.
    """

    def __init__(
        self,
        *args: Any,
        settings: TaggerSettings | None = None,
        engine: Literal["constrained", "reference", "free"] = "constrained",
        selector: str | Path | Selector | None = BESIDE,
        threshold: float | None = None,
        rules: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        if getattr(self.model, "is_loaded_in_4bit", False):
            keep_layout(self.model)
        self.problems: Counter[ProblemKind] = Counter()
        self.dropped = self.forbidden = 0
        self.rules = rules_named(rules) if rules else None
        self.settings = settings or settings_of(self.model, self.tokenizer)
        chosen, shared = self._chosen(selector)
        if chosen:
            chosen = replace(chosen, gazetteer=self.settings.gazetteer)
        self.selector = with_threshold(chosen, threshold)
        if getattr(self.model, "_hf_peft_config_loaded", False) and not shared:
            merge_adapters(self.model)
        if engine not in ENGINES:
            known = ", ".join(map(repr, ENGINES))
            raise InputError(f"engine {engine!r} is not one of {known}")
        model, tokenizer = cast("Any", self.model), cast("Any", self.tokenizer)
        self.decoder = ENGINES[engine](model, tokenizer, self.settings)

    def _chosen(self, given: str | Path | Selector | None) -> tuple[Selector | None, bool]:
        """The selector, if any, and whether it shares the model's base."""
        if given is None or isinstance(given, Selector):
            return given, False
        place = selector_beside(self.model, self.tokenizer) if given == BESIDE else str(given)
        if place is None:
            return None, False
        if given == BESIDE or can_share(self.model, place):
            return selector_on(self.model, place), True
        return selector_at(place, device_map=self.model.device), False

    def _sanitize_parameters(
        self, **given: Any
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        unknown = sorted(set(given) - PREPARING - DECODING)
        if unknown:
            raise InputError(f"unknown argument {', '.join(unknown)} of the {TASK} pipeline")
        return (
            {name: value for name, value in given.items() if name in PREPARING},
            {name: value for name, value in given.items() if name in DECODING},
            {},
        )

    def preprocess(  # type: ignore[override]
        self,
        text: str,
        entity_types: EntityTypes | None = None,
        dataset: str | None = None,
        language: Language | None = None,
        sentences: bool = True,
    ) -> dict[str, Any]:
        """The requests of one text, with where each begins (characters)."""
        if not isinstance(text, str):
            raise InputError(f"a text must be a string, not {type(text).__name__}")
        schema = self._schema(entity_types, dataset, language or language_of(text))
        spans = self._chunks(text, schema, sentences)
        requests = [Request(str(start), text[start:end], schema) for start, end in spans]
        return {"text": text, "requests": requests}

    def _schema(
        self, entity_types: EntityTypes | None, dataset: str | None, language: Language
    ) -> Schema:
        named = self.settings.schema(dataset) if dataset else None
        if entity_types is None:
            return named or self.settings.default_schema(language)
        if isinstance(entity_types, str) or not entity_types:
            raise LabelError(
                f"entity_types must be a list of names or a mapping from name to definition, not "
                f"{entity_types!r}"
            )
        definitions = entity_types if isinstance(entity_types, Mapping) else {}
        types = tuple(EntityType(name, definitions.get(name, "")) for name in entity_types)
        title, spoken = (named.title, named.language) if named else ("", language)
        return Schema(title, spoken, LabelSet(types))

    def _chunks(self, text: str, schema: Schema, sentences: bool) -> list[Span]:
        """The spans of the text that are annotated one by one."""
        limit = self.model.config.max_position_embeddings
        spans = split(text, schema.language)
        whole = ((spans[0][0], spans[-1][1]),) if spans else ()
        if not sentences and self._measure(text, schema) <= limit:
            return list(whole)
        if sentences and all(self._measure(text[a:b], schema) <= limit for a, b in spans):
            return list(spans)
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
        return list(chunks)

    def _measure(self, text: str, schema: Schema) -> int:
        return self.decoder.length(Request("", text, schema))

    def _forward(  # type: ignore[override]
        self,
        model_inputs: dict[str, Any],
        repeats: bool = True,
        progress: Callable[[int, int], object] | None = None,
        **_: Any,
    ) -> dict[str, Any]:
        """Decode the requests of one text, or of a batch of texts."""
        alone = isinstance(model_inputs["text"], str)
        groups = [model_inputs["requests"]] if alone else model_inputs["requests"]
        requests = [request for group in groups for request in group]
        decoded = iter(self._decode(requests, max(len(groups), 16), progress))
        found = [[next(decoded) for _ in group] for group in groups]
        if repeats:
            pairs = zip(groups, found, strict=True)
            found = [repeated([r.text for r in group], own) for group, own in pairs]
        judged = iter(self._judged(requests, [one for own in found for one in own]))
        together = [[next(judged) for _ in group] for group in groups]
        return {"text": model_inputs["text"], "predictions": together[0] if alone else together}

    def _decode(
        self,
        requests: Sequence[Request],
        size: int,
        progress: Callable[[int, int], object] | None,
    ) -> list[Prediction]:
        """What the tagger finds, so many sentences at a time; what went wrong is counted."""
        step = size if progress else max(len(requests), 1)
        predictions: list[Prediction] = []
        for start in range(0, len(requests), step):
            if progress:
                progress(start, len(requests))
            predictions += self.decoder.decode(requests[start : start + step], size)
        self.problems.update(p.kind for found in predictions for p in found.problems)
        return predictions

    def _judged(
        self, requests: Sequence[Request], predictions: Sequence[Prediction]
    ) -> Sequence[Prediction]:
        """What selector and rules leave; what they take is counted."""
        schemas, found = [request.schema for request in requests], predictions
        if self.selector:
            found = self.selector.select(found, [request.text for request in requests], schemas)
        judged = found
        if self.rules:
            found = enforced(found, schemas, self.rules)
        self.dropped += _number(predictions) - _number(judged)
        self.forbidden += _number(judged) - _number(found)
        return found

    def postprocess(self, model_outputs: dict[str, Any], **_: Any) -> list[dict[str, Any]]:
        """The entities of one text as dictionaries."""
        text = model_outputs["text"]
        prediction = Prediction("", tuple(_moved(model_outputs["predictions"])))
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


def _number(predictions: Sequence[Prediction]) -> int:
    """How many entities there are."""
    return sum(len(prediction.scored) for prediction in predictions)


def _moved(predictions: Sequence[Prediction]) -> Iterator[ScoredEntity]:
    """The entities of the parts of a text, with offsets into the text; an id is a part's start."""
    for prediction in predictions:
        start = int(prediction.id)
        for found in prediction.scored:
            entity = found.entity
            yield replace(
                found, entity=Entity(entity.start + start, entity.end + start, entity.label)
            )


def register() -> None:
    """Make ``pipeline("bioner")`` known to transformers, with the embedded model as its default."""
    if TASK not in PIPELINE_REGISTRY.get_supported_tasks():
        PIPELINE_REGISTRY.register_pipeline(
            TASK,
            pipeline_class=BioNerPipeline,
            pt_model=AutoModelForCausalLM,
            default={"model": (str(EMBEDDED), "main")},
            type="text",
        )
