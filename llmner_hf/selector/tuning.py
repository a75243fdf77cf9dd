"""What a selector's probabilities are worth, and where to cut them, learnt on validation texts.

In: gold examples and what a tagger found in them, both of texts that neither model was trained on.
Out: the temperature that calibrates the selector, the threshold with the highest F1 of tagger and
selector together, gold entities that the tagger missed included, and how good both were before and
after. Texts of several corpora are counted together, entity by entity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmner_hf.core.calibration import (
    Bin,
    Cut,
    best_cut,
    calibration_error,
    probability,
    reliability,
    temperature,
)
from llmner_hf.core.entities import Example, Prediction
from llmner_hf.core.errors import InputError
from llmner_hf.selector.filtering import Selector, candidates_of
from llmner_hf.selector.scoring import Scorer
from llmner_hf.settings import SELECTOR_FILE, Schema, SelectorSettings


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
class Tuning:
    """What validation says about a selector.

    Attributes:
        candidates: how many the tagger made.
        missed: gold entities among none of them.
        temperature: see `core.calibration.temperature`.
        cut: the threshold, of calibrated probabilities, and the F1 that it gives.
        f1: of the tagger alone.
        before: the selector's own probabilities.
        after: those divided by the temperature.
    """

    candidates: int
    missed: int
    temperature: float
    cut: Cut
    f1: float
    before: Calibration
    after: Calibration

    def applied(self, scorer: Scorer) -> Selector:
        """The selector that this tuning makes of a scorer."""
        return Selector(scorer, self.cut.threshold, self.temperature)

    def save(self, folder: str | Path) -> None:
        """Put threshold and temperature into the ``selector.json`` of a folder."""
        settings = SelectorSettings.load(Path(folder, SELECTOR_FILE))
        tuned = replace(settings, threshold=self.cut.threshold, temperature=self.temperature)
        tuned.save(folder)


def tune(
    scorer: Scorer,
    examples: Sequence[Example],
    predictions: Sequence[Prediction],
    schemas: Mapping[str, Schema],
    batch_size: int = 64,
) -> Tuning:
    """Calibrate a scorer and choose its threshold.

    Args:
        scorer: to be tuned.
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
    candidates = candidates_of(
        predictions, [e.text for e in asked], [schemas[e.dataset] for e in asked]
    )
    right = [
        entity in example.entities
        for prediction, example in zip(predictions, asked, strict=True)
        for entity in prediction.entities
    ]
    logits = scorer.logits(candidates, batch_size)
    missed = sum(len(example.entities) for example in examples) - sum(right)
    heat = temperature(logits, right)
    own, calibrated = ([probability(x, t) for x in logits] for t in (1.0, heat))
    return Tuning(
        candidates=len(candidates),
        missed=missed,
        temperature=heat,
        cut=best_cut(calibrated, right, missed),
        f1=2 * sum(right) / max(len(right) + sum(right) + missed, 1),
        before=Calibration.of(own, right),
        after=Calibration.of(calibrated, right),
    )
