"""Where a user says which terminology: a store, a table or an ontology of his own, or the Hub.

In: a place. Out: its terminology, or the linker over it. Refused: a place where there is none.
"""

from __future__ import annotations

from pathlib import Path

from llmner_hf.terminology.building import build
from llmner_hf.terminology.linking import Linker
from llmner_hf.terminology.sources.source import Options
from llmner_hf.terminology.store import Terminology

Place = str | Path | Terminology | Linker


def terminology_of(place: str | Path, revision: str | None = None) -> Terminology:
    """The terminology at a place.

    Args:
        place: a store that was built; a file of which one can be built, as a table with the columns
            ``id``, ``name``, ``synonyms`` and ``type``; or the name of a store on the Hub.
        revision: branch, tag or commit of the one on the Hub.

    Raises:
        InputError: there is none, or the file is of no known format.
    """
    path = Path(place)
    if path.is_file() and path.suffix != ".safetensors":
        built = build([path], Options(), None)
        return Terminology.of(built.concepts, built.about(path.stem))
    return Terminology.from_pretrained(place, revision=revision)


def linker_of(place: Place | None) -> Linker | None:
    """The linker over a terminology; none where none is named."""
    if place is None or isinstance(place, Linker):
        return place
    return Linker(place if isinstance(place, Terminology) else terminology_of(place))


def names_of(place: str | Path | Terminology) -> dict[str, list[str]]:
    """The names of a terminology by type."""
    store = place if isinstance(place, Terminology) else terminology_of(place)
    names: dict[str, list[str]] = {of_type: [] for of_type in store.types}
    for concept in store.concepts():
        names[concept.type] += concept.names
    return names
