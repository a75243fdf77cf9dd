"""What is found in one sentence of a text, found in its other sentences as well.

In: the sentences of a text, and what a tagger found in each. A tagger reads one sentence at a time
(paper, section III-A) and misses there what another one makes plain: an abbreviation is explained
once and stands bare afterwards. Out: the same predictions, and beside them every other occurrence
of a mention that overlaps nothing that was found; of two that overlap, the longer. A string that
was found as several types is taken as the most frequent one. Whether an occurrence really is an
entity is for a selector to say. Left alone: a text of one sentence, which the tagger has seen
whole, and mentions of a single character.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from llmner_hf.core.dictionary import Dictionary, fold
from llmner_hf.core.entities import Entity, Example, Prediction, ScoredEntity

SHORTEST = 2  # characters


def repeated(sentences: Sequence[str], predictions: Sequence[Prediction]) -> list[Prediction]:
    """The predictions with the other occurrences of what was found.

    The score of an occurrence is the highest one of its mention in the text. Case does not count,
    and an occurrence neither begins nor ends inside a word (`core.dictionary`).

    Args:
        sentences: of one text.
        predictions: what was found in each, with offsets into the sentence.

    >>> found = Prediction("0", (ScoredEntity(Entity(13, 16, "Chemical"), 0.9),))
    >>> nothing = Prediction("1", ())
    >>> repeated(["Bisphenol A (BPA) is old.", "BPA was banned."], [found, nothing])[1].scored
    (ScoredEntity(entity=Entity(start=0, end=3, label='Chemical'), score=0.9),)
    """
    if len(sentences) < 2:
        return list(predictions)
    pairs = list(zip(sentences, predictions, strict=True))
    known = Dictionary.learn((_example(*pair) for pair in pairs), minimum_share=0)
    scores: dict[tuple[str, str], float] = {}
    for text, prediction in pairs:
        for found in prediction.scored:
            key = fold(found.entity.surface(text)), found.entity.label
            scores[key] = max(found.score, scores.get(key, 0.0))
    return [
        replace(
            prediction,
            scored=(
                *prediction.scored,
                *(
                    ScoredEntity(entity, scores[fold(entity.surface(text)), entity.label])
                    for entity in _free(known.annotate(text), prediction.entities)
                ),
            ),
        )
        for text, prediction in pairs
    ]


def _example(text: str, prediction: Prediction) -> Example:
    """A sentence with the mentions that may be looked for elsewhere."""
    long = (entity for entity in prediction.entities if entity.end - entity.start >= SHORTEST)
    return Example(prediction.id, text, tuple(long), "", "en")


def _free(candidates: Iterable[Entity], taken: Sequence[Entity]) -> Iterator[Entity]:
    """The candidates that overlap nothing that was found."""
    for candidate in candidates:
        if not any(candidate.overlaps(entity) for entity in taken):
            yield candidate
