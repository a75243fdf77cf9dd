"""Surface forms that a file writes otherwise than its text.

In: what stands in the text and what the file says stands there. Out: whether the two are one form,
written with other characters. PubTator and others put Latin letters for Greek ones, drop accents,
and replace quotation marks by blanks; the offsets are right all the same. Capitals and letters
that differ, or blanks that one side begins with, are signs of a wrong offset.
"""

from __future__ import annotations

import unicodedata
from functools import cache


def written_otherwise(found: str, surface: str) -> bool:
    """Whether a surface form is the found one, its letters and digits apart from their accents.

    >>> written_otherwise("TNF-α", "TNF-a"), written_otherwise("TNF-α", "TNF-alpha")
    (True, True)
    >>> written_otherwise("spirin ", "Aspirin"), written_otherwise("lime", " lime")
    (False, False)
    """
    if not surface.strip() or found[:1].isspace() != surface[:1].isspace():
        return False
    if any(_plain(found, named) == _plain(surface, named) != "" for named in (False, True)):
        return True
    return len(found) == len(surface) and all(map(_replaced, found, surface))


def _replaced(found: str, stated: str) -> bool:
    """Whether a character is the same, or a mark put for one that a tool could not write."""
    return found == stated or not (stated.isalnum() or (found.isascii() and found.isalnum()))


def _plain(text: str, named: bool) -> str:
    """The letters and digits, without accents; a Greek letter as a Latin one, or by its name."""
    return "".join(_letters(character, named) for character in text)


@cache
def _letters(character: str, named: bool) -> str:
    """The plain letters and digits of one character.

    >>> _letters("é", False), _letters("β", False), _letters("β", True), _letters("-", True)
    ('e', 'b', 'beta', '')
    """
    if character.isascii():
        return character if character.isalnum() else ""
    found = ""
    for part in unicodedata.normalize("NFKD", character):
        name = unicodedata.name(part, "")
        if name.startswith("GREEK"):
            word = name.split(" LETTER ")[-1].split(" ")[0].replace("LAMDA", "LAMBDA")
            word = word.lower() if " SMALL " in name else word.capitalize()
            found += word if named else word[:1]
        elif part.isalnum():
            found += part
    return found
