"""Ontologies: OBO files and OBO graphs.

In: ``.obo``, read by `fastobo`, or OBO graphs as JSON. Out: concepts. Names are the label and the
synonyms of the scopes that are asked for. Parents are what a term ``is_a``. Ids that mean the same
are those of ``exactMatch`` and those of cross-references marked as equivalent
(``{source="MONDO:equivalentTo"}``); where a term has neither, all its cross-references. Obsolete
terms are left out and counted, and so is a term that cannot be read.

`fastobo` is the parser of `pronto`. It is used by itself because it goes on behind a bad term;
`pronto` refuses a whole file for one undeclared type of synonyms or one parent that is not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from llmner_hf.core.errors import InputError
from llmner_hf.readers.files import Place, opened
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.identifiers import identifier, identifiers
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Source

SELECTION = Selection(
    {
        "MONDO": "Disease",
        "DOID": "Disease",
        "HP:0000118": "Disease",  # not modes of inheritance, not frequencies
        "CHEBI:24431": "Chemical",  # not roles, not subatomic particles
        "CL": "CellType",
        "UBERON": "Anatomy",
        "EFO:0000322": "CellLine",
        "CLO": "CellLine",
        "NCBITaxon": "Species",
        "PR": "Gene",
    }
)
_WHOSE = ("title", "rights")


@dataclass(slots=True)
class Term:
    """What both forms say of a term."""

    place: Place
    id: str
    name: str = ""
    obsolete: bool = False
    synonyms: list[tuple[str, str]] = field(default_factory=list)  # scope, name
    parents: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    equivalent: list[str] = field(default_factory=list)


def read(source: Source) -> Iterator[Concept]:
    """The concepts of an OBO file.

    Raises:
        InputError: `fastobo` is not installed.
        FormatError: the header is not OBO.
    """
    yield from _concepts(source, list(_frames(source)))


def read_graphs(source: Source) -> Iterator[Concept]:
    """The concepts of OBO graphs.

    Raises:
        FormatError: the file is not JSON, or holds no graphs.
    """
    try:
        with opened(source.path) as stream:
            found = json.load(stream)
    except (ValueError, RecursionError) as error:
        raise source.place().error(f"not JSON: {error}") from None
    graphs = found.get("graphs") if isinstance(found, dict) else None
    if not isinstance(graphs, list):
        raise source.place().error('no OBO graphs; they are a list under "graphs"')
    yield from _concepts(source, [term for graph in graphs for term in _nodes(source, graph)])


def _concepts(source: Source, terms: list[Term]) -> Iterator[Concept]:
    parents = {term.id: term.parents for term in terms}
    for term in terms:
        if term.obsolete:
            source.dropped["obsolete term"] += 1
            continue
        kind = source.selection.by_ancestor(term.id, lambda id: parents.get(id, ()))
        taken = [name for scope, name in term.synonyms if scope in source.options.scopes]
        if kind and (others := len(term.synonyms) - len(taken)):
            source.dropped["synonym of a scope that is not taken"] += others
        names = [term.name, *taken] if term.name else []
        same = identifiers(term.equivalent or term.references)
        yield from source.concepts(term.place, term.id, kind, names, term.parents, same)


def _frames(source: Source) -> Iterator[Term]:
    """The terms of an OBO file."""
    try:
        import fastobo
    except ImportError:
        raise InputError(
            f"{source.path}: OBO files are read by fastobo, which is not installed; "
            "pip install 'llmner_hf[linking]', or take the ontology as OBO graphs (.json)"
        ) from None
    with opened(source.path) as stream:
        try:
            document = fastobo.iter(stream, ordered=True)
        except SyntaxError as error:
            raise source.place(error.lineno or 0).error(f"not OBO: {error.msg}") from None
        for clause in document.header():
            _told(source, clause.raw_tag(), clause)
        while True:
            try:
                frame = next(document, None)
            except SyntaxError as error:
                source.drop(source.place(error.lineno or 0), "term that is not OBO")
                continue
            if frame is None:
                return
            if isinstance(frame, fastobo.term.TermFrame):
                yield _term(source, frame)


def _told(source: Source, tag: str, clause: Any) -> None:
    """What a header says of version, licence and title."""
    if tag == "data-version":
        source.version = _version(clause.version)
    elif tag == "property_value":
        stated = clause.property_value
        _property(source, str(stated.relation), str(stated.value))


def _property(source: Source, name: str, value: str) -> None:
    name = name.rpartition("/")[2].rpartition(":")[2].rpartition("#")[2]
    if name in ("license", "licence"):
        source.licence = value
    elif name in _WHOSE:
        source.attribution = "; ".join(filter(None, (source.attribution, value)))


def _version(stated: str) -> str:
    """A version without the words around it.

    >>> _version("hp/releases/2026-02-16"), _version("http://x/releases/2026-01-01/mondo.owl")
    ('2026-02-16', '2026-01-01')
    """
    parts = stated.split("/")
    return parts[parts.index("releases") + 1] if "releases" in parts[:-1] else stated


def _term(source: Source, frame: Any) -> Term:
    term = Term(source.place(0, str(frame.id)), str(frame.id))
    for clause in frame:
        match clause.raw_tag():
            case "name":
                term.name = clause.name
            case "synonym":
                term.synonyms.append((clause.synonym.scope.lower(), clause.synonym.desc))
            case "is_a":
                term.parents.append(str(clause.term))
            case "is_obsolete":
                term.obsolete = clause.obsolete
            case "xref":
                equivalent = "equivalentTo" in str(clause.qualifiers or "")
                (term.equivalent if equivalent else term.references).append(str(clause.xref.id))
            case "property_value" if "exactMatch" in str(clause.property_value.relation):
                term.equivalent.append(str(clause.property_value.value))
    return term


_SCOPES = {f"has{scope.title()}Synonym": scope for scope in ("exact", "related", "narrow", "broad")}


def _nodes(source: Source, graph: Any) -> Iterator[Term]:
    """The terms of an OBO graph."""
    try:
        meta = graph.get("meta", {})
        source.version = source.version or _version(meta.get("version", ""))
        for stated in meta.get("basicPropertyValues", ()):
            _property(source, stated["pred"], stated["val"])
        parents = dict[str, list[str]]()
        for edge in graph.get("edges", ()):
            if edge["pred"] == "is_a":
                parents.setdefault(edge["sub"], []).append(_short(edge["obj"]))
    except (AttributeError, KeyError, TypeError):
        raise source.place().error("an OBO graph whose meta or edges are malformed") from None
    for number, node in enumerate(graph.get("nodes", ())):
        try:
            if node.get("type", "CLASS") == "CLASS":
                yield _node(source, node, parents.get(node["id"], []))
        except (AttributeError, KeyError, TypeError):
            source.drop(source.place(0, f"node {number} from 0"), "malformed node")


def _node(source: Source, node: dict[str, Any], parents: list[str]) -> Term:
    meta, short = node.get("meta", {}), _short(node["id"])
    return Term(
        source.place(0, short),
        short,
        node.get("lbl") or "",
        bool(meta.get("deprecated")),
        [(_SCOPES.get(s["pred"], ""), s["val"]) for s in meta.get("synonyms", ())],
        parents,
        [str(reference["val"]) for reference in meta.get("xrefs", ())],
        [
            str(stated["val"])
            for stated in meta.get("basicPropertyValues", ())
            if "exactMatch" in stated["pred"]
        ],
    )


def _short(address: str) -> str:
    """The id of an address, or the address."""
    return identifier(address) or address
