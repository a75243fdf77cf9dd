r"""JSON objects with the line on which each begins: of an array, one a line, or one after another.

In: a file. Out: `Record`, whose fields are taken by name and type. Refused, with file and line:
what is not JSON, an element that is not an object, a field that is missing or of another type, and
half a surrogate pair (``"\ud83d"`` alone), which no file could hold again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from llmner_hf.core.errors import FormatError
from llmner_hf.readers.files import AnyPath, Place, head, lines, whole

_T = TypeVar("_T")

_TOO_LARGE = 10**15
_BLANKS = re.compile(r"[ \t\r\n]*")
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _refuse_constant(name: str) -> object:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def _shown(value: object) -> str:
    """The beginning of a value, as an error shows it."""
    try:
        return repr(value)[:60]
    except ValueError:  # a whole number of thousands of digits
        return "a number of thousands of digits"


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON object and its place; the getters raise FormatError."""

    place: Place
    fields: Mapping[str, object]

    def __contains__(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.fields.get(name) is not None

    def _field(self, name: str, kind: type[_T], word: str) -> _T:
        value = self.fields.get(name)
        if isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool):
            return value
        shown = _shown(value) if name in self.fields else "missing"
        raise self.place.error(f"field {name!r} is {shown}; it has to be {word}")

    def text(self, name: str) -> str:
        """A string."""
        return self._field(name, str, "a string")

    def whole_number(self, name: str) -> int:
        """An integer; one of more than 15 digits is no offset."""
        number = self._field(name, int, "a whole number")
        if abs(number) >= _TOO_LARGE:
            raise self.place.error(
                f"field {name!r} has more than 15 digits; it has to be an offset"
            )
        return number

    def share(self, name: str) -> float:
        """A number in [0, 1]."""
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self.place.error(f"{name} {_shown(value)} is not a number in [0, 1]")
        return float(value)

    def identifier(self, name: str) -> str:
        """A string, or a whole number as one."""
        value = self.fields.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _TOO_LARGE:
            return str(value)
        return self.text(name)

    def items(self, name: str) -> list[object]:
        """A list of anything; an absent or null field is the empty list."""
        return self._field(name, list, "a list of objects") if name in self else []

    def records(self, name: str) -> list[Record]:
        """A list of objects; an absent or null field is the empty list."""
        return [as_record(self.place, item) for item in self.items(name)]


def as_record(place: Place, value: object) -> Record:
    """The value as a record; raises FormatError when it is no JSON object."""
    if not isinstance(value, dict):
        raise place.error(f"expected a JSON object {{...}}, found {_shown(value)}")
    return Record(place, value)


def misnamed(record: Record, name: str, inside: Collection[str]) -> Iterator[FormatError]:
    """An error for every object of a list that seems to be the missing one under another name.

    Args:
        record: the object that should have the list; one that has it gives no error.
        name: of the list.
        inside: fields of which its objects have one at least.
    """
    for field, value in {} if name in record else record.fields.items():
        close = is_nearly(field, name)
        items = _listed(value)
        known = any(not item.keys().isdisjoint(inside) for item in items)
        if known or (close and (items or value == [])):
            error = record.place.error(
                f'field {field[:60]!r} holds spans; its name has to be "{name}"'
            )
            yield from [error] * max(len(items), 1)


def is_nearly(field: str, name: str) -> bool:
    """Whether a field is likely to be another one misspelt.

    >>> is_nearly("entites", "entities"), is_nearly("entries", "entities")
    (True, False)
    """
    return bool(get_close_matches(field, [name], cutoff=0.85))


def _listed(value: object) -> list[dict[str, object]]:
    """The objects of a list, or of a cell of a table that holds one."""
    if isinstance(value, str) and value.startswith("[{"):
        try:
            value = _DECODER.decode(value)
        except (ValueError, RecursionError):
            return []
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _parsed(place: Place, text: str, position: int) -> tuple[object, int]:
    """The JSON value at a position and where it ends."""
    try:
        value, end = _DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        line = place.line + text.count("\n", position, error.pos)
        where = Place(place.path, line)
        raise where.error(f"not JSON: {error.msg} (column {error.colno})") from None
    except (ValueError, RecursionError) as error:
        raise place.error(f"not usable as JSON: {error}") from None
    if _ESCAPED_SURROGATE.search(text, position, end):
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise place.error("a string holds half a surrogate pair") from None
    return value, end


def _skip(text: str, position: int) -> int:
    """The position of the next character that is not a JSON blank."""
    found = _BLANKS.match(text, position)
    return found.end() if found else position


def one_line(place: Place, text: str) -> object:
    """The JSON value that a line or a cell holds."""
    start = _skip(text, 0)
    value, end = _parsed(place, text, start)
    if _skip(text, end) < len(text):
        raise place.error(f"more than one JSON value: {text[end : end + 40]!r} follows")
    return value


def each_line(path: AnyPath) -> Iterator[Record]:
    """The object of every line that is not blank."""
    for place, line in lines(path):
        if _skip(line, 0) < len(line):
            yield as_record(place, one_line(place, line))


def each_element(path: AnyPath) -> Iterator[Record]:
    """The objects of a file that is one JSON array, each with the line on which it begins."""
    text = whole(path)
    counted, line = 0, 1

    def here(position: int) -> Place:
        nonlocal counted, line
        line, counted = line + text.count("\n", counted, position), position
        return Place(path, line)

    position = _skip(text, 0)
    if text[position : position + 1] != "[":
        raise here(position).error("expected a JSON array; it begins with '['")
    position = _skip(text, position + 1)
    separator = "," if text[position : position + 1] != "]" else "]"
    while separator == ",":
        place = here(position)
        value, end = _parsed(place, text, position)
        yield as_record(place, value)
        position = _skip(text, end)
        separator = text[position : position + 1]
        if separator not in ("]", ","):
            raise here(position).error(f"expected ',' or ']' after an element, found {separator!r}")
        position = _skip(text, position + 1) if separator == "," else position
    if _skip(text, position + 1) < len(text):
        raise here(position).error("something follows the end of the array")


def each_value(path: AnyPath) -> Iterator[Record]:
    """The objects of a file: one, one after another (as JSON lines), or the elements of arrays."""
    if head(path).lstrip("\ufeff \t\r\n").startswith("["):
        yield from each_element(path)
        return
    text = whole(path)
    position, counted, line = _skip(text, 0), 0, 1
    while True:
        line, counted = line + text.count("\n", counted, position), position
        place = Place(path, line)
        value, end = _parsed(place, text, position)
        yield as_record(place, value)
        position = _skip(text, end)
        if position == len(text):
            return


def one_value(path: AnyPath) -> object:
    """The single JSON value of a file."""
    text = whole(path)
    start = _skip(text, 0)
    place = Place(path, 1 + text.count("\n", 0, start))
    value, end = _parsed(place, text, start)
    if _skip(text, end) < len(text):
        raise Place(path, 1 + text.count("\n", 0, end)).error("something follows the JSON value")
    return value
