"""Where in a text brackets may stand: at the borders of words, and where training cut a word.

In: a view. Out: for every place between two characters whether it is a border: every border of a
word (`core.writing`), and every place in a word where letters meet digits. A gene before a mutation
that is written without a blank ends where there is no border. Where training texts show the end of
an entity inside a word, that place is a *cut* of that word. The cuts travel with a model. Each word
is stored as a digest, since the words of a corpus may not travel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType

from llmner_hf.core.entities import Entity
from llmner_hf.core.writing import hex_digest, kind

# Digest of a word -> how many of its characters stand before each of its cuts.
Cuts = Mapping[str, tuple[int, ...]]
NO_CUTS: Cuts = MappingProxyType({})

# Kinds of character that go on without a border; every other character stands between two borders.
_RUNS = frozenset({"blank", "letter", "digit"})


def borders(text: str, cuts: Cuts = NO_CUTS) -> list[bool]:
    """For every place of a view, both its ends included, whether a bracket may stand there.

    Args:
        text: the view.
        cuts: places inside words where a bracket may stand as well.

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
    """The runs between neighbouring borders that are longer than a character."""
    places = (place for place, border in enumerate(found) if border)
    return ((start, end) for start, end in pairwise(places) if end - start > 1)
