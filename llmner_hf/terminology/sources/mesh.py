"""MeSH, descriptors and supplementary concepts, as XML and ASCII.

In: ``desc2026.xml``, ``supp2026.xml``, ``d2026.bin`` or ``c2026.bin``. Out: concepts. A
descriptor's type is that of most of its tree numbers, where the longest key that a tree number
begins with decides (``A11.251=CellLine`` before ``A=Anatomy``); its parents are the descriptors
right above its tree numbers. A supplementary concept has no tree number: its type is that of most
of the headings that it is mapped to, and these are its parents. So descriptors are read first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmner_hf.readers.files import head, uncompressed_name
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources import mesh_ascii, mesh_xml
from llmner_hf.terminology.sources.mesh_xml import Record
from llmner_hf.terminology.sources.selection import Selection, commonest
from llmner_hf.terminology.sources.source import Source

SELECTION = Selection(
    {
        "D": "Chemical",
        "C": "Disease",
        "F03": "Disease",
        "B": "Species",
        "A": "Anatomy",
        "A11.251": "CellLine",
    }
)
_PREFIX = "MESH:"
_YEAR = re.compile(r"(?:desc|supp|[dc])(20\d\d)\.(?:xml|bin)|recordset_(20\d\d)\d{4}\.dtd", re.I)


def _records(source: Source, tag: str) -> Iterator[Record]:
    beginning = head(source.path)
    year = _YEAR.search(uncompressed_name(source.path)) or _YEAR.search(beginning)
    source.version = (year[1] or year[2]) if year else ""
    if beginning.lstrip().startswith("<"):
        return mesh_xml.records(source, tag)
    return mesh_ascii.records(source)


def descriptors(source: Source) -> Iterator[Concept]:
    """The concepts of a file of descriptors.

    Raises:
        FormatError: it is not well-formed XML.
    """
    records = list(_records(source, "DescriptorRecord"))
    at = {tree: record.id for record in records for tree in record.trees}
    for record in records:
        kinds = [source.selection.by_beginning(tree) for tree in record.trees]
        above = [at.get(tree.rpartition(".")[0], "") for tree in record.trees]
        if len({*kinds} - {""}) > 1:
            source.remark(record.place, "descriptor in trees of several types: it has that of most")
        yield from source.concepts(
            record.place,
            _PREFIX + record.id,
            commonest(kinds) or source.selection.rest,
            record.names,
            [_PREFIX + parent for parent in above if parent],
        )


def supplementary(source: Source) -> Iterator[Concept]:
    """The concepts of a file of supplementary concepts, whose headings are known.

    Raises:
        FormatError: it is not well-formed XML, or no descriptor is known.
    """
    known = {
        name: concept.id
        for concept in source.known.values()
        if concept.id.startswith(f"{_PREFIX}D")
        for name in (concept.name, concept.id.removeprefix(_PREFIX))
    }
    if not known and not source.selection.rest:
        raise source.place().error(
            "supplementary concepts have the types of their headings; name the file of descriptors "
            "too, or one type for all of them (--type)"
        )
    for record in _records(source, "SupplementalRecord"):
        headings = [known[heading] for heading in record.headings if heading in known]
        yield from source.concepts(
            record.place,
            _PREFIX + record.id,
            commonest(source.known[each].type for each in headings) or source.selection.rest,
            record.names,
            headings,
        )
