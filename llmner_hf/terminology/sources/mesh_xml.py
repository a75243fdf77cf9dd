"""Records of MeSH's XML, of a file of any size.

In: ``DescriptorRecord`` or ``SupplementalRecord``. Out: `Record`. Left out and counted: permuted
terms ("House, Slaughter"), which no text has and MeSH's ASCII neither.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from llmner_hf.readers import markup
from llmner_hf.readers.files import Place
from llmner_hf.terminology.sources.source import Source


@dataclass(frozen=True, slots=True)
class Record:
    """What both forms of MeSH say of a concept.

    Attributes:
        place: where it begins.
        id: as D000001.
        names: the preferred one first.
        trees: tree numbers of a descriptor.
        headings: ids or names of the descriptors that a supplementary concept is mapped to.
    """

    place: Place
    id: str
    names: tuple[str, ...]
    trees: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()


def records(source: Source, tag: str) -> Iterator[Record]:
    """The records with that tag.

    Raises:
        FormatError: the file is not well-formed XML.
    """
    stem = "Descriptor" if tag == "DescriptorRecord" else tag
    for element in markup.records(source.path, tag):
        yield Record(
            markup.place_of(source.path, element),
            (element.findtext(f"{stem}UI") or "").strip(),
            (element.findtext(f"{stem}Name/String") or "", *_terms(source, element)),
            tuple((tree.text or "").strip() for tree in element.iter("TreeNumber")),
            tuple(
                # A star marks the heading that is meant first.
                (at.text or "").strip().removeprefix("*")
                for at in element.iterfind(
                    "HeadingMappedToList/HeadingMappedTo/DescriptorReferredTo/DescriptorUI"
                )
            ),
        )


def _terms(source: Source, element: Element) -> Iterator[str]:
    for term in element.iterfind("ConceptList/Concept/TermList/Term"):
        if term.get("IsPermutedTermYN") == "Y":
            source.dropped["permuted term, as 'House, Slaughter'"] += 1
        else:
            yield term.findtext("String") or ""
