"""Abbreviations that a text explains: ``retinoic acid (RA)``.

In: a text and entities found in it. Out: the short forms that stand in brackets right behind an
entity and abbreviate it, with its type. The rule is the one of Schwartz and Hearst (A simple
algorithm for identifying abbreviation definitions in biomedical text, 2003): the long form holds
every letter and digit of the short form in order, the first at the beginning of a word. Where the
long form begins need not be guessed, since it is an entity. A short form has 2 to 10
characters, no blank and at least one capital.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from llmner_hf.core.entities import ScoredEntity
from llmner_hf.core.writing import in_word

_IN_BRACKETS = re.compile(r"\s?\((?P<short>[^\s()\[\];,:]{2,10})(?=[\s);,:])")


def explained(text: str, found: Iterable[ScoredEntity]) -> Iterator[tuple[str, ScoredEntity]]:
    """The short forms, each with the entity that it abbreviates.

    >>> from llmner_hf.core.entities import Entity
    >>> long = ScoredEntity(Entity(0, 13, "Chemical"), 0.9)
    >>> [short for short, _ in explained("Retinoic acid (RA) was given.", [long])]
    ['RA']
    """
    for one in found:
        match = _IN_BRACKETS.match(text, one.entity.end)
        if match and abbreviates(match["short"], one.entity.surface(text)):
            yield match["short"], one


def abbreviates(short: str, long: str) -> bool:
    """Whether a short form can stand for a long one.

    >>> abbreviates("AmB", "amphotericin B"), abbreviates("BPA", "aspirin")
    (True, False)
    """
    letters = [character.lower() for character in short if character.isalnum()]
    if not letters or len(short) >= len(long) or short == short.lower():
        return False
    end = len(long)
    for number, letter in reversed(list(enumerate(letters))):
        end -= 1
        while end >= 0 and not (
            long[end].lower() == letter and (number > 0 or not in_word(long, end))
        ):
            end -= 1
        if end < 0:
            return False
    return True
