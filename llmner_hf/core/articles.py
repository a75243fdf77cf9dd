"""Articles, put together from the sentences that they were split into.

In: examples whose ids say where they stood: dataset, article, and the character of the article at
which the sentence begins, as `identifier` writes them. Out: an example for each article, with
blanks where none of its sentences stands. Refused: ids of another form, sentences that overlap or
are out of order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from llmner_hf.core.entities import Example
from llmner_hf.core.errors import InputError
from llmner_hf.core.offsets import shifted


def identifier(dataset: str, article: str, start: int) -> str:
    """The id of the sentence of an article that begins at a character.

    >>> identifier("biored", "14510914", 88)
    'biored-14510914-00088'
    """
    return f"{dataset}-{article}-{start:05d}"


def articles(examples: Iterable[Example]) -> list[Example]:
    """The articles of neighbouring examples, under their dataset and article.

    Raises:
        InputError: an id of another form, or a sentence that begins before the last one ends.

    >>> from llmner_hf.core.entities import Entity
    >>> pain = (Entity(0, 4, "Disease"),)
    >>> rows = [Example(identifier("own", "7", at), "Pain.", pain, "own", "en") for at in (0, 6)]
    >>> [(e.id, e.text, len(e.entities)) for e in articles(rows)]
    [('own-7', 'Pain. Pain.', 2)]
    """
    return [
        _joined(name, list(rows)) for name, rows in groupby(examples, key=lambda e: _place(e)[0])
    ]


def _place(example: Example) -> tuple[str, int]:
    """The article of a sentence, with its dataset, and where in it the sentence begins."""
    article, dash, start = example.id.rpartition("-")
    if not (dash and start.isascii() and start.isdigit()):
        raise InputError(f"{example.id!r} is no id of a sentence, DATASET-ARTICLE-START")
    return article, int(start)


def _joined(name: str, rows: Sequence[Example]) -> Example:
    """The sentences of one article, each where it stood."""
    text, entities = "", []
    for row in rows:
        _, start = _place(row)
        if start < len(text):
            raise InputError(f"{row.id!r} begins before the sentence before it ends")
        text = text.ljust(start) + row.text
        entities += [shifted(entity, start) for entity in row.entities]
    return replace(rows[0], id=name, text=text, entities=tuple(entities))
