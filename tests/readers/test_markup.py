import pytest

from llmner_hf.core.errors import FormatError
from llmner_hf.readers.markup import parse, place_of, records, spans


def test_elements_know_their_lines(write):
    path = write("a.xml", "<a>\n <b/>\n\n <b/>\n</a>")
    assert [place_of(path, element).line for element in parse(path).iter("b")] == [2, 4]


def test_character_references_and_plain_document_types_are_fine(write):
    root = parse(write("a.xml", '<!DOCTYPE a SYSTEM "a.dtd"><a>&#x3b1;&amp;&lt;\u2028</a>'))
    assert root.text == "α&<\u2028"


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ('<!DOCTYPE a [\n<!ENTITY b "c">]><a>&b;</a>', 2, "entity 'b'"),
        ('<!DOCTYPE a [\n<!ENTITY % b SYSTEM "b.dtd"> %b;]><a/>', 2, "entity 'b'"),
        ('<!DOCTYPE a SYSTEM "a.dtd">\n<a>&alpha;</a>', 2, "entity 'alpha'"),
        ("<a>\n&alpha;</a>", 2, "undefined entity"),
        ("<a>\n<b></a>", 2, "mismatched tag"),
        ("", 1, "no element found"),
        ("<a>\n" * 101, 101, "more than 100 elements"),
        ('<?xml version="1.0" encoding="gb2312"?><a/>', 1, "save the file as UTF-8"),
        ('<?xml version="1.0" encoding="nonsense"?><a/>', 1, "save the file as UTF-8"),
    ],
)
def test_what_is_refused_names_the_line(write, content, line, reason):
    with pytest.raises(FormatError) as caught:
        parse(write("a.xml", content))
    assert f"a.xml:{line}: " in str(caught.value)
    assert reason in str(caught.value)


def test_spans_reproduce_the_text_of_their_elements(write):
    root = parse(write("a.xml", "<s>x <c>a<c>b</c> <o>c <c>d</c></o></c> e<c/><c>f</c> g</s>"))
    text = "".join(root.itertext())
    found = list(spans(root, "c"))
    assert len(found) == 5
    for start, end, element in found:
        assert text[start:end] == "".join(element.itertext())


def test_records_come_one_at_a_time_with_their_lines(write):
    path = write("a.xml", "<s><h>x</h>\n<r>1<r>2</r></r>\n<g>\n<r>3</r></g></s>" + "\n" * 70_000)
    found = [("".join(r.itertext()), place_of(path, r).line) for r in records(path, "r")]
    assert found == [("12", 2), ("3", 4)]


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("<s><r/>\n<r>", 2, "no element found"),
        ('<!DOCTYPE s [\n<!ENTITY b "c">]><s><r>&b;</r></s>', 2, "entity 'b'"),
        ("<a>\n" * 101, 101, "more than 100 elements"),
    ],
)
def test_records_refuse_what_a_tree_refuses(write, content, line, reason):
    with pytest.raises(FormatError, match=f"a.xml:{line}: .*{reason}"):
        list(records(write("a.xml", content), "r"))
