"""What is found in one sentence of a text, found in its other sentences as well.

In: the sentences of a text, and what a tagger found in each. A tagger reads one sentence at a time
(paper, section III-A) and misses there what another one makes plain. Out: the same predictions,
and beside them, where they overlap nothing that was found,

- the other occurrences of a mention, if the mean score of all its occurrences is at least
  `LEAST_EVIDENCE`. An occurrence that the tagger did not find counts as 0. A mention that was found
  as several types gets the type with the highest sum of scores. Of two occurrences that overlap the
  longer one counts;
- the occurrences of an abbreviation that the text explains (`core.abbreviations`), in the same
  spelling, however often the tagger missed it. One that is explained twice means the nearest
  explanation before it.

A selector says later whether such an occurrence is an entity. Nothing is added to a text of one
sentence, which the tagger has seen whole, and no mention of a single character is looked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from llmner_hf.core.abbreviations import explained
from llmner_hf.core.entities import Prediction, ScoredEntity
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.writing import fold

SHORTEST = 2  # characters
# Ours, chosen on training articles (docs/embedded.md).
LEAST_EVIDENCE = 0.25

Pair = tuple[str, Prediction]
Finder = Callable[[str], Iterable[ScoredEntity]]
# Abbreviation -> the places of its explanations (sentence, character), and what it abbreviates.
Meanings = dict[str, list[tuple[tuple[int, int], ScoredEntity]]]


def repeated(sentences: Sequence[str], predictions: Sequence[Prediction]) -> list[Prediction]:
    """The predictions with the other occurrences of what was found.

    An occurrence gets the highest score of its mention in the text; an abbreviation gets the score
    of the entity that it abbreviates. Case counts in abbreviations alone. An occurrence begins and
    ends at borders of words (`core.writing`).

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
    meanings = _meanings(pairs)
    mentioned = list(map(_mentions(pairs, meanings), sentences))
    abbreviated = [_abbreviated(text, n, meanings) for n, text in enumerate(sentences)]
    after = []
    for number, prediction in enumerate(predictions):
        scored = list(prediction.scored)
        for one in (*mentioned[number], *abbreviated[number]):
            if not any(one.entity.overlaps(other.entity) for other in scored):
                scored.append(one)
        after.append(replace(prediction, scored=tuple(scored)))
    return after


def _meanings(pairs: Sequence[Pair]) -> Meanings:
    """Where each abbreviation is explained, and as what."""
    meanings: Meanings = {}
    for number, (text, prediction) in enumerate(pairs):
        for short, one in explained(text, prediction.scored):
            meanings.setdefault(short, []).append(((number, one.entity.end), one))
    return meanings


def _mentions(pairs: Sequence[Pair], meanings: Meanings) -> Finder:
    """Finds the occurrences of mentions that have evidence enough.

    An abbreviation that is explained as several types is none: where it stands says what it means.
    """
    several = {
        short for short, own in meanings.items() if len({one.entity.label for _, one in own}) > 1
    }
    scores: dict[str, dict[str, list[float]]] = {}
    for text, prediction in pairs:
        for one in prediction.scored:
            mention = one.entity.surface(text)
            if len(mention) >= SHORTEST and mention.strip() and mention not in several:
                labels = scores.setdefault(fold(mention), {})
                labels.setdefault(one.entity.label, []).append(one.score)
    known = Dictionary(
        {mention: max(labels, key=lambda k: sum(labels[k])) for mention, labels in scores.items()}
    )
    times = Counter(fold(e.surface(text)) for text, _ in pairs for e in known.annotate(text))

    def find(text: str) -> Iterator[ScoredEntity]:
        for entity in known.annotate(text):
            mention = fold(entity.surface(text))
            own = scores[mention][entity.label]
            if sum(own) >= LEAST_EVIDENCE * times[mention]:
                yield ScoredEntity(entity, max(own))

    return find


def _abbreviated(text: str, number: int, meanings: Meanings) -> Iterator[ScoredEntity]:
    """The occurrences of explained abbreviations in a sentence, by the nearest explanation before.

    Where none stands before, the first one behind counts.
    """
    for entity in Dictionary(dict.fromkeys(meanings, "")).annotate(text):
        if own := meanings.get(entity.surface(text)):
            before = [one for place, one in own if place <= (number, entity.start)]
            one = before[-1] if before else own[0][1]
            yield ScoredEntity(replace(entity, label=one.entity.label), one.score)
