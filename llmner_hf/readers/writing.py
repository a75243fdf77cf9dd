"""Documents to files in any format that can hold entities, by the name of the file.

In: documents as `Entry`, a path, the name of a format or None. Out: the file, and counts of what
the format cannot hold. Refused: a suffix that says nothing, an id or a type that a format cannot
write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

from llmner_hf.core.errors import InputError
from llmner_hf.readers import bioc_json, bioc_xml, brat, conll, json_lines, pubtator, tables
from llmner_hf.readers.entries import Entry
from llmner_hf.readers.files import AnyPath, uncompressed_name
from llmner_hf.readers.links import cell, is_told

# Returns what the format cannot hold, None where it holds everything.
Writer = Callable[[AnyPath, Sequence[Entry]], Counter[str] | None]


def _json_lines(path: AnyPath, entries: Sequence[Entry]) -> None:
    json_lines.write(path, map(json_lines.entry_row, entries))


def _pubtator(path: AnyPath, entries: Sequence[Entry]) -> Counter[str]:
    titles = {entry.example.id: entry.title for entry in entries if entry.title is not None}
    links = {entry.example.id: entry.links for entry in entries}
    pubtator.write(path, [entry.example for entry in entries], titles, links)
    altered = sum(pubtator.altered(entry.example, entry.title) for entry in entries)
    return (
        _scores(entries)
        + _fields(entries)
        + _links(entries)
        + Counter({"line break, tab or missing abstract (a blank)": altered})
    )


def _bioc(path: AnyPath, entries: Sequence[Entry]) -> Counter[str]:
    is_json = uncompressed_name(path).lower().endswith(".json")
    (bioc_json if is_json else bioc_xml).write(path, entries)
    return _fields(entries) + _links(entries)


def _bioc_json(path: AnyPath, entries: Sequence[Entry]) -> Counter[str]:
    bioc_json.write(path, entries)
    return _fields(entries) + _links(entries)


def _brat(path: AnyPath, entries: Sequence[Entry]) -> Counter[str]:
    brat.write(
        path,
        [entry.example for entry in entries],
        {entry.example.id: entry.links for entry in entries},
    )
    labels = [entity.label for entry in entries for entity in entry.example.entities]
    blanks = sum(" " in label for label in labels)
    concepts = [link for entry in entries for links in entry.links.values() for link in links]
    lost = {
        "blank in a type's name (_)": blanks,
        "score of a concept": sum(link.score < 1 for link in concepts),
        "line break in a concept's name (a blank)": sum(
            bool({"\n", "\r"} & set(link.name)) for link in concepts
        ),
        "note that a mention has no concept": sum(
            not links for entry in entries for links in entry.links.values()
        ),
    }
    return _scores(entries) + _fields(entries) + Counter(lost)


def _conll(path: AnyPath, entries: Sequence[Entry]) -> Counter[str]:
    lost = conll.write(path, [entry.example for entry in entries])
    told = {"id": len(entries), "concepts of a mention": sum(len(entry.links) for entry in entries)}
    return lost + _scores(entries) + _fields(entries) + Counter(told)


def _scores(entries: Sequence[Entry]) -> Counter[str]:
    return Counter({"score": sum(len(entry.scores) for entry in entries)})


def _links(entries: Sequence[Entry]) -> Counter[str]:
    """What a cell of ids lacks of the concepts."""
    lost: Counter[str] = Counter()
    for entry in entries:
        for entity, links in entry.links.items():
            held = cell(links, entity.label) is not None
            lost["name or score of a concept"] += sum(map(is_told, links)) if held else 0
            lost["concepts of a mention, whose ids hold marks"] += not held
    return lost


def _fields(entries: Sequence[Entry]) -> Counter[str]:
    """The fields that do not travel along, by their names."""
    return Counter(f"field {name!r}" for entry in entries for name in entry.fields)


WRITERS: Mapping[str, Writer] = MappingProxyType(
    {
        "json_lines": _json_lines,
        "csv": partial(tables.write, delimiter=","),
        "tsv": partial(tables.write, delimiter="\t"),
        "parquet": tables.write_parquet,
        "pubtator": _pubtator,
        "bioc": _bioc,
        "bioc_json": _bioc_json,
        "brat": _brat,
        "conll": _conll,
    }
)

_BY_SUFFIX = {
    ".jsonl": "json_lines",
    ".jsonlines": "json_lines",
    ".ndjson": "json_lines",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
    ".pubtator": "pubtator",
    ".xml": "bioc",
    ".json": "bioc_json",
    ".conll": "conll",
    ".bio": "conll",
    ".iob": "conll",
    ".iob2": "conll",
}


def written_format(path: AnyPath) -> str:
    """The name of the format that a file to be written has, a key of ``WRITERS``.

    >>> written_format("out.PubTator"), written_format("out.jsonl.gz")
    ('pubtator', 'json_lines')

    Raises:
        InputError: the suffix says nothing.
    """
    if Path(path).is_dir():
        return "brat"
    suffix = Path(uncompressed_name(path)).suffix.lower()
    if suffix not in _BY_SUFFIX:
        raise InputError(
            f"{path}: its suffix names no format; end the name in one of {' '.join(_BY_SUFFIX)}, "
            f"or name a format, --to {' '.join(WRITERS)}"
        )
    return _BY_SUFFIX[suffix]


def write_any(path: AnyPath, entries: Sequence[Entry], format: str | None = None) -> Counter[str]:
    """Write documents in any format that holds entities; what it cannot hold -> its number.

    Args:
        path: the file, compressed where it ends in .xz or .gz, or for brat a folder.
        entries: the documents.
        format: a key of ``WRITERS``; None takes that of the suffix.

    Raises:
        InputError: there is no such format, or the suffix says nothing.
        UnrepresentableError: an id, a type or a text cannot be written in it.
        RunError: the file cannot be written.
    """
    name = written_format(path) if format is None else format
    if name not in WRITERS:
        raise InputError(f"unknown format {name!r} to write; known are {', '.join(WRITERS)}")
    return +(WRITERS[name](path, entries) or Counter())
