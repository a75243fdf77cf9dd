import pytest
from hypothesis import HealthCheck, given, settings

from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import FormatError, UnrepresentableError
from llmner_hf.readers import pubtator
from llmner_hf.readers.pubtator import read
from tests.strategies import Case, cases

ARTICLE = """101|t|Aspirin and asthma.
101|a|We saw wheeze and cough after aspirin [ASA].  
101\t0\t7\tAspirin\tChemical\tD001241
101\t27\t43\twheeze and cough\tDisease\tD012135|D003371\twheeze|cough
101\t50\t57\taspirin\tChemical
101\t59\t62\tASA\tChemical\tD001241\t
101\tCID\tD001241\tD012135
101\tAssociation\tD001241\tD012135\tNovel
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("lead", ["", "\ufeff", "\n"])
def test_an_article_with_every_kind_of_line(write, newline, lead):
    path = write("a.PubTator", lead + ARTICLE.replace("\n", newline))
    reading = read(path, dataset="toy", language="en")
    (example,) = reading.examples
    assert example.id == "101"
    assert example.text == "Aspirin and asthma. We saw wheeze and cough after aspirin [ASA].  "
    assert [(e.surface(example.text), e.label) for e in example.entities] == [
        ("Aspirin", "Chemical"),
        ("wheeze and cough", "Disease"),
        ("aspirin", "Chemical"),
        ("ASA", "Chemical"),
    ]
    assert reading.groups == {"101": "101"}
    assert reading.dropped == {}
    assert reading.remarks == {"composite mention, kept as one span": 1}


def test_a_doubled_article_is_kept_once(write):
    reading = read(write("a.txt", ARTICLE + "\n" + ARTICLE), dataset="toy", language="en")
    assert len(reading.examples) == 1
    assert reading.dropped == {"repeated document": 1, "mention of a repeated document": 4}


def test_a_doubled_article_with_other_mentions_is_refused(write):
    with pytest.raises(FormatError, match=r"a\.txt:10: a second document '101'"):
        read(
            write("a.txt", ARTICLE + "\n" + ARTICLE[: ARTICLE.index("101\t27")]),
            dataset="",
            language="en",
        )


def test_blanks_at_the_end_of_a_surface_form_that_the_text_lacks(write):
    content = '1|t|Seizures "plus" (GS).\n1|a|\n1\t0\t15\tSeizures "plus"  \tDisease\tD1\n'
    reading = read(write("a.txt", content), dataset="toy", language="en")
    assert reading.examples[0].entities == (Entity(0, 15, "Disease"),)
    assert reading.remarks == {"surface form differs in blanks at its end": 1}


def test_articles_without_blank_lines_between_or_abstract(write):
    reading = read(write("a.txt", "1|t|One | two|a|.\n2|t|Two.\n2|a|\n"), dataset="", language=None)
    assert [(e.id, e.text) for e in reading.examples] == [("1", "One | two|a|. "), ("2", "Two. ")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1\t0\t4\tLimo\tA\tD1", "is 'Lime' in the text, not 'Limo'"),
        ("1\t0\t4\t Lime\tA\tD1", "not ' Lime'"),
        ("1\t0\t40\tLime\tA\tD1", "in the text, not 'Lime'"),
        ("1\t4\t0\tLime\tA\tD1", "needs 0 <= start < end"),
        ("1\t0\tx\tLime\tA\tD1", "'x' is not an offset"),
        ("1\t-1\t4\tLime\tA\tD1", "'-1' is not an offset"),
        ("1\tx\t4\tLime\tA\tD1", "'x' is not an offset"),
        ("1\t0\t4\tLime", "5 to 7 columns, not 4"),
        ("1\t0\t4\tLime\tA\tD1\t\t", "5 to 7 columns, not 8"),
        ("1\t0\t4\tLime\t\tD1", "has no type"),
        ("2\t0\t4\tLime\tA\tD1", "a line of article '2' among those of '1'"),
        ("1\t0\t4", "neither a title"),
        ("Lime", "neither a title"),
        ("1|a|again", "has to follow its title at once"),
        ("2|a|other", "has to follow its title at once"),
    ],
)
def test_malformed_lines_name_file_and_line(write, line, reason):
    with pytest.raises(FormatError) as caught:
        read(write("a.txt", f"\n1|t|Lime\n1|a|Juice.\n{line}\n"), dataset="", language="en")
    assert "a.txt:4: " in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_no_article_is_no_example(write, content):
    assert read(write("a.txt", content), dataset="", language="en").examples == ()


@pytest.mark.parametrize("line", ["1\t0\t4\tLime\tA\tD1", "1|a|Juice.", "plain text"])
def test_a_title_comes_first(write, line):
    with pytest.raises(FormatError, match=r"a\.txt:1: .* before any title"):
        read(write("a.txt", line), dataset="", language="en")


@given(cases(crossing=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_read_back(tmp_path, case: Case):
    if any("\ud800" <= c <= "\udfff" for c in case.text):
        return  # no file holds a lone surrogate
    path = tmp_path / "a.PubTator"
    written = [Example(n, case.text, case.entities, "", "en") for n in ("1", "2")]
    assert pubtator.write(path, written) == 2
    for example in read(path, dataset="", language="en").examples:
        one_line = "".join(" " if c == "\t" or c.splitlines() == [""] else c for c in case.text)
        more = "" if {"\n", "\r"} & set(case.text) else " "
        assert example.text == one_line + more
        assert example.entities == case.entities


def test_the_title_written_is_the_first_line(tmp_path):
    pubtator.write(
        tmp_path / "a.txt", [Example("7", "One.\nTwo.", (Entity(5, 8, "A b"),), "", "en")]
    )
    assert (tmp_path / "a.txt").read_text() == "7|t|One.\n7|a|Two.\n7\t5\t8\tTwo\tA b\n\n"


@pytest.mark.parametrize(
    ("name", "label"), [("a|b", "A"), ("a\nb", "A"), (" ", "A"), ("a", "A\tB")]
)
def test_an_id_or_label_that_would_be_read_as_something_else_is_refused(tmp_path, name, label):
    with pytest.raises(UnrepresentableError, match="cannot be written in PubTator"):
        pubtator.write(
            tmp_path / "a.txt", [Example(name, "Lime", (Entity(0, 4, label),), "", "en")]
        )
    assert not list(tmp_path.iterdir())
