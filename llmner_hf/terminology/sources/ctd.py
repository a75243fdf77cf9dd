"""Vocabularies of the Comparative Toxicogenomics Database: chemicals, diseases, genes.

In: ``CTD_chemicals``, ``CTD_diseases`` or ``CTD_genes``, as CSV or TSV; a comment names the
columns. Out: concepts with the ids of MeSH, OMIM and NCBI Gene. There are no keys to select by.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from llmner_hf.readers.files import Place
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.identifiers import identifier
from llmner_hf.terminology.sources.source import Source


@dataclass(frozen=True, slots=True)
class _Kind:
    """The columns of a vocabulary, its type, and the prefix of ids that have none."""

    name: str
    id: str
    same: str
    type: str
    prefix: str


_KINDS = (
    _Kind("ChemicalName", "ChemicalID", "CasRN", "Chemical", "MESH"),
    _Kind("DiseaseName", "DiseaseID", "AltDiseaseIDs", "Disease", "MESH"),
    _Kind("GeneSymbol", "GeneID", "AltGeneIDs", "Gene", "NCBIGene"),
)
# The newer file of chemicals has two columns of synonyms.
_NAMES = ("GeneName", "Synonyms", "MESHSynonyms", "CTDCuratedSynonyms")


def read(source: Source) -> Iterator[Concept]:
    """The concepts of a file.

    Raises:
        FormatError: no comment names the columns of a vocabulary.
    """
    lines = source.lines()
    kind, header, delimiter = _header(source, lines)
    rows = ((place, line) for place, line in lines if not line.startswith("#"))
    for place, row in source.rows(rows, header, delimiter):
        names = [row[kind.name]]
        names += [name for column in _NAMES for name in row.get(column, "").split("|")]
        prefix = "CAS" if kind.same == "CasRN" else kind.prefix
        yield from source.concepts(
            place,
            _written(row[kind.id], kind.prefix),
            source.selection.rest or kind.type,
            names,
            _several(row.get("ParentIDs", ""), kind.prefix),
            _several(row.get(kind.same, ""), prefix),
        )


def _several(cell: str, prefix: str) -> list[str]:
    return [id for each in cell.split("|") if (id := _written(each, prefix))]


def _written(id: str, prefix: str) -> str:
    return identifier(id if ":" in id or not id else f"{prefix}:{id}")


def _header(source: Source, lines: Iterator[tuple[Place, str]]) -> tuple[_Kind, list[str], str]:
    for _, line in lines:
        delimiter = "\t" if "\t" in line else ","
        header = line.removeprefix("#").strip().split(delimiter)
        for kind in _KINDS:
            if {kind.name, kind.id} <= {*header}:
                return kind, header, delimiter
        if not line.startswith("#"):
            break
    raise source.place().error(
        "no comment names the columns of a vocabulary, as '# DiseaseName,DiseaseID,...'"
    )
