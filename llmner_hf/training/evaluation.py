"""Gold examples against predictions: during training, and for a table of results.

In: a model or its decoder, and tagged datasets. Out: `core.scoring.Scores`. The rows of a tagged
dataset are annotated whole, as they were trained on, not sentence by sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from datasets import DatasetDict

from llmner_hf.core.entities import Entity, Example, Prediction
from llmner_hf.core.schema import Schema
from llmner_hf.core.scoring import Scores, score
from llmner_hf.corpora.rows import to_example
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.decoding.free import FreeDecoder
from llmner_hf.decoding.request import Request
from llmner_hf.settings import TaggerSettings
from llmner_hf.training.tagger.run import Validate


class Decoder(Protocol):
    """What turns requests into predictions."""

    def decode(self, requests: Sequence[Request], batch_size: int = 16) -> list[Prediction]:
        """The predictions of all requests, in their order."""
        ...


def decoder_of(model: Any, tokenizer: Any, settings: TaggerSettings) -> Decoder:
    """The decoder that fits a strategy: constrained where there is an automaton, else free."""
    kind = ConstrainedDecoder if settings.strategy == "symbolic" else FreeDecoder
    return kind(model, tokenizer, settings)


def predict(
    decoder: Decoder, examples: Sequence[Example], schema: Schema, batch_size: int = 32
) -> dict[str, tuple[Entity, ...]]:
    """Document id -> predicted entities, each example annotated whole."""
    requests = [Request(example.id, example.text, schema) for example in examples]
    predictions = decoder.decode(requests, batch_size)
    return {prediction.id: prediction.entities for prediction in predictions}


def gold_of(examples: Iterable[Example]) -> dict[str, tuple[Entity, ...]]:
    """Document id -> gold entities."""
    return {example.id: example.entities for example in examples}


def validator(datasets: Mapping[str, DatasetDict], size: int) -> Validate:
    """Strict F1 on the first validation rows of each dataset, for `training.tagger.run.train`.

    Its scores are ``f1_<dataset>`` and their mean ``f1``, so that a large corpus does not outweigh
    a small one when the best checkpoint is chosen.
    """
    chosen = {
        name: [to_example(row) for row in splits["validation"].select(range(min(size, len(v))))]
        for name, splits in datasets.items()
        if (v := splits.get("validation")) is not None and len(v)
    }

    def validate(model: Any, tokenizer: Any, settings: TaggerSettings) -> dict[str, float]:
        decoder = decoder_of(model, tokenizer, settings)
        scores = {
            name: _strict(decoder, examples, settings.schema(name)).strict.f1
            for name, examples in chosen.items()
        }
        mean = sum(scores.values()) / max(len(scores), 1)
        return {"f1": mean} | {f"f1_{name}": value for name, value in scores.items()}

    return validate


def _strict(decoder: Decoder, examples: Sequence[Example], schema: Schema) -> Scores:
    return score(gold_of(examples), predict(decoder, examples, schema))
