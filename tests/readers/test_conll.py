import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmner_hf.core.errors import FormatError
from llmner_hf.readers.conll import read


def found(path, **options):
    """(surface, label) of every sentence."""
    reading = read(path, dataset="toy", language="en", **options)
    return [[(e.surface(x.text), e.label) for e in x.entities] for x in reading.examples]


def rows(tags):
    return "".join(
        f"{token}\t{tag}\n" for token, tag in zip("abcdefgh", tags.split(), strict=False)
    )


def test_sentences_are_rebuilt_with_single_blanks(write):
    content = "\ufeffIL\tB-protein\r\n-\tI-protein\r\n2\tI-protein\r\ngene\tO\r\n\r\n\r\nok\tO\r\n"
    reading = read(write("a.conll", content), dataset="toy", language="en")
    assert [(e.id, e.text) for e in reading.examples] == [
        ("toy-a-00000", "IL - 2 gene"),
        ("toy-a-00001", "ok"),
    ]
    (entity,) = reading.examples[0].entities
    assert (entity.start, entity.end, entity.label) == (0, 6, "protein")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("O B-X I-X O", ["b c"]),
        ("B-X B-X I-X", ["a", "b c"]),
        ("O I-X I-X O", ["b c"]),  # begins without B: conlleval begins an entity
        ("B-X I-Y I-Y", ["a", "b c"]),  # another type begins another entity
        ("I-X O I-X", ["a", "c"]),
        ("I-X B-X I-X", ["a", "b c"]),  # IOB1
        ("B-X E-X S-X B-X I-X E-X", ["a b", "c", "d e f"]),  # BIOES
        ("B-X L-X U-X L-X", ["a b", "c", "d"]),  # BILOU
        ("B-X M-X E-X W-X", ["a b c", "d"]),  # BMES
        ("S-X I-X", ["a", "b"]),
        ("E-X E-X I-X", ["a", "b", "c"]),
        ("O O", []),
    ],
)
def test_tag_schemes(write, tags, expected):
    assert [[surface for surface, _ in found(write("a.tsv", rows(tags)))[0]]] == [expected]


def test_blank_columns_and_a_chosen_tag_column(write):
    path = write("a.conll", "-DOCSTART- -X- O O\n\nAspirin NNP  B-A O\nhelps VBZ O B-V\n")
    assert found(path) == [[("helps", "V")]]
    assert found(path, column=2) == [[("Aspirin", "A")]]
    assert read(path, dataset="", language="en").remarks == {"skipped row": 1}


def test_marks_to_skip_are_given(write):
    path = write("a.conll", "<ALL>\tO\nAspirin\tB-A\n</ALL>\tO\n\n")
    reading = read(path, dataset="", language="en", skip=("<ALL>", "</ALL>"))
    assert reading.examples[0].text == "Aspirin"
    assert reading.remarks == {"skipped row": 2}


def test_blank_tokens_stay_between_tabs(write):
    (example,) = read(
        write("a.bio", "左\tB-X\n \tI-X\n\u3000\tI-X\n"), dataset="", language="zh"
    ).examples
    assert example.text == "左 \u3000"
    assert example.entities[0].end == 3
    (words,) = read(write("b.bio", "IL\tB-X\n \tI-X\n"), dataset="", language="en").examples
    assert words.text == "IL  "


def test_types_may_have_dashes(write):
    assert found(write("a.tsv", "x\tB-cell-line\n")) == [[("x", "cell-line")]]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("token", "a row is a token"),
        ("token\tX-A", "tag 'X-A'"),
        ("token\tB-", "tag 'B-'"),
        ("token\t", "tag ''"),
        ("\tO", "a row is a token"),
    ],
)
def test_malformed_rows_name_file_and_line(write, row, reason):
    with pytest.raises(FormatError) as caught:
        found(write("a.tsv", f"ok\tO\n{row}\n"))
    assert "a.tsv:2: " in str(caught.value)
    assert reason in str(caught.value)


def test_a_missing_column_is_named(write):
    with pytest.raises(FormatError, match=r"a\.tsv:1: .* has no column 4"):
        found(write("a.tsv", "ok\tO\n"), column=4)


def simple_spans(tags):
    """conlleval's rule said another way: a maximal run in which each tag goes on from the last."""
    spans, start = [], None
    for i, tag in enumerate([*tags, "O"]):
        before = tags[i - 1] if i else "O"
        goes_on = tag[0] == "I" and before != "O" and before[2:] == tag[2:]
        if start is not None and not goes_on:
            spans.append((start, i, tags[start][2:]))
            start = None
        if tag != "O" and not goes_on:
            start = i
    return spans


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100
)
@given(st.lists(st.sampled_from(["O", "B-X", "I-X", "B-Y", "I-Y"]), min_size=1))
def test_iob_equals_another_wording_of_the_rule(write, tags):
    path = write("a.tsv", "".join(f"t\t{tag}\n" for tag in tags))
    (example,) = read(path, dataset="", language="en").examples
    assert [(e.start // 2, (e.end + 1) // 2, e.label) for e in example.entities] == simple_spans(
        tags
    )
