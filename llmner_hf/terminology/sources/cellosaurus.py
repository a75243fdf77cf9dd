"""Cellosaurus: cell lines.

In: ``cellosaurus.txt``, entries of lines that begin with a code and end with ``//``. Out: a concept
a cell line, as ``CVCL:0030``, with its parent line and its species as parents. A key of
the selection is a category ("Cancer cell line") or the number of a species ("9606").
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from llmner_hf.readers.files import Place, head
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.identifiers import identifier, identifiers
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Source

SELECTION = Selection(rest="CellLine")
_VERSION = re.compile(r"^ ?Version: *(\S+)", re.MULTILINE)
_SPECIES = re.compile(r"NCBI_TaxID=(\d+)")
_SAME = ("BTO", "CLO", "EFO")
_Codes = defaultdict[str, list[str]]


def read(source: Source) -> Iterator[Concept]:
    """The concepts of a file.

    Raises:
        FormatError: the last entry has no end.
    """
    stated = _VERSION.search(head(source.path))
    source.version = stated[1] if stated else ""
    codes, begin = _Codes(list), source.place()
    for place, line in source.lines():
        code, value = line[:2], line[5:].strip()
        if line.startswith("//"):
            yield from _concept(source, begin, codes)
            codes = _Codes(list)
        elif line[2:5] == "   " and value:
            if code == "ID":
                begin = place
            if code == "ID" or codes:  # the head of the file has lines of this shape, too
                codes[code].append(value)
        elif codes and line.strip():
            source.drop(place, "line of an entry without a code")
    if codes:
        raise begin.error("an entry without its end (//): the file is cut off")


def _concept(source: Source, place: Place, codes: _Codes) -> Iterator[Concept]:
    species = [number for value in codes["OX"] for number in _SPECIES.findall(value)]
    # A stripped line of parents is "CVCL_0001 ! HEL".
    lines = [identifier(f"CVCL:{value.split()[0]}") for value in codes["HI"]]
    references = (value.partition("; ")[::2] for value in codes["DR"])
    same = [number.replace("_", ":", 1) for name, number in references if name in _SAME]
    yield from source.concepts(
        place,
        identifier(f"CVCL:{''.join(codes['AC'][:1])}"),
        source.selection.by_key([*codes["CA"], *species]),
        [*codes["ID"], *(name for value in codes["SY"] for name in value.split("; "))],
        [*lines, *(f"NCBITaxon:{number}" for number in species)],
        identifiers(same),
    )
