"""The passages of a copy: stretches that stand in the source without a break.

In: the folded letters of a copy and of its source. Out: the passages whose place is certain, in
order. Common beginnings and ends match first; between them, strings that
occur once in either gap; then the same again within every smaller gap. No edit distance: that is
quadratic in a text of 10,000 characters, and picks one of several equally good places silently.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

# Lengths of the unique strings, longest first: five letters already name a place between two
# passages, in Chinese as in English; fewer ("tion" has four) would match by accident.
_GRAMS = (24, 10, 5)
_ROUNDS = 8
# One letter before and one after, so that the ends are passages too; folded text has no blanks.
_BEGIN, _END = "\t", "\n"


@dataclass(frozen=True, slots=True)
class Passage:
    """Letters ``begin`` to ``end`` of the copy, which stand at ``place`` of the source."""

    begin: int
    end: int
    place: int

    @property
    def shift(self) -> int:
        """Add this to a letter of the copy for the letter of the source."""
        return self.place - self.begin


@dataclass(frozen=True, slots=True)
class _Gap:
    """Letters of the copy (begin, end) against letters of the source (low, high)."""

    begin: int
    end: int
    low: int
    high: int


class PassageFinder:
    """Finds the passages of copies in one source; the index of the source is built once.

    >>> PassageFinder("theredcells").certain("thecells")
    [Passage(begin=0, end=3, place=0), Passage(begin=3, end=8, place=6)]
    """

    def __init__(self, source: str) -> None:
        self.source = _BEGIN + source + _END
        self._index: dict[int, dict[str, list[int]]] = {}

    def certain(self, copy: str) -> list[Passage]:
        """The passages whose place every reading of all passages agrees on, in order."""
        framed = _BEGIN + copy + _END
        passages = list(self._uncontested(framed, _joined(self._passages(framed))))
        words = [framed[passage.begin : passage.end] for passage in passages]
        # As far to the left as all of them go in their order, and as far to the right. A passage
        # that both put at one place has no other in any reading.
        first, position = [], 0
        for word in words:
            position = self.source.index(word, position)
            first.append(position)
            position += len(word)
        last, position = [], len(self.source)
        for word in reversed(words):
            position = self.source.rindex(word, 0, position)
            last.append(position)
        agreed = zip(passages, first, reversed(last), strict=True)
        found = [_unframed(passage, len(copy)) for passage, low, high in agreed if low == high]
        return [passage for passage in found if passage.begin < passage.end]

    def _passages(self, copy: str) -> list[Passage]:
        """Disjoint passages, in order, touching ones not yet joined."""
        found: list[Passage] = []
        gaps = [_Gap(0, len(copy), 0, len(self.source))]
        for _ in range(_ROUNDS):
            inner: list[_Gap] = []
            for gap in gaps:
                passages = list(self._ends(copy, gap)) or self._unique(copy, gap)
                found += passages
                inner += _between(gap, passages) if passages else []
            gaps = inner
        return sorted(found, key=lambda passage: passage.begin)

    def _ends(self, copy: str, gap: _Gap) -> Iterator[Passage]:
        """The common beginning and the common end of a gap.

        Where the two overlap ("ab" in "abcab"), only what both leave to each other counts.
        """
        shorter = min(gap.end - gap.begin, gap.high - gap.low)
        head = _common(copy, gap.begin, self.source, gap.low, shorter, 1)
        tail = _common(copy, gap.end - 1, self.source, gap.high - 1, shorter, -1)
        before, after = min(head, shorter - tail), min(tail, shorter - head)
        if head == tail == shorter and gap.end - gap.begin == gap.high - gap.low:
            before, after = shorter, 0
        if before > 0:
            yield Passage(gap.begin, gap.begin + before, gap.low)
        if after > 0:
            yield Passage(gap.end - after, gap.end, gap.high - after)

    def _unique(self, copy: str, gap: _Gap) -> list[Passage]:
        """The strings that occur once in either side of the gap, in an order that both share."""
        for size in _GRAMS:
            grams = [copy[i : i + size] for i in range(gap.begin, gap.end - size + 1)]
            counts = Counter(grams)
            pairs = [
                (gap.begin + offset, place)
                for offset, gram in enumerate(grams)
                if counts[gram] == 1 and (place := self._only_place(gram, gap)) is not None
            ]
            if pairs:
                return _apart([Passage(i, i + size, place) for i, place in _increasing(pairs)])
        return []

    def _uncontested(self, copy: str, passages: list[Passage]) -> Iterator[Passage]:
        """The passages without those letters at their ends that a neighbour could have instead.

        In "a b [b] c" for the text "a b c" the letter b belongs to both sides, hence to neither.
        """
        contested = [0]  # letters at the begin and at the end of each passage, in turn
        for left, right in pairwise(passages):
            # What lies between the two, in the copy or in the source, whichever is less. As far as
            # `right` could reach back over this gap, it reaches into `left`; and the other way
            # round. Neither can reach beyond the far end of the other.
            gap = min(right.begin - left.end, right.place - left.end - left.shift)
            most = min(right.begin - left.begin, right.place - left.place)
            back = _common(copy, right.begin - 1, self.source, right.place - 1, most, -1)
            most = min(right.end - left.end, right.end + right.shift - left.end - left.shift)
            forth = _common(copy, left.end, self.source, left.end + left.shift, most, 1)
            contested += [max(back - gap, 0), max(forth - gap, 0)]
        contested.append(0)
        pairs = zip(passages, contested[::2], contested[1::2], strict=True)
        for passage, before, after in pairs:
            begin, end = passage.begin + before, passage.end - after
            if begin < end:
                yield Passage(begin, end, begin + passage.shift)

    def _only_place(self, gram: str, gap: _Gap) -> int | None:
        """Where a string stands in the source's side of the gap, if it does exactly once."""
        size = len(gram)
        if size not in self._index:
            self._index[size] = {}
            for place in range(len(self.source) - size + 1):
                self._index[size].setdefault(self.source[place : place + size], []).append(place)
        places = self._index[size].get(gram, [])
        at = bisect_left(places, gap.low)
        inside = [place for place in places[at : at + 2] if place + size <= gap.high]
        return inside[0] if len(inside) == 1 else None


def _common(copy: str, i: int, source: str, j: int, most: int, step: int) -> int:
    """How many letters agree from these two places on, in steps of 1 or -1."""
    count = 0
    while count < most and copy[i + count * step] == source[j + count * step]:
        count += 1
    return count


def _increasing(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest choice of pairs, sorted by their first, whose second increases as well."""
    # For each length, of the choices of that length: the least place that one ends at, and the
    # index of its last pair. A place can only make a choice longer whose last place lies below it.
    ends: list[int] = []
    chosen: list[int] = []
    before: list[int] = []  # for each pair the index of the pair before it in its choice, or -1
    for index, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        ends[length : length + 1] = [place]
        before.append(chosen[length - 1] if length else -1)
        chosen[length : length + 1] = [index]
    result, index = [], chosen[-1]
    while index >= 0:
        result.append(pairs[index])
        index = before[index]
    return result[::-1]


def _apart(passages: list[Passage]) -> list[Passage]:
    """Without those that overlap their predecessor at another shift; the others joined."""
    kept: list[Passage] = []
    for passage in passages:
        last = kept[-1] if kept else Passage(0, 0, 0)
        behind = passage.begin >= last.end and passage.place >= last.end + last.shift
        if behind or passage.shift == last.shift:
            kept.append(passage)
    return _joined(kept)


def _joined(passages: list[Passage]) -> list[Passage]:
    """Touching or overlapping passages of one shift as one."""
    result: list[Passage] = []
    for passage in passages:
        if result and passage.shift == result[-1].shift and passage.begin <= result[-1].end:
            passage = Passage(result[-1].begin, passage.end, result.pop().place)
        result.append(passage)
    return result


def _between(gap: _Gap, passages: list[Passage]) -> Iterator[_Gap]:
    """What the passages of a gap leave open; a side without letters leaves nothing to match."""
    begin, low = gap.begin, gap.low
    for passage in [*passages, Passage(gap.end, gap.end, gap.high)]:
        if begin < passage.begin and low < passage.place:
            yield _Gap(begin, passage.begin, low, passage.place)
        begin, low = passage.end, passage.place + passage.end - passage.begin


def _unframed(passage: Passage, length: int) -> Passage:
    """A passage in letters of the copy and the source as they are without the frame."""
    begin = max(passage.begin - 1, 0)
    return Passage(begin, min(passage.end - 1, length), begin + passage.shift)
