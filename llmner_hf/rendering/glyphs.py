r"""What a reader can see of a character, and how wide it is.

A control character moves the cursor of a terminal; a bidi override turns the rest of a page
around; a lone surrogate cannot be written to a file; a zero-width character counts in the offsets
and shows nothing. On a page each of them becomes its code point (``U+202E``), in a terminal a
Python escape (``\u202e``), where the backslash is escaped too so that nothing reads two ways.
"""

from __future__ import annotations

import unicodedata
from itertools import accumulate

_MARKS_WITHOUT_WIDTH = frozenset({"Mn", "Me"})
# Joiners stay: scripts and emoji need them to look right, and they move nothing.
_JOINERS = frozenset("\u200c\u200d")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
ELLIPSIS = "…"


def is_unseen(character: str) -> bool:
    r"""Whether a page must write the character out; line feeds and tabs show as what they are.

    >>> [is_unseen(c) for c in ("a", "\n", "\r", "\u202e", "\ufeff", "\ud800")]
    [False, False, True, True, True, True]
    """
    if character in "\n\t" or character in _JOINERS:
        return False
    return unicodedata.category(character) in _UNSEEN


def code_point(character: str) -> str:
    r"""The name of a character that has no glyph.

    >>> code_point("\u202e")
    'U+202E'
    """
    return f"U+{ord(character):04X}"


def readable(text: str) -> str:
    r"""The text with every unseen character as its code point, line feeds and tabs as well.

    >>> readable("IL\ufeff-2\n")
    'ILU+FEFF-2U+000A'
    """
    return "".join(code_point(c) if is_unseen(c) or c in "\n\t" else c for c in text)


def escaped(text: str) -> str:
    r"""The text for a terminal: what is not printable as a Python escape, and the backslash too.

    >>> print(escaped("IL-2\n\u3000gene\\"))
    IL-2\n\u3000gene\\
    """
    return "".join(
        c if c.isprintable() and c != "\\" else c.encode("unicode_escape").decode("ascii")
        for c in text
    )


def width(text: str) -> int:
    """The columns of a terminal that an escaped text takes: two for a full-width character.

    >>> width("心肌 CK")
    7
    """
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in _MARKS_WITHOUT_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def padded(text: str, columns: int) -> str:
    """The text with blanks behind it, so that it takes at least that many columns.

    >>> padded("心肌", 6) + "|"
    '心肌  |'
    """
    return text + " " * (columns - width(text))


def shortened(text: str, columns: int) -> str:
    """The text if it fits, otherwise its beginning and an ellipsis, in at most that many columns.

    >>> shortened("心肌梗死", 8), shortened("心肌梗死", 7)
    ('心肌梗死', '心肌梗…')
    """
    if width(text) <= columns:
        return text
    ends = accumulate(_columns(character) for character in text)
    return text[: sum(end < columns for end in ends)] + ELLIPSIS
