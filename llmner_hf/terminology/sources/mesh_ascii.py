"""Records of MeSH's ASCII: ``*NEWRECORD``, then lines of ``ELEMENT = value``.

In: ``d2026.bin`` or ``c2026.bin``. Out: `Record`, whose headings are names here. Counted: lines
that are no element.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from llmner_hf.readers.files import Place
from llmner_hf.terminology.sources.mesh_xml import Record
from llmner_hf.terminology.sources.source import Source

_BEGINNING = "*NEWRECORD"
# MH and NM are the preferred names of a descriptor and of a supplementary concept.
_NAMES = ("MH", "NM", "PRINT ENTRY", "ENTRY", "SY", "N1")
_Elements = defaultdict[str, list[str]]


def records(source: Source) -> Iterator[Record]:
    """The records of a file; qualifiers (RECTYPE = Q) are counted."""
    begun: tuple[Place, _Elements] | None = None
    for place, line in source.lines():
        if line.strip() == _BEGINNING:
            yield from _record(source, begun)
            begun = place, defaultdict(list)
        elif line.strip():
            name, is_element, value = line.partition(" = ")
            if begun and is_element:
                begun[1][name.strip()].append(value.strip())
            else:
                source.drop(place, "line that is no ELEMENT = value of a record")
    yield from _record(source, begun)


def _record(source: Source, begun: tuple[Place, _Elements] | None) -> Iterator[Record]:
    if begun is None:
        return
    place, elements = begun
    if elements["RECTYPE"] == ["Q"]:
        source.dropped["qualifier"] += 1
        return
    # Of an entry only the name stands before the first bar; N1 is the systematic name, which may
    # hold bars of its own nowhere in MeSH.
    names = [value.partition("|")[0] for name in _NAMES for value in elements[name]]
    yield Record(
        place,
        "".join(elements["UI"][:1]),
        tuple(names),
        tuple(elements["MN"]),
        # "*Insulin/*analogs & derivatives" is the heading Insulin with a qualifier.
        tuple(value.removeprefix("*").partition("/")[0] for value in elements["HM"]),
    )
