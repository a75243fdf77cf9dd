"""Identifiers as files of distributors write them, in one writing.

In: what a file writes for a concept of its own or of another terminology: ``MSH:D001241``,
``MIM:151660``, ``http://identifiers.org/mesh/D001241``. Out: the id as `core.linking.identifiers`
writes it, or "" for what is none (a web page, a person).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from llmner_hf.core.linking.identifiers import concept_id, spelling

# Spellings of ontologies and of the UMLS, in small letters, beside those that texts have.
_SPELLINGS = {
    "do": "DOID",
    "umls_cui": "UMLS",
    "snomedct": "SNOMEDCT",
    "snomedct_us": "SNOMEDCT",
    "sctid": "SNOMEDCT",
    "nci": "NCIT",
    "ncit": "NCIT",
    "icd-10-cm": "ICD10CM",
    "orpha": "Orphanet",
    "orphanet": "Orphanet",
}
# What is referred to and is no concept: publications, pages, people.
_NO_CONCEPTS = {"pmid", "doi", "isbn", "http", "https", "url", "wikipedia", "orcid"}
_ADDRESSES = (
    re.compile(r"https?://purl\.obolibrary\.org/obo/([A-Za-z]+)_(\S+)"),
    re.compile(r"https?://\S+/(mesh|umls|snomedct|doid|hgnc|ncit|chebi)/(?:id/)?([\w.:-]+)"),
    re.compile(r"https?://(?:www\.)?(omim)\.org/entry/(\d+)"),
    re.compile(r"https?://www\.orpha\.net/ORDO/(Orphanet)_(\d+)"),
)


def identifier(written: str) -> str:
    """An id in one writing; "" for what is none.

    >>> identifier("MSH:D001241"), identifier("DO:DOID:4"), identifier("HGNC:HGNC:5")
    ('MESH:D001241', 'DOID:4', 'HGNC:5')
    >>> identifier("http://purl.obolibrary.org/obo/CL_0000540"), identifier("http://x.org/a")
    ('CL:0000540', '')
    >>> identifier("Cellosaurus:CVCL_0030"), identifier("PMID:123")
    ('CVCL:0030', '')
    >>> identifier("http://linkedlifedata.com/resource/umls/id/C0012634")
    'UMLS:C0012634'
    """
    written = written.strip()
    prefix, _, number = written.partition(":")
    for pattern in _ADDRESSES:
        if address := pattern.fullmatch(written):
            prefix, number = address.groups()
    if prefix.lower() in _NO_CONCEPTS or any(map(str.isspace, written)):
        return ""
    if ":" in number:  # a prefix before a prefix
        prefix, _, number = number.partition(":")
    prefix = spelling(prefix) or _SPELLINGS.get(prefix.lower(), prefix)
    return (concept_id(f"{prefix}:{number}") or "") if prefix and number else ""


def identifiers(written: Iterable[str]) -> tuple[str, ...]:
    """The ids among these, each once."""
    return tuple(dict.fromkeys(found for each in written if (found := identifier(each))))
