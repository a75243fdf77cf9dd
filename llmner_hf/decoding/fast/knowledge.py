"""What is known about a text before it is tagged, and what the passes have shown since.

In: known mentions, and the answers of a model behind the place where a draft was refused. Out:
guesses of spans, of their ends, and of the next line; drafts are made of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from llmner_hf.core.mentions import Dictionary

STOPS = -1  # guessed instead of a further line


@dataclass(slots=True)
class Hints:
    """What the passes so far showed of one line, in characters."""

    opens: set[int] = field(default_factory=set)
    closes: set[int] = field(default_factory=set)
    read: int = 0  # brackets open before here were read where no bracket stood open


class Knowledge:
    """What is known about a text before it is tagged, and what the passes have shown since.

    Args:
        text: the view of the text.
        names: the types, in the order of their lines.
        dictionary: known mentions, if there are any.
    """

    def __init__(self, text: str, names: tuple[str, ...], dictionary: Dictionary | None) -> None:
        self.text = text
        self.dictionary = dictionary
        self.mentions: dict[int, list[tuple[int, int]]] = defaultdict(list)
        if dictionary is not None:
            number = {name: index for index, name in enumerate(names)}
            for entity in dictionary.annotate(text, number):
                self.mentions[number[entity.label]].append(entity.span)
        self.hints: dict[int, Hints] = defaultdict(Hints)
        self.following: dict[int, int] = {}  # line -> the next line, or STOPS

    def next_line(self, line: int) -> int:
        """The guessed number of the line behind a line, or STOPS."""
        if line in self.following:
            return self.following[line]
        return min((n for n, spans in self.mentions.items() if n > line and spans), default=STOPS)

    def close(self, start: int, line: int, behind: int) -> int | None:
        """The guessed end of a span that begins here and goes on behind a character."""
        hinted = [end for end in self.hints[line].closes if end > behind]
        if hinted:
            return min(hinted)
        if self.dictionary is None:
            return None
        return next((end for end in self.dictionary.ends(self.text, start) if end > behind), None)

    def spans(self, line: int, behind: int) -> list[tuple[int, int]]:
        """The guessed spans of a line that begin at or behind a character, by their start."""
        hints = self.hints[line]
        known = dict(self.mentions[line]) if line in self.mentions else {}
        found = {s: e for s, e in known.items() if s >= max(behind, hints.read)}
        for start in hints.opens:
            if start >= behind:
                end = known.get(start) or self.close(start, line, start)
                if end is not None:
                    found[start] = end
        return sorted(found.items())
