"""Places in the text: for a span of a drifting copy, or for a surface alone.

Implements the three rules of certainty that `core.alignment` states.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from llmner_hf.core.alignment.folding import Folded
from llmner_hf.core.alignment.passages import Passage, PassageFinder
from llmner_hf.core.entities import ProblemKind, Span
from llmner_hf.core.tagging.base import view

# Of a surface that stands at more places than this, no place is looked for any further.
_MOST_PLACES = 64


class Source:
    """The text that completions copy, prepared once."""

    def __init__(self, text: str) -> None:
        self.view = view(text)
        self.folded = Folded(self.view)
        self._finder = PassageFinder(self.folded.letters)
        self._copies: dict[str, Copy] = {}
        self._places: dict[tuple[str, bool, bool], list[Span]] = {}

    def copy(self, plain: str) -> Copy:
        """A copy without its marks; a model that loops writes the same one many times."""
        if plain not in self._copies:
            folded = Folded(plain)
            passages = self._finder.certain(folded.letters)
            self._copies[plain] = Copy(folded, passages, self)
        return self._copies[plain]

    def places(self, found: Folded, begin: int, end: int) -> list[Span]:
        """Where letters ``begin`` to ``end`` of another text stand in this one, as whole words.

        Returns spans in characters; an empty list also if there are too many to tell apart.
        """
        start, stop = found.place[begin], found.place[end - 1] + 1
        key = found.letters[begin:end], found.cuts_word(start), found.cuts_word(stop)
        if key not in self._places:
            self._places[key] = self._all_places(*key)
        return self._places[key]

    def _all_places(self, letters: str, cut_before: bool, cut_after: bool) -> list[Span]:
        """Where these letters stand, such that a word goes on at either edge or does not."""
        result: list[Span] = []
        low = self.folded.letters.find(letters)
        for _ in range(_MOST_PLACES):
            if low < 0:
                return result
            span = self.folded.characters(low, low + len(letters))
            if span and (cut_before, cut_after) == tuple(map(self.folded.cuts_word, span)):
                result.append(span)
            low = self.folded.letters.find(letters, low + 1)
        return []

    def with_blanks(self, span: Span, found: Folded, wanted: Span) -> Span:
        """The span with the blanks that ``wanted`` of the other text has at its ends.

        Only where both texts have as many blanks there: if the copy changed them, which of them
        belong to the entity is unknown, and entities as good as never begin or end with one.
        """
        here = self.folded
        start, end = span
        first, behind = here.first_letter[start], here.first_letter[end]
        begin, stop = found.first_letter[wanted[0]], found.first_letter[wanted[1]]
        if here.blanks_before(first) == found.blanks_before(begin):
            start -= found.place[begin] - wanted[0]
        if here.blanks_before(behind) == found.blanks_before(stop):
            end += wanted[1] - found.place[stop - 1] - 1
        return start, end


class Copy:
    """A copy of the text without its marks, and where its passages stand for certain."""

    def __init__(self, folded: Folded, passages: list[Passage], source: Source) -> None:
        self.folded = folded
        self.source = source
        self._passages = passages
        self._begins = [passage.begin for passage in passages]
        self._ends = [passage.end for passage in passages]

    @property
    def cut_off(self) -> bool:
        """Whether it is the beginning of the text and no more."""
        here, whole = self.folded.letters, self.source.folded.letters
        return len(here) < len(whole) and whole.startswith(here)

    def place(self, start: int, end: int) -> Span | ProblemKind:
        """The characters of the text for a span of the copy, or why there are none."""
        if start < end and self.folded.text == self.source.view:
            return start, end
        begin, stop = self.folded.first_letter[start], self.folded.first_letter[end]
        if begin >= stop:
            return ProblemKind.EMPTY_SPAN
        spans = self._places(begin, stop)
        if len(spans) == 1:
            return self.source.with_blanks(spans[0], self.folded, (start, end))
        return ProblemKind.AMBIGUOUS if spans else ProblemKind.UNPLACED

    def _places(self, begin: int, end: int) -> list[Span]:
        """The places that are left for these letters: in a passage, between two, anywhere."""
        before = bisect_right(self._begins, begin) - 1
        if before >= 0 and end <= self._passages[before].end:
            place = begin + self._passages[before].shift
            span = self.source.folded.characters(place, place + end - begin)
            return [span] if span else []
        inside = bisect_right(self._ends, begin) - 1
        behind = bisect_left(self._begins, end)
        whole = len(self.source.folded.letters)
        low = self._ends[inside] + self._passages[inside].shift if inside >= 0 else 0
        high = self._passages[behind].place if behind < len(self._passages) else whole
        if self.source.folded.letters[low:high] == self.folded.letters[begin:end]:
            span = self.source.folded.characters(low, high)
            return [span] if span else []
        return self.source.places(self.folded, begin, end)
