"""Files that commands read and write: any known format, with what was lost told on stderr."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmner_hf.core.entities import Example, Language
from llmner_hf.core.errors import InputError

if TYPE_CHECKING:
    from llmner_hf.readers import Reading
    from llmner_hf.readers.entries import Entry

STREAM = "-"  # standard input or output
BARE = 'document without "entities"'


def input_options(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup, tags: bool = True
) -> None:
    """The options that say how a file is read; without tags, how its texts alone are."""
    parser.add_argument("--format", help="of the input, as conll or csv; guessed if absent")
    parser.add_argument(
        "--lines", dest="format", action="store_const", const="lines", help="one text a line"
    )
    parser.add_argument("--encoding", help="of the input, as gb18030 or utf-16; UTF-8 if absent")
    parser.add_argument("--text-field", metavar="NAME", help='of a table or JSON; "text" if absent')
    parser.add_argument("--id-field", metavar="NAME", help='of a table or JSON; "id" if absent')
    if not tags:
        return
    parser.add_argument(
        "--column", type=int, metavar="N", help="of the tag in CoNLL, from 0, or from -1 at the end"
    )
    parser.add_argument("--type", metavar="NAME", help="of tags without one, as B and I, in CoNLL")


def file_to_file(parser: argparse.ArgumentParser) -> None:
    """The arguments of a command that reads a file with entities and writes another."""
    parser.add_argument("input", help="any format with entities; - is standard input")
    parser.add_argument("out", help="its suffix names the format; - is standard output")
    parser.add_argument("--to", metavar="FORMAT", help="to write, where no suffix names it")
    parser.add_argument(
        "--skip-bad", action="store_true", help="drop and count mentions that do not fit their text"
    )
    input_options(parser)


def options_of(given: argparse.Namespace) -> dict[str, Any]:
    """Those options, as `readers.read_any` takes them."""
    names = ("format", "encoding", "text_field", "id_field", "column", "type")
    return {name: value for name in names if (value := getattr(given, name, None)) is not None}


def reading(
    path: str | Path,
    *,
    dataset: str = "",
    language: Language | None = None,
    unsaid: Collection[str] = (),
    **options: Any,
) -> Reading:
    """The content of a file in any known format; what it dropped or remarked goes to stderr.

    Args:
        path: the file, or "-" for standard input.
        dataset: goes into every example.
        language: likewise; None guesses it for each text.
        unsaid: remarks that the command has no use for.
        **options: those of `readers.read_any`.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    from llmner_hf.readers import read_any
    from llmner_hf.readers.files import Held

    if str(path) == STREAM:
        source: Path | Held = Held("stdin", sys.stdin.buffer.read())
    else:
        source = Path(path)
        if not source.exists():
            raise InputError(f"{path}: no such file")
    found = read_any(source, dataset=dataset, language=language, **options)
    for reason, number in found.dropped.items():
        print(f"{source}: dropped {number}: {reason}", file=sys.stderr)
    for reason, number in found.remarks.items():
        if reason not in unsaid:
            print(f"{source}: {number}: {reason}", file=sys.stderr)
    return found


def read(
    path: Path, format: str | None = None, dataset: str = "", language: Language | None = None
) -> tuple[Example, ...]:
    """The examples of a file in any known format."""
    return reading(path, format=format, dataset=dataset, language=language).examples


def is_stream(path: str) -> bool:
    """Whether a result goes to standard output or a device, which no file may replace."""
    place = Path(path)
    special = place.exists() and not (place.is_file() or place.is_dir())
    return path == STREAM or path.startswith("/dev/") or special


def probe(path: str | Path) -> None:
    """Refuse a place where no file can be written, before any work.

    Raises:
        InputError: it is a folder, or stands in none in which this user may write.
    """
    place = Path(path)
    if place.is_dir():
        raise InputError(f"{path}: a folder; name a file")
    above = next(folder for folder in place.absolute().parents if folder.exists())
    try:
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        raise InputError(
            f"{path}: no file can be written in {above} ({error.strerror or error}); name another "
            "place"
        ) from None


def writable(path: str, to: str | None) -> str:
    """The format to write, found before any work; to a stream it is JSON lines.

    Raises:
        InputError: the suffix of the path names no format, or nothing can be written there.
    """
    from llmner_hf.readers.writing import WRITERS, written_format

    if to is not None and to not in WRITERS:
        raise InputError(f"unknown format {to!r} to write; known are {', '.join(WRITERS)}")
    name = to or ("json_lines" if is_stream(path) else written_format(path))
    if is_stream(path) and name == "brat":
        raise InputError("brat is a folder of files, which no stream can hold; name a folder")
    if Path(path).is_dir() and name != "brat":
        raise InputError(f"{path}: a folder; {name} is a file")
    if not is_stream(path):
        probe(Path(path, "documents") if name == "brat" else path)
    return name


def write(path: str, entries: Sequence[Entry], to: str) -> None:
    """Write documents; what the format cannot hold goes to stderr.

    Raises:
        UnrepresentableError: the format cannot hold an id, a type or a text.
        RunError: the file cannot be written.
    """
    from llmner_hf.readers.writing import write_any

    if is_stream(path):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "out")
            lost = write_any(file, entries, to)
            with file.open("rb") as content:
                if path == STREAM:
                    shutil.copyfileobj(content, sys.stdout.buffer)
                    sys.stdout.flush()
                else:
                    with open(path, "wb") as device:
                        shutil.copyfileobj(content, device)
    else:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        lost = write_any(path, entries, to)
    for what, number in lost.items():
        print(f"{path}: {to} cannot hold, {number} times: {what}", file=sys.stderr)
