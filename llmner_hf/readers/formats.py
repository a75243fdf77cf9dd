"""Which format a file has, guessed from its name and its first characters.

In: the file or folder that a user names. Out: its `Reading`. Refused: a file that shows no sign of
any format; the user then names one. The guess looks for what a format cannot do without (a PubTator
title line, the key "start_idx", a tag behind a tab), so that a plain text is not taken for data.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from llmner_hf.core.entities import Language
from llmner_hf.core.errors import InputError
from llmner_hf.readers import bioc, brat, ccks, cmeee, conll, genia, json_lines, plain, pubtator
from llmner_hf.readers.files import head, uncompressed_name
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
        "plain": plain.read,
    }
)

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
_BARRED = re.compile(r".*\|\|\|(?:\s*\d+\s+\d+\s+\w+\s*\|\|\|)*\s*")
# What an empty file, or one that shows nothing, is by its name.
_BY_NAME = {".jsonl": "json_lines", ".txt": "plain"}
_COLUMN_NAMES = frozenset((".conll", ".iob", ".iob2", ".bio", ".tsv"))


def _guess_marked(start: str) -> str | None:
    """The format of XML or JSON; None where it is neither."""
    if start.lstrip().startswith("<"):
        return next((name for root, name in _XML_ROOTS if root.search(start)), None)
    if not _JSON.match(start):
        return None
    other = "cmeee" if start.lstrip().startswith("[") else "json_lines"
    return next((name for key, name in _JSON_KEYS if key.search(start)), other)


def _is_columns(first_line: str, suffix: str) -> bool:
    """Whether a line is a row of tokens and tags; blanks count by the file's name alone."""
    cells = first_line.split("\t") if "\t" in first_line else first_line.split()
    tagged = len(cells) > 1 and bool(conll.TAG.fullmatch(cells[-1]))
    return tagged and ("\t" in first_line or suffix in _COLUMN_NAMES)


def guess(path: str | os.PathLike[str]) -> str:
    """The name of the format, a key of ``READERS``.

    Raises:
        InputError: nothing in the file tells.
    """
    if Path(path).is_dir():
        return "brat"
    start, suffix = head(path), Path(uncompressed_name(path)).suffix.lower()
    first_line = next((line for line in start.splitlines() if line.strip()), "")
    marked = _guess_marked(start)
    if marked:
        return marked
    if pubtator.HEAD.fullmatch(first_line):
        return "pubtator"
    if _BARRED.fullmatch(first_line):
        return "cmeee"
    if _is_columns(first_line, suffix):
        return "conll"
    if suffix in _BY_NAME:
        return _BY_NAME[suffix]
    raise InputError(f"{path}: no known format; name one of {', '.join(READERS)}")


def read_any(
    path: str | os.PathLike[str],
    format: str | None = None,
    *,
    dataset: str = "",
    language: Language | None = None,
) -> Reading:
    """The examples of a file or folder in any format of this package.

    Args:
        path: the file, plain or .xz or .gz, or a folder of brat files.
        format: a key of ``READERS``; None guesses it.
        dataset: goes into every example.
        language: likewise; None guesses it for each text.

    Raises:
        InputError: the format is unknown or cannot be guessed.
        FormatError: the file does not have it.
    """
    name = guess(path) if format is None else format
    if name not in READERS:
        raise InputError(f"unknown format {name!r}; known are {', '.join(READERS)}")
    return READERS[name](path, dataset=dataset, language=language)
