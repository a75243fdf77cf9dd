"""Ids of concepts as files write them, and as this package does: terminology, colon, number.

In: a cell of a file, as ``D003865|D016584``, and the type of the mention. Out: the ids with their
terminologies, as ``MESH:D003865``; the cell again; a page of the concept's source. Not refused but
counted: an id that shows no terminology.

- ``D`` or ``C`` with digits is MeSH; with exactly seven digits behind a ``C`` it is a CUI of UMLS.
- Digits alone are NCBI Gene where the type means genes, NCBI Taxonomy where it means species
  (`core.linking.types`), and else nobody knows.
- ``CVCL_0030`` is Cellosaurus (``CVCL:0030``), ``rs334`` dbSNP, ``p.V600E`` HGVS, and a string of
  tmVar, as ``c|SUB|G|12|A``, has the prefix ``tmVar``.
- A prefix goes before all this. Its other spellings (``mesh``, ``NCBI Gene``, ``EntrezGene``,
  ``taxonomy``, ``MIM``, ...) become ours; one that is not known stays as it is.
- Several ids stand between ``|`` (BC5CDR, NCBI-Disease), ``+`` (NCBI-Disease), ``,`` (BioRED) or
  ``;`` (PubTator 3). They are one answer, a set: NCBI-Disease does not tell whether two ids are
  two parts of a composite mention or a choice between MeSH and OMIM. In variants ``|`` and ``+``
  part nothing.
- ``-1`` (BC5CDR) and ``-`` (BioRED) say that a mention has no concept. Beside ids, as in
  ``D009369|-1``, they are passed over: one part of the mention has none.
- PubTator 3 names one variant in several ways, beside its gene
  (``tmVar:c|SUB|...;HGVS:c.12G>A;CorrespondingGene:672;RS#:334``): of these the id is the one of
  dbSNP, else of HGVS, else of tmVar.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import quote

from llmner_hf.core.linking.types import type_of

NO_CONCEPT = "-"

_ABSENT = frozenset({NO_CONCEPT, "-1"})
# What digits alone mean in mentions of a type.
_OF_DIGITS: Mapping[str, str] = MappingProxyType({"Gene": "NCBIGene", "Species": "NCBITaxon"})

# Other spellings, in small letters without blanks and underscores -> ours.
_SPELLINGS: Mapping[str, str] = MappingProxyType(
    {
        "mesh": "MESH",
        "msh": "MESH",
        "ncbigene": "NCBIGene",
        "gene": "NCBIGene",
        "geneid": "NCBIGene",
        "entrez": "NCBIGene",
        "entrezgene": "NCBIGene",
        "ncbitaxon": "NCBITaxon",
        "ncbitaxonomy": "NCBITaxon",
        "taxonomy": "NCBITaxon",
        "taxid": "NCBITaxon",
        "omim": "OMIM",
        "mim": "OMIM",
        "cvcl": "CVCL",
        "cellosaurus": "CVCL",
        "dbsnp": "dbSNP",
        "rs#": "dbSNP",
        "umls": "UMLS",
        "chebi": "CHEBI",
        "hgnc": "HGNC",
        "mondo": "MONDO",
        "doid": "DOID",
        "hp": "HP",
        "hpo": "HP",
        "hgvs": "HGVS",
        "tmvar": "tmVar",
    }
)
# What an id without a prefix shows by its form. MeSH has six or nine digits behind a C.
_FORMS = (
    (re.compile(r"C\d{7}"), "UMLS"),
    (re.compile(r"[CD]\d+"), "MESH"),
    (re.compile(r"CVCL_\w+"), "CVCL"),
    (re.compile(r"rs\d+"), "dbSNP"),
    (re.compile(r"[cgmnpr]\..+"), "HGVS"),
    (re.compile(r"[cgmnpr]?\|[^|]+\|.*"), "tmVar"),
)
# A variant: the marks | and + belong to it.
_WHOLE = re.compile(r"(?i:tmvar:|hgvs:)|[cgmnpr]?\||[cgmnpr]\.")
_MARKS = re.compile(r"[|+,;]")
# What PubTator 3 says of a variant beside its names.
_ASIDE = frozenset({"VariantGroup", "CorrespondingGene", "CorrespondingSpecies", "OriginalGene"})
_STRONGEST = ("dbSNP", "HGVS", "tmVar")

_PAGES: Mapping[str, str] = MappingProxyType(
    {
        "MESH": "mesh:",
        "NCBIGene": "ncbigene:",
        "NCBITaxon": "taxonomy:",
        "OMIM": "mim:",
        "CVCL": "cellosaurus:CVCL_",
        "dbSNP": "dbsnp:",
        "UMLS": "umls:",
        "HGNC": "hgnc:",
        "MONDO": "mondo:",
        "EFO": "efo:",
        # Terminologies whose ids hold their prefix.
        **{name: f"{name}:" for name in ("CHEBI", "CL", "DOID", "GO", "HP", "UBERON")},
    }
)


class Ids(NamedTuple):
    """What a cell says.

    Attributes:
        known: the ids with their terminologies, each once; none where the mention has no concept.
            None where the cell says nothing that is known.
        unknown: how many ids showed no terminology.
    """

    known: tuple[str, ...] | None
    unknown: int = 0


def concept_id(raw: str, label: str = "", terminology: str = "") -> str | None:
    """One id with its terminology; None where nothing shows it.

    Args:
        raw: the id as a file writes it.
        label: the type of the mention.
        terminology: the prefix of an id that has none, where the file tells it elsewhere.

    >>> concept_id("D001241"), concept_id("672", "Gene"), concept_id("9606", "OrganismTaxon")
    ('MESH:D001241', 'NCBIGene:672', 'NCBITaxon:9606')
    >>> concept_id("CVCL_0030"), concept_id("mim:612446"), concept_id("672", "Disease")
    ('CVCL:0030', 'OMIM:612446', None)
    """
    raw = raw.strip()
    if not raw or any(character.isspace() for character in raw):
        return None
    prefix, colon, number = raw.partition(":")
    if colon:
        known = spelling(prefix)
        if known is None:
            return raw if prefix and number else None
        return _normal(known, number)
    shown = next((name for form, name in _FORMS if form.fullmatch(raw)), "")
    shown = shown or terminology or _of_digits(raw, label)
    if not shown and "|" in raw and type_of(label, ("Variant",)):
        shown = "tmVar"
    return _normal(shown, raw) if shown else None


def spelling(prefix: str) -> str | None:
    """Our spelling of a prefix; None where it is not known.

    >>> spelling("NCBI Gene"), spelling("MyTerms")
    ('NCBIGene', None)
    """
    return _SPELLINGS.get(re.sub(r"[\s_]", "", prefix).casefold())


def _normal(terminology: str, number: str) -> str | None:
    """An id, its prefix once; None where there is no number."""
    while number.casefold().startswith(f"{terminology}:".casefold()):
        number = number[len(terminology) + 1 :]
    if terminology == "CVCL":
        number = number.removeprefix("CVCL_")
    elif terminology == "dbSNP" and number.isdigit():
        number = f"rs{number}"
    return f"{terminology}:{number}" if number else None


def _of_digits(raw: str, label: str) -> str:
    """The terminology of digits, which the type of their mention shows; empty where it does not."""
    if not (raw.isascii() and raw.isdigit()):
        return ""
    return _OF_DIGITS.get(type_of(label, tuple(_OF_DIGITS)) or "", "")


def concept_ids(cell: str, label: str = "", terminology: str = "") -> Ids:
    """The ids of a cell; the opening paragraph tells the rules.

    >>> concept_ids("D003865|D016584")
    Ids(known=('MESH:D003865', 'MESH:D016584'), unknown=0)
    >>> concept_ids("-1"), concept_ids(""), concept_ids("what?")
    (Ids(known=(), unknown=0), Ids(known=None, unknown=0), Ids(known=None, unknown=1))
    """
    parts = [part for part in map(str.strip, _parts(cell)) if part]
    if any(part.partition(":")[0] in _ASIDE for part in parts):
        return _one_variant(parts)
    stated = [part for part in parts if part not in _ABSENT]
    found = [concept_id(part, label, terminology) for part in stated]
    known = tuple(dict.fromkeys(id for id in found if id is not None))
    unknown = found.count(None)
    return Ids(known if known or (parts and not unknown) else None, unknown)


def _parts(cell: str) -> Iterator[str]:
    for part in re.split("[;,]", cell):
        if _WHOLE.match(part.strip()):
            yield part
        else:
            yield from re.split("[|+]", part)


def _one_variant(parts: Sequence[str]) -> Ids:
    """The strongest of the names of one variant."""
    names = {id.partition(":")[0]: id for id in map(concept_id, parts) if id is not None}
    strongest = next((names[name] for name in _STRONGEST if name in names), None)
    return Ids(None, 1) if strongest is None else Ids((strongest,))


def cell_of(ids: Sequence[str], label: str) -> str | None:
    """The cell that says these ids, as short as corpora write it; None where none can.

    >>> cell_of(["MESH:D003865", "OMIM:612446"], "Disease"), cell_of(["NCBIGene:672"], "Gene")
    ('D003865|OMIM:612446', '672')
    >>> cell_of([], "Gene"), cell_of(["My:a|b"], "Gene")
    ('-', None)
    """
    if not ids:
        return NO_CONCEPT
    unique = tuple(dict.fromkeys(ids))
    short = [_short(id, label) for id in unique]
    cell = (";" if any(map(_MARKS.search, short)) else "|").join(short)
    return cell if concept_ids(cell, label) == Ids(unique) else None


def _short(id: str, label: str) -> str:
    """An id without its prefix, where the rest shows it."""
    prefix, _, number = id.partition(":")
    number = f"CVCL_{number}" if prefix == "CVCL" else number
    return number if concept_id(number, label) == id else id


def page_of(id: str) -> str | None:
    """Where to read about a concept; None where its terminology is not known.

    >>> page_of("MESH:D001241"), page_of("CVCL:0030"), page_of("My:1")
    ('https://identifiers.org/mesh:D001241', 'https://identifiers.org/cellosaurus:CVCL_0030', None)
    """
    prefix, _, number = id.partition(":")
    if prefix not in _PAGES:
        return None
    return f"https://identifiers.org/{_PAGES[prefix]}{quote(number, safe='', errors='replace')}"
