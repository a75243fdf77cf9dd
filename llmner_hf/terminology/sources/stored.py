"""A store that was built before, as one of the files of another.

In: a store. Out: its concepts as they are, whatever is selected of other files. Left out and
counted: names learnt from annotated texts, which a store keeps as digests alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.source import Source


def recognised(_: str, beginning: str) -> bool:
    """Whether a file begins as one of safetensors does: its length, then JSON."""
    return beginning[8:24] == '{"__metadata__":'


def read(source: Source) -> Iterator[Concept]:
    """The concepts of a store.

    Raises:
        FormatError: it is cut off, is no store, or of another version.
    """
    from llmner_hf.terminology.store import Terminology

    store = Terminology.load(os.fspath(source.path))
    about = store.about
    source.version, source.licence = about.version, about.licence
    source.attribution = about.attribution
    for number, concept in enumerate(store.concepts()):
        learnt = sum(rank == "learnt" for _, rank in store.names_of(number))
        if learnt:
            source.dropped["name learnt from annotated texts"] += learnt
        yield concept
