"""Tables of one's own."""

import pytest

from llmner_hf.core.errors import FormatError, InputError
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Options
from tests.terminology.files import concepts_of, lay, source_of

FIRST = Concept(
    "M:1", "sulking", "Disease", ("sulks", "bad mood"), ("M:2",), ("MESH:D000004",)
)  # fmt: skip


def read(tmp_path, content, options=None, name="mine.tsv"):
    source = source_of(lay(tmp_path, name, content), options)
    return concepts_of(source), source


def test_all_columns(tmp_path):
    source = source_of(lay(tmp_path, "mine.tsv"))
    assert concepts_of(source) == [FIRST, Concept("M:2", "mood", "Disease")]
    assert not source.dropped + source.remarks


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", '\ufeffid,name,type\r\nM:1,"sulks, ""bad""",Disease\r\n'),
        ("a.tsv", 'id\tname\ttype\nM:1\t"sulks, ""bad"""\tDisease\n'),
        ("a.tsv", 'id\tname\ttype\nM:1\tsulks, "bad"\tDisease\n'),
    ],
)
def test_quotation_marks(tmp_path, name, content):
    (found,), _ = read(tmp_path, content, name=name)
    assert found == Concept("M:1", 'sulks, "bad"', "Disease")


def test_a_cell_of_csv_may_hold_a_line_break(tmp_path):
    found, source = read(tmp_path, 'name,type\n"two\nlines",A\nx\nlast,A\n', name="a.csv")
    assert [concept.name for concept in found] == ["two lines", "last"]
    assert source.places["row with other cells than the header"] == ["line 4"]


def test_columns_and_separators_of_other_names(tmp_path):
    content = "code\tterm\taliases\n7\tmood\tmoods; humour\n"
    options = Options(
        Selection(rest="Mood"), columns={"id": "code", "name": "term", "synonyms": "aliases"},
        separator=";", prefix="MY",
    )  # fmt: skip
    found, _ = read(tmp_path, content, options)
    assert found == [Concept("MY:7", "mood", "Mood", ("moods", "humour"))]


def test_names_alone_are_numbered_by_their_lines(tmp_path):
    options = Options(Selection(rest="Mood"))
    found, source = read(tmp_path, "name\nsulks\n\nglee\n", options, "my moods.txt")
    assert [(concept.id, concept.name) for concept in found] == [
        ("my_moods:2", "sulks"),
        ("my_moods:4", "glee"),
    ]
    assert source.remarks == {"row without an id, numbered by its line": 2}


def test_types_of_the_table_are_renamed_and_others_left_out(tmp_path):
    options = Options(Selection.parse(["dis=Disease"]))
    content = "name\ttype\nsulks\tdis\nmendax\tdrug\n"
    found, source = read(tmp_path, content, options)
    assert [(concept.name, concept.type) for concept in found] == [("sulks", "Disease")]
    assert source.dropped == {"concept that is not selected": 1}


def test_a_row_without_a_type_has_the_one_told_for_all(tmp_path):
    found, _ = read(tmp_path, "name\ttype\nsulks\tMood\nx\t\n", Options(Selection(rest="Thing")))
    assert [concept.type for concept in found] == ["Mood", "Thing"]


@pytest.mark.parametrize(
    ("content", "options", "reason"),
    [
        ("id\tterm\n1\tx\n", Options(), r"mine.tsv:1: no column of names; .*--columns name=id"),
        ("id\tname\n1\tx\n", Options(), r"mine.tsv:1: no column 'type'; .*--type"),
        ("name\tname\nx\ty\n", Options(), r"mine.tsv:1: two columns have the name 'name'"),
        (
            "id\tname\n1\tx\n",
            Options(columns={"name": "term"}),
            r"no column 'term'; it has id, name",
        ),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path, content, options, reason):
    with pytest.raises((FormatError, InputError), match=reason):
        read(tmp_path, content, options)


def test_a_line_of_another_encoding_is_counted(tmp_path):
    content = b"name\ttype\nsulks\tMood\n" + "糖尿病\tMood\n".encode("gb18030")
    found, source = read(tmp_path, content)
    assert [concept.name for concept in found] == ["sulks"]
    assert source.places == {"line that is not UTF-8": ["line 3"]}
