import contextlib
import json
import lzma

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmner_hf.core.errors import InputError
from llmner_hf.readers import read_any
from llmner_hf.readers.formats import READERS, guess

CASES = [
    ("a.PubTator", "\n1|t|Lime\n1|a|Juice\n", "pubtator"),
    ("a.txt", "1|t|Lime\r\n1|a|Juice\r\n", "pubtator"),
    ("a.xml", '<?xml version="1.0"?><!DOCTYPE collection SYSTEM "x"><collection/>', "bioc"),
    ("a.json", '{"source": "x", "documents": []}', "bioc"),
    ("a.xml", "<!-- x -->\n<set></set>", "genia"),
    (
        "a.json",
        '[{"text": "咳", "entities": [{"start_idx": 0, "end_idx": 0, "type": "sym"}]}]',
        "cmeee",
    ),
    ("a.json", "\n[\n]", "cmeee"),
    ("chip.train", "咳|||0    0    sym|||\n", "cmeee"),
    ("a.txt", '\ufeff{"originalText": "咳", "entities": []}', "ccks"),
    ("a.jsonl", '{"id": "1", "text": "say \\"start_idx\\": 1", "entities": []}', "json_lines"),
    ("a.jsonl", "", "json_lines"),
    ("a.tsv", "Lime\tB-A\njuice\tO\n", "conll"),
    ("a.conll", "Lime B-A\njuice O\n", "conll"),
    ("a.txt", "Lime\tO\n", "conll"),
    ("a.txt", "His blood group was O\n", "plain"),
    ("a.txt", "[3H]calcitriol binds\n", "plain"),
    ("a.txt", "<5 % of a||b, {x}\n", "plain"),
    ("a.txt", "", "plain"),
]


@pytest.mark.parametrize(("name", "content", "expected"), CASES)
@pytest.mark.parametrize("compressed", [False, True])
def test_formats_are_recognised_and_read(write, name, content, expected, compressed):
    raw = content.encode()
    path = write(f"{name}.xz", lzma.compress(raw)) if compressed else write(name, raw)
    assert guess(path) == expected
    assert read_any(path) == READERS[expected](path, dataset="", language=None)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([case[1].encode() for case in CASES]),
    st.integers(0, 100),
    st.binary(max_size=4) | st.sampled_from([b"\t", b"\n", b"9", b'"', b"<", b"\\ud83d"]),
)
def test_damaged_files_raise_nothing_but_input_errors(write, content, position, damage):
    path = write("a.txt", content[:position] + damage + content[position + 1 :])
    for name in READERS.keys() - {"brat"}:
        with contextlib.suppress(InputError):
            for example in read_any(path, name).examples:
                assert all(entity.surface(example.text) for entity in example.entities)


def test_a_folder_is_brat(write, tmp_path):
    write("one.txt", "Lime")
    assert guess(tmp_path) == "brat"
    (example,) = read_any(tmp_path, dataset="toy", language="zh").examples
    assert (example.text, example.dataset, example.language) == ("Lime", "toy", "zh")


def test_a_format_that_is_named_is_not_guessed(write):
    path = write("a.txt", json.dumps({"id": "1", "text": "Lime"}))
    assert read_any(path, "plain").examples[0].text.startswith("{")
    assert read_any(path, "json_lines").examples[0].text == "Lime"


def test_no_sign_of_a_format_and_unknown_names_are_input_errors(write):
    with pytest.raises(InputError, match="no known format; name one of pubtator"):
        read_any(write("a.doc", "Lime"))
    with pytest.raises(InputError, match="unknown format 'word'"):
        read_any(write("a.txt", "Lime"), "word")
