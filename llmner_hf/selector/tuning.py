"""What a selector's probabilities are worth, and which threshold to use, by validation.

In: gold examples and what a tagger found in them, both of texts that neither model was trained on.
Out: the temperature that calibrates the selector; thresholds, one of all texts together, counted
entity by entity, and one for each dataset where there are several; and how good everything was
before and after.

A threshold is half the highest F1 of tagger and selector together, gold entities that the tagger
missed included. Of calibrated probabilities no threshold has a higher expected F1 (Lipton, Elkan
and Narayanaswamy 2014, Thresholding classifiers to maximize F1 score). Some hundred candidates are
enough to tell how high F1 can be. They are too few to tell at which threshold it is highest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from llmner_hf.core.calibration import (
    BestThreshold,
    Bin,
    best_threshold,
    calibration_error,
    probability,
    reliability,
    temperature,
)
from llmner_hf.core.entities import Example, Prediction
from llmner_hf.core.errors import InputError
from llmner_hf.core.schema import Schema
from llmner_hf.selector.filtering import Selector, candidates_of
from llmner_hf.settings import SELECTOR_FILE, SelectorSettings

T = TypeVar("T", Selector, SelectorSettings)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The reliability diagram of some probabilities, and their expected calibration error."""

    bins: tuple[Bin, ...]
    error: float

    @classmethod
    def of(cls, probabilities: Sequence[float], gold: Sequence[bool]) -> Calibration:
        """Of candidates of which some are gold."""
        return cls(reliability(probabilities, gold), calibration_error(probabilities, gold))


@dataclass(frozen=True, slots=True)
class Judged:
    """The candidates of some texts: the logit of each, whether it is gold, and what is missed."""

    logits: tuple[float, ...]
    right: tuple[bool, ...]
    missed: int

    def probabilities(self, temperature: float) -> list[float]:
        """The probabilities at a temperature."""
        return [probability(logit, temperature) for logit in self.logits]

    def f1(self, threshold: float = 0.0, temperature: float = 1.0) -> float:
        """Of tagger and selector together; at 0, of the tagger alone."""
        judged = zip(self.probabilities(temperature), self.right, strict=True)
        kept = [right for value, right in judged if value >= threshold]
        return 2 * sum(kept) / max(len(kept) + sum(self.right) + self.missed, 1)

    def best(self, temperature: float) -> BestThreshold:
        """The threshold with the highest F1 on these candidates."""
        return best_threshold(self.probabilities(temperature), self.right, self.missed)


@dataclass(frozen=True, slots=True)
class Choice:
    """The threshold for the candidates of some texts.

    Attributes:
        candidates: how many the tagger made.
        missed: gold entities among none of them.
        best: the threshold that is best on these candidates, and its F1.
        threshold: the one to use.
        f1: of the tagger alone.
        selected: F1 of tagger and selector at the threshold to use.
    """

    candidates: int
    missed: int
    best: BestThreshold
    threshold: float
    f1: float
    selected: float

    @classmethod
    def of(cls, judged: Judged, temperature: float) -> Choice:
        """For these candidates, at a temperature."""
        best = judged.best(temperature)
        threshold = best.f1 / 2
        f1, selected = judged.f1(), judged.f1(threshold, temperature)
        return cls(len(judged.logits), judged.missed, best, threshold, f1, selected)


@dataclass(frozen=True, slots=True)
class Tuning:
    """What validation says about a selector.

    Attributes:
        temperature: see `core.calibration.temperature`.
        every: of all texts.
        datasets: of each dataset by ``Schema.title``, where there are several.
        before: the selector's own probabilities.
        after: those divided by the temperature.
    """

    temperature: float
    every: Choice
    datasets: Mapping[str, Choice]
    before: Calibration
    after: Calibration

    @property
    def thresholds(self) -> dict[str, float]:
        """Of each dataset, by ``Schema.title``."""
        return {title: choice.threshold for title, choice in self.datasets.items()}

    def _set(self, own: T) -> T:
        return replace(
            own,
            threshold=self.every.threshold,
            thresholds=self.thresholds,
            temperature=self.temperature,
        )

    def applied(self, selector: Selector) -> Selector:
        """A selector with these thresholds and this temperature."""
        return self._set(selector)

    def save(self, folder: str | Path) -> None:
        """Put them into the ``selector.json`` of a folder."""
        self._set(SelectorSettings.load(Path(folder, SELECTOR_FILE))).save(folder)


def tune(
    selector: Selector,
    examples: Sequence[Example],
    predictions: Sequence[Prediction],
    schemas: Mapping[str, Schema],
    batch_size: int = 64,
) -> Tuning:
    """Calibrate a selector and choose its thresholds.

    Args:
        selector: to be tuned; with the gazetteer of the tagger, if it reads evidence.
        examples: validation texts with gold entities; ids differ.
        predictions: of the tagger, one for each example, by id.
        schemas: dataset of the examples -> its types.
        batch_size: candidates at a time.

    Raises:
        InputError: an example has no prediction, or the other way round.
    """
    gold = {example.id: example for example in examples}
    if sorted(gold) != sorted(prediction.id for prediction in predictions):
        raise InputError("examples and predictions must have the same ids, each once")
    asked = [gold[prediction.id] for prediction in predictions]
    texts, types = [e.text for e in asked], [schemas[e.dataset] for e in asked]
    candidates = candidates_of(predictions, texts, types, selector.gazetteer)
    logits = iter(selector.scorer.logits(candidates, batch_size))
    parts: dict[str, list[Judged]] = {}
    for prediction, example in zip(predictions, asked, strict=True):
        right = tuple(entity in example.entities for entity in prediction.entities)
        found = Judged(
            tuple(next(logits) for _ in right), right, len(example.entities) - sum(right)
        )
        parts.setdefault(schemas[example.dataset].title, []).append(found)
    return _tuning({title: joined(own) for title, own in parts.items()})


def joined(parts: Sequence[Judged]) -> Judged:
    """Candidates of several texts, or of several datasets."""
    return Judged(
        tuple(logit for part in parts for logit in part.logits),
        tuple(right for part in parts for right in part.right),
        sum(part.missed for part in parts),
    )


def _tuning(parts: Mapping[str, Judged]) -> Tuning:
    """What the candidates of each dataset say, by its title; "" is no dataset."""
    every = joined(list(parts.values()))
    fitted = temperature(every.logits, every.right)
    several = parts if len(parts) > 1 else {}
    return Tuning(
        temperature=fitted,
        every=Choice.of(every, fitted),
        datasets={title: Choice.of(part, fitted) for title, part in several.items() if title},
        before=Calibration.of(every.probabilities(1.0), every.right),
        after=Calibration.of(every.probabilities(fitted), every.right),
    )
