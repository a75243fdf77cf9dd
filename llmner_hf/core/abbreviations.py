"""Abbreviations that a text explains: ``retinoic acid (RA)``.

In: a text, and entities found in it. Out: the short forms that stand in brackets behind what they
abbreviate, an entity or words. The rule is the one of Schwartz and Hearst (A simple
algorithm for identifying abbreviation definitions in biomedical text, 2003): the long form holds
every letter and digit of the short form in order, the first at the beginning of a word. Where the
long form begins need not be guessed, since it is an entity. A short form has 2 to 10
characters, no blank and at least one capital.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from llmner_hf.core.entities import Entity, ScoredEntity, Span
from llmner_hf.core.writing import in_word

_WORDS = re.compile(r"[^\s\-/]+")
_IN_BRACKETS = re.compile(r"\s?\((?P<short>[^\s()\[\];,:]{2,10})(?=[\s);,:])")


def explained(text: str, found: Iterable[ScoredEntity]) -> Iterator[tuple[str, ScoredEntity]]:
    """The short forms, each with the entity that it abbreviates.

    >>> from llmner_hf.core.entities import Entity
    >>> long = ScoredEntity(Entity(0, 13, "Chemical"), 0.9)
    >>> [short for short, _ in explained("Retinoic acid (RA) was given.", [long])]
    ['RA']
    """
    for one in found:
        if short := _short_form(text, one.entity):
            yield short, one


def _short_form(text: str, entity: Entity) -> str | None:
    """The short form in brackets behind an entity."""
    match = _IN_BRACKETS.match(text, entity.end)
    return match["short"] if match and abbreviates(match["short"], entity.surface(text)) else None


def explanations(text: str) -> Iterator[tuple[str, Span]]:
    """The short forms that stand in brackets behind words that they abbreviate, and these words.

    Where the long form begins has to be guessed here: as late as it can be (Schwartz and Hearst).

    >>> text = "Patients with Sjogren-Larsson syndrome (SLS) were seen."
    >>> [(short, text[slice(*span)]) for short, span in explanations(text)]
    [('SLS', 'Sjogren-Larsson syndrome')]
    """
    for match in _IN_BRACKETS.finditer(text):
        short = match["short"]
        words = [word.start() for word in _WORDS.finditer(text, 0, match.start())]
        for start in reversed(words[-min(len(short) + 5, 2 * len(short)) :]):
            if abbreviates(short, text[start : match.start()]):
                yield short, (start, match.start())
                break


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


class Explained:
    """What the short forms of a text are short for.

    Args:
        text: any text.
        entities: those of the text, which say where a long form begins.

    >>> Explained("Chronic pain (CP) and CPs.", []).of(Entity(22, 25, "Disease"))
    'Chronic pain'
    """

    def __init__(self, text: str, entities: Iterable[Entity]) -> None:
        self._text = text
        self._long: dict[str, list[tuple[int, str]]] = {}
        for short, span in explanations(text):
            self._note(short, *span)
        for one in entities:
            behind = _short_form(text, one)
            if behind is not None:
                self._note(behind, *one.span)

    def _note(self, short: str, start: int, end: int) -> None:
        places = [one for one in self._long.get(short, ()) if one[0] != end]
        self._long[short] = sorted([*places, (end, self._text[start:end])])

    def of(self, entity: Entity) -> str:
        """The string of an entity with its short forms written out.

        A short form means what the nearest explanation before it says.

        >>> text = "Hyperparathyroidism (HPT) and primary HPT."
        >>> Explained(text, []).of(Entity(30, 41, "Disease"))
        'primary Hyperparathyroidism'
        """
        surface = entity.surface(self._text)
        whole = self._meant(surface, entity.start)
        if whole is not None or " " not in surface:
            return whole or surface
        words = surface.split(" ")
        return " ".join(self._meant(word, entity.start) or word for word in words)

    def _meant(self, short: str, before: int) -> str | None:
        for form in (short, short.removesuffix("s"), short.upper()):
            if places := self._long.get(form):
                known = [long for end, long in places if end <= before]
                return known[-1] if known else places[0][1]
        return None
