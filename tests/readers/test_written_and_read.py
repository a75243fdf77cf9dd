"""What is written is read again: the same texts and entities, in every format that can hold them;
what a format cannot hold is counted."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity, Example, Prediction, ScoredEntity
from llmner_hf.core.errors import InputError, UnrepresentableError
from llmner_hf.readers import read_any
from llmner_hf.readers.entries import Entry, annotated, entries_of
from llmner_hf.readers.writing import WRITERS, write_any, written_format
from tests.strategies import Case, cases

WHOLE = ("json_lines", "csv", "tsv", "parquet", "bioc_json")
SUFFIX = {"json_lines": ".jsonl", "parquet": ".parquet", "bioc_json": ".json", "bioc": ".xml"}


def entry(text, *spans, id="1", scores=(), **more):
    entities = tuple(Entity(*span) for span in spans)
    example = Example(id, text, entities, "", "en")
    return Entry(example, dict(zip(entities, scores, strict=False)), **more)


def again(tmp_path, entries, format):
    """What is read of what was written, and what was said to be lost."""
    path = tmp_path / ("brat" if format == "brat" else f"a{SUFFIX.get(format, f'.{format}')}")
    lost = write_any(path, entries, format)
    return read_any(path, {"bioc_json": "bioc"}.get(format, format), language="en"), lost


def is_text(case):
    return not any("\ud800" <= c <= "\udfff" for c in case.text)  # which no file can hold


@pytest.mark.parametrize("format", WHOLE)
@given(case=cases(crossing=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_formats_that_hold_everything(tmp_path, format, case: Case):
    if not is_text(case):
        return
    scores = dict.fromkeys(case.entities, 0.25)
    written = [
        Entry(Example(name, case.text, case.entities, "", "en"), scores) for name in ("1", "b\t,2")
    ]
    reading, lost = again(tmp_path, written, format)
    assert reading.examples == tuple(each.example for each in written)
    assert all(found.scores == scores for found in entries_of(reading))
    assert not lost


@given(cases(crossing=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_bioc_xml_holds_what_xml_can(tmp_path, case: Case):
    if not is_text(case):
        return
    written = [Entry(Example("1", case.text, case.entities, "", "en"))]
    try:
        reading, lost = again(tmp_path, written, "bioc")
    except UnrepresentableError:
        assert any(ord(c) < 32 or ord(c) > 0xFFFD for c in case.text)
    else:
        assert reading.examples == (written[0].example,)
        assert not lost


@given(cases(crossing=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_columns_hold_the_outermost_entities(tmp_path, case: Case):
    if not is_text(case):
        return
    example = Example("1", case.text, case.entities, "", "en")
    (tmp_path / "a.conll").unlink(missing_ok=True)
    lost = write_any(tmp_path / "a.conll", [Entry(example)])
    found = [e for x in read_any(tmp_path / "a.conll").examples for e in x.entities]
    unheld = lost["entity inside or across another"] + lost["entity without a token"]
    assert len(found) == len(case.entities) - unheld
    flat = all(
        one.end <= two.start
        for one, two in zip(example.entities, example.entities[1:], strict=False)
    )
    if flat:
        assert not lost["entity inside or across another"]
        read = [(e.label, "".join(e.surface(x.text).split()))
                for x in read_any(tmp_path / "a.conll").examples for e in x.entities]  # fmt: skip
        put = [(e.label, "".join(e.surface(case.text).split())) for e in example.entities]
        assert read == [pair for pair in put if pair[1]]


def test_columns_of_words(tmp_path):
    nested = entry("IL-2 gene.", (0, 9, "DNA"), (0, 4, "protein"))
    lost = write_any(tmp_path / "a.conll", [nested])
    rows = "IL\tB-DNA\n-\tI-DNA\n2\tI-DNA\ngene\tI-DNA\n.\tO\n\n"
    assert (tmp_path / "a.conll").read_text() == rows
    assert lost == {"entity inside or across another": 1, "character between tokens": 1, "id": 1}


def test_title_and_abstract_stay_apart(tmp_path):
    article = "7|t|A title. With two.\n7|a|The abstract.\n7\t0\t7\tA title\tX\n\n"
    (tmp_path / "a.PubTator").write_text(article)
    reading = read_any(tmp_path / "a.PubTator")
    for name in ("b.pubtator", "c.xml", "d.json"):
        assert not write_any(tmp_path / name, entries_of(reading))
        other = read_any(tmp_path / name)
        assert (other.examples, other.titles) == (reading.examples, reading.titles)
    write_any(tmp_path / "e.pubtator", entries_of(read_any(tmp_path / "c.xml")))
    assert (tmp_path / "e.pubtator").read_text() == article


def test_what_a_format_cannot_hold_is_counted(tmp_path):
    one = entry("a\tb c", (0, 1, "A B"), scores=[0.5], fields={"year": 1999})
    _, lost = again(tmp_path, [one], "brat")
    assert lost == {"score": 1, "field 'year'": 1, "blank in a type's name (_)": 1}
    _, lost = again(tmp_path, [one], "pubtator")
    assert lost == {
        "score": 1,
        "field 'year'": 1,
        "line break, tab or missing abstract (a blank)": 2,
    }
    _, lost = again(tmp_path, [one], "bioc")
    assert lost == {"field 'year'": 1}


@pytest.mark.parametrize("format", ["json_lines", "csv", "tsv", "parquet"])
def test_other_fields_travel_along(tmp_path, format):
    fields = {"year": "1999", "journal": "J, \"quoted\"\nin two lines"}  # fmt: skip
    reading, lost = again(tmp_path, [entry("Lime", (0, 4, "A"), fields=fields)], format)
    assert reading.fields == {"1": fields}
    assert not lost


def test_a_field_of_several_kinds_fits_no_parquet_column(tmp_path):
    mixed = [entry("a", id="1", fields={"x": 1}), entry("b", id="2", fields={"x": "one"})]
    with pytest.raises(UnrepresentableError, match="the field 'x' does not fit"):
        write_any(tmp_path / "a.parquet", mixed)
    assert not write_any(tmp_path / "a.jsonl", mixed)


def test_a_cell_may_be_longer_than_the_csv_module_allows(tmp_path):
    reading, _ = again(tmp_path, [entry("x" * 200_000)], "csv")
    assert len(reading.examples[0].text) == 200_000


@pytest.mark.parametrize("format", WRITERS)
def test_no_document_is_written_and_read(tmp_path, format):
    if format == "brat":
        assert not write_any(tmp_path / "brat", [], "brat")
        return
    reading, lost = again(tmp_path, [], format)
    assert reading.examples == ()
    assert not lost


def test_brat_is_written_as_brat_writes(tmp_path):
    write_any(tmp_path, [entry("Severe chest\npain.", (0, 17, "P"), id="a")], "brat")
    assert (tmp_path / "a.ann").read_text() == "T1\tP 0 12;13 17\tSevere chest pain\n"


@pytest.mark.parametrize(
    ("name", "format"),
    [("a.csv", "csv"), ("a.TSV.gz", "tsv"), ("a.bioc.xml", "bioc"), ("a.bioc.json", "bioc_json")],
)
def test_the_suffix_names_the_format(name, format):
    assert written_format(name) == format


@pytest.mark.parametrize("name", ["a.txt", "a", "a.docx"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"its suffix names no format; .*--to json_lines"):
        write_any(tmp_path / name, [])
    with pytest.raises(InputError, match="unknown format 'word'"):
        write_any(tmp_path / name, [], "word")
    assert not list(tmp_path.iterdir())


def test_predictions_take_the_place_of_gold(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        json.dumps(
            {
                "id": "1",
                "text": "IL-2",
                "year": 1,
                "entities": [{"start": 0, "end": 4, "type": "A"}],
            }
        )
    )
    found = Prediction("1", (ScoredEntity(Entity(0, 2, "B"), 0.5),))
    (one,) = annotated(read_any(tmp_path / "a.jsonl"), {"1": found})
    assert [row for _, row in one.rows()] == [
        {"start": 0, "end": 2, "type": "B", "text": "IL", "score": 0.5}
    ]
    assert one.fields == {"year": 1}


@given(st.lists(st.sampled_from(["患", "者", "IL", "2", "。", " "]), min_size=1, max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tokens_stand_in_the_text_that_is_rebuilt(tmp_path, tokens):
    (tmp_path / "a.conll").write_text("".join(f"{token}\tS-X\n" for token in tokens))
    (example,) = read_any(tmp_path / "a.conll").examples
    assert [entity.surface(example.text) for entity in example.entities] == tokens
    assert example.text.replace(" ", "") == "".join(tokens).replace(" ", "")
    assert " " in tokens or "患 者" not in example.text
