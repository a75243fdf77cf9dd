"""Symbolic tagging, the paper's own strategy (section II-A): one line a type, brackets around it.

    IL-2 binds the CD28 surface receptor
    protein: [IL-2] binds the [[CD28] surface receptor]

A line is ``name: `` and the view of the text with ``[`` before and ``]`` after every entity of
that type. Only types that occur get a line, in label-set order; lines are joined by a newline; no
entity at all is the empty completion. Nesting within a type nests brackets: a stack, not a regular
expression, because one GENIA sentence in eight nests the same type (the paper says that tagging by
type avoids nesting; its own samples show otherwise). At one position inner spans close first, then
outer spans open first. Refused: crossing spans of one type. ``decode`` reads exact copies;
`core.alignment` reads drifting ones.
"""

from __future__ import annotations

from collections.abc import Iterable

from llmner_hf.core.entities import Decoding, Entity, LabelSet, Problem, ProblemKind, ordered
from llmner_hf.core.tagging.base import checked, refuse_crossing, view

OPEN, CLOSE, AFTER_NAME, END_OF_LINE = "[", "]", ": ", "\n"


def header(name: str) -> str:
    """What a line of this type begins with.

    >>> header("cell_type")
    'cell_type: '
    """
    return name + AFTER_NAME


def bracket(text: str, entities: Iterable[Entity]) -> str:
    """The text with a bracket before and after every entity; the spans must not cross.

    >>> bracket("CD28 receptor", [Entity(0, 4, "protein"), Entity(0, 13, "protein")])
    '[[CD28] receptor]'
    """
    marks: dict[int, str] = {}
    for entity in ordered(entities):
        marks[entity.start] = marks.get(entity.start, "") + OPEN
        marks[entity.end] = CLOSE + marks.get(entity.end, "")
    parts, position = [], 0
    for place in sorted(marks):
        parts += [text[position:place], marks[place]]
        position = place
    return "".join([*parts, text[position:]])


def encode(text: str, entities: Iterable[Entity], labels: LabelSet) -> str:
    """The symbolic completion of a text.

    Raises:
        UnrepresentableError: two entities of one type cross.
        LabelError, OffsetError: an entity does not fit the label set or the text.
    """
    entities = checked(text, entities, labels)
    copy = view(text)
    lines = []
    for name in labels.names:
        of_type = tuple(entity for entity in entities if entity.label == name)
        refuse_crossing(of_type, "symbolic")
        if of_type:
            lines.append(header(name) + bracket(copy, of_type))
    return END_OF_LINE.join(lines)


def read_brackets(body: str) -> tuple[str, list[tuple[int, int]], list[Problem]]:
    """The body without its brackets, the spans in what is left, and what was wrong.

    Problem positions count characters of ``body``. Of two brackets that do not match, neither
    makes a span; the others keep theirs.

    >>> read_brackets("[[a] b")
    ('a b', [(0, 1)], [Problem(kind=<ProblemKind.UNCLOSED: 'unclosed'>, position=0, detail='')])
    """
    plain: list[str] = []
    spans: list[tuple[int, int]] = []
    problems: list[Problem] = []
    opened: list[tuple[int, int]] = []  # (position in plain, position in body)
    for position, character in enumerate(body):
        if character == OPEN:
            opened.append((len(plain), position))
        elif character != CLOSE:
            plain.append(character)
        elif not opened:
            problems.append(Problem(ProblemKind.UNOPENED, position))
        else:
            start, place = opened.pop()
            if start < len(plain):
                spans.append((start, len(plain)))
            else:
                problems.append(Problem(ProblemKind.EMPTY_SPAN, place))
    problems += [Problem(ProblemKind.UNCLOSED, place) for _, place in opened]
    return "".join(plain), spans, problems


def decode(completion: str, text: str, labels: LabelSet) -> Decoding:
    """The entities of every line that copies the view exactly.

    A last line that stops early is a truncated copy: its closed spans count, and it is a problem.
    Any other line that differs from the view is a problem and yields nothing.
    """
    copy = view(text)
    entities: list[Entity] = []
    problems: list[Problem] = []
    seen: set[str] = set()
    offset = 0
    lines = completion.split(END_OF_LINE) if completion else []
    for line in lines:
        name, colon, body = line.partition(AFTER_NAME)
        place = offset + len(name) + len(colon)
        offset += len(line) + len(END_OF_LINE)
        last = offset > len(completion)
        if not colon:
            problems.append(Problem(ProblemKind.NO_HEADER, place - len(name)))
        elif name not in labels:
            problems.append(Problem(ProblemKind.UNKNOWN_LABEL, place - len(name + colon), name))
        else:
            if name in seen:
                problems.append(Problem(ProblemKind.REPEATED_LINE, place, name))
            seen.add(name)
            plain, spans, wrong = read_brackets(body)
            problems += [Problem(p.kind, place + p.position, name) for p in wrong]
            if plain != copy:
                cut = last and copy.startswith(plain)
                kind = ProblemKind.TRUNCATED if cut else ProblemKind.COPY_DRIFT
                problems.append(Problem(kind, place, name))
                spans = spans if cut else []
            entities += [Entity(start, end, name) for start, end in spans]
    return Decoding(tuple(entities), tuple(problems))
