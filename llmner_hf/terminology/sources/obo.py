"""Ontologies: OBO files and OBO graphs.

In: ``.obo``, or OBO graphs as JSON. Out: concepts. Names are the label and the synonyms of the
scopes that are asked for. Parents are what a term ``is_a``. Ids that mean the same are those of
``exactMatch`` and of cross-references that are marked as equivalent, as by MONDO with
``{source="MONDO:equivalentTo"}``; where a term has neither, all its cross-references. Obsolete
terms are left out and counted, and so is what cannot be read.

OBO is read here, not by `pronto`: that refuses a whole file for one bad line, one parent that is
not there or one type of synonyms that is not declared, and its parser ends in a panic on some
damaged files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

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
_TAG = re.compile(r"([\w-]+): *(\S.*)")
# What may stand behind a value: qualifiers, then a comment.
_BEHIND = re.compile(r"(?<!\\)\s*(?:\{[^{}]*=[^{}]*\}\s*)?(?:\s! .*)?$")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(EXACT|RELATED|NARROW|BROAD)?')
_ESCAPED = re.compile(r"\\(.)")
_BLANKS = {"n": "\n", "t": "\t", "W": " "}


@dataclass(slots=True)
class Term:
    """What both forms say of a term."""

    place: Place
    id: str = ""
    name: str = ""
    obsolete: bool = False
    synonyms: list[tuple[str, str]] = field(default_factory=list)  # scope, name
    parents: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    equivalent: list[str] = field(default_factory=list)

    def add(self, tag: str, value: str) -> bool:
        """Take a line of a stanza; False for one that is malformed."""
        first = value.split()[0]
        match tag:
            case "id":
                self.id = first
            case "name":
                self.name = _plain(_BEHIND.sub("", value, count=1))
            case "is_a":
                self.parents.append(first)
            case "is_obsolete":
                self.obsolete = first == "true"
            case "xref":
                equivalent = "equivalentTo" in value
                (self.equivalent if equivalent else self.references).append(first)
            case "property_value" if "exactMatch" in first:
                self.equivalent += [part.strip('"') for part in value.split()[1:2]]
            case "synonym" | "exact_synonym" | "related_synonym" | "narrow_synonym":
                found = _QUOTED.match(value)
                if not found:
                    return False
                scope = found[2] or tag.removesuffix("synonym").strip("_") or "related"
                self.synonyms.append((scope.lower(), _plain(found[1])))
        return True


def read(source: Source) -> Iterator[Concept]:
    """The concepts of an OBO file."""
    yield from _concepts(source, list(_stanzas(source)))


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


def _stanzas(source: Source) -> Iterator[Term]:
    """The terms of an OBO file; what stands before the first stanza tells of the file."""
    term: Term | None = None
    in_header = True
    for place, line in source.lines():
        line = line.strip()
        if line.startswith("["):
            if term:
                yield term
            in_header, term = False, Term(place) if line.startswith("[Term]") else None
        elif line and not line.startswith("!"):
            tag = _TAG.fullmatch(line)
            if in_header and tag:
                _told(source, *tag.groups())
            elif (term or in_header) and not (tag and term and term.add(*tag.groups())):
                source.drop(place, "line that is not OBO")
    if term:
        yield term


def _plain(text: str) -> str:
    r"""A text without escapes.

    >>> _plain(r"Zellweger \"A\", form\Wtwo")
    'Zellweger "A", form two'
    """
    return _ESCAPED.sub(lambda found: _BLANKS.get(found[1], found[1]), text)


def _told(source: Source, tag: str, value: str) -> None:
    """What a header says of version, licence and title."""
    if tag == "data-version":
        source.version = _version(value)
    elif tag == "property_value":
        name, _, rest = value.partition(" ")
        quoted = _QUOTED.match(rest)
        _property(source, name, _plain(quoted[1]) if quoted else rest.split(" ")[0])


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
