"""Mentions that name several things at once: ``breast and ovarian cancer``, ``GRIN1/2B``.

In: the string of a mention. Out: for each thing the names that it may have, the likeliest first:
what stands between the joints with the words that it shares with the last part, or with the letters
that it shares with the first. Nothing for a mention without joints.
"""

from __future__ import annotations

import re

_JOINT = re.compile(r"\s*(?:,?\s+(?:and/or|and|or)\s+|/|,\s+|\s*[、及和或]\s*)\s*")
_SYMBOL = re.compile(r"(?P<stem>[A-Za-z]+-?)(?P<number>\d*[A-Z]?\d*)")
# The end of a symbol that stands for all of it, as 2B for GRIN2B.
_SHORT = re.compile(r"\d+[A-Za-z]?|[A-Z]\d*")
MOST_PARTS = 5


def parts(mention: str) -> list[list[str]]:
    """The names that each thing may have; empty where the mention names one thing.

    >>> parts("breast and ovarian cancer")
    [['breast cancer', 'breast'], ['ovarian cancer']]
    >>> parts("GRIN1/2B"), parts("aspirin")
    ([['GRIN1'], ['GRIN2B', '2B']], [])
    """
    pieces = [piece for piece in _JOINT.split(mention) if piece]
    if not 1 < len(pieces) <= MOST_PARTS:
        return []
    symbol = _SYMBOL.fullmatch(pieces[0])
    if symbol and all(_SHORT.fullmatch(piece) for piece in pieces[1:]):
        return [[pieces[0]], *([symbol["stem"] + piece, piece] for piece in pieces[1:])]
    shared = pieces[-1].split()
    # From most of what is shared to nothing: "breast" has the head of "ovarian cancer".
    found = [
        [" ".join((piece, *shared[first:])) for first in range(1, len(shared))] + [piece]
        for piece in pieces[:-1]
    ]
    return [*found, [pieces[-1]]]
