"""Symbolic completions read leniently: lines, headers, brackets.

A header may have another case, decoration, a list number, a full-width colon; its line may follow
below it. Blank lines and code fences are skipped. What follows a header is read as the codec reads
it and placed by `placing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from llmner_hf.core.alignment.names import Names
from llmner_hf.core.alignment.placing import Source
from llmner_hf.core.entities import Decoding, Entity, LabelSet, Problem, ProblemKind
from llmner_hf.core.tagging.symbolic import END_OF_LINE, OPEN, header, read_brackets

_COLON = re.compile("[:：]")
_FENCE = "```"


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that copies the text for one type, from ``position`` of the completion on."""

    label: str
    body: str
    position: int


def read(completion: str, source: Source, labels: LabelSet) -> Decoding:
    """The entities that can be placed, and what was wrong."""
    entities: list[Entity] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    for item in _lines(completion, labels):
        if isinstance(item, Problem):
            problems.append(item)
            continue
        if item.label in seen:
            problems.append(Problem(ProblemKind.REPEATED_LINE, item.position, item.label))
        seen.add(item.label)
        found = list(_read_line(item, source))
        entities += [each for each in found if isinstance(each, Entity)]
        problems += [each for each in found if isinstance(each, Problem)]
    return Decoding(tuple(entities), tuple(problems))


def _lines(completion: str, labels: LabelSet) -> Iterator[_Line | Problem]:
    """The lines that have a header, and what is wrong with the others."""
    names = Names(labels)
    waiting = None  # the type of a header whose line follows below it
    offset = 0
    for line in completion.split(END_OF_LINE):
        start, offset = offset, offset + len(line) + len(END_OF_LINE)
        if not line.strip() or line.lstrip().startswith(_FENCE):
            continue
        colon = _COLON.search(line)
        label = names.find(line[: colon.start()]) if colon else None
        if colon is None or label is None:
            if waiting is not None:
                yield _Line(waiting, line, start)
            else:
                last = offset > len(completion)
                yield Problem(_not_a_line(line, last, labels), start, line.partition(":")[0][:40])
            waiting = None
            continue
        body = line[colon.end() :]
        waiting = None if body.strip() else label
        if waiting is not None or not line.startswith(header(label)):
            yield Problem(ProblemKind.MALFORMED, start, label)
        if waiting is None:
            yield _Line(label, body.removeprefix(" "), offset - 1 - len(body.removeprefix(" ")))


def _not_a_line(line: str, last: bool, labels: LabelSet) -> ProblemKind:
    """What a line without a known header is."""
    if last and any(header(name).startswith(line) for name in labels.names):
        return ProblemKind.TRUNCATED
    colon = _COLON.search(line)
    tagged = colon is not None and OPEN in line[colon.end() :]
    return ProblemKind.UNKNOWN_LABEL if tagged else ProblemKind.NO_HEADER


def _read_line(line: _Line, source: Source) -> Iterator[Entity | Problem]:
    """The entities of one line, and what was wrong with it."""
    plain, spans, wrong = read_brackets(line.body.rstrip("\r"))
    for problem in wrong:
        yield Problem(problem.kind, line.position + problem.position, line.label)
    if plain == source.view:
        yield from (Entity(start, end, line.label) for start, end in spans)
        return
    copy = source.copy(plain)
    kind = ProblemKind.TRUNCATED if copy.cut_off else ProblemKind.COPY_DRIFT
    yield Problem(kind, line.position, line.label)
    for start, end in dict.fromkeys(spans):
        place = copy.place(start, end)
        if isinstance(place, ProblemKind):
            yield Problem(place, line.position, line.label)
        else:
            yield Entity(*place, line.label)
