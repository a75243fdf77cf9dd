"""Where in a text brackets may stand: at the borders of words, and where training cut a word.

In: a view. Out: for every place between two characters whether it is a border: beside CJK
characters and punctuation, and where the class of character changes (letter, digit, blank). An
entity that ends inside a word, as a gene before a mutation written with no blank, has no border
there, unless the training texts show such an end in that word: the cuts of their words travel with
a model. Words are known by a digest, since those of a corpus may not travel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType

from llmner_hf.core.entities import Entity
from llmner_hf.core.writing import hex_digest, kind

# Of a word, known by its digest, the lengths of the beginnings behind which a bracket may stand.
Cuts = Mapping[str, tuple[int, ...]]
NO_CUTS: Cuts = MappingProxyType({})

# Kinds of character that go on without a border; every other character stands between two borders.
_RUNS = frozenset({"blank", "letter", "digit"})


def borders(text: str, cuts: Cuts = NO_CUTS) -> list[bool]:
    """For every place of a view, both its ends included, whether it is a border.

    Args:
        text: the view.
        cuts: borders inside words.

    >>> [place for place, found in enumerate(borders("p53 gene")) if found]
    [0, 1, 3, 4, 8]
    """
    kinds = [kind(character) for character in text]
    between = [one != other or one not in _RUNS for one, other in pairwise(kinds)]
    found = [True, *between, True] if text else [True]
    for start, end in _words(found) if cuts else ():
        for length in cuts.get(hex_digest(text[start:end]), ()):
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
                cuts.setdefault(hex_digest(text[start:end]), set()).update(lengths)
    return {word: tuple(sorted(cuts[word])) for word in sorted(cuts)}


def _words(found: list[bool]) -> Iterator[tuple[int, int]]:
    """What lies between neighbouring borders and is longer than a character."""
    places = (place for place, border in enumerate(found) if border)
    return ((start, end) for start, end in pairwise(places) if end - start > 1)
