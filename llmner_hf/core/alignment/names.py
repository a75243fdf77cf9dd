"""Type names as free-running models write them, such as ``**Cell type** `` or ``1. cell_type``."""

from __future__ import annotations

import re
from collections import Counter

from llmner_hf.core.entities import LabelSet
from llmner_hf.core.writing import caseless

_NUMBER = re.compile(r"\s*\d+\s*[.)、]")


class Names:
    """Finds the type a written name means.

    >>> from llmner_hf.core.entities import EntityType
    >>> Names(LabelSet((EntityType("cell_type"), EntityType("DNA")))).find("- **Cell type** ")
    'cell_type'
    """

    def __init__(self, labels: LabelSet) -> None:
        self.labels = labels
        keys = [(_key(name), name) for name in labels.names]
        times = Counter(key for key, _ in keys)
        self._by_key = {key: name for key, name in keys if key and times[key] == 1}

    def find(self, written: str) -> str | None:
        """The type's name; None if no type or more than one is written so."""
        if written in self.labels:
            return written
        found = self._by_key.get(_key(written))
        return found or self._by_key.get(_key(_NUMBER.sub("", written, count=1)))


def _key(name: str) -> str:
    """Letters and digits alone, in one case and width."""
    return "".join(c for c in caseless(name, "NFKC") if c.isalnum())
