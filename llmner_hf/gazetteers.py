"""A gazetteer for a tagger: mentions learnt of its training texts, weighed on validation texts.

In: a tagger and the tagged datasets it was trained on. Out: its settings with the mentions of their
training rows and with the weights of each dataset that are best on its first validation rows. The
weights are moved one at a time, from a start that suits most corpora, until no neighbouring value
of any is better: the model is run anew for each, some fifteen times, and nothing is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from datasets import DatasetDict

from llmner_hf.core.dictionary import Dictionary
from llmner_hf.core.entities import Example
from llmner_hf.core.errors import SettingError
from llmner_hf.core.scoring import score
from llmner_hf.data import to_example
from llmner_hf.decoding.constrained import ConstrainedDecoder
from llmner_hf.evaluation import gold_of, predict
from llmner_hf.settings import (
    MENTION_SHARE,
    USUAL_WEIGHTS,
    Gazetteer,
    Schema,
    TaggerSettings,
    Weights,
)

# The values that are tried of each weight, in this order of the weights.
VALUES = {
    "bias": (-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0),
    "unsure": (0.0, 1.5, 3.0, 4.5, 6.0),
    "sure": (2.0, 4.0, 6.0, 8.0),
    "close": (2.0, 4.0, 6.0),
}
# The biases that are tried where nothing is known of any mention: what was trained beside a
# gazetteer then opens too few brackets.
BIASES = (0.0, 1.0, 2.0, 3.0, 4.0)


@dataclass(slots=True)
class Fit:
    """How the weights of a dataset were found.

    Attributes:
        name: of the dataset.
        mentions: in its gazetteer.
        alone: F1 of the tagger alone on the validation rows.
        listed: F1 of the gazetteer alone, all its mentions taken.
        tried: weights -> F1 of both.
    """

    name: str
    mentions: int
    alone: float
    listed: float
    tried: dict[Weights, float] = field(default_factory=dict)

    @property
    def weights(self) -> Weights:
        """The best; of equals the first that was tried."""
        return max(self.tried, key=lambda weights: self.tried[weights])


def parts(splits: DatasetDict, rows: int) -> tuple[list[Example], list[Example]]:
    """The texts to learn from, and those to weigh by.

    Args:
        splits: a tagged dataset.
        rows: how many validation rows are weighed by, from the beginning; the rest is learnt from.

    Raises:
        SettingError: there is no validation split.
    """
    validation = splits.get("validation")
    if validation is None or not len(validation):
        raise SettingError("no validation split to weigh by; llmner build makes one")
    examples = list(map(to_example, validation))
    known = [*map(to_example, splits["train"]), *examples[rows:]]
    return known, examples[:rows]


def learnt(
    settings: TaggerSettings, known: Mapping[str, Sequence[Example]]
) -> dict[str, Dictionary]:
    """The dictionary of each dataset, hashed.

    Datasets of one language lend each other the mentions of types of the same name.

    Args:
        settings: with the types of each dataset.
        known: dataset -> the examples to learn from.
    """
    schemas = {name: settings.schema(name) for name in known}
    own = {name: Dictionary.learn(examples, MENTION_SHARE) for name, examples in known.items()}
    found = {}
    for name, examples in known.items():
        dictionary, schema = own[name], schemas[name]
        for other in known:
            if other != name and schemas[other].language == schema.language:
                labels = {*schema.labels.names} & {*schemas[other].labels.names}
                dictionary = dictionary.borrowing(own[other], labels, examples)
        found[name] = dictionary.digested()
    return found


def fit(
    tagger: tuple[Any, Any, TaggerSettings],
    name: str,
    dictionary: Dictionary,
    held_out: Sequence[Example],
    batch_size: int = 64,
) -> Fit:
    """The weights of the gazetteer of one dataset.

    Args:
        tagger: model, tokenizer, settings.
        name: of the dataset.
        dictionary: its known mentions.
        held_out: the examples to weigh by, none of them known.
        batch_size: texts at a time; changes no result.
    """
    model, tokenizer, settings = tagger
    schema = settings.schema(name)
    gazetteer = Gazetteer({schema.title: dictionary})
    gold = gold_of(held_out)

    def f1(used: TaggerSettings) -> float:
        decoder = ConstrainedDecoder(model, tokenizer, used)
        return score(gold, predict(decoder, held_out, schema, batch_size)).strict.f1

    listed = score(gold, {e.id: dictionary.annotate(e.text) for e in held_out}).strict.f1
    alone = f1(replace(settings, gazetteer=None))
    found = Fit(name, len(dictionary.mentions), alone, listed)
    used = replace(settings, gazetteer=gazetteer, schemas={**settings.schemas, name: schema})
    climb(found.tried, lambda weights: f1(replace(used, weights={name: weights})))
    return found


def general_bias(
    tagger: tuple[Any, Any, TaggerSettings],
    held_out: Mapping[str, Sequence[Example]],
    batch_size: int = 64,
) -> dict[float, float]:
    """The mean F1 without a gazetteer, by bias: for types that no gazetteer knows.

    Args:
        tagger: model, tokenizer, settings.
        held_out: dataset -> examples that it was not trained on.
        batch_size: texts at a time; changes no result.
    """
    model, tokenizer, settings = tagger
    tried: dict[float, float] = {}
    for bias in BIASES:
        alone = replace(settings, gazetteer=None, weights={}, bracket_bias=bias)
        decoder = ConstrainedDecoder(model, tokenizer, alone)
        scores = [
            score(gold_of(part), predict(decoder, part, settings.schema(name), batch_size))
            for name, part in held_out.items()
        ]
        tried[bias] = sum(one.strict.f1 for one in scores) / len(scores)
        if tried[bias] < max(tried.values()):
            break
    return tried


def relearnt(settings: TaggerSettings, datasets: Mapping[str, DatasetDict]) -> TaggerSettings:
    """The settings with the mentions of all rows that are no test, and the weights they have.

    The last step: on validation rows the tagger is better than elsewhere from then on.

    Args:
        settings: with weights of these datasets.
        datasets: by name.

    Raises:
        SettingError: one of them was not weighed.
    """
    known = {}
    for name, splits in datasets.items():
        if name not in settings.weights:
            raise SettingError(f"{name}: no weights for it; run without --all-rows first")
        known[name] = [to_example(row) for part in splits if part != "test" for row in splits[part]]
    return _with(settings, learnt(settings, known))


def climb(tried: dict[Weights, float], f1: Callable[[Weights], float]) -> None:
    """Move one weight after another to a neighbouring value while that is better.

    Args:
        tried: filled with the F1 of whatever was tried.
        f1: of weights.
    """
    best = USUAL_WEIGHTS
    tried[best] = f1(best)
    moved = True
    while moved:
        moved = False
        for name, values in VALUES.items():
            for step in (-1, 1):
                while further := _moved(best, name, values, step):
                    if further not in tried:
                        tried[further] = f1(further)
                    if tried[further] <= tried[best]:
                        break
                    best, moved = further, True


def _moved(weights: Weights, name: str, values: Sequence[float], step: int) -> Weights | None:
    """The weights with the next value of one of them; None behind the last."""
    place = values.index(getattr(weights, name)) + step
    return replace(weights, **{name: values[place]}) if 0 <= place < len(values) else None


def equipped(
    settings: TaggerSettings, dictionaries: Mapping[str, Dictionary], fits: Sequence[Fit]
) -> TaggerSettings:
    """The settings with the gazetteers and weights of the fitted; others stay as they are."""
    schemas: dict[str, Schema] = {fit.name: settings.schema(fit.name) for fit in fits}
    weights = {fit.name: fit.weights for fit in fits}
    return replace(
        _with(settings, {fit.name: dictionaries[fit.name] for fit in fits}),
        weights={**settings.weights, **weights},
        schemas={**schemas, **settings.schemas},
    )


def _with(settings: TaggerSettings, dictionaries: Mapping[str, Dictionary]) -> TaggerSettings:
    """The settings with the mentions of these datasets."""
    known = dict(settings.gazetteer.dictionaries) if settings.gazetteer else {}
    known |= {settings.schema(name).title: found for name, found in dictionaries.items()}
    return replace(settings, gazetteer=Gazetteer(known))
