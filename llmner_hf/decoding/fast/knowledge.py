"""What is known about a text before it is tagged, and what the passes have shown since.

In: the prior of a text, and the answers of a model behind the place where a draft was refused. Out:
guesses of spans, of their ends, and of the next line; drafts are made of them.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from llmner_hf.tokens.prior import Prior

STOPS = -1  # guessed instead of a further line


@dataclass(slots=True)
class Hints:
    """What the passes so far showed of one line, in characters."""

    opens: set[int] = field(default_factory=set)
    closes: set[int] = field(default_factory=set)
    read: int = 0  # brackets open before here were read where no bracket stood open


class Knowledge:
    """What is known about a text before it is tagged, and what the passes have shown since."""

    def __init__(self, prior: Prior) -> None:
        self.prior = prior
        self.hints: dict[int, Hints] = defaultdict(Hints)
        self.following: dict[int, int] = {}  # line -> the next line, or STOPS

    def next_line(self, line: int) -> int:
        """The guessed number of the line behind a line, or STOPS."""
        if line in self.following:
            return self.following[line]
        lines = enumerate(self.prior.mentions)
        return next((n for n, mentions in lines if n > line and mentions), STOPS)

    def close(self, start: int, line: int, behind: int) -> int | None:
        """The guessed end of a span that begins here and goes on behind a character."""
        hinted = [end for end in self.hints[line].closes if end > behind]
        if hinted:
            return min(hinted)
        return next((end for end in self.prior.ends(start) if end > behind), None)

    def spans(self, line: int, behind: int) -> list[tuple[int, int]]:
        """The guessed spans of a line that begin at or behind a character, by their start."""
        hints, known = self.hints[line], self.prior.mentions[line]
        # Where a pass has read the line outside of brackets, it has also shown what it opens.
        found = {start: end for start, end in known.items() if start >= max(behind, hints.read)}
        for start in hints.opens:
            if start >= behind:
                end = known.get(start) or self.close(start, line, start)
                if end is not None:
                    found[start] = end
        return sorted(found.items())
