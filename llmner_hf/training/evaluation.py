"""Gold examples against predictions: during training, and for a table of results.

In: a tagger, and tagged datasets. Out: strict F1. The rows of a tagged dataset are annotated whole,
as they were trained on, not sentence by sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from datasets import DatasetDict

from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.schema import Schema
from llmner_hf.core.scoring import score
from llmner_hf.corpora.rows import to_example
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.decoding.free import FreeDecoder
from llmner_hf.decoding.request import Decoder, Request
from llmner_hf.tagger.tagger import Tagger

Validate = Callable[[Tagger], Mapping[str, float]]


def decoder_of(tagger: Tagger) -> Decoder:
    """The decoder that fits a strategy: constrained where there is an automaton, else free."""
    kind = ConstrainedDecoder if tagger.settings.strategy == "symbolic" else FreeDecoder
    return kind(tagger.model, tagger.tokenizer, tagger.settings)


def predict(
    decoder: Decoder, examples: Sequence[Example], schema: Schema
) -> dict[str, tuple[Entity, ...]]:
    """Document id -> predicted entities, each example annotated whole."""
    requests = [Request(example.id, example.text, schema) for example in examples]
    predictions = decoder.decode(requests, 32)
    return {prediction.id: prediction.entities for prediction in predictions}


def gold_of(examples: Iterable[Example]) -> dict[str, tuple[Entity, ...]]:
    """Document id -> gold entities."""
    return {example.id: example.entities for example in examples}


def validator(datasets: Mapping[str, DatasetDict], size: int) -> Validate | None:
    """What scores a tagger on the first validation rows of each dataset; None without such rows.

    The scores are strict F1, ``f1_<dataset>``, and the mean ``f1``, so that a large corpus does not
    outweigh a small one when the best checkpoint is chosen.
    """
    chosen = {
        name: [to_example(row) for row in rows.select(range(min(size, len(rows))))]
        for name, splits in datasets.items()
        if size and (rows := splits.get("validation")) is not None and len(rows)
    }

    def validate(tagger: Tagger) -> dict[str, float]:
        decoder, scores = decoder_of(tagger), dict[str, float]()
        for name, examples in chosen.items():
            predicted = predict(decoder, examples, tagger.settings.schema(name))
            scores[f"f1_{name}"] = score(gold_of(examples), predicted).strict.f1
        return {"f1": sum(scores.values()) / len(scores)} | scores

    return validate if chosen else None
