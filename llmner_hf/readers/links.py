"""Concepts of mentions, as files state them and write them.

In: a cell, a BioC annotation's infons, or a field "links" of JSON. Out: `Link` values, none where a
mention has no concept, and None where a file says nothing of it; and their form in JSON. Left out
and remarked: an id whose terminology nothing shows. `core.linking.identifiers` tells how ids are
read.

In JSON a link is {"id", "name", "score"}, or an id alone; gold links have neither name nor score,
and their score counts as 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from llmner_hf.core.entities import Link
from llmner_hf.core.errors import InputError
from llmner_hf.core.linking.identifiers import (
    Ids,
    cell_of,
    concept_id,
    concept_ids,
    spelling,
)
from llmner_hf.readers.records import Record, as_record

Links = tuple[Link, ...]

UNKNOWN = "concept id of no known terminology, left out"

# Infons with ids in them, in small letters: what an id has for a prefix is told by the id itself,
# or by the name of the infon.
_INFONS = frozenset(
    {
        "identifier",
        "mesh",
        "ncbi gene",
        "ncbi taxonomy",
        "omim",
        "chebi",
        "cellosaurus",
        "dbsnp",
        "umls",
    }
)


def united(*stated: Iterable[Link]) -> Links:
    """All links, each concept once."""
    found: dict[str, Link] = {}
    for links in stated:
        for link in links:
            found.setdefault(link.id, link)
    return tuple(found.values())


def of_cell(cell: str, label: str, remarks: Counter[str]) -> Links | None:
    """The concepts that a cell names; ids of no known terminology are remarked.

    >>> of_cell("D001241", "Chemical", Counter())
    (Link(id='MESH:D001241', name='', score=1.0),)
    """
    return _gold([concept_ids(cell, label)], remarks)


def _gold(stated: Iterable[Ids], remarks: Counter[str]) -> Links | None:
    said = tuple(stated)
    remarks[UNKNOWN] += sum(ids.unknown for ids in said)
    known = [ids.known for ids in said if ids.known is not None]
    return united(*([Link(id, "", 1.0) for id in ids] for ids in known)) if known else None


def of_named(
    concepts: Iterable[tuple[str, str]], label: str, remarks: Counter[str]
) -> Links | None:
    """The concepts of ids and names; None where none is known."""
    found = [(concept_id(id, label), name) for id, name in concepts]
    known = [Link(id, name, 1.0) for id, name in found if id is not None]
    remarks[UNKNOWN] += len(found) - len(known)
    return united(known) if known else None


def of_infons(infons: Mapping[str, object], label: str, remarks: Counter[str]) -> Links | None:
    """The concepts that a BioC annotation names, in "identifier" or under a terminology's name.

    >>> of_infons({"type": "Gene", "NCBI Gene": "672"}, "Gene", Counter())
    (Link(id='NCBIGene:672', name='', score=1.0),)
    """
    stated = []
    for key, value in infons.items():
        if key.casefold() in _INFONS:
            values = value if isinstance(value, list) else [value]
            cells = [str(one) for one in values if one is not None]
            stated += [concept_ids(cell, label, spelling(key) or "") for cell in cells]
    return _gold(stated, remarks)


def of_record(record: Record, label: str, remarks: Counter[str]) -> Links | None:
    """The concepts in the field "links": a list of links or of ids, or a cell.

    Raises:
        FormatError: it is none of these, or a score is not in [0, 1].
    """
    if "links" not in record:
        return None
    if isinstance(record.fields["links"], str):
        return of_cell(record.text("links"), label, remarks)
    listed = record.items("links")
    found = [_link(record, item, label) for item in listed]
    known = [link for link in found if link is not None]
    remarks[UNKNOWN] += len(found) - len(known)
    return united(known) if known or not listed else None


def _link(record: Record, item: object, label: str) -> Link | None:
    """A link of a list; None where nothing shows its terminology."""
    stated = as_record(record.place, {"id": item} if isinstance(item, str) else item)
    id = concept_id(stated.text("id"), label)
    name = stated.text("name") if "name" in stated else ""
    score = stated.share("score") if "score" in stated else 1.0
    try:
        return None if id is None else Link(id, name, score)
    except InputError as error:
        raise record.place.error(str(error)) from None


def in_json(links: Iterable[Link]) -> list[dict[str, object]]:
    """Links as JSON holds them.

    >>> in_json([Link("MESH:D001241", "", 1.0), Link("MESH:D001249", "Asthma", 0.5)])
    [{'id': 'MESH:D001241'}, {'id': 'MESH:D001249', 'name': 'Asthma', 'score': 0.5}]
    """
    return [
        {"id": link.id, "name": link.name, "score": link.score}
        if is_told(link)
        else {"id": link.id}
        for link in links
    ]


def cell(links: Links | None, label: str) -> str | None:
    """The cell that says the concepts of a mention; None where they are not known, or none can."""
    return None if links is None else cell_of([link.id for link in links], label)


def is_told(link: Link) -> bool:
    """Whether a link is more than an id: it has a name, or a score below 1."""
    return bool(link.name) or link.score < 1.0
