import pytest
from hypothesis import HealthCheck, given, settings

from llmner_hf.core.entities import Entity, Example, ordered
from llmner_hf.core.errors import FormatError, InputError, UnrepresentableError
from llmner_hf.readers import brat
from llmner_hf.readers.brat import read
from tests.strategies import Case, cases

TEXT = "Aspirin for acute or old\nback pain."
NOTES = """T1\tChemical 0 7\tAspirin
T2\tDisease 12 17;25 34\tacute back pain
T3\tDisease 21 34\told back pain
R1\tTreats Arg1:T1 Arg2:T3
E1\tUse:T1
A1\tNegation T3
M1\tNegation T3
N1\tReference T1 MeSH:D1\tAspirin
*\tEquiv T2 T3
#1\tAnnotatorNotes T1\tT
"""


def test_a_folder_of_pairs(write, tmp_path):
    write("two.txt", "\ufeffNone [here].\r\n")
    write("two.ann", "")
    write("one.txt", TEXT)
    write("one.ann", NOTES.replace("\n", "\r\n"))
    write("annotation.conf", "[entities]")
    write(".one.ann", "hidden")
    reading = read(tmp_path, dataset="toy", language="en")
    assert [(e.id, e.text) for e in reading.examples] == [
        ("one", TEXT),
        ("two", "\ufeffNone [here].\r\n"),
    ]
    assert [(e.surface(TEXT), e.label) for e in reading.examples[0].entities] == [
        ("Aspirin", "Chemical"),
        ("old\nback pain", "Disease"),
    ]
    assert reading.dropped == {"discontinuous mention": 1}
    assert reading.remarks == {}


def test_a_byte_order_mark_counts_in_the_offsets(write, tmp_path):
    write("one.txt", "\ufeffLime")
    write("one.ann", "T1\tA 1 5\tLime\n")
    (example,) = read(tmp_path, dataset="", language="en").examples
    assert example.entities[0].surface(example.text) == "Lime"


def test_a_text_without_annotations_is_remarked(write, tmp_path):
    write("one.txt", TEXT)
    assert read(tmp_path, dataset="", language="en").remarks == {"text without an .ann file": 1}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("T1\tChemical 0 7\taspirin", "is 'Aspirin' in the text, not 'aspirin'"),
        ("T1\tChemical 7 0\tAspirin", "needs 0 <= start < end"),
        ("T1\tChemical 0 70\t" + TEXT.replace("\n", " "), "ends behind the text"),
        ("T1\tChemical 0\tAspirin", "an entity is"),
        ("T1\tChemical 0 x\tAspirin", "'x' is not an offset"),
        ("T1\tDisease 12 17;25 x\tacute back pain", "'x' is not an offset"),
        ("T1 Chemical 0 7 Aspirin", "an entity is"),
        ("T1\tChemical\tAspirin", "an entity is"),
        ("T1\t 0 7\tAspirin", "has no type"),
        ("Aspirin", None),
        ("Q1\tWhat", "a line begins with"),
    ],
)
def test_malformed_lines_name_file_and_line(write, tmp_path, line, reason):
    write("one.txt", TEXT)
    path = write("one.ann", f"T9\tChemical 0 7\tAspirin\n{line}\n")
    if reason is None:  # an A line is an attribute, whatever follows
        assert len(read(tmp_path, dataset="", language="en").examples) == 1
        return
    with pytest.raises(FormatError) as caught:
        read(tmp_path, dataset="", language="en")
    assert f"{path}:2: " in str(caught.value)
    assert reason in str(caught.value)


def test_folders_that_are_no_brat_data(write, tmp_path):
    with pytest.raises(InputError, match=r"no \.txt and \.ann files"):
        read(tmp_path, dataset="", language="en")
    with pytest.raises(InputError, match="is a folder"):
        read(write("one.ann", ""), dataset="", language="en")
    with pytest.raises(FormatError, match=r"one\.txt is missing"):
        read(tmp_path, dataset="", language="en")


def test_two_files_of_one_name_are_refused(write, tmp_path):
    write("one.txt", "a")
    write("one.txt.gz", b"")
    with pytest.raises(InputError, match=r"one\.txt stands beside it"):
        read(tmp_path, dataset="", language="en")


@given(cases(crossing=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(tmp_path, case: Case):
    if any("\ud800" <= c <= "\udfff" for c in case.text):
        return  # no file holds a lone surrogate
    assert brat.write(tmp_path, [Example("one", case.text, case.entities, "", "en")]) == 1
    (example,) = read(tmp_path, dataset="", language="en").examples
    assert example.text == case.text
    joined = (Entity(*e.span, e.label.replace(" ", "_")) for e in case.entities)
    assert example.entities == ordered(joined)


@pytest.mark.parametrize("name", ["", "..", ".a", "../a", "a/b", "a\\b", "a\0", "C:a"])
def test_an_id_that_leads_out_of_the_folder_is_refused(tmp_path, name):
    with pytest.raises(UnrepresentableError, match="cannot be the name of a file"):
        brat.write(tmp_path / "here", [Example(name, "Lime", (), "", "en")])
    assert not list((tmp_path / "here").iterdir())


def test_a_label_that_brat_cannot_write_is_refused(tmp_path):
    with pytest.raises(UnrepresentableError, match=r"'A\\tB' cannot be the name of a type"):
        brat.write(tmp_path, [Example("a", "Lime", (Entity(0, 4, "A\tB"),), "", "en")])
