"""HTML tagging, the paper's second strategy (section II-A, Fig. 3): tags that carry the surface.

    IL-2 binds the CD28 receptor
    <protein:IL-2>IL-2</protein:IL-2> binds the <protein:CD28>CD28</protein:CD28> receptor

A completion is one copy of the view; ``<name:surface>`` stands before and ``</name:surface>``
after every entity, also where there is none (then it is the view alone). The surface in a tag is
plain, without the tags of what nests in it; its length says where the entity ends, so a closing
tag is due at one place only. At one position inner entities close first, then outer ones open
first (longest first, then by name). Refused: crossing spans, whatever their types.

Texts hold angle brackets themselves (CMeEE ``<sup>``, GENIA ``<``). Two escapes, which depend on
the text and the type names alone, make every text and every set of nesting entities readable:

- inside a tag, ``<`` and ``>`` of the surface are ``&lt;`` and ``&gt;``: a tag ends at the first
  ``>``;
- in the copy, a ``<`` before a type name and a colon is ``&lt;``: an unescaped one opens a tag.

What is written stays decidable where the text holds ``&lt;`` itself, because ``decode`` knows the
text. Differs from the paper: it shows no text with angle brackets, and no escape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from llmner_hf.core.entities import Decoding, Entity, LabelSet, Problem, ProblemKind
from llmner_hf.core.tagging.base import checked, refuse_crossing, view

LESS, GREATER = "&lt;", "&gt;"
_OPENING = re.compile(r"<([^<>:]+):")


def escape(surface: str) -> str:
    """A surface as a tag holds it.

    >>> escape("10<sup>9</sup>/L")
    '10&lt;sup&gt;9&lt;/sup&gt;/L'
    """
    return surface.replace("<", LESS).replace(">", GREATER)


def copied(text: str, labels: LabelSet) -> list[str]:
    """What the completion holds for every character of the text, tags apart.

    >>> from llmner_hf.core.entities import EntityType
    >>> "".join(copied("a<b and <DNA:x>", LabelSet((EntityType("DNA"),))))
    'a<b and &lt;DNA:x>'
    """
    heads = tuple(name + ":" for name in labels.names)
    longest = max(map(len, heads))
    result = list(view(text))
    tail = ""  # from right to left: a name may itself contain "&lt;"
    for place in range(len(result) - 1, -1, -1):
        if result[place] == "<" and tail.startswith(heads):
            result[place] = LESS
        tail = (result[place] + tail)[:longest]
    return result


def encode(text: str, entities: Iterable[Entity], labels: LabelSet) -> str:
    """The HTML completion of a text.

    Raises:
        UnrepresentableError: two entities cross.
        LabelError, OffsetError: an entity does not fit the label set or the text.
    """
    entities = checked(text, entities, labels)
    refuse_crossing(entities, "html")
    source = view(text)
    before = [""] * (len(text) + 1)
    after = [""] * (len(text) + 1)
    for entity in entities:
        name = f"{entity.label}:{escape(entity.surface(source))}>"
        before[entity.start] += "<" + name
        after[entity.end] = "</" + name + after[entity.end]
    pairs = zip(after, before, [*copied(text, labels), ""], strict=True)
    return "".join(part for parts in pairs for part in parts)


def decode(completion: str, text: str, labels: LabelSet) -> Decoding:
    """The entities of a completion that copies the view exactly.

    A completion that stops early is a truncated copy: what is closed counts, and it is a problem.
    One that differs from the view anywhere else is a problem and yields nothing.
    """
    reader = _Reader(completion, text, labels)
    entities = reader.read()
    return Decoding(tuple(entities), tuple(reader.problems))


@dataclass(slots=True)
class _Tag:
    """An opened tag: its entity, whose end is known from the start, and its place."""

    entity: Entity
    position: int
    closing: str


class _Reader:
    """Walks through the completion (``position``) and the text (``place``) together."""

    def __init__(self, completion: str, text: str, labels: LabelSet) -> None:
        self.completion = completion
        self.labels = labels
        self.copy: Sequence[str] = copied(text, labels)
        self.known = tuple(f"<{name}:" for name in labels.names)
        # The view as tags hold it, and where each character of the text begins in it, so that a
        # tag is compared in one step: a loop over characters is quadratic on "<x:<x:<x:".
        source = [escape(character) for character in view(text)]
        self.escaped = "".join(source)
        self.begins = list(accumulate(map(len, source), initial=0))
        self.place_of = {begin: place for place, begin in enumerate(self.begins)}
        self.position = self.place = 0
        self.opened: list[_Tag] = []
        self.entities: list[Entity] = []
        self.problems: list[Problem] = []

    def read(self) -> list[Entity]:
        """The entities; the problems stay in ``problems``."""
        while True:
            self._close()
            if self._open():
                continue
            if self.place == len(self.copy) or not self.completion.startswith(
                self.copy[self.place], self.position
            ):
                break
            self.position += len(self.copy[self.place])
            self.place += 1
        for tag in self.opened:
            self._problem(ProblemKind.UNCLOSED, tag.position, tag.entity.label)
        if self.position < len(self.completion) and not self._cut_in_mark():
            self._problem(ProblemKind.COPY_DRIFT, self.position)
            return []
        if self.place < len(self.copy) or self.position < len(self.completion):
            self._problem(ProblemKind.TRUNCATED, self.position)
        return self.entities

    def _cut_in_mark(self) -> bool:
        """Whether the completion ends inside a tag or an escape."""
        rest = self.completion[self.position :]
        marks = [*self.known, *self.copy[self.place : self.place + 1]]
        return any(mark.startswith(rest) for mark in marks) or (
            ">" not in rest and rest.startswith((*self.known, "</"))
        )

    def _problem(self, kind: ProblemKind, position: int, detail: str = "") -> None:
        self.problems.append(Problem(kind, position, detail))

    def _close(self) -> None:
        """Take the closing tags that are due here; a tag without its own makes no entity."""
        while self.opened and self.opened[-1].entity.end == self.place:
            tag = self.opened.pop()
            if not self.completion.startswith(tag.closing, self.position):
                self._problem(ProblemKind.UNCLOSED, tag.position, tag.entity.label)
                continue
            self.position += len(tag.closing)
            if tag.entity.label in self.labels:
                self.entities.append(tag.entity)

    def _open(self) -> bool:
        """Take one opening tag, if one stands here and its surface follows in the text."""
        known = self.completion.startswith(self.known, self.position)
        literal = self.place < len(self.copy) and self.copy[self.place] == "<"
        head = _OPENING.match(self.completion, self.position)
        if head is None or (not known and (literal or head[1].startswith("/"))):
            return False
        stop = self.completion.find(">", head.end())
        begin = self.begins[self.place]
        end = self.place_of.get(begin + stop - head.end(), 0)
        surface = self.completion[head.end() : max(stop, 0)]
        if end <= self.place or not self.escaped.startswith(surface, begin):
            return False
        if self.opened and self.opened[-1].entity.end < end:
            self._problem(ProblemKind.CROSSING, self.position, head[1])
            return False
        if not known:
            self._problem(ProblemKind.UNKNOWN_LABEL, self.position, head[1])
        tag = _Tag(Entity(self.place, end, head[1]), self.position, f"</{head[1]}:{surface}>")
        self.opened.append(tag)
        self.position = stop + 1
        return True
