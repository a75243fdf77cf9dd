"""Words that mean the same, learnt from synonyms: ``renal`` and ``kidney``.

In: for each concept its names. Out: for a word those that stand in its place in another name of the
same concept, the rest of the two names being equal, often enough and most often first. So a name
that no terminology has, as ``renal injury``, is found by one that it has, ``kidney injury``.
Numbers and single letters tell concepts apart, so they are equivalent to nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from llmner_hf.core.linking.forms import LITTLE, tokens_of

Equivalents = Mapping[str, Sequence[str]]

# Ours. Two concepts have to agree; a word has few equivalents; longer names are not compared.
LEAST_CONCEPTS = 2
MOST_EQUIVALENTS = 6
MOST_WORDS = 5
MOST_NAMES = 60


def equivalents(concepts: Iterable[Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """For a word its equivalents, the most frequent first.

    Args:
        concepts: for each concept its names.

    >>> heart = [("heart failure", "cardiac failure"), ("heart arrest", "Cardiac arrest")]
    >>> equivalents(heart)
    {'cardiac': ('heart',), 'heart': ('cardiac',)}
    """
    counts: Counter[tuple[str, str]] = Counter()
    for names in concepts:
        counts.update(set(_exchanged(names)))
    found: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for (one, other), number in counts.items():
        if number >= LEAST_CONCEPTS:
            found[one].append((-number, other))
            found[other].append((-number, one))
    return {
        word: tuple(other for _, other in sorted(others)[:MOST_EQUIVALENTS])
        for word, others in sorted(found.items())
    }


def _exchanged(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The pairs of words in which two names of a concept differ."""
    kept = dict.fromkeys(frozenset(words_of(name)) for name in names[:MOST_NAMES])
    short = [words for words in kept if 1 < len(words) <= MOST_WORDS]
    for one, other in combinations(short, 2):
        left, right = one - other, other - one
        if len(left) == len(right) == 1 and one & other:
            pair = sorted((*left, *right))
            if all(len(word) > 2 and not word.isdigit() for word in pair):
                yield pair[0], pair[1]


def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, without those that only join others.

    >>> words_of("Cancers of the breast")
    ('cancer', 'breast')
    """
    return tuple(token for token in tokens_of(name) if token not in LITTLE)


def variants(name: str, known: Equivalents) -> Iterator[tuple[str, ...]]:
    """The words of a name with one of them exchanged; nothing for a name of one word.

    >>> list(variants("renal injury", {"renal": ("kidney",)}))
    [('kidney', 'injury')]
    """
    words = words_of(name)
    if not 1 < len(words) <= MOST_WORDS + 1:
        return
    for place, word in enumerate(words):
        for other in known.get(word, ()):
            yield (*words[:place], other, *words[place + 1 :])
