import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmner_hf.core.errors import FormatError
from llmner_hf.readers.records import each_element, each_line, one_value


def test_lines_are_numbered_and_blank_ones_passed_over(write):
    path = write("a.jsonl", '\ufeff{"a": 1}\r\n\n  {"a": 2}  \n')
    assert [(record.place.line, record.whole_number("a")) for record in each_line(path)] == [
        (1, 1),
        (3, 2),
    ]


def test_elements_know_the_line_on_which_they_begin(write):
    path = write("a.json", '\n[\n {"a":\n 1},\n\n {"a": 2}, {"a": 3}\n]\n')
    assert [(record.place.line, record.fields["a"]) for record in each_element(path)] == [
        (3, 1),
        (6, 2),
        (6, 3),
    ]
    assert list(each_element(write("b.json", " [ ] "))) == []


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("", 1, "expected a JSON array"),
        ('{"a": 1}', 1, "expected a JSON array"),
        ('[\n{"a": 1}\n{"a": 2}]', 3, "expected ',' or ']'"),
        ('[\n{"a": 1},\n]', 3, "Expecting value"),
        ('[\n{"a": 1}', 2, "expected ',' or ']'"),
        ('[\n{"a":\n oops}]', 3, "not JSON"),
        ('[\n{"a": NaN}]', 2, "NaN is not JSON"),
        ("[\n1]", 2, "expected a JSON object"),
        ("[]\n[]", 1, "something follows"),
        ("[" * 100_000, 1, "not usable as JSON"),
        ('[{"a": ' + "9" * 5000 + "}]", 1, "not usable as JSON"),
        ('[\n{"a": "\\ud83d"}]', 2, "half a surrogate pair"),
    ],
)
def test_malformed_arrays_name_the_line(write, content, line, reason):
    with pytest.raises(FormatError) as caught:
        list(each_element(write("a.json", content)))
    assert f"a.json:{line}: " in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{", "not JSON"),
        ('{"a": 1} {"a": 2}', "more than one JSON value"),
        ("[1]", "expected a JSON object"),
        ('{"a": "\\udc00"}', "half a surrogate pair"),
    ],
)
def test_malformed_lines_name_the_line(write, row, reason):
    with pytest.raises(FormatError) as caught:
        list(each_line(write("a.jsonl", f'{{"a": 1}}\n{row}\n')))
    assert "a.jsonl:2: " in str(caught.value)
    assert reason in str(caught.value)


def test_whole_surrogate_pairs_are_characters(write):
    assert next(each_line(write("a.jsonl", r'{"a": "\ud83d\ude00"}'))).text("a") == "\U0001f600"


def test_fields_are_typed(write):
    record = next(each_line(write("a.jsonl", '{"n": true, "s": 1, "l": {}, "z": null}')))
    for take, name in [
        (record.whole_number, "n"),
        (record.text, "s"),
        (record.text, "missing"),
        (record.records, "l"),
    ]:
        with pytest.raises(FormatError, match=f"a.jsonl:1: field '{name}'"):
            take(name)
    assert "z" not in record
    assert record.records("z") == record.records("missing") == []


def test_one_value_is_the_only_one(write):
    assert one_value(write("a.json", "\n {} \n")) == {}
    with pytest.raises(FormatError, match=r"b\.json:2: something follows"):
        one_value(write("b.json", "\n{}\n{}"))


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50
)
@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text())), st.sampled_from([None, 1]))
def test_arrays_read_as_json_reads_them(write, rows, indent):
    try:
        content = json.dumps(rows, indent=indent, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    assert [record.fields for record in each_element(write("a.json", content))] == rows
