"""The distributed files of a corpus: found, read, given our type names, split into sentences.

In: a folder and what is expected in it. Out: a `Reading` for each file or split, whose counts are
those of the step that made it. Refused: a published sentence version that does not hold the same
characters as the articles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from llmner_hf.core.articles import identifier
from llmner_hf.core.catalogue import Corpus
from llmner_hf.core.entities import Entity, Span
from llmner_hf.core.errors import FormatError, InputError
from llmner_hf.core.offsets import within
from llmner_hf.core.published import assign
from llmner_hf.core.sentences import join_over, split
from llmner_hf.core.sums import Summed
from llmner_hf.readers import conll
from llmner_hf.readers.reading import Reader, Reading


@dataclass(frozen=True, slots=True)
class File:
    """A file of a corpus.

    Attributes:
        name: its name, without the suffix of a compression.
        read: the reader of its format.
        texts: how many texts the distributed file holds; None where nobody counted them.
        mentions: likewise its mentions of the corpus's types, repeated ones counted once.
        optional: whether a corpus can be built without it.
    """

    name: str
    read: Reader
    texts: int | None
    mentions: int | None
    optional: bool = False


Files = Mapping[str, Sequence[File]]


@dataclass(frozen=True, slots=True)
class Count(Summed):
    """The texts and the mentions of a file, a split, or a part of it."""

    texts: int = 0
    mentions: int = 0

    @classmethod
    def of(cls, reading: Reading) -> Count:
        """The count of a reading."""
        return cls(len(reading.examples), sum(len(e.entities) for e in reading.examples))


def locate(source: Path, name: str) -> Path | None:
    """The file of that name, plain, .xz or .gz, in the folder or up to two folders below it."""
    for above in ("", "*/", "*/*/"):
        for suffix in ("", ".xz", ".gz"):
            for found in sorted(source.glob(f"{above}{name}{suffix}")):
                return found
    return None


def named(reading: Reading, facts: Corpus) -> Reading:
    """The reading with the catalogue's type names; mentions of other types are dropped, counted."""
    ours = facts.source_names
    dropped, examples = Counter(reading.dropped), []
    for example in reading.examples:
        known = [e for e in example.entities if e.label in ours]
        foreign = (e.label for e in example.entities if e.label not in ours)
        dropped.update(f"mention of another type: {label}" for label in foreign)
        entities = tuple(Entity(e.start, e.end, ours[e.label]) for e in known)
        examples.append(replace(example, entities=entities))
        # NCBI's four types are one here: a span that has two of them becomes one mention.
        folded = len(known) - len(examples[-1].entities)
        dropped["mention that equals another once types are folded"] += folded
    return replace(reading, examples=tuple(examples), dropped=+dropped)


def merged(readings: Sequence[Reading], articles: str) -> Reading:
    """Several files as one; article numbers get the name of their series before them."""
    groups: dict[str, str] = {}
    for reading in readings:
        groups |= {name: f"{articles}:{number}" for name, number in reading.groups.items()}
    examples = tuple(example for reading in readings for example in reading.examples)
    return Reading(examples, groups=groups)


def chosen(reading: Reading, indices: Collection[int]) -> Reading:
    """The examples of these indices, from 0, in the order of the reading."""
    examples = tuple(reading.examples[index] for index in sorted(indices))
    groups = {e.id: reading.groups[e.id] for e in examples if e.id in reading.groups}
    return Reading(examples, groups=groups)


def by_sentences(reading: Reading, breaks: Sequence[Sequence[Span]]) -> Reading:
    """A reading of articles as one of sentences, given the sentences of each article.

    The id of a sentence is dataset, article and the character of the article at which it begins:
    that number plus an offset in the sentence is the offset in the article. No entity is cut: a
    break inside one is removed and counted.
    """
    examples, groups, removed = [], {}, 0
    for article, spans in zip(reading.examples, breaks, strict=True):
        joined, count = join_over(spans, article.entities)
        removed += count
        for start, end in joined:
            name = identifier(article.dataset, article.id, start)
            text, inside = article.text[start:end], within((start, end), article.entities)
            examples.append(replace(article, id=name, text=text, entities=inside))
            groups[name] = reading.groups[article.id]
    remarks = Counter({"sentence break inside an entity, removed": removed})
    return Reading(tuple(examples), remarks=remarks, groups=groups)


def own_sentences(reading: Reading) -> Reading:
    """The articles in the sentences that `core.sentences` finds."""
    return by_sentences(reading, [split(e.text, e.language) for e in reading.examples])


def published_sentences(reading: Reading, source: Path, name: str) -> Reading:
    """The articles in the sentences of a published tokenised version, characters as they were.

    Without that version they are split by our own rules, which the remarks say.

    Raises:
        FormatError: the version holds other characters than the articles.
    """
    path = locate(source, name)
    if path is None:
        own = own_sentences(reading)
        own.remarks[f"article split by our own rules, as {name} is absent"] += len(reading.examples)
        return own
    version = conll.read(path, dataset="", language=None)
    try:
        breaks = assign(
            [article.text for article in reading.examples],
            [sentence.text.split(" ") for sentence in version.examples],
        )
    except InputError as error:
        raise FormatError(path, 0, f"{error}; it has to go with the articles beside it") from None
    return by_sentences(reading, breaks)
