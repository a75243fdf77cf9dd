"""Which format a file has, guessed from its name and its first characters.

In: the file or folder that a user names. Out: its `Reading`. Refused: a file that shows no sign of
any format (the user then names one), and an option that the format does not take. The guess looks
for what a format cannot do without (a PubTator title line, the key "start_idx", tags in the last
column), so that a plain text is not taken for data, nor data for a plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from llmner_hf.core.entities import Language
from llmner_hf.core.errors import InputError, SettingError
from llmner_hf.readers import (
    bioc,
    brat,
    ccks,
    cmeee,
    conll,
    genia,
    json_lines,
    plain,
    pubtator,
    tables,
)
from llmner_hf.readers.files import AnyPath, Held, byte_order, head, recoded, uncompressed_name
from llmner_hf.readers.reading import Reading

READERS: Mapping[str, Callable[..., Reading]] = MappingProxyType(
    {
        "pubtator": pubtator.read,
        "bioc": bioc.read,
        "brat": brat.read,
        "conll": conll.read,
        "cmeee": cmeee.read,
        "ccks": ccks.read,
        "genia": genia.read,
        "json_lines": json_lines.read,
        "csv": tables.read,
        "tsv": tables.read_tsv,
        "parquet": tables.read_parquet,
        "plain": plain.read,
        "lines": plain.read_lines,
    }
)
_OF_FIELDS = frozenset(("text_field", "id_field"))
# The options that only some formats take.
OPTIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "conll": frozenset(("column", "type")),
        "json_lines": _OF_FIELDS,
        "csv": _OF_FIELDS,
        "tsv": _OF_FIELDS,
        "parquet": _OF_FIELDS,
    }
)

_COLUMN_NAMES = frozenset((".conll", ".iob", ".iob2", ".bio", ".tsv"))
_EMPTY_ARRAY = re.compile(r"\s*\[\s*\]")
_JSON = re.compile(r'\s*(?:\{\s*["}]|\[\s*[{\]])')
# A key, not a word inside a string: there, the quotation mark has a backslash before it.
_JSON_KEYS = (
    (re.compile(r'(?<!\\)"originalText"\s*:'), "ccks"),
    (re.compile(r'(?<!\\)"start_idx"\s*:'), "cmeee"),
    (re.compile(r'(?<!\\)"(?:documents|passages)"\s*:'), "bioc"),
)
_XML_ROOTS = (
    (re.compile(r"<(?:!DOCTYPE\s+)?collection\b"), "bioc"),
    (re.compile(r"<(?:!DOCTYPE\s+)?set\b"), "genia"),
)
# What a file that shows nothing is by its name.
_BY_NAME = {
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".txt": "plain",
    ".csv": "csv",
    ".conll": "conll",
    ".conllu": "conll",
    ".iob": "conll",
    ".iob2": "conll",
    ".bio": "conll",
    ".nersuite": "conll",
    ".tsv": "tsv",
}


def _guess_marked(start: str) -> str | None:
    """The format of XML or JSON; None where it is neither."""
    if start.lstrip().startswith("<"):
        return next((name for root, name in _XML_ROOTS if root.search(start)), None)
    first = start.lstrip().partition("\n")[0].rstrip()
    damaged = first[-1:] == "}" and '": ' in first  # JSON, which its reader refuses
    if not _JSON.match(start) and not damaged:
        return None
    other = "cmeee" if _EMPTY_ARRAY.match(start) else "json_lines"
    return next((name for key, name in _JSON_KEYS if key.search(start)), other)


def _is_barred(line: str) -> bool:
    """Whether a line is CMeEE's: a text, and mentions of three words, each before three bars."""
    *cells, last = line.split(cmeee.BARS)
    return bool(cells) and not last.strip()


def _is_columns(start: str, suffix: str) -> bool:
    """Whether the beginning of a file is rows of tokens and tags.

    Tabs and a tag show it. Blanks do where a file's name says so, or where of several rows nearly
    all end in a tag, as those of a text do not: the reader then names the row that does not fit.
    """
    rows = [line for line in start.splitlines()[:200] if line.strip() and line[0] != "#"]
    cells = [row.split("\t") if "\t" in row else row.split() for row in rows]
    if not rows or len(cells[0]) < 2:
        return False
    tags, bare = [row[-1].strip() for row in cells if len(row) > 1], conll.BARE_TAG.fullmatch
    if "\t" in rows[0] or suffix in _COLUMN_NAMES:
        untyped = suffix == ".tsv" and all(map(bare, tags))
        return untyped or bool(conll.TAG.fullmatch(tags[0]))
    if len(rows) > 2 and all(len(row) == 2 for row in cells) and all(map(bare, tags)):
        return True
    found = list(filter(conll.TAG.fullmatch, tags))
    return len(rows) > 1 and len(found) >= 0.8 * len(rows) and any(tag != "O" for tag in found)


def guess(path: AnyPath) -> str:
    """The name of the format, a key of ``READERS``.

    Raises:
        InputError: nothing in the file tells.
    """
    if not isinstance(path, Held) and Path(path).is_dir():
        return "brat"
    start, suffix = head(path), Path(uncompressed_name(path)).suffix.lower()
    first_line = next((line for line in start.splitlines() if line.strip()), "")
    marked = _guess_marked(start)
    if marked:
        return marked
    if pubtator.HEAD.fullmatch(first_line):
        return "pubtator"
    if start.startswith("PAR1"):
        return "parquet"
    if _is_barred(first_line):
        return "cmeee"
    if _is_columns(start, suffix):
        return "conll"
    if suffix in _BY_NAME:
        return _BY_NAME[suffix]
    raise InputError(f"{path}: no known format; name one of {', '.join(READERS)}")


def read_any(
    path: AnyPath,
    format: str | None = None,
    *,
    dataset: str = "",
    language: Language | None = None,
    encoding: str | None = None,
    skip_bad: bool = False,
    **options: object,
) -> Reading:
    """The examples of a file or folder in any format of this package.

    Args:
        path: the file, plain or .xz or .gz, or a folder of brat files.
        format: a key of ``READERS``; None guesses it.
        dataset: goes into every example.
        language: likewise; None guesses it for each text.
        encoding: of the file, as "gb18030"; None is UTF-8, or UTF-16 where its mark begins it.
        skip_bad: whether a mention that does not fit its text is dropped and counted; a file with
            one is refused otherwise.
        **options: those that the format takes (``OPTIONS``): ``text_field`` and ``id_field`` of
            JSON lines and tables, ``column`` and ``type`` of CoNLL.

    Raises:
        InputError: the format or the encoding is unknown, or the format cannot be guessed.
        SettingError: the format does not take an option.
        FormatError: the file does not have it.
    """
    if isinstance(path, Held) or not Path(path).is_dir():
        chosen = encoding or byte_order(path)
        path = recoded(path, chosen) if chosen else path
    elif encoding:
        options["encoding"] = encoding
    if format is None and options.keys() & OPTIONS["conll"]:
        format = "conll"
    name = guess(path) if format is None else format
    _require(path, name, options.keys() - {"encoding"})
    found = READERS[name](path, dataset=dataset, language=language, skip_bad=skip_bad, **options)
    return replace(found, format=name)


def _require(path: AnyPath, name: str, options: Collection[str]) -> None:
    """Refuse a format that is not known, and options that it does not take."""
    if name not in READERS:
        raise InputError(f"unknown format {name!r}; known are {', '.join(READERS)}")
    for option in sorted(set(options) - OPTIONS.get(name, frozenset())):
        takers = ", ".join(taker for taker, taken in OPTIONS.items() if option in taken)
        raise SettingError(f"{path}: {name} takes no {option}; those that do: {takers}")
