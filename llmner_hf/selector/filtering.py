"""The selector in front of a tagger's output: what it thinks improbable is dropped (paper, II-C).

In: predictions with the texts they are about. Out: the same predictions with calibrated
probabilities for scores, without the entities below the threshold. A selector never adds an entity
and never moves one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from llmner_hf.core.calibration import probability
from llmner_hf.core.entities import Prediction, ScoredEntity
from llmner_hf.core.errors import SettingError
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.scoring import Scorer
from llmner_hf.settings import Schema


@dataclass(frozen=True, slots=True)
class Selector:
    """A scorer with what validation says about it.

    Attributes:
        scorer: what judges candidates.
        threshold: a candidate less probable than this is dropped; None keeps all.
        temperature: logits are divided by it.
    """

    scorer: Scorer
    threshold: float | None = 0.5
    temperature: float = 1.0

    def probabilities(self, candidates: Sequence[Candidate], batch_size: int = 64) -> list[float]:
        """How probable it is that each candidate is an entity."""
        logits = self.scorer.logits(candidates, batch_size)
        return [probability(logit, self.temperature) for logit in logits]

    def select(
        self,
        predictions: Sequence[Prediction],
        texts: Sequence[str],
        schemas: Sequence[Schema],
        batch_size: int = 64,
    ) -> list[Prediction]:
        """The predictions with what is probable enough; problems stay.

        Args:
            predictions: a tagger's.
            texts: the text of each.
            schemas: the types that each was asked for.
            batch_size: candidates at a time; changes speed and memory, never a result.
        """
        candidates = candidates_of(predictions, texts, schemas)
        scores = iter(self.probabilities(candidates, batch_size))
        judged = [
            [ScoredEntity(entity, next(scores)) for entity in prediction.entities]
            for prediction in predictions
        ]
        return [
            replace(prediction, scored=tuple(found for found in scored if self.keeps(found.score)))
            for prediction, scored in zip(predictions, judged, strict=True)
        ]

    def keeps(self, score: float) -> bool:
        """Whether a candidate of that probability stays."""
        return self.threshold is None or score >= self.threshold


def with_threshold(selector: Selector | None, threshold: float | None) -> Selector | None:
    """The selector, with this threshold in place of its own if one is given.

    Raises:
        SettingError: a threshold without a selector, which would do nothing, or no probability.
    """
    if threshold is None:
        return selector
    if selector is None:
        raise SettingError(f"threshold {threshold} needs a selector, and there is none")
    if not 0 <= threshold <= 1:
        raise SettingError(f"threshold must lie between 0 and 1, not {threshold}")
    return replace(selector, threshold=threshold)


def candidates_of(
    predictions: Sequence[Prediction], texts: Sequence[str], schemas: Sequence[Schema]
) -> list[Candidate]:
    """The entities of all predictions as candidates, in their order."""
    return [
        Candidate(text, entity, schema)
        for prediction, text, schema in zip(predictions, texts, schemas, strict=True)
        for entity in prediction.entities
    ]
