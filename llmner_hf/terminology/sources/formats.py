"""The formats of distributors: how each is recognised, read, and what it is by itself.

In: a path. Out: the format of its file, and its concepts. A file is recognised by its name and its
first lines. Where a distributor gives one file to all the world, its licence stands here in a few
words; what a file or the user says of it goes before. Refused: a file that is of no known format.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from llmner_hf.core.errors import InputError
from llmner_hf.readers.files import head, uncompressed_name
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources import (
    cellosaurus,
    ctd,
    genes,
    icd10cm,
    mesh,
    ncbi_taxonomy,
    obo,
    rrf,
    stored,
    tables,
)
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Source

_NO_KEYS = "none: all of it has one type"


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Attributes:
        read: gives the concepts of a source.
        files: what its files are called.
        recognised: whether a file is one of it, by its name and its first lines.
        keys: what the keys of a selection are.
        selection: what is taken, and as which type, where the user says nothing.
        attribution: whom to name.
        licence: of the data, in the distributor's words or nearly; "" where it differs by file.
        last: whether it needs what other files say.
    """

    read: Callable[[Source], Iterator[Concept]]
    files: str
    recognised: Callable[[str, str], bool]
    keys: str
    selection: Selection
    attribution: str = ""
    licence: str = ""
    last: bool = False


def _named(pattern: str) -> Callable[[str, str], bool]:
    """By the name of the file."""
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda name, _: bool(compiled.fullmatch(name))


def _begins(pattern: str) -> Callable[[str, str], bool]:
    """By something in the first lines."""
    compiled = re.compile(pattern, re.MULTILINE)
    return lambda _, beginning: bool(compiled.search(beginning))


_NLM = "U.S. National Library of Medicine"
_NLM_LICENCE = "free use with attribution to the NLM and the version named"
_MESH_KEYS = "beginning of a tree number"

FORMATS: dict[str, Format] = {
    "store": Format(
        stored.read,
        "a store that was built before: NAME.safetensors",
        stored.recognised,
        "none: all of it is taken",
        Selection(),
    ),
    "mesh": Format(
        mesh.descriptors,
        "MeSH descriptors: desc2026.xml, d2026.bin",
        _begins(r"<DescriptorRecordSet|\A\*NEWRECORD\nRECTYPE = D"),
        _MESH_KEYS,
        mesh.SELECTION,
        f"MeSH, {_NLM}",
        _NLM_LICENCE,
    ),
    "mesh_supplementary": Format(
        mesh.supplementary,
        "MeSH supplementary concepts, together with descriptors: supp2026.xml, c2026.bin",
        _begins(r"<SupplementalRecordSet|\A\*NEWRECORD\nRECTYPE = C"),
        "none: the type is that of the headings, as the descriptors have them",
        Selection(),
        f"MeSH, {_NLM}",
        _NLM_LICENCE,
        last=True,
    ),
    "obo": Format(
        obo.read,
        "ontologies: mondo.obo",
        _begins(r"\A\s*format-version:|^\[Term\]"),
        "id of an ancestor, or a terminology",
        obo.SELECTION,
    ),
    "obo_graphs": Format(
        obo.read_graphs,
        "ontologies as OBO graphs: mondo.json",
        _begins(r'\A\s*\{\s*"graphs"'),
        "id of an ancestor, or a terminology",
        obo.SELECTION,
    ),
    "ncbi_taxonomy": Format(
        ncbi_taxonomy.read,
        "NCBI Taxonomy: taxdump.tar.gz, names.dmp",
        _named(r".*taxdump\.tar|.*taxdump\.tgz|names\.dmp"),
        "number of a taxon above",
        ncbi_taxonomy.SELECTION,
        "NCBI Taxonomy, National Center for Biotechnology Information",
        "public domain",
    ),
    "gene_info": Format(
        genes.read_gene_info,
        "NCBI Gene: Homo_sapiens.gene_info",
        _begins(r"\A#tax_id\tGeneID\t"),
        "number of a species",
        genes.SELECTION,
        "NCBI Gene, National Center for Biotechnology Information",
        "public domain",
    ),
    "hgnc": Format(
        genes.read_hgnc,
        "HGNC: hgnc_complete_set.txt",
        _begins(r'\A"?(hgnc_id|HGNC ID)"?\t'),
        _NO_KEYS,
        genes.SELECTION,
        "HUGO Gene Nomenclature Committee, genenames.org",
        "CC0 1.0",
    ),
    "cellosaurus": Format(
        cellosaurus.read,
        "Cellosaurus: cellosaurus.txt",
        _begins(r"^AC   CVCL_"),
        "category, or number of a species",
        cellosaurus.SELECTION,
        "Cellosaurus, SIB Swiss Institute of Bioinformatics",
        "CC BY 4.0",
    ),
    "ctd": Format(
        ctd.read,
        "CTD vocabularies: CTD_diseases.csv",
        _begins(r"^# ?(ChemicalName|DiseaseName|GeneSymbol)[,\t]"),
        _NO_KEYS,
        Selection(),
        "Comparative Toxicogenomics Database, ctdbase.org",
    ),
    "umls": Format(
        rrf.read_umls,
        "UMLS: MRCONSO.RRF, and MRSTY.RRF beside it",
        _named(r"MRCONSO.*\.RRF"),
        "semantic type, as T047 or its name",
        rrf.UMLS_SELECTION,
        f"UMLS Metathesaurus, {_NLM}",
        "UMLS Metathesaurus License: not to be handed on",
    ),
    "rxnorm": Format(
        rrf.read_rxnorm,
        "RxNorm: RXNCONSO.RRF",
        _named(r"RXNCONSO.*\.RRF"),
        "term type, as IN",
        rrf.RXNORM_SELECTION,
        f"RxNorm, {_NLM}",
    ),
    "icd10cm": Format(
        icd10cm.read,
        "ICD-10-CM: icd10cm_order_2026.txt, icd10cm_codes_2026.txt, icd10cm_tabular_2026.xml",
        _begins(rf"\A({icd10cm.ORDER.pattern}|{icd10cm.CODE.pattern})\s*$|<ICD10CM\.tabular>"),
        "beginning of a code",
        icd10cm.SELECTION,
        "ICD-10-CM, U.S. National Center for Health Statistics",
    ),
    "table": Format(
        tables.read,
        "any table with a header: .csv, .tsv",
        _named(r".*\.(csv|tsv|tab|txt)"),
        "what the column of types says",
        Selection(),
    ),
}


def format_of(path: str | os.PathLike[str]) -> str:
    """The format of a file.

    Raises:
        InputError: it is of none, is empty, or cannot be opened.
    """
    name, beginning = uncompressed_name(path), head(path).replace("\r\n", "\n")
    if not beginning.strip():
        raise InputError(f"{path}: an empty file; name one with concepts")
    for key, known in FORMATS.items():
        if known.recognised(name, beginning):
            return key
    raise InputError(f"{path}: of no known format; name it (--format): {', '.join(FORMATS)}")
