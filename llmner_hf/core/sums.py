"""Dataclasses that add and subtract field by field, so that a whole is the sum of its parts.

In: two values of one class. Out: a third. Values by name, as scores by type, add name by name; a
name that one side lacks has what the other says.
"""

from __future__ import annotations

from dataclasses import Field, fields
from operator import add, sub
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class Summed:
    """What such a dataclass inherits."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __add__(self, other: Self) -> Self:
        return self._joined(other, _sum)

    def __sub__(self, other: Self) -> Self:
        return self._joined(other, sub)

    def _joined(self, other: Self, joint: Callable[[Any, Any], Any]) -> Self:
        names = [field.name for field in fields(self)]
        return type(self)(*(joint(getattr(self, name), getattr(other, name)) for name in names))


def _sum(one: Any, other: Any) -> Any:
    if type(one) is not dict:
        return add(one, other)
    both, either = one.keys() & other.keys(), {**one, **other}
    return {
        name: add(one[name], other[name]) if name in both else either[name]
        for name in sorted(either)
    }
