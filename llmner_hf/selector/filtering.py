"""The selector in front of a tagger's output: what it thinks improbable is dropped (paper, II-C).

In: predictions with the texts they are about. Out: the same predictions with calibrated
probabilities for scores, without the entities below the threshold, which is that of the dataset
whose types a text was asked for, where it has one of its own. A selector never adds an entity and
never moves one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from llmner_hf.core.calibration import probability
from llmner_hf.core.entities import Prediction, ScoredEntity
from llmner_hf.core.errors import SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.scoring import Scorer
from llmner_hf.settings import Gazetteer
from llmner_hf.settings.origin import Origin


@dataclass(frozen=True, slots=True)
class Selector:
    """A scorer with what validation says about it.

    Attributes:
        scorer: what judges candidates.
        threshold: a candidate less probable than this is dropped; None keeps all.
        temperature: logits are divided by it.
        thresholds: of datasets that have one of their own, by ``Schema.title``.
        of_types: of types that a user gave one of their own, which win, by name.
        gazetteer: of the tagger that it judges, for a scorer that reads evidence; where there is
            none for the types that were asked for, nothing is known of any string.
        origin: where its files lie, if it has any.
    """

    scorer: Scorer
    threshold: float | None = 0.5
    temperature: float = 1.0
    thresholds: Mapping[str, float] = field(default_factory=dict, hash=False)
    of_types: Mapping[str, float] = field(default_factory=dict, hash=False)
    gazetteer: Gazetteer | None = None
    origin: Origin | None = None

    def cut_at(self, threshold: float | None) -> Selector:
        """The selector with one threshold for all datasets; None keeps all."""
        return replace(self, threshold=threshold, thresholds={})

    def probabilities(self, candidates: Sequence[Candidate], batch_size: int = 64) -> list[float]:
        """How probable it is that each candidate is an entity."""
        logits = self.scorer.logits(candidates, batch_size)
        return [probability(logit, self.temperature) for logit in logits]

    def select(
        self,
        predictions: Sequence[Prediction],
        texts: Sequence[str],
        schemas: Sequence[Schema],
    ) -> list[Prediction]:
        """The predictions with what is probable enough; problems stay.

        Args:
            predictions: a tagger's.
            texts: the text of each.
            schemas: the types that each was asked for.
        """
        candidates = candidates_of(predictions, texts, schemas, self.gazetteer)
        scores = iter(self.probabilities(candidates))
        judged = [
            [ScoredEntity(entity, next(scores)) for entity in prediction.entities]
            for prediction in predictions
        ]
        return [
            replace(prediction, scored=tuple(one for one in scored if self.keeps(one, schema)))
            for prediction, scored, schema in zip(predictions, judged, schemas, strict=True)
        ]

    def keeps(self, found: ScoredEntity, schema: Schema) -> bool:
        """Whether an entity of that probability stays where these types were asked for."""
        usual = self.thresholds.get(schema.title, self.threshold)
        threshold = self.of_types.get(found.entity.label, usual)
        return threshold is None or found.score >= threshold


def with_threshold(
    selector: Selector | None, threshold: float | Mapping[str, float] | None
) -> Selector | None:
    """The selector, with this threshold in place of all of its own, or with those of types.

    Raises:
        SettingError: a threshold without a selector, which would do nothing, or no probability.
    """
    if threshold is None:
        return selector
    if selector is None:
        raise SettingError(f"threshold {threshold} needs a selector, and there is none")
    by_type = threshold if isinstance(threshold, Mapping) else {}
    for number in by_type.values() or [threshold]:
        if not (isinstance(number, int | float) and 0 <= number <= 1):
            raise SettingError(f"threshold must lie between 0 and 1, not {number}")
    if isinstance(threshold, Mapping):
        return replace(selector, of_types=dict(threshold))
    return selector.cut_at(threshold)


def candidates_of(
    predictions: Sequence[Prediction],
    texts: Sequence[str],
    schemas: Sequence[Schema],
    gazetteer: Gazetteer | None = None,
) -> list[Candidate]:
    """The entities of all predictions as candidates, in their order, with what is known of them."""
    return [
        Candidate.of(text, entity, schema, gazetteer.of(schema) if gazetteer else None)
        for prediction, text, schema in zip(predictions, texts, schemas, strict=True)
        for entity in prediction.entities
    ]
