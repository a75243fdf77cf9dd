"""Many texts as two arrays, so that a file of them opens without being parsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np


class Texts:
    """Texts by their number.

    Args:
        characters: all of them as UTF-8, (bytes,).
        ends: where each ends, (texts,).

    >>> Texts.of(["a", "", "β"])[2]
    'β'
    """

    __slots__ = ("characters", "ends")

    def __init__(self, characters: np.ndarray, ends: np.ndarray) -> None:
        self.characters = characters
        self.ends = ends

    @classmethod
    def of(cls, texts: Iterable[str]) -> Texts:
        """The arrays of texts."""
        stored = [text.encode("utf-8", "surrogatepass") for text in texts]
        ends = np.cumsum([len(text) for text in stored], dtype=np.uint64)
        return cls(np.frombuffer(b"".join(stored), dtype=np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, number: int) -> str:
        start = int(self.ends[number - 1]) if number else 0
        stored = self.characters[start : int(self.ends[number])].tobytes()
        return stored.decode("utf-8", "surrogatepass")

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """Both arrays under a name."""
        return {name: self.characters, f"{name}.ends": self.ends}

    @classmethod
    def read(cls, arrays: Mapping[str, np.ndarray], name: str, length: int) -> Texts:
        """The texts that ``arrays`` stored.

        Raises:
            ValueError: the arrays do not fit each other.
        """
        characters, ends = arrays[name], arrays[f"{name}.ends"]
        if characters.dtype != np.uint8 or ends.dtype != np.uint64 or len(ends) != length:
            raise ValueError(f"{name}: not {length} texts")
        if length and (int(ends[-1]) != len(characters) or np.any(ends[1:] < ends[:-1])):
            raise ValueError(f"{name}: the ends do not fit the texts")
        return cls(characters, ends)
