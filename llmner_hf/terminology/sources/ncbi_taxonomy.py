"""The taxonomy of NCBI: names of organisms.

In: ``taxdump.tar.gz``, or ``names.dmp`` with ``nodes.dmp`` beside it. Out: a concept a taxon, as
``NCBITaxon:9606``. Names are the scientific name, synonyms, equivalent names, common names and
acronyms; other classes (authorities, type material, names in part) are left out and counted. A key
of the selection is the number of a taxon: it and all below it.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import IO

from llmner_hf.core.errors import InputError
from llmner_hf.readers.files import Place, opened
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Source

SELECTION = Selection(rest="Species")
_PREFIX = "NCBITaxon:"
_SCIENTIFIC = "scientific name"
_CLASSES = {
    _SCIENTIFIC,
    "synonym",
    "equivalent name",
    "common name",
    "genbank common name",
    "acronym",
    "genbank acronym",
}


def read(source: Source) -> Iterator[Concept]:
    """The concepts of a dump.

    Raises:
        InputError: nodes.dmp is not there.
        FormatError: the archive is damaged.
    """
    with _member(source, "nodes.dmp") as stream:
        parents = {row[0]: row[1] for _, row in _rows(source, stream, 2)}
    above = {child: (() if child == parent else (parent,)) for child, parent in parents.items()}
    with _member(source, "names.dmp") as stream:
        rows = _rows(source, stream, 4)
        for taxon, group in groupby(rows, lambda row: row[1][0]):
            place, names = _names(source, group)
            kind = source.selection.by_ancestor(taxon, lambda id: above.get(id, ()))
            broader = [_PREFIX + parent for parent in above.get(taxon, ())]
            yield from source.concepts(place, _PREFIX + taxon, kind, names, broader)


def _names(source: Source, rows: Iterable[tuple[Place, list[str]]]) -> tuple[Place, list[str]]:
    """Where the rows of a taxon begin, and its names, the scientific one first."""
    names, begin = list[str](), None
    for place, (_, name, _, kind) in rows:
        begin = begin or place
        if kind == _SCIENTIFIC:
            names.insert(0, name)
        elif kind in _CLASSES:
            names.append(name)
        else:
            source.dropped["name of another class, as an authority"] += 1
    return begin or source.place(), names


def _rows(source: Source, stream: IO[bytes], columns: int) -> Iterator[tuple[Place, list[str]]]:
    r"""The first columns of each row; they end with ``\t|``."""
    for place, line in source.decoded(stream):
        cells = [cell.strip("\t") for cell in line.removesuffix("\t|").split("\t|")]
        if len(cells) < columns or not cells[0].isdigit():
            source.drop(place, "row that is none of NCBI's taxonomy")
        else:
            yield place, cells[:columns]


@contextmanager
def _member(source: Source, name: str) -> Iterator[IO[bytes]]:
    """A file of the dump."""
    path = Path(source.path)
    if not path.name.endswith((".tar.gz", ".tgz", ".tar")):
        beside = [path.with_name(name), path.with_name(f"{name}.gz")]
        here = path if path.name.startswith(name) else next(filter(Path.exists, beside), None)
        if here is None:
            raise InputError(f"{path}: {name} is not beside it; put it there, or name the archive")
        with opened(here) as stream:
            yield stream
        return
    try:
        with tarfile.open(path) as archive, _extracted(source, archive, name) as stream:
            yield stream
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise source.place().error(f"a damaged archive: {error}") from None


def _extracted(source: Source, archive: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        found = archive.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise source.place().error(f"no {name} in the archive")
    return found
