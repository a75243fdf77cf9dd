"""The form in which a text is read: runs of blanks as one, lines that were wrapped put together.

In: a text as it was given. Out: its transcript, and the way back: of every character of the
transcript, the characters of the text for which it stands. Entities are found in the transcript and
leave with offsets into the text. A text in which there is nothing to do is its own transcript.

- A run of blanks within a line reads as one.
- A line break reads as a blank where the text is *hard-wrapped* there: where lines were broken to a
  width, and not where a line ended. Where a hyphen stands before it, or a Chinese character at its
  side, it reads as nothing.

Whether a text is hard-wrapped is decided for each block of lines between empty lines. A line is
*full* if it is at most as wide as the block, the block is at least `LEAST_WIDTH` characters wide,
and the next line's first word would not have fitted on it. (The width is that of the longest line;
of four lines and more, the first does not count, since it may be a title.) Breaks behind full
lines are wraps if half of the block's breaks stand behind full lines, and a third of the lines that
follow these begin with a small letter or stand behind a hyphen, which those of a list do not. A
break is one as well where a line of three words or more ends without a mark, the next begins with a
small letter, and the block ends with the end of a sentence. In Chinese a full line is as long as
the block is wide, but for two characters, and at least two lines are full. Before the bullet or the
number of a list no break is a wrap. A break that is kept ends a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from llmner_hf.core.entities import Entity, ScoredEntity, Span
from llmner_hf.core.writing import is_cjk

# Ours. Narrower columns of words are lists.
LEAST_WIDTH = 30
LEAST_CHINESE_WIDTH = 15
FEWEST_WORDS = 3

Change = tuple[int, int, str]
"""Half-open characters of a text, and what is read there."""

_BLANKS = re.compile(r"\s+")
_BREAK = re.compile(r"\r\n|[\n\r]")
_BREAKS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_BULLET = re.compile(r"(?:[-*•·–—+>#]+|\(?(?:\d{1,3}|[a-zA-Z]|[ivx]+)[.)、．]|[（(]\d+[）)])\s*")
_ENDS = re.compile(r"[.!?。！？][\"'”’)\]）」』]*$")
_STOPS = re.compile(r"[.!?:;。！？：；][\"'”’)\]）」』]*$")
_COMPOUND = re.compile(r"[^\W_]-$")
_COORDINATED = re.compile(r"(?:and|or|to)\b")


@dataclass(frozen=True, slots=True)
class Transcript:
    """A text as it is read.

    Attributes:
        text: what is read.
        places: of each of its characters, the characters of the text as it was given; None where
            the two are the same.
    """

    text: str
    places: tuple[Span, ...] | None = None

    def span(self, start: int, end: int) -> Span:
        r"""The characters of the text as it was given.

        >>> transcript("lithium  \tcarbonate").span(8, 17)
        (10, 19)
        """
        if self.places is None:
            return start, end
        return self.places[start][0], self.places[end - 1][1]

    def located(self, found: Iterable[ScoredEntity]) -> tuple[ScoredEntity, ...]:
        """Entities of the transcript as entities of the text."""
        return tuple(
            replace(one, entity=Entity(*self.span(*one.entity.span), one.entity.label))
            for one in found
        )

    def then(self, other: Transcript) -> Transcript:
        """The transcript of this transcript, with the way back to the text as it was given."""
        if other.places is None:
            return self
        if self.places is None:
            return other
        return Transcript(other.text, tuple(self.span(*place) for place in other.places))


def transcript(text: str) -> Transcript:
    r"""The transcript of a text.

    >>> transcript("Two patients had renal\nfailure after  gentamicin.").text
    'Two patients had renal failure after gentamicin.'
    """
    return rewritten(text, list(_changes(text)))


def rewritten(text: str, changes: Sequence[Change]) -> Transcript:
    """The transcript of a text that reads otherwise in some places, from the first to the last."""
    if not changes:
        return Transcript(text)
    parts: list[str] = []
    places: list[Span] = []
    done = 0
    for start, end, reading in [*changes, (len(text), len(text), "")]:
        parts += [text[done:start], reading]
        places += [(place, place + 1) for place in range(done, start)]
        places += [(start, end)] * len(reading)
        done = end
    return Transcript("".join(parts), tuple(places))


def _changes(text: str) -> Iterator[Change]:
    """The runs of blanks that read otherwise, each with what is read there."""
    wraps = _wraps(text)
    for match in _BLANKS.finditer(text):
        start, end = match.span()
        if not _BREAKS.search(match[0]):
            if end - start > 1:
                yield start, end, " "
        elif start in wraps:
            yield start, end, _joint(text[max(0, start - 2) : start], text[end : end + 4])


def _joint(before: str, after: str) -> str:
    """What a wrap reads as."""
    if is_cjk(before[-1]) or is_cjk(after[0]):
        return ""
    if _COMPOUND.search(before) and after[0].isalnum() and not _COORDINATED.match(after):
        return ""
    return " "


def _wraps(text: str) -> frozenset[int]:
    """Where the runs of blanks begin whose line break is a wrap."""
    if not _BREAK.search(text):
        return frozenset()
    return frozenset(place for block in _blocks(text) for place in _wraps_of(text, block))


def _blocks(text: str) -> Iterator[list[Span]]:
    """The lines between empty lines, without the blanks at their ends."""
    block: list[Span] = []
    start = 0
    for match in [*_BREAK.finditer(text), None]:
        end = match.start() if match else len(text)
        line = text[start:end]
        if line.strip():
            block.append((start, start + len(line.rstrip())))
        elif block:
            yield block
            block = []
        start = match.end() if match else end
    if block:
        yield block


def _wraps_of(text: str, block: Sequence[Span]) -> Iterator[int]:
    """The ends of the lines of a block whose breaks are wraps."""
    lines = [text[start:end] for start, end in block]
    if len(lines) < 2 or any(_BREAKS.search(line) for line in lines):
        return
    full = _full(lines)
    ended = _ENDS.search(lines[-1]) is not None
    for number, (line, following) in enumerate(pairwise(lines)):
        following = following.lstrip()
        if _BULLET.match(following):
            continue
        goes_on = ended and following[0].islower() and not _STOPS.search(line)
        if full[number] or (goes_on and len(line.split()) >= FEWEST_WORDS):
            yield block[number][1]


def _full(lines: Sequence[str]) -> list[bool]:
    """For each line but the last, whether it was broken because it was full."""
    width = max(map(len, lines[1:] if len(lines) > 3 else lines))
    pairs = [(line, following.lstrip()) for line, following in pairwise(lines)]
    chinese = [is_cjk(line[-1]) or is_cjk(following[0]) for line, following in pairs]
    full = [
        _is_full(line, following, width, cjk)
        for (line, following), cjk in zip(pairs, chinese, strict=True)
    ]
    number = sum(full)
    going_on = [following[0].islower() or _COMPOUND.search(line) for line, following in pairs]
    small = sum(bool(going_on[n]) for n, own in enumerate(full) if own)
    evidence = number >= 2 if 2 * sum(chinese) > len(pairs) else 3 * small >= number
    return full if evidence and 2 * number >= len(pairs) else [False] * len(pairs)


def _is_full(line: str, following: str, width: int, chinese: bool) -> bool:
    """Whether what follows would have made a line wider than its block."""
    if len(line) > width:
        return False
    if chinese:
        return width >= LEAST_CHINESE_WIDTH and len(line) >= width - 2
    return width >= LEAST_WIDTH and len(line) + 1 + len(following.split(None, 1)[0]) > width
