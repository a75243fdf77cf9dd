"""A gazetteer for a tagger: mentions learnt of its training texts, weighed on validation texts.

In: a tagger and the tagged datasets it was trained on. Out: its settings with the mentions of their
training rows, and with the weights that are best on their first validation rows, in the mean of the
datasets. The weights are moved one at a time, from those usual in training, until no neighbouring
value of any is better: the model is run anew for each, some fifteen times; nothing is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from datasets import DatasetDict

from llmner_hf.core.calibration import best_threshold
from llmner_hf.core.entities import Example, Prediction
from llmner_hf.core.errors import SettingError
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.schema import Schema
from llmner_hf.core.scoring import score
from llmner_hf.corpora.rows import but_test, lent_to, to_example
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.decoding.request import Request
from llmner_hf.selector.filtering import Selector
from llmner_hf.settings import MENTION_SHARE, USUAL_WEIGHTS, Gazetteer, TaggerSettings, Weights
from llmner_hf.training.evaluation import gold_of

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
    """How the weights were found: F1 on the validation rows of each dataset.

    Attributes:
        listed: of the gazetteers alone, all their mentions taken.
        tried: weights -> of tagger and gazetteers.
        alone: bias -> of the tagger without gazetteers.
    """

    listed: dict[str, float]
    tried: dict[Weights, dict[str, float]] = field(default_factory=dict)
    alone: dict[float, dict[str, float]] = field(default_factory=dict)

    @property
    def weights(self) -> Weights:
        """The best in the mean of the datasets; of equals the first that were tried."""
        return max(self.tried, key=lambda weights: mean(self.tried[weights]))

    @property
    def bias(self) -> float:
        """The same without gazetteers."""
        return max(self.alone, key=lambda bias: mean(self.alone[bias]))


def mean(scores: Mapping[str, float]) -> float:
    """The mean of the datasets."""
    return sum(scores.values()) / len(scores)


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
    settings: TaggerSettings,
    known: Mapping[str, Sequence[Example]],
    lenders: Iterable[DatasetDict] = (),
) -> dict[str, Dictionary]:
    """The dictionary of each dataset, hashed.

    Datasets of one language lend each other the mentions of types of the same name.

    Args:
        settings: with the types of each dataset.
        known: dataset -> the examples to learn from.
        lenders: tagged datasets that only lend, all rows but those of the test; the tagger need
            not know them.
    """
    schemas = {name: settings.schema(name) for name in known}
    lent = lent_to(schemas, known, lenders)
    return {
        name: Dictionary.learn(examples, MENTION_SHARE, lent[name]).digested()
        for name, examples in known.items()
    }


def fit(
    tagger: tuple[Any, Any, TaggerSettings],
    dictionaries: Mapping[str, Dictionary],
    held_out: Mapping[str, Sequence[Example]],
    selector: Selector | None = None,
    batch_size: int = 64,
) -> Fit:
    """The weights of the gazetteers, and the bias of types that no gazetteer knows.

    All datasets have the same: so few rows do not tell their weights apart. With weights of their
    own GENIA had 71.0 on 150 validation rows and 58.3 on the test set, with those of all 68.5 and
    61.2.

    Args:
        tagger: model, tokenizer, settings.
        dictionaries: the known mentions of each dataset.
        held_out: the examples of each to weigh by, none of them known.
        selector: what will judge the candidates: F1 is then that of what it leaves, with the
            threshold that is best for each dataset. Absent: that of the tagger.
        batch_size: texts at a time; changes no result.
    """
    model, tokenizer, settings = tagger
    schemas = {name: settings.schema(name) for name in held_out}
    gold = {name: gold_of(examples) for name, examples in held_out.items()}
    listed = {
        name: score(gold[name], {e.id: dictionaries[name].annotate(e.text) for e in examples})
        for name, examples in held_out.items()
    }
    found = Fit({name: one.strict.f1 for name, one in listed.items()})

    def scores(asked: TaggerSettings, judge: Selector | None = None) -> dict[str, float]:
        decoder, each = ConstrainedDecoder(model, tokenizer, asked), dict[str, float]()
        for name, part in held_out.items():
            requests = [Request(example.id, example.text, schemas[name]) for example in part]
            predictions = decoder.decode(requests, batch_size)
            each[name] = selected_f1(part, predictions, schemas[name], judge)
        return each

    def weighed(weights: Weights) -> float:
        asked = _equipped(settings, dictionaries, weights)
        judge = selector and replace(selector.cut_at(None), gazetteer=asked.gazetteer)
        found.tried[weights] = scores(asked, judge)
        return mean(found.tried[weights])

    climb(weighed)
    for bias in BIASES:
        alone = replace(settings, gazetteer=None, weights={}, bracket_bias=bias)
        found.alone[bias] = scores(alone)
        if found.bias != bias:  # it was better before
            break
    return found


def selected_f1(
    examples: Sequence[Example],
    predictions: Sequence[Prediction],
    schema: Schema,
    judge: Selector | None,
) -> float:
    """F1 of predictions, or of what is left of them at the best threshold of a selector.

    Args:
        examples: the gold.
        predictions: one for each.
        schema: the types that were asked for.
        judge: keeps everything, scored.
    """
    if judge is None:
        return score(gold_of(examples), {p.id: p.entities for p in predictions}).strict.f1
    judged = judge.select(predictions, [e.text for e in examples], [schema] * len(examples))
    pairs = list(zip(examples, judged, strict=True))
    scored = [
        (one.score, one.entity in example.entities) for example, p in pairs for one in p.scored
    ]
    missed = sum(len({*example.entities} - {*p.entities}) for example, p in pairs)
    return best_threshold([p for p, _ in scored], [right for _, right in scored], missed).f1


def relearnt(
    settings: TaggerSettings,
    datasets: Mapping[str, DatasetDict],
    lenders: Iterable[DatasetDict] = (),
) -> TaggerSettings:
    """The settings with the mentions of all rows that are no test, and the weights they have.

    The last step: on validation rows the tagger is better than elsewhere from then on.

    Args:
        settings: with weights of these datasets.
        datasets: by name.
        lenders: see `learnt`.

    Raises:
        SettingError: one of them was not weighed.
    """
    known = {}
    for name, splits in datasets.items():
        if name not in settings.weights:
            raise SettingError(f"{name}: no weights for it; run without --all-rows first")
        known[name] = but_test(splits)
    return _with(settings, learnt(settings, known, lenders))


def climb(f1: Callable[[Weights], float]) -> Weights:
    """Move one weight after another to a neighbouring value while that is better.

    Args:
        f1: of weights; asked once for each.
    """
    best = USUAL_WEIGHTS
    tried = {best: f1(best)}
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
    return best


def _moved(weights: Weights, name: str, values: Sequence[float], step: int) -> Weights | None:
    """The weights with the next value of one of them; None behind the last."""
    place = values.index(getattr(weights, name)) + step
    return replace(weights, **{name: values[place]}) if 0 <= place < len(values) else None


def equipped(
    settings: TaggerSettings, dictionaries: Mapping[str, Dictionary], found: Fit
) -> TaggerSettings:
    """The settings with these gazetteers, their weights and the bias; others stay as they are."""
    made = _equipped(settings, dictionaries, found.weights)
    return replace(made, bracket_bias=found.bias)


def _equipped(
    settings: TaggerSettings, dictionaries: Mapping[str, Dictionary], weights: Weights
) -> TaggerSettings:
    """The settings with these gazetteers and weights."""
    schemas: dict[str, Schema] = {name: settings.schema(name) for name in dictionaries}
    return replace(
        _with(settings, dictionaries),
        weights={**settings.weights, **dict.fromkeys(dictionaries, weights)},
        schemas={**schemas, **settings.schemas},
    )


def _with(settings: TaggerSettings, dictionaries: Mapping[str, Dictionary]) -> TaggerSettings:
    """The settings with the mentions of these datasets."""
    known = dict(settings.gazetteer.dictionaries) if settings.gazetteer else {}
    known |= {settings.schema(name).title: found for name, found in dictionaries.items()}
    return replace(settings, gazetteer=Gazetteer(known))
