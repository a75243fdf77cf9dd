"""Genes: NCBI's ``gene_info``, and HGNC's table of approved symbols in both of its shapes.

Out: a concept a gene, as ``NCBIGene:672`` or ``HGNC:1100``, with the symbol as its preferred name,
and the species as its parent, as ``NCBITaxon:9606``. Ids that mean the same are those of HGNC, NCBI
Gene, OMIM and Ensembl. Left out and counted: of HGNC withdrawn symbols, of NCBI biological regions
and the rows of genes to come.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.identifiers import identifiers
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Source

SELECTION = Selection(rest="Gene")
_NONE = "-"  # an empty cell of gene_info
_SAME = ("HGNC:", "OMIM:", "Ensembl:")
# Column of hgnc_complete_set.txt -> what the downloads of one's own choice call it.
_HGNC = {
    "hgnc_id": ("HGNC ID",),
    "symbol": ("Approved symbol", "Approved Symbol"),
    "name": ("Approved name", "Approved Name"),
    "status": ("Status",),
    "alias_symbol": ("Alias symbols", "Synonyms"),
    "prev_symbol": ("Previous symbols", "Previous Symbols"),
    "alias_name": ("Alias names", "Name Synonyms"),
    "prev_name": ("Previous name", "Previous names", "Previous Names"),
    "entrez_id": ("NCBI Gene ID", "NCBI Gene ID(supplied by NCBI)", "Entrez Gene ID"),
    "ensembl_gene_id": ("Ensembl gene ID", "Ensembl Gene ID"),
    "omim_id": ("OMIM ID(supplied by OMIM)", "OMIM ID(supplied by NCBI)"),
}
_MANY = ("alias_symbol", "prev_symbol", "alias_name", "prev_name")


def read_gene_info(source: Source) -> Iterator[Concept]:
    """The concepts of a file of NCBI; a key of the selection is the number of a species.

    Raises:
        FormatError: a column is missing.
    """
    place, first, lines = source.headed()
    header = first.removeprefix("#").split("\t")
    needed = {"tax_id", "GeneID", "Symbol", "Synonyms", "dbXrefs", "type_of_gene"} - {*header}
    if needed:
        raise place.error(f"not gene_info: no column {min(needed)}")
    for place, row in source.rows(lines, header, "\t"):
        if row["Symbol"] == "NEWENTRY":
            source.dropped["row of genes to come (NEWENTRY)"] += 1
            continue
        if row["type_of_gene"] == "biological-region":
            source.dropped["biological region"] += 1
            continue
        names = [row["Symbol"], *row["Synonyms"].split("|")]
        names += [row.get("Full_name_from_nomenclature_authority", ""), row.get("description", "")]
        names += row.get("Other_designations", "").split("|")
        yield from source.concepts(
            place,
            f"NCBIGene:{row['GeneID']}",
            source.selection.by_key([row["tax_id"]]),
            [name for name in names if name != _NONE],
            [f"NCBITaxon:{row['tax_id']}"],
            [same for same in identifiers(row["dbXrefs"].split("|")) if same.startswith(_SAME)],
        )


def read_hgnc(source: Source) -> Iterator[Concept]:
    """The concepts of a file of HGNC.

    Raises:
        FormatError: a column is missing.
    """
    place, first, lines = source.headed()
    header = [_renamed(cell.strip('" ')) for cell in first.split("\t")]
    missing = {"hgnc_id", "symbol"} - {*header}
    if missing:
        raise place.error(f"not HGNC's table: no column {min(missing)}")
    # In the older shape commas stand between several values, in the newer one bars.
    several = _commas if "hgnc_id" not in first else lambda cell: cell.split("|")
    for place, row in source.rows(lines, header, "\t"):
        if row.get("status", "Approved") != "Approved":
            source.dropped["withdrawn symbol"] += 1
            continue
        names = [row["symbol"], row.get("name", "")]
        names += [name for column in _MANY for name in several(row.get(column, ""))]
        same = [f"NCBIGene:{row.get('entrez_id', '')}", f"Ensembl:{row.get('ensembl_gene_id', '')}"]
        same += [f"OMIM:{number}" for number in several(row.get("omim_id", ""))]
        yield from source.concepts(
            place,
            row["hgnc_id"],
            source.selection.by_key(()),
            names,
            ["NCBITaxon:9606"],
            identifiers(same),
        )


def _renamed(column: str) -> str:
    """A column by its newer name."""
    return next((new for new, old in _HGNC.items() if column in old), column)


def _commas(cell: str) -> list[str]:
    """Values between commas; those with a comma inside stand between quotation marks.

    >>> _commas('"globin, beta", NCRNA00181, A-1')
    ['globin, beta', 'NCRNA00181', 'A-1']
    """
    return [quoted or bare.strip() for quoted, bare in re.findall(r'"([^"]*)"|([^,"]+)', cell)]
