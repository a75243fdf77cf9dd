"""HTML completions read leniently: tags, and the copy between them.

A tag may lack its surface or carry it unescaped, and its name may have another case. A closing tag
closes the last open tag of its name (and surface, if it has one), whatever was opened in between.
What looks like a tag and stands so in the text is text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from llmner_hf.core.alignment.folding import Folded
from llmner_hf.core.alignment.names import Names
from llmner_hf.core.alignment.placing import Copy, Source
from llmner_hf.core.entities import Decoding, Entity, LabelSet, Problem, ProblemKind
from llmner_hf.core.tagging.html import GREATER, LESS

_HEAD = re.compile(r"<(/?)([^<>:：/\n][^<>:：\n]{0,80})([:：]|>)")
_PIECE = re.compile(r"&lt;|&gt;|[^<&]+|[<&]")
# A surface that is not escaped may hold ">"; no further end of a tag is tried than this one.
_MOST_ENDS = 8


@dataclass(slots=True)
class _Tag:
    """A tag as written, from ``position`` to ``end``; ``surface`` is None where it has none."""

    label: str
    known: bool
    surface: str | None
    closes: bool
    position: int
    end: int
    start: int = 0  # characters of the plain copy before it
    crossed: bool = False


@dataclass(slots=True)
class _Reading:
    """The copy without tags, its spans, and what was wrong."""

    plain: list[str] = field(default_factory=list)
    length: int = 0
    opened: list[_Tag] = field(default_factory=list)
    spans: list[tuple[int, int, _Tag]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, piece: str) -> None:
        """Some more of the copy."""
        self.plain.append(piece)
        self.length += len(piece)

    def problem(self, kind: ProblemKind, tag: _Tag) -> None:
        """Something wrong with a tag."""
        self.problems.append(Problem(kind, tag.position, tag.label))

    def take(self, tag: _Tag) -> None:
        """Open or close an entity."""
        if tag.surface is None:
            self.problem(ProblemKind.MALFORMED, tag)
        if not tag.closes:
            tag.start = self.length
            self.opened.append(tag)
            return
        index = self._opening_of(tag)
        if index is None:
            self.problem(ProblemKind.UNOPENED, tag)
            return
        opening = self.opened.pop(index)
        for other in self.opened[index:]:
            other.crossed = True
        if opening.crossed:
            self.problem(ProblemKind.CROSSING, opening)
        self.spans.append((opening.start, self.length, opening))

    def _opening_of(self, closing: _Tag) -> int | None:
        """The last open tag of the same name and surface, or else of the same name."""
        same = [i for i, tag in enumerate(self.opened) if tag.label == closing.label]
        exact = [i for i in same if self.opened[i].surface == closing.surface]
        return next(reversed(exact or same), None)


def read(completion: str, source: Source, labels: LabelSet) -> Decoding:
    """The entities that can be placed, and what was wrong."""
    reading = _read_tags(completion, source, Names(labels))
    for tag in reading.opened:
        reading.problem(ProblemKind.UNCLOSED, tag)
    copy = source.copy("".join(reading.plain))
    if copy.folded.text != source.view:
        kind = ProblemKind.TRUNCATED if copy.cut_off else ProblemKind.COPY_DRIFT
        reading.problems.append(Problem(kind))
    entities: list[Entity] = []
    for start, end, tag in reading.spans:
        place = copy.place(start, end) if _agrees(tag, copy, start, end) else ProblemKind.UNPLACED
        if not tag.known:
            reading.problem(ProblemKind.UNKNOWN_LABEL, tag)
        elif isinstance(place, ProblemKind):
            reading.problem(place, tag)
        else:
            entities.append(Entity(*place, tag.label))
    return Decoding(tuple(entities), tuple(reading.problems))


def _agrees(tag: _Tag, copy: Copy, start: int, end: int) -> bool:
    """Whether the surface in the tag is what stands between the tags."""
    if tag.surface is None or start == end:
        return True
    letters = copy.folded.letters_between(start, end)
    unescaped = tag.surface.replace(LESS, "<").replace(GREATER, ">")
    return letters in (Folded(tag.surface).letters, Folded(unescaped).letters)


def _read_tags(completion: str, source: Source, names: Names) -> _Reading:
    """The completion as tags and copy."""
    reading = _Reading()
    escapes = {} if LESS in source.view or GREATER in source.view else {LESS: "<", GREATER: ">"}
    position = 0
    while position < len(completion):
        tag = _tag_at(completion, position, names)
        in_text = tag is not None and completion[position : tag.end] in source.view
        if tag is not None and not in_text:
            reading.take(tag)
            position = tag.end
            continue
        if tag is not None and tag.known:
            reading.problem(ProblemKind.AMBIGUOUS, tag)
        piece = _PIECE.match(completion, position)[0]  # type: ignore[index]
        reading.add(escapes.get(piece, piece))
        position += len(piece)
    return reading


def _tag_at(completion: str, position: int, names: Names) -> _Tag | None:
    """The tag that begins here, if one does."""
    head = _HEAD.match(completion, position)
    if head is None:
        return None
    slash, written, mark = head.groups()
    label = names.find(written)
    if mark == ">":
        tag = _Tag(label or "", True, None, bool(slash), position, head.end())
        return tag if label else None
    # Of a type that is not known both tags must be there: texts hold "<0.05: a > b" as well.
    if label is None and f"</{written}" not in completion:
        return None
    stop = _end_of_tag(completion, head.end())
    surface = completion[head.end() : stop]
    return _Tag(label or written, label is not None, surface, bool(slash), position, stop + 1)


def _end_of_tag(completion: str, begin: int) -> int:
    """The first ``>`` that leaves the brackets of the surface in balance, or else the first.

    A tag without one is cut off, and the completion with it.
    """
    ends: list[int] = []
    stop = completion.find(">", begin)
    while stop >= 0 and len(ends) < _MOST_ENDS:
        ends.append(stop)
        surface = completion[begin:stop]
        if surface.count("<") == surface.count(">"):
            return stop
        stop = completion.find(">", stop + 1)
    return ends[0] if ends else len(completion)
