"""Dictionaries: the mentions of training texts, found again in other texts, the longest first.

In: examples; then any text. Out: flat entities, verbatim in the text, read from left to right. A
mention is kept with its most frequent type if at least a given share of its occurrences in training
are entities of that type. Half is the usual share. A share of 0 keeps every mention, which is
better for CMeEE-V2, where a string is an entity in one sentence and part of a longer entity in the
next. Case does not count: on BC5CDR-Chemical F1 is 80.8 without case and 79.4 with it. A mention
begins and ends at borders of words (`core.writing`).

A *hashed* dictionary finds the same entities and holds no mention. Of each mention it holds 64 bits
of a digest, the length, and 16 bits of a digest of the first characters. So it can travel with a
model whose training corpus may not. Fewer than one look-up in 10^14 takes another string for a
mention.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.writing import digest, fold, word_borders

# Mentions are looked up by their first three characters: few lengths remain to be tried.
_KEY = 3
SURE = 0.5

Key = str | int

# An auxiliary source: examples of another corpus, and the types that mean the same in one's own.
Lender = tuple[Sequence[Example], Container[str]]

# A string with a type is a mention of that type that mostly is an entity (sure) or mostly is none
# (unsure), a mention of another type (other), or no mention (unknown).
Evidence = Literal["sure", "unsure", "other", "unknown"]


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Mentions in lower case, and the type of each.

    Attributes:
        mentions: the type of each mention, or of its digest.
        unsure: the mentions that are entities of their type in less than half of their occurrences.
        lengths: the first characters of mentions, or a digest of them -> the lengths of these
            mentions, longest first. Only a hashed dictionary needs to be given them.
        hashed: whether digests stand for mentions.

    >>> examples = [Example("1", "Aspirin eased pain.", (Entity(0, 7, "Chemical"),), "own", "en")]
    >>> Dictionary.learn(examples).annotate("No aspirin, no Aspirinol.")
    (Entity(start=3, end=10, label='Chemical'),)
    """

    mentions: Mapping[Any, str] = field(hash=False)
    unsure: frozenset[Key] = frozenset()
    lengths: Mapping[Any, tuple[int, ...]] = field(
        default_factory=dict, repr=False, compare=False, hash=False
    )
    hashed: bool = False

    def __post_init__(self) -> None:
        if not self.hashed:
            mentions = {fold(str(mention)): label for mention, label in self.mentions.items()}
            object.__setattr__(self, "mentions", mentions)
            object.__setattr__(self, "lengths", _lengths(mentions))
        for name in ("mentions", "lengths"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @classmethod
    def learn(
        cls,
        examples: Iterable[Example],
        minimum_share: float = 0.5,
        lenders: Iterable[Lender] = (),
    ) -> Dictionary:
        """The mentions of the examples that are entities of one type often enough.

        Args:
            examples: the training examples.
            minimum_share: the share of a mention's occurrences between borders of words that must
                be entities of its most frequent type; 0 keeps every mention.
            lenders: auxiliary sources, whose mentions are added in this order (`borrowing`).
        """
        examples = tuple(examples)
        counts = _count_entities(examples)
        best = {
            mention: min(types, key=lambda name: (-types[name], name))
            for mention, types in counts.items()
        }
        everything = cls(best)
        occurrences = everything._count_occurrences(examples)
        kept = [
            mention
            for mention, label in best.items()
            if counts[mention][label] >= minimum_share * occurrences[mention]
        ]
        unsure = (m for m in kept if counts[m][best[m]] < SURE * occurrences[m])
        found = cls({mention: best[mention] for mention in kept}, frozenset(unsure))
        for theirs, labels in lenders:
            found = found.borrowing(cls.learn(theirs, minimum_share), labels, examples)
        return found

    def borrowing(
        self, other: Dictionary, labels: Container[str], examples: Iterable[Example]
    ) -> Dictionary:
        """This dictionary with mentions of an auxiliary source that one's own texts never hold.

        A string that one's own texts hold is judged by them alone, even if it is no entity there.

        Args:
            other: the dictionary of the auxiliary source; neither is hashed.
            labels: the types that mean the same in both.
            examples: the texts that this dictionary was learnt from.
        """
        foreign = {
            m: n for m, n in other.mentions.items() if n in labels and m not in self.mentions
        }
        shown = Dictionary(foreign)._count_occurrences(examples)
        lent = {mention: name for mention, name in foreign.items() if not shown[mention]}
        return Dictionary({**self.mentions, **lent}, self.unsure | (other.unsure & lent.keys()))

    def said_of(self, text: str, entity: Entity) -> Evidence:
        """The evidence for an entity: what is known of its string as a mention of its type."""
        mention = fold(entity.surface(text))
        key = digest(mention) if self.hashed else mention
        if key not in self.mentions:
            return "unknown"
        if self.mentions[key] != entity.label:
            return "other"
        return "unsure" if key in self.unsure else "sure"

    def limited(self, labels: Container[str]) -> Dictionary:
        """The dictionary without the mentions of other types; all lengths are still tried."""
        mentions = {mention: name for mention, name in self.mentions.items() if name in labels}
        unsure = self.unsure & mentions.keys()
        return Dictionary(mentions, unsure, self.lengths if self.hashed else {}, self.hashed)

    @classmethod
    def joined(cls, dictionaries: Sequence[Dictionary]) -> Dictionary:
        """Several hashed dictionaries as one; the first that knows a mention decides its type."""
        mentions: dict[Key, str] = {}
        unsure: set[Key] = set()
        for dictionary in dictionaries:
            unsure |= dictionary.unsure - mentions.keys()
            mentions = {**dictionary.mentions, **mentions}
        lengths = _merged(pair for d in dictionaries for pair in d.lengths.items())
        return cls(mentions, frozenset(unsure), lengths, hashed=True)

    def digested(self) -> Dictionary:
        """The same dictionary, hashed."""
        if self.hashed:
            return self
        return Dictionary(
            {digest(str(mention)): label for mention, label in self.mentions.items()},
            frozenset(digest(str(mention)) for mention in self.unsure),
            _merged((_short(str(start)), sizes) for start, sizes in self.lengths.items()),
            hashed=True,
        )

    def annotate(self, text: str, labels: Container[str] | None = None) -> tuple[Entity, ...]:
        """The entities of a text; with ``labels``, only those of these types."""
        return tuple(entity for entity, _ in self.matches(text, labels))

    def matches(
        self, text: str, labels: Container[str] | None = None
    ) -> Iterator[tuple[Entity, bool]]:
        """The entities of a text, each with whether its mention is a sure one."""
        folded = fold(text)
        borders = word_borders(folded)
        position = 0
        while position < len(text):
            for end, key in self._found(folded, borders, position):
                label = self.mentions[key]
                if labels is None or label in labels:
                    yield Entity(position, end, label), key not in self.unsure
                    position = end
                    break
            else:
                position += 1

    def ends(self, text: str, start: int) -> Iterator[int]:
        """Where the mentions that begin at a character end, longest first."""
        folded = fold(text)
        return (end for end, _ in self._found(folded, word_borders(folded), start))

    def _found(self, folded: str, borders: Sequence[bool], start: int) -> Iterator[tuple[int, Key]]:
        """Where the mentions that begin at ``start`` end, longest first, with their keys."""
        if not borders[start]:
            return
        short, long = (_short, digest) if self.hashed else (str, str)
        for size in range(min(_KEY, len(folded) - start), 0, -1):
            for length in self.lengths.get(short(folded[start : start + size]), ()):
                end = start + length
                fits = min(length, _KEY) == size and end <= len(folded)
                if fits and borders[end]:
                    key = long(folded[start:end])
                    if key in self.mentions:
                        yield end, key

    def _count_occurrences(self, examples: Iterable[Example]) -> Counter[str]:
        """How often each mention occurs between borders of words, inside longer mentions too."""
        occurrences: Counter[str] = Counter()
        for example in examples:
            folded = fold(example.text)
            borders = word_borders(folded)
            for start in range(len(folded)):
                found = self._found(folded, borders, start)
                occurrences.update(folded[start:end] for end, _ in found)
        return occurrences


def _lengths(mentions: Iterable[str]) -> Mapping[Key, tuple[int, ...]]:
    """For the first characters of mentions, the lengths of those mentions, longest first."""
    return _merged((mention[:_KEY], (len(mention),)) for mention in mentions)


def _merged(lengths: Iterable[tuple[Key, Iterable[int]]]) -> Mapping[Key, tuple[int, ...]]:
    """All lengths of a key together, longest first."""
    merged: dict[Key, set[int]] = {}
    for key, sizes in lengths:
        merged.setdefault(key, set()).update(sizes)
    return {key: tuple(sorted(sizes, reverse=True)) for key, sizes in merged.items()}


def _short(start: str) -> int:
    """16 bits that stand for the first characters of mentions."""
    return digest(start) & 0xFFFF


def _count_entities(examples: Iterable[Example]) -> dict[str, Counter[str]]:
    """How often each mention is an entity of each type.

    Mentions of blanks alone do not count, nor do those that begin or end inside a word, since
    `_count_occurrences` does not count these either.
    """
    counts: dict[str, Counter[str]] = {}
    for example in examples:
        folded = fold(example.text)
        borders = word_borders(folded)
        for entity in example.entities:
            mention = entity.surface(folded)
            if mention.strip() and all(borders[place] for place in entity.span):
                counts.setdefault(mention, Counter())[entity.label] += 1
    return counts
