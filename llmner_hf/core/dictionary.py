"""The yardstick: a dictionary of training mentions, matched longest first.

In: examples; then any text. Out: flat entities, verbatim in the text, read from left to right. A
mention is kept with its most frequent type when at least half of its training occurrences are
entities of that type; a share of 0 keeps every mention, which is better for CMeEE-V2, where a
string is an entity in one sentence and part of a longer one in the next. Case does not count: on
BC5CDR-Chemical F1 is 80.8 so and 79.4 with case. A mention neither begins nor ends inside a word;
between Chinese characters every place is a border.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from llmner_hf.core.entities import Entity, Example

# Mentions are looked up by their first three characters: few lengths remain to be tried.
_KEY = 3


@dataclass(frozen=True, slots=True)
class Dictionary:
    """Mentions in lower case, and the type of each.

    >>> examples = [Example("1", "Aspirin eased pain.", (Entity(0, 7, "Chemical"),), "own", "en")]
    >>> Dictionary.learn(examples).annotate("No aspirin, no Aspirinol.")
    (Entity(start=3, end=10, label='Chemical'),)
    """

    mentions: Mapping[str, str] = field(hash=False)
    _lengths: Mapping[str, tuple[int, ...]] = field(
        init=False, repr=False, compare=False, hash=False
    )

    def __post_init__(self) -> None:
        mentions = {_fold(mention): label for mention, label in self.mentions.items()}
        object.__setattr__(self, "mentions", MappingProxyType(mentions))
        object.__setattr__(self, "_lengths", _lengths(mentions))

    @classmethod
    def learn(
        cls, examples: Iterable[Example], minimum_share: float = 0.5, most: int | None = None
    ) -> Dictionary:
        """The mentions of the examples that are entities of one type often enough.

        Args:
            examples: the training examples.
            minimum_share: of a mention's occurrences at the borders of words, the part that must
                be entities of its most frequent type; 0 keeps every mention.
            most: how many mentions to keep, the most frequent ones; None keeps all.
        """
        examples = tuple(examples)
        counts = _count_entities(examples)
        best = {
            mention: min(types, key=lambda name: (-types[name], name))
            for mention, types in counts.items()
        }
        everything = cls(best)
        occurrences = everything._count_occurrences(examples) if minimum_share > 0 else Counter()
        kept = [
            mention
            for mention, label in best.items()
            if counts[mention][label] >= minimum_share * occurrences[mention]
        ]
        kept.sort(key=lambda mention: (-counts[mention][best[mention]], mention))
        return cls({mention: best[mention] for mention in kept[:most]})

    def annotate(self, text: str, labels: Container[str] | None = None) -> tuple[Entity, ...]:
        """The entities of a text; where ``labels`` are given, only mentions of those types."""
        folded = _fold(text)
        entities: list[Entity] = []
        position = 0
        while position < len(text):
            for end in self._ends(folded, position):
                label = self.mentions[folded[position:end]]
                if labels is None or label in labels:
                    entities.append(Entity(position, end, label))
                    position = end
                    break
            else:
                position += 1
        return tuple(entities)

    def ends(self, text: str, start: int) -> Iterator[int]:
        """Where the mentions that begin at a character end, longest first."""
        return self._ends(_fold(text), start)

    def _ends(self, folded: str, start: int) -> Iterator[int]:
        """Where the mentions that begin at ``start`` end, longest first."""
        if _in_word(folded, start):
            return
        for size in range(min(_KEY, len(folded) - start), 0, -1):
            for length in self._lengths.get(folded[start : start + size], ()):
                end = start + length
                found = end <= len(folded) and folded[start:end] in self.mentions
                if found and not _in_word(folded, end):
                    yield end

    def _count_occurrences(self, examples: Iterable[Example]) -> Counter[str]:
        """How often each mention occurs at the borders of words, inside longer ones too."""
        occurrences: Counter[str] = Counter()
        for example in examples:
            folded = _fold(example.text)
            for start in range(len(folded)):
                occurrences.update(folded[start:end] for end in self._ends(folded, start))
        return occurrences


def _fold(text: str) -> str:
    """The text in lower case, character for character: one whose lower case is longer stays.

    Not the whole at once: the lower case of a sigma depends on where in a word it stands.
    """
    lower = text.lower()
    if lower.isascii():
        return lower
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def _lengths(mentions: Iterable[str]) -> Mapping[str, tuple[int, ...]]:
    """For the first characters of mentions, the lengths of those mentions, longest first."""
    lengths: dict[str, set[int]] = {}
    for mention in mentions:
        lengths.setdefault(mention[:_KEY], set()).add(len(mention))
    return {key: tuple(sorted(sizes, reverse=True)) for key, sizes in lengths.items()}


def _in_word(text: str, place: int) -> bool:
    """Whether a place lies between two letters or digits that are not Chinese."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    chinese = "\u2e80" <= before <= "\u9fff" or "\u2e80" <= after <= "\u9fff"
    return before.isalnum() and after.isalnum() and not chinese


def _count_entities(examples: Iterable[Example]) -> dict[str, Counter[str]]:
    """How often each mention is an entity of each type.

    Mentions of blanks alone do not count, nor do those that begin or end inside a word: their
    occurrences are not counted either.
    """
    counts: dict[str, Counter[str]] = {}
    for example in examples:
        folded = _fold(example.text)
        for entity in example.entities:
            mention = entity.surface(folded)
            if mention.strip() and not any(_in_word(folded, place) for place in entity.span):
                counts.setdefault(mention, Counter())[entity.label] += 1
    return counts
