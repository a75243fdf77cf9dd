"""JSON tagging, the paper's first strategy (section II-A, Fig. 3): a list of spans.

    IL-2 binds CD28
    [{"start_idx": 0, "end_idx": 4, "type": "protein", "entity": "IL-2"}, ...]

One line of JSON with the paper's keys, sorted by start, then longest first; offsets are half-open
characters (the paper's sample "peri-kappa B site" has 17 characters and stands at 52 to 69); the
surface is that of the view; no entity at all is ``[]``. Nothing is refused: spans may cross. An
item counts if offsets and surface agree; `core.alignment` places the others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from llmner_hf.core.entities import Decoding, Entity, LabelSet, Problem, ProblemKind
from llmner_hf.core.tagging.base import checked, view

START, END, TYPE, SURFACE = "start_idx", "end_idx", "type", "entity"

_BLANK = re.compile(r"\s*")
_DECODER = json.JSONDecoder()


def encode(text: str, entities: Iterable[Entity], labels: LabelSet) -> str:
    """The JSON completion of a text.

    Raises:
        LabelError, OffsetError: an entity does not fit the label set or the text.
    """
    copy = view(text)
    items = [
        {START: e.start, END: e.end, TYPE: e.label, SURFACE: e.surface(copy)}
        for e in checked(text, entities, labels)
    ]
    return json.dumps(items, ensure_ascii=False)


def read_value(completion: str, position: int) -> tuple[object, int] | None:
    """The JSON value that begins there and its end, or None.

    Never raises: an unreadable number (5,000 digits) is a ValueError of Python's decoder, nesting
    that is too deep a RecursionError.

    >>> read_value('[{"a": 1}]', 1)
    ({'a': 1}, 9)
    """
    try:
        return _DECODER.raw_decode(completion, position)
    except (ValueError, RecursionError):
        return None


def read_list(completion: str) -> tuple[list[tuple[int, object]], list[Problem]]:
    """The items of a list with their places in the completion, and what was wrong.

    A list that stops early keeps its whole items; what cannot be read ends the reading.
    """
    items: list[tuple[int, object]] = []
    position = _skip(completion, 0)
    if not completion.startswith("[", position):
        return [], [Problem(ProblemKind.MALFORMED, position)]
    position = _skip(completion, position + 1)
    closed = completion.startswith("]", position)
    while not closed:
        found = read_value(completion, position)
        if found is None:
            return items, [Problem(_unreadable(completion, position), position)]
        items.append((position, found[0]))
        position = _skip(completion, found[1])
        closed = completion.startswith("]", position)
        if not closed and not completion.startswith(",", position):
            return items, [Problem(_unreadable(completion, position), position)]
        position = position if closed else _skip(completion, position + 1)
    rest = _skip(completion, position + 1)
    return items, [Problem(ProblemKind.MALFORMED, rest)] if rest < len(completion) else []


def _skip(completion: str, position: int) -> int:
    """The place of the next character that is no blank."""
    found = _BLANK.match(completion, position)
    return found.end() if found else position


def _unreadable(completion: str, position: int) -> ProblemKind:
    """Whether the completion was cut off there or is broken."""
    rest = completion[position:]
    cut = not rest or (rest.startswith("{") and "}" not in rest)
    return ProblemKind.TRUNCATED if cut else ProblemKind.MALFORMED


def read_item(item: object, copy: str, labels: LabelSet) -> Entity | ProblemKind:
    """The entity of one item if its offsets hold its surface in the view."""
    if not isinstance(item, dict):
        return ProblemKind.MALFORMED
    start, end, label, surface = (item.get(key) for key in (START, END, TYPE, SURFACE))
    # type(), not isinstance(): True and False are integers to Python, not to JSON
    if type(start) is not int or type(end) is not int:
        return ProblemKind.MALFORMED
    if not isinstance(label, str) or not isinstance(surface, str):
        return ProblemKind.MALFORMED
    if label not in labels:
        return ProblemKind.UNKNOWN_LABEL
    if not surface:
        return ProblemKind.EMPTY_SPAN
    if not 0 <= start < end <= len(copy) or copy[start:end] != surface:
        return ProblemKind.COPY_DRIFT
    return Entity(start, end, label)


def decode(completion: str, text: str, labels: LabelSet) -> Decoding:
    """The entities of every item whose offsets and surface agree with the view."""
    copy = view(text)
    items, problems = read_list(completion)
    entities: list[Entity] = []
    for position, item in items:
        result = read_item(item, copy, labels)
        if isinstance(result, Entity):
            entities.append(result)
        else:
            problems.append(Problem(result, position))
    return Decoding(tuple(entities), tuple(problems))
