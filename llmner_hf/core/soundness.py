"""Which strings can be an entity at all, whatever a model says.

In: a text and the span of an entity that was found. Out: whether it is sound. An entity has a
letter or a digit. It neither begins nor ends with a comma, a semicolon or a blank, with a bracket
whose partner is not in it, or with a hyphen, unless that is the charge of an ion (``Cl-``) or the
sign of a number (``-930G``). It cuts no character that a reader sees as one.
"""

from __future__ import annotations

import re

from llmner_hf.core.writing import grapheme_border

_DANGLING = frozenset(",;，；、")
_PARTNERS = {"(": ")", "[": "]", "{": "}", "（": "）", "【": "】", "《": "》"}
_HYPHENS = frozenset("-\u2010\u2011\u2012\u2013\u2014")
_ION = re.compile(r"(?:.*[^\w-])?(?:[A-Z][a-z]?\d*)+[-\u2010-\u2012]")


def sound(text: str, start: int, end: int) -> bool:
    """Whether the span can be an entity.

    >>> text = "IFN-gamma (and Cl-), NF-kappa B"
    >>> [sound(text, *span) for span in [(0, 9), (0, 4), (10, 18), (15, 18), (19, 20), (15, 19)]]
    [True, False, False, True, False, False]
    """
    surface = text[start:end]
    if not any(character.isalnum() for character in surface):
        return False
    if not (grapheme_border(text, start) and grapheme_border(text, end)):
        return False
    return _begins(surface, text[start - 1 : start]) and _ends(surface, text[end : end + 1])


def _begins(surface: str, before: str) -> bool:
    first, second = surface[0], surface[1:2]
    if first in _DANGLING or first.isspace() or first in _PARTNERS.values():
        return False
    if first in _PARTNERS:
        return _balanced(surface, first, _PARTNERS[first])
    return first not in _HYPHENS or (second.isdigit() and not before.isalnum())


def _ends(surface: str, after: str) -> bool:
    last = surface[-1]
    if last in _DANGLING or last.isspace() or last in _PARTNERS:
        return False
    if last in _PARTNERS.values():
        opening = next(one for one, other in _PARTNERS.items() if other == last)
        return _balanced(surface[::-1], last, opening)
    return last not in _HYPHENS or (_ION.fullmatch(surface) is not None and not after.isalnum())


def _balanced(surface: str, own: str, partner: str) -> bool:
    """Whether the bracket at the beginning has its partner further on."""
    depth = 0
    for character in surface:
        depth += (character == own) - (character == partner)
        if not depth:
            return True
    return False
