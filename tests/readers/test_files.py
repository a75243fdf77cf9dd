import gzip
import lzma
import os

import pytest

from llmner_hf.core.errors import FormatError, InputError, RunError
from llmner_hf.readers.files import head, lines, stem, whole, write_lines

BOM = "\ufeff"


def texts(path, **options):
    return [text for _, text in lines(path, **options)]


@pytest.mark.parametrize(
    ("suffix", "pack"), [("", bytes), (".xz", lzma.compress), (".gz", gzip.compress)]
)
def test_plain_and_compressed_read_alike(write, suffix, pack):
    path = write("a.txt" + suffix, pack(b"eins\nzwei\n"))
    assert [(place.line, text) for place, text in lines(path)] == [(1, "eins"), (2, "zwei")]
    assert whole(path) == "eins\nzwei\n"
    assert head(path) == "eins\nzwei\n"
    assert stem(path) == "a"


def test_only_newlines_end_a_line_and_blanks_stay(write):
    path = write("a.txt", " a\u2028b\x0b \r\nc\rd\x85 \n\ne")
    assert texts(path) == [" a\u2028b\x0b ", "c\rd\x85 ", "", "e"]


def test_a_byte_order_mark_goes_at_the_head_only(write):
    path = write("a.txt", f"{BOM}{BOM}a\n{BOM}b\n")
    assert texts(path) == [f"{BOM}a", f"{BOM}b"]
    assert texts(path, encoding="utf-8") == [f"{BOM}{BOM}a", f"{BOM}b"]


def test_wrong_bytes_name_file_and_line(write):
    path = write("a.txt", b"eins\nzw\xffei\n")
    for read in (lambda: list(lines(path)), lambda: whole(path)):
        with pytest.raises(FormatError, match=r"a\.txt:2: .*xff.* is not utf-8"):
            read()


@pytest.mark.parametrize(("suffix", "pack"), [(".xz", lzma.compress), (".gz", gzip.compress)])
def test_damaged_archives_are_named(write, suffix, pack):
    good = pack(os.urandom(5000))
    for content in (b"no archive", good[: len(good) // 2]):
        with pytest.raises(FormatError, match=rf"a{suffix}: a damaged {suffix} archive"):
            whole(write("a" + suffix, content))


def test_missing_files_and_folders_are_input_errors(tmp_path):
    for path in (tmp_path / "missing.txt", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            whole(path)


@pytest.mark.parametrize("suffix", ["", ".xz", ".gz"])
def test_what_is_written_is_read(tmp_path, suffix):
    path = tmp_path / f"out.jsonl{suffix}"
    assert write_lines(path, ["发热", "two"]) == 2
    assert texts(path) == ["发热", "two"]
    assert os.listdir(tmp_path) == [path.name]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(write, tmp_path):
    path = write("out.txt", "old")

    def rows():
        yield "new"
        raise KeyError("broken off")

    with pytest.raises(KeyError):
        write_lines(path, rows())
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_unwritable_places_are_run_errors(tmp_path):
    with pytest.raises(RunError, match="cannot be written"):
        write_lines(tmp_path / "missing" / "out.txt", ["a"])


def test_devices_are_written_and_not_replaced():
    assert write_lines(os.devnull, ["a"]) == 1
    assert not os.path.isfile(os.devnull)
