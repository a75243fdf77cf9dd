r"""Text files, plain or compressed, read with the line that each piece stands on.

In: a path, whose suffix ``.xz`` or ``.gz`` says how it is compressed, or a `Held` file, and an
encoding. Out: bytes, one string, or numbered lines without their line ends. ``\n`` or ``\r\n`` ends
a line, and a lone ``\r`` where the file has no ``\n`` at all; nothing else does, since U+2028 may
stand inside a text. Writing is atomic: a reader sees the old file or the whole new one. Refused: a
file that cannot be opened, a damaged archive, bytes that are not of the encoding. Nothing is
stripped or normalised, because offsets count everything; only the encoding ``utf-8-sig`` drops a
byte order mark, and only at the head of the file.
"""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from llmner_hf.core.errors import FormatError, InputError, RunError

AnyPath = str | os.PathLike[str]

_HEAD_CHARACTERS = 65_536

# What stands behind the last dot and says nothing about which file it is. "chip.train" and
# "chip.validate" (CMeEE version 1) keep theirs, so that their examples keep different ids.
_DATA_SUFFIXES = re.compile(
    r"\.(?:ann|bio|conll|csv|iob2?|json|jsonl|jsonlines|parquet|pubtator|tsv|txt|xml)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which file something stands.

    Attributes:
        line: counted from 1; 0 is the file as a whole.
        within: what tells the place where lines do not.
    """

    path: AnyPath
    line: int = 0
    within: str = ""

    def error(self, reason: str) -> FormatError:
        """The error that names this place.

        >>> str(Place("a.conll", 3).error("a row needs a tag"))
        'a.conll:3: a row needs a tag'
        """
        return FormatError(self.path, self.line, self.within + reason)

    def number(self, value: object) -> int:
        """An offset that stands there in decimal digits.

        >>> Place("a.ann", 1).number("17")
        17

        Raises:
            FormatError: it is no whole number from 0 up.
        """
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
            return int(value)
        shown = repr(value) if len(str(value)) <= 40 else f"{str(value)[:40]!r}..."
        raise self.error(f"{shown} is not an offset; write a whole number from 0 up")


@dataclass(frozen=True, slots=True)
class Held(os.PathLike[str]):
    """A file that was read already: standard input, or one in an encoding of its own.

    Attributes:
        name: what errors call it, and what its format is guessed from.
        content: its bytes, uncompressed.
        encoding: "utf-8" where the bytes were recoded, so that what the file itself says of its
            encoding no longer holds; None where nobody knows.
    """

    name: str
    content: bytes
    encoding: str | None = None

    def __fspath__(self) -> str:
        return self.name

    def __str__(self) -> str:
        return self.name


def recoded(path: AnyPath, encoding: str) -> Held:
    """A file of another encoding as UTF-8, held in memory.

    Raises:
        InputError: there is no such encoding, or the file cannot be opened.
        FormatError: its bytes are not of that encoding.
    """
    try:
        "".encode(encoding)
    except (LookupError, ValueError):
        raise InputError(f"{encoding!r} is no encoding; name one, as gb18030 or utf-16") from None
    with opened(path) as stream:
        text = _decoded(path, stream.read(), encoding)
    return Held(os.fspath(path), text.encode("utf-8"), "utf-8")


def byte_order(path: AnyPath) -> str | None:
    """The encoding "utf-16" where a file begins with its byte order mark; None elsewhere."""
    with opened(path) as stream:
        mark = stream.read(2)
    return "utf-16" if mark in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else None


def uncompressed_name(path: AnyPath) -> str:
    """The file name without ``.xz`` or ``.gz``.

    >>> uncompressed_name("corpora/Train.PubTator.xz")
    'Train.PubTator'
    """
    return Path(path).name.removesuffix(".xz").removesuffix(".gz")


def stem(path: AnyPath) -> str:
    """The file name without compression and data suffix.

    >>> stem("subtask1_training_part1.txt.xz"), stem("chip.train.xz")
    ('subtask1_training_part1', 'chip.train')
    """
    name = Path(uncompressed_name(path))
    return name.stem if _DATA_SUFFIXES.fullmatch(name.suffix) else name.name


def _stream(path: AnyPath, mode: str, suffix: str) -> IO[bytes]:
    """An open binary file, compressed as the suffix says."""
    openers: dict[str, Callable[..., object]] = {".xz": lzma.open, ".gz": gzip.open}
    return cast(IO[bytes], openers.get(suffix, open)(path, mode))


@contextmanager
def opened(path: AnyPath) -> Iterator[IO[bytes]]:
    """The bytes of a file as a stream.

    Raises:
        InputError: the file cannot be opened.
        FormatError: it is a damaged archive.
    """
    if isinstance(path, Held):
        yield io.BytesIO(path.content)
        return
    try:
        with _stream(path, "rb", Path(path).suffix) as stream:
            yield stream
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
        raise Place(path).error(f"a damaged {Path(path).suffix} archive: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None


def _decoded(path: AnyPath, raw: bytes, encoding: str, line: int = 1) -> str:
    """The bytes as text; ``line`` is the line on which they begin."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        place = Place(path, line + raw.count(b"\n", 0, error.start))
        bad = raw[error.start : error.end][:20]
        raise place.error(
            f"{bad!r} is not {encoding} text; name the file's encoding, as gb18030 or utf-16, or "
            "save it as UTF-8"
        ) from None


def whole(path: AnyPath, encoding: str = "utf-8-sig") -> str:
    """The text of a file, line ends as they are."""
    with opened(path) as stream:
        return _decoded(path, stream.read(), encoding)


def head(path: AnyPath) -> str:
    """The first 65,536 bytes as text, whatever they are: enough to guess a format."""
    with opened(path) as stream:
        return stream.read(_HEAD_CHARACTERS).decode("utf-8-sig", errors="replace")


def lines(path: AnyPath, encoding: str = "utf-8-sig") -> Iterator[tuple[Place, str]]:
    """Every line with its place, without its line end."""
    with opened(path) as stream:
        for number, raw in enumerate(stream, 1):
            # A later line that begins with U+FEFF keeps it: 38 of CMeEE version 1 do, and their
            # offsets count it. A byte order mark can stand on the first line alone.
            text = _decoded(path, raw, encoding, number)
            if number == 1:
                encoding = encoding.removesuffix("-sig")
                if not text.endswith("\n") and "\r" in text:
                    # The whole file came as one line: an old Mac's, which ends lines so.
                    rows = text.removesuffix("\r").split("\r")
                    yield from ((Place(path, row), line) for row, line in enumerate(rows, 1))
                    return
            if text.endswith("\n"):
                text = text[:-1].removesuffix("\r")
            yield Place(path, number), text


def write_lines(path: AnyPath, rows: Iterable[str]) -> int:
    """Write every row and a newline as UTF-8, all or nothing; the number of rows.

    Raises:
        RunError: the file cannot be written.
    """
    written = 0
    with _replacing(path) as stream:
        for row in rows:
            stream.write(row.encode("utf-8") + b"\n")
            written += 1
    return written


def written_bytes(path: AnyPath, content: bytes) -> None:
    """Write bytes, all or nothing.

    Raises:
        RunError: the file cannot be written.
    """
    with _replacing(path) as stream:
        stream.write(content)


@contextmanager
def _replacing(path: AnyPath) -> Iterator[IO[bytes]]:
    """A stream to a file that gets its name when all is written."""
    target = Path(path)
    # A pipe or a device cannot be replaced by a finished file: it is written as it comes.
    special = target.exists() and not target.is_file()
    part = target if special else target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with _stream(part, "wb", target.suffix) as stream:
            yield stream
        if not special:
            part.replace(target)
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        if not special:
            part.unlink(missing_ok=True)
