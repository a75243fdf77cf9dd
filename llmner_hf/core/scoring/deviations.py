"""Boundary deviation in tokens (paper section II-C, Fig. 6): how far off a wrong boundary is.

In: the entities of one document and its tokens. Out: for every prediction of the class span or
type_span, the tokens between its start and the gold start plus those between the two ends,
measured to the nearest gold entity: of its own type for span, of any type for type_span. A token
counts as soon as one character of it lies between the two boundaries, so a slip inside a token
is 1, and a slip over blanks alone is 0. The paper does not say what a token is; the callers here
take words and punctuation marks, in Chinese and Japanese characters (`core.writing.word_spans`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable

from llmner_hf.core.entities import Entity, Span
from llmner_hf.core.errors import OffsetError
from llmner_hf.core.scoring.error_classes import ErrorClass, classify
from llmner_hf.core.scoring.overlaps import Overlaps


class Ruler:
    """Distances in tokens; the token spans may come in any order but must be disjoint.

    Raises:
        OffsetError: a token is empty or overlaps the one before it.
    """

    def __init__(self, tokens: Iterable[Span]) -> None:
        spans = sorted(set(tokens))
        self._starts = [start for start, _ in spans]
        self._ends = [end for _, end in spans]
        before = 0
        for start, end in spans:
            if not before <= start < end:
                raise OffsetError(
                    f"token [{start}:{end}]: a token needs 0 <= start < end and must start where "
                    f"the one before it ends, at {before}, or later"
                )
            before = end

    def between(self, one: int, other: int) -> int:
        """The tokens with a character between two positions.

        >>> Ruler([(0, 4), (5, 9)]).between(2, 5)
        1
        """
        low, high = min(one, other), max(one, other)
        # Without this line a position inside a token would be a token away from itself.
        if low == high:
            return 0
        return bisect_left(self._starts, high) - bisect_right(self._ends, low)

    def deviation(self, entity: Entity, gold: Entity) -> int:
        """The tokens between the two starts plus the tokens between the two ends."""
        return self.between(entity.start, gold.start) + self.between(entity.end, gold.end)


def deviations(gold: Overlaps, predicted: Iterable[Entity], ruler: Ruler) -> Counter[int]:
    """Deviation in tokens -> how many wrong boundaries have it, for one document.

    >>> words = Ruler([(0, 3), (4, 8), (9, 17), (18, 22)])
    >>> deviations(Overlaps([Entity(4, 17, "DNA")]), [Entity(0, 22, "DNA")], words)
    Counter({2: 1})
    """
    result: Counter[int] = Counter()
    for entity in set(predicted):
        near = gold.of(entity)
        kind = classify(entity, near)
        if kind is ErrorClass.SPAN:
            near = [other for other in near if other.label == entity.label]
        if kind in (ErrorClass.SPAN, ErrorClass.TYPE_SPAN):
            result[min(ruler.deviation(entity, other) for other in near)] += 1
    return result
