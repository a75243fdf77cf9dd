"""What is found in one sentence of a text, found in its other sentences as well.

In: the sentences of a text, and what a tagger found in each. A tagger reads one sentence at a time
(paper, section III-A) and misses there what another one makes plain: an abbreviation is explained
once and stands bare afterwards. Out: the same predictions, and beside them every other occurrence
of a mention that overlaps nothing that was found; of two that overlap, the longer. A string that
was found as several types is taken as that with the highest sum of scores. Whether an occurrence
really is an entity is for a selector to say. Left alone: a text of one sentence, which the tagger
has seen whole; mentions of a single character; those that the tagger passes over nearly always.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from llmner_hf.core.dictionary import Dictionary, fold
from llmner_hf.core.entities import Prediction, ScoredEntity

SHORTEST = 2  # characters
# Of a mention the least mean score of all its occurrences, where one that was not found counts 0.
# Ours, chosen on training articles (docs/embedded.md).
LEAST_EVIDENCE = 0.25


def repeated(sentences: Sequence[str], predictions: Sequence[Prediction]) -> list[Prediction]:
    """The predictions with the other occurrences of what was found.

    The score of an occurrence is the highest one of its mention in the text. Case does not count,
    and an occurrence neither begins nor ends inside a word (`core.dictionary`).

    Args:
        sentences: of one text.
        predictions: what was found in each, with offsets into the sentence.

    >>> from llmner_hf.core.entities import Entity
    >>> found = Prediction("0", (ScoredEntity(Entity(13, 16, "Chemical"), 0.9),))
    >>> nothing = Prediction("1", ())
    >>> repeated(["Bisphenol A (BPA) is old.", "BPA was banned."], [found, nothing])[1].scored
    (ScoredEntity(entity=Entity(start=0, end=3, label='Chemical'), score=0.9),)
    """
    if len(sentences) < 2:
        return list(predictions)
    pairs = list(zip(sentences, predictions, strict=True))
    found: dict[str, dict[str, list[float]]] = {}
    for text, prediction in pairs:
        for one in prediction.scored:
            mention = one.entity.surface(text)
            if len(mention) >= SHORTEST and mention.strip():
                labels = found.setdefault(fold(mention), {})
                labels.setdefault(one.entity.label, []).append(one.score)
    best = {mention: max(labels, key=lambda k: sum(labels[k])) for mention, labels in found.items()}
    known = Dictionary(best)
    occurrences = [known.annotate(text) for text in sentences]
    times = Counter(
        fold(entity.surface(text))
        for text, entities in zip(sentences, occurrences, strict=True)
        for entity in entities
    )
    after = []
    for (text, prediction), entities in zip(pairs, occurrences, strict=True):
        added = []
        for entity in entities:
            mention = fold(entity.surface(text))
            scores = found[mention][entity.label]
            if sum(scores) >= LEAST_EVIDENCE * times[mention] and not any(
                entity.overlaps(other) for other in prediction.entities
            ):
                added.append(ScoredEntity(entity, max(scores)))
        after.append(replace(prediction, scored=(*prediction.scored, *added)))
    return after
