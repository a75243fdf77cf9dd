"""The weights of a tagger's gazetteers: those that are best on validation texts.

In: a tagger, the known mentions of its datasets, and held-out examples of each. Out: the weights
that are best in the mean of the datasets, with every score on the way. The weights are moved one at
a time, from the usual ones in training, until no neighbouring value of any is better. The model is
run anew for each, some fifteen times; nothing is trained.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from llmner_hf.core.calibration import best_threshold
from llmner_hf.core.entities import Example, Prediction
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.schema import Schema
from llmner_hf.core.scoring import score
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.decoding.request import Request
from llmner_hf.selector.filtering import Selector
from llmner_hf.settings import USUAL_WEIGHTS, TaggerSettings, Weights
from llmner_hf.tagger.tagger import Tagger
from llmner_hf.training.evaluation import gold_of
from llmner_hf.training.gazetteer import weighted

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


@dataclass(frozen=True, slots=True)
class Trial:
    """What weights are tried on.

    Attributes:
        tagger: with the selector that will judge the candidates, or none. With a selector, F1 is
            counted over the entities that it leaves, at the best threshold of each dataset.
        dictionaries: the known mentions of each dataset.
        held_out: the examples of each to weigh by, none of them known.
        batch_size: texts at a time; changes no result.
    """

    tagger: Tagger
    dictionaries: Mapping[str, Dictionary]
    held_out: Mapping[str, Sequence[Example]]
    batch_size: int = 64

    def listed(self) -> dict[str, float]:
        """F1 of the gazetteers alone."""
        return {
            name: score(
                gold_of(examples),
                {e.id: self.dictionaries[name].annotate(e.text) for e in examples},
            ).strict.f1
            for name, examples in self.held_out.items()
        }

    def beside(self, weights: Weights) -> dict[str, float]:
        """F1 of tagger and gazetteers, and of what the selector leaves."""
        asked = weighted(self.tagger.settings, self.dictionaries, weights)
        selector = self.tagger.selector
        judge = selector and replace(selector.cut_at(None), gazetteer=asked.gazetteer)
        return self._scores(asked, judge)

    def alone(self, bias: float) -> dict[str, float]:
        """F1 of the tagger without gazetteers and selector."""
        settings = self.tagger.settings
        return self._scores(replace(settings, gazetteer=None, weights={}, bracket_bias=bias), None)

    def _scores(self, asked: TaggerSettings, judge: Selector | None) -> dict[str, float]:
        decoder = ConstrainedDecoder(self.tagger.model, self.tagger.tokenizer, asked)
        scores = {}
        for name, examples in self.held_out.items():
            schema = self.tagger.settings.schema(name)
            requests = [Request(example.id, example.text, schema) for example in examples]
            predictions = decoder.decode(requests, self.batch_size)
            scores[name] = selected_f1(examples, predictions, schema, judge)
        return scores


def fit(trial: Trial) -> Fit:
    """The weights of the gazetteers, and the bias of types that no gazetteer knows.

    All datasets have the same weights: so few rows do not tell them apart, and weights of its own
    that were better on GENIA's validation rows were worse on its test set.
    """
    found = Fit(trial.listed())

    def weighed(weights: Weights) -> float:
        found.tried[weights] = trial.beside(weights)
        return mean(found.tried[weights])

    climb(weighed)
    for bias in BIASES:
        found.alone[bias] = trial.alone(bias)
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


def climb(f1: Callable[[Weights], float]) -> Weights:
    """Move one weight after another to a neighbouring value while that is better."""
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


def equipped(tagger: Tagger, dictionaries: Mapping[str, Dictionary], found: Fit) -> Tagger:
    """The tagger with these gazetteers, their weights and the bias; others stay as they are."""
    made = weighted(tagger.settings, dictionaries, found.weights)
    return tagger.with_settings(replace(made, bracket_bias=found.bias))
