"""Where in a text brackets may stand: at the borders of words, and where training cut a word.

In: a view. Out: for every place between two characters whether it is a border: beside CJK
characters and punctuation, and where the class of character changes (letter, digit, blank). An
entity that ends inside a word, as a gene before a mutation written with no blank, has no border
there, unless the training texts show such an end in that word: the cuts of their words travel with
a model. Words are known by a digest, since those of a corpus may not travel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from hashlib import blake2b
from itertools import pairwise
from types import MappingProxyType

from llmner_hf.core.entities import Entity

# Of a word, known by its digest, the lengths of the beginnings behind which a bracket may stand.
Cuts = Mapping[str, tuple[int, ...]]
NO_CUTS: Cuts = MappingProxyType({})


def borders(text: str, cuts: Cuts = NO_CUTS) -> list[bool]:
    """For every place of a view, both its ends included, whether it is a border.

    Args:
        text: the view.
        cuts: borders inside words.

    >>> [place for place, found in enumerate(borders("p53 gene")) if found]
    [0, 1, 3, 4, 8]
    """
    kinds = [_kind(character) for character in text]
    found = [
        i in (0, len(text)) or not kinds[i - 1] or not kinds[i] or kinds[i - 1] != kinds[i]
        for i in range(len(text) + 1)
    ]
    for start, end in _words(found) if cuts else ():
        for length in cuts.get(_digest(text[start:end]), ()):
            found[start + length] = True
    return found


def learn_cuts(texts: Iterable[tuple[str, Iterable[Entity]]]) -> Cuts:
    """The cuts of words in which an entity begins or ends.

    Args:
        texts: views, each with its entities.
    """
    cuts: dict[str, set[int]] = {}
    for text, entities in texts:
        found = borders(text)
        inside = {p for e in entities for p in e.span if not found[p]}
        for start, end in _words(found) if inside else ():
            lengths = {place - start for place in inside if start < place < end}
            if lengths and not text[start].isspace():
                cuts.setdefault(_digest(text[start:end]), set()).update(lengths)
    return {word: tuple(sorted(cuts[word])) for word in sorted(cuts)}


def _words(found: list[bool]) -> Iterator[tuple[int, int]]:
    """What lies between neighbouring borders and is longer than a character."""
    places = (place for place, border in enumerate(found) if border)
    return ((start, end) for start, end in pairwise(places) if end - start > 1)


def _digest(word: str) -> str:
    """64 bits that stand for a word."""
    return blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _kind(character: str) -> str:
    """The class of a character; CJK characters and punctuation are each a class of their own."""
    if character.isspace():
        return "blank"
    if character.isalpha() and not _is_cjk(character):
        return "letter"
    return "digit" if character.isdecimal() else ""


def _is_cjk(character: str) -> bool:
    """Ideographs, kana and their extensions: scripts written without blanks between words."""
    return (
        "\u2e80" <= character <= "\u9fff"
        or "\uf900" <= character <= "\ufaff"
        or "\U00020000" <= character <= "\U0003ffff"
    )
