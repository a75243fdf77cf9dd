"""Sentences that a model's context does not hold, cut to pieces that it holds.

In: the sentences of a text, a limit, and what measures a string. Out: spans of the text in order,
each of measure ``limit`` at most: `fitted` cuts the sentences that are too long and leaves all
others as they are; `group` besides packs neighbours together. A sentence is cut behind a full stop
where one stands behind a word, then as rarely as may be: behind a semicolon,
else behind a comma, else at a line break, else before a blank or beside a Chinese character, else
at the border of a word; within a word only where a word alone is longer, and never within a
grapheme that fits. Refused: a limit that no piece can keep.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from llmner_hf.core.entities import Span
from llmner_hf.core.errors import InputError
from llmner_hf.core.writing import CJK, grapheme_border, in_word

Measure = Callable[[str], int]

# With the full-width forms, which stand in Chinese text: a comma, a bracket, a letter.
_CHINESE = re.compile(rf"[{CJK}\uff00-\uffef]")
# A stop that may end a sentence after all, though the next word begins with a small letter: no
# sentence beside a list of thousands of characters becomes a part of it.
_STOP = re.compile(r"(?<=[^\W\d_]{4}[.!?])\s+")
# Behind these a long sentence is cut rather than elsewhere, the first ones rather than the last.
_SEPARATORS = (";；", ",，、", "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")


def fitted(
    text: str, spans: Sequence[Span], limit: int, measure: Measure, size: int | None = None
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """The sentences, of which those over the limit are cut; and those that were cut.

    Args:
        text: the whole text.
        spans: its sentences.
        limit: the greatest measure of a sentence.
        measure: the length of a string in the unit of ``limit``, as tokens.
        size: the greatest measure of the pieces of a sentence that is cut. Default: ``limit``.

    Raises:
        InputError: one character alone is over ``size``.

    >>> text = "A b. c d; e f, g h i j."
    >>> found, cut = fitted(text, [(0, 4), (5, 23)], 10, len)
    >>> [text[start:end] for start, end in found], cut
    (['A b.', 'c d; e f,', 'g h i j.'], ((5, 23),))
    """
    pieces: list[Span] = []
    cut: list[Span] = []
    for start, end in spans:
        if measure(text[start:end]) <= limit:
            pieces.append((start, end))
        else:
            pieces += _cut(text, start, end, size or limit, measure)
            cut.append((start, end))
    return tuple(pieces), tuple(cut)


def group(
    text: str, spans: Sequence[Span], limit: int, measure: Measure
) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Chunks of consecutive sentences, each of measure ``limit`` at most; the sentences cut.

    Args:
        text: the whole text.
        spans: its sentences, as `core.sentences.split` and `join_over` give them.
        limit: the greatest measure of a chunk.
        measure: the length of a string in the unit of ``limit``, as tokens.

    Raises:
        InputError: one character alone is over the limit.

    >>> group("A b. C d. E f g h.", [(0, 4), (5, 9), (10, 18)], 10, len)
    (((0, 9), (10, 18)), ())
    """
    pieces, cut = fitted(text, spans, limit, measure)
    chunks: list[Span] = []
    for start, end in pieces:
        if chunks and measure(text[chunks[-1][0] : end]) <= limit:
            start = chunks.pop()[0]
        chunks.append((start, end))
    return tuple(chunks), cut


def _cut(text: str, start: int, end: int, limit: int, measure: Measure) -> Iterator[Span]:
    """Pieces of a span that is too long, none of which begins or ends with a blank."""
    for match in _STOP.finditer(text, start, end):
        if measure(text[start : match.start()]) <= limit:
            yield start, match.start()
        else:
            yield from _cut_anywhere(text, start, match.start(), limit, measure)
        start = match.end()
    yield from _cut_anywhere(text, start, end, limit, measure)


def _cut_anywhere(text: str, start: int, end: int, limit: int, measure: Measure) -> Iterator[Span]:
    """Pieces, as few as may be."""
    while start < end:
        if text[start].isspace():
            start += 1
            continue
        most = _most(text, start, end, lambda piece: measure(piece) <= limit)
        if most == start:
            raise InputError(
                f"limit {limit}: {text[start]!r} at {start} alone measures "
                f"{measure(text[start])}; use a greater limit"
            )
        # Measured anew: in tokens, a shorter piece can be longer.
        places = _places(text, start, most, end)
        stop = next((at for at in places if measure(text[start:at]) <= limit), most)
        yield start, start + len(text[start:stop].rstrip())
        start = stop


def _most(text: str, start: int, end: int, fits: Callable[[str], bool]) -> int:
    """Where the longest piece from ``start`` that fits ends; ``start`` where not even one does.

    Doubling before halving, so that the work does not grow with the rest of the text.
    """
    low, high = start, start + 1
    while high < end and fits(text[start:high]):
        low, high = high, min(end, 2 * high - start)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(text[start:middle]) else (low, middle - 1)
    return low


def _places(text: str, start: int, most: int, end: int) -> Iterator[int]:
    """Where a piece that ends at ``most`` at the latest may end, the best place first.

    Separators count in the second half, so that none makes a piece of a few words.
    """
    if most == end:
        yield end
    for marks in _SEPARATORS:
        for at in range(min(most, end - 1), start + (most - start) // 2, -1):
            if text[at - 1] in marks and _apart(text, at):
                yield at
    for fine in (_beside_blank, _at_word, grapheme_border):
        for at in range(min(most, end - 1), start, -1):
            if fine(text, at):
                yield at


def _apart(text: str, place: int) -> bool:
    """Whether a mark ends there, as in "a, b" and not in "1,2-dichloroethane"."""
    before, after = text[place - 1], text[place]
    return before.isspace() or after.isspace() or bool(_CHINESE.match(before))


def _beside_blank(text: str, place: int) -> bool:
    """Whether a piece may end at a place inside the text: before a blank, or beside Chinese."""
    before, after = text[place - 1], text[place]
    if after.isspace() or before.isspace():
        return not before.isspace()
    chinese = _CHINESE.match(before) or _CHINESE.match(after)
    return bool(chinese) and grapheme_border(text, place)


def _at_word(text: str, place: int) -> bool:
    return not in_word(text, place) and grapheme_border(text, place)
