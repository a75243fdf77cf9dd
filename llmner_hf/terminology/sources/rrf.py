"""The UMLS and RxNorm: files in Rich Release Format.

In: ``MRCONSO.RRF`` of the UMLS, with ``MRSTY.RRF`` beside it for the semantic types, or
``RXNCONSO.RRF`` of RxNorm. Out: a concept a CUI, as ``UMLS:C0004057``, or an RXCUI, as
``RXNORM:1191``. Names are those of the languages that are asked for; suppressed ones are left out
and counted. The preferred name is the one that the file marks so, else the first.

A key of the selection is for the UMLS a semantic type ("T047" or "Disease or Syndrome"), for RxNorm
a term type ("IN", ingredient): dose forms and packs are no names of a chemical.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from llmner_hf.core.errors import InputError
from llmner_hf.readers.files import Place, opened
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.identifiers import identifier
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Source

_GROUPS = {
    "Disease": "T019 T020 T037 T046 T047 T048 T049 T050 T184 T190 T191",
    "Chemical": "T103 T104 T109 T110 T114 T116 T118 T119 T120 T121 T122 T123 T125 T126 T127 T129 "
    "T130 T131 T192 T195 T196 T197 T200",
    "Gene": "T028",
    "Species": "T001 T002 T004 T005 T007 T008 T010 T011 T012 T013 T014 T015 T016 T194 T204",
    "Anatomy": "T017 T018 T022 T023 T024 T029 T030 T031",
    "CellType": "T025",
}
UMLS_SELECTION = Selection(
    {number: kind for kind, numbers in _GROUPS.items() for number in numbers.split()}
)
RXNORM_SELECTION = Selection(dict.fromkeys(("IN", "PIN", "MIN", "BN"), "Chemical"))
_TYPES_FILE = "MRSTY.RRF"
_COLUMNS = 18
_ID, _LANGUAGE, _STATUS, _FORM, _PREFERRED = 0, 1, 2, 4, 6
_VOCABULARY, _TERM_TYPE, _CODE, _NAME, _SUPPRESSED = 11, 12, 13, 14, 16
# Vocabularies whose codes are ids in this package's writing, too.
_SAME = ("MSH", "OMIM", "RXNORM", "ICD10CM", "HPO", "NCI", "SNOMEDCT_US", "HGNC", "MONDO")
_Atoms = list[tuple[Place, list[str]]]


def read_umls(source: Source) -> Iterator[Concept]:
    """The concepts of MRCONSO.RRF.

    Raises:
        InputError: the types are not there, and no one type is told.
    """
    types = _types(source)
    for atoms in _concepts(source):
        id = atoms[0][1][_ID]
        same = [f"{row[_VOCABULARY]}:{row[_CODE]}" for _, row in atoms if row[_VOCABULARY] in _SAME]
        yield from _concept(source, f"UMLS:{id}", types.get(id, source.selection.rest), atoms, same)


def read_rxnorm(source: Source) -> Iterator[Concept]:
    """The concepts of RXNCONSO.RRF."""
    for atoms in _concepts(source):
        own = [row[_TERM_TYPE] for _, row in atoms if row[_VOCABULARY] == "RXNORM"]
        kind = source.selection.by_key(own)
        yield from _concept(source, f"RXNORM:{atoms[0][1][_ID]}", kind, atoms, ())


def _concept(
    source: Source, id: str, kind: str, atoms: _Atoms, same: Iterable[str]
) -> Iterator[Concept]:
    taken = _Atoms()
    for place, row in atoms:
        if row[_LANGUAGE] not in source.options.languages:
            source.dropped["name of another language"] += 1
        elif row[_SUPPRESSED] in ("O", "E", "Y"):
            source.dropped["suppressed name"] += 1
        else:
            taken.append((place, row))
    if kind and not taken:
        source.dropped["concept without a name of these languages"] += 1
        return
    # sort is stable: the marked one goes to the front, the others keep their order.
    taken.sort(key=lambda atom: not _is_preferred(atom[1]))
    names = [row[_NAME] for _, row in taken]
    others = [found for each in same if (found := identifier(each))]
    yield from source.concepts(atoms[0][0], id, kind, names, (), others)


def _is_preferred(row: list[str]) -> bool:
    """Whether the file marks a name as the one of its concept; RxNorm does so by its own atoms."""
    marked = row[_STATUS] == "P" and row[_FORM] == "PF" and row[_PREFERRED] == "Y"
    return marked or (row[_VOCABULARY] == "RXNORM" and row[_TERM_TYPE] in RXNORM_SELECTION.keys)


def _concepts(source: Source) -> Iterator[_Atoms]:
    """The rows of each concept; the files have them together."""
    rows = _rows(source, source.lines(), _COLUMNS)
    for _, atoms in groupby(rows, lambda atom: atom[1][_ID]):
        yield list(atoms)


def _rows(
    source: Source, lines: Iterable[tuple[Place, str]], columns: int
) -> Iterator[tuple[Place, list[str]]]:
    for place, line in lines:
        cells = line.split("|")
        if len(cells) < columns:
            source.drop(place, "row with fewer columns than the format has")
        else:
            yield place, cells


def _types(source: Source) -> dict[str, str]:
    """CUI -> type, of those that are selected."""
    path = Path(source.path)
    beside = [path.with_name(_TYPES_FILE), path.with_name(f"{_TYPES_FILE}.gz")]
    here = next(filter(Path.exists, beside), None)
    if here is None and source.selection.rest:
        return {}
    if here is None:
        raise InputError(f"{path}: {_TYPES_FILE} is not beside it; put it there, or give --type")
    types = dict[str, str]()
    with opened(here) as stream:
        for _, row in _rows(source, source.decoded(stream), 4):
            # CUI, number, place in the tree, name.
            if kind := source.selection.by_key([row[1], row[3]]):
                types.setdefault(row[0], kind)
    return types
