"""Which concepts of a file are taken, and of which type each is.

In: keys of a file's own classification, each with a type, as ``D=Chemical`` for a tree of MeSH.
Out: the type of a concept, or "" for one that is left out. What a key is depends on the format: the
beginning of a code, a semantic type, the id of an ancestor.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from llmner_hf.core.errors import InputError


def commonest(values: Iterable[str]) -> str:
    """The most frequent value that is not empty, of several the first; "" if there is none.

    >>> commonest(["Disease", "Chemical", "", "Chemical"])
    'Chemical'
    """
    counted = Counter(value for value in values if value)
    return counted.most_common(1)[0][0] if counted else ""


@dataclass(frozen=True, slots=True)
class Selection:
    """Keys with their types.

    Attributes:
        keys: key -> type.
        rest: the type of what no key selects; "" leaves it out.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    rest: str = ""

    @classmethod
    def parse(cls, stated: Sequence[str], rest: str = "") -> Selection:
        """Keys as a command line states them.

        >>> Selection.parse(["A=Anatomy", "A11.251=CellLine"]).by_beginning("A11.251.210")
        'CellLine'

        Raises:
            InputError: one is no KEY=TYPE.
        """
        keys = {}
        for text in stated:
            key, _, kind = (part.strip() for part in text.partition("="))
            if not key or not kind:
                raise InputError(f"{text!r} selects nothing; write KEY=TYPE, as D=Chemical")
            keys[key] = kind
        return cls(keys, rest.strip())

    def __bool__(self) -> bool:
        return bool(self.keys or self.rest)

    def by_key(self, keys: Iterable[str]) -> str:
        """The type of a concept whose classes are these: the commonest one."""
        return commonest(self.keys.get(key, "") for key in keys) or self.rest

    def by_beginning(self, code: str) -> str:
        """The type of a code: the longest key that it begins with decides."""
        for end in range(len(code), 0, -1):
            if kind := self.keys.get(code[:end]):
                return kind
        return self.rest

    def by_ancestor(self, start: str, parents: Callable[[str], Iterable[str]]) -> str:
        """The type of a concept: the nearest key among itself and its ancestors decides.

        A key without a colon stands for all ids of that terminology, as ``MONDO``; such a key
        counts where no ancestor is one.

        >>> up = {"CL:2": ["CL:1"], "CL:1": []}
        >>> Selection({"CL:1": "CellType"}).by_ancestor("CL:2", lambda id: up[id])
        'CellType'
        """
        if not self.keys:
            return self.rest
        level, met = [start], {start}
        while level:
            if kind := commonest(self.keys.get(each, "") for each in level):
                return kind
            above = dict.fromkeys(parent for each in level for parent in parents(each))
            level = [each for each in above if each not in met]  # a cycle ends here
            met.update(level)
        return self.keys.get(start.partition(":")[0], "") or self.rest

    def __str__(self) -> str:
        """Each type with its keys.

        >>> print(Selection({"D": "Chemical", "C": "Disease", "F03": "Disease"}, "Other"))
        Chemical: D; Disease: C, F03; Other: all others
        """
        keys: dict[str, list[str]] = {}
        for key, kind in self.keys.items():
            keys.setdefault(kind, []).append(key)
        parts = [f"{kind}: {', '.join(own)}" for kind, own in keys.items()]
        if self.rest:
            parts.append(f"{self.rest}: all{' others' if parts else ''}")
        return "; ".join(parts)
