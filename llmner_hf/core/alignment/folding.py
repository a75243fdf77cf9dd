"""Text as alignment compares it: without blanks and invisible characters, everything else folded.

In: a text. Out: its letters, with the character that each letter comes from and the letters of each
character. So a match of letters can be told in characters. Refused: a match that covers half a
character, as the ``f`` of ``ﬁ``.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from llmner_hf.core.writing import caseless, in_word

_QUOTES = "'\"`´‘’‚‛“”„‟‹›«»「」『』〝〞＇＂｀′″"
_DASHES = "-‐‑‒–—―−－﹣"
_SAME = {
    **dict.fromkeys(_QUOTES, '"'),
    **dict.fromkeys(_DASHES, "-"),
    "。": ".",
    "、": ",",
}


@lru_cache(maxsize=4096)
def letters_of(character: str) -> str:
    """What a character is compared as; nothing for a blank or an invisible character.

    >>> letters_of("Ａ"), letters_of("’"), letters_of("ﬁ"), letters_of(" ")
    ('a', '"', 'fi', '')
    """
    if character in _SAME:
        return _SAME[character]
    folded = (c for c in caseless(character, "NFKD") if unicodedata.category(c) != "Cf")
    return "".join(_SAME.get(c, c) for c in folded if not c.isspace())


class Folded:
    """A text and its letters.

    >>> folded = Folded("a ﬁ")
    >>> folded.letters, folded.place, folded.first_letter
    ('afi', [0, 2, 2], [0, 1, 1, 3])
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.place: list[int] = []  # letter -> its character
        self.first_letter: list[int] = []  # character -> its first letter, or the next one's
        parts = []
        for position, character in enumerate(text):
            self.first_letter.append(len(self.place))
            folded = letters_of(character)
            self.place += [position] * len(folded)
            parts.append(folded)
        self.first_letter.append(len(self.place))
        self.letters = "".join(parts)

    def characters(self, begin: int, end: int) -> tuple[int, int] | None:
        """The characters of some letters, begin < end; None if a character is cut in half."""
        start, stop = self.place[begin], self.place[end - 1] + 1
        whole = self.first_letter[start] == begin and self.first_letter[stop] == end
        return (start, stop) if whole else None

    def letters_between(self, start: int, end: int) -> str:
        """The letters of some characters."""
        return self.letters[self.first_letter[start] : self.first_letter[end]]

    def blanks_before(self, letter: int) -> int:
        """How many blanks and invisible characters stand before this letter (or the end)."""
        after = self.place[letter - 1] + 1 if letter else 0
        return (self.place[letter] if letter < len(self.place) else len(self.text)) - after

    def cuts_word(self, position: int) -> bool:
        """Whether a word goes on across this place; Chinese characters are words of their own."""
        return in_word(self.text, position)
