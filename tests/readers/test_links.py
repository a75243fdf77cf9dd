"""Concepts of mentions: read from every format that has them, written, and read again."""

import json
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity, Example, Link, Prediction, ScoredEntity
from llmner_hf.core.errors import FormatError
from llmner_hf.readers import read_any
from llmner_hf.readers.entries import Entry, annotated, entries_of
from llmner_hf.readers.json_lines import predicted_row, read_predictions
from llmner_hf.readers.json_lines import write as write_rows
from llmner_hf.readers.links import of_infons
from llmner_hf.readers.writing import write_any
from tests.strategies import cases, concept_ids

ASPIRIN, ASTHMA = Entity(0, 7, "Chemical"), Entity(12, 18, "Disease")
TEXT = "Aspirin and asthma."


def gold(*ids):
    return tuple(Link(id, "", 1.0) for id in ids)


def ids_of(reading, document="1"):
    told = reading.links.get(document, {})
    return {entity.label: [link.id for link in links] for entity, links in told.items()}


PUBTATOR = """1|t|Aspirin and asthma.
1|a|Aspirin.
1\t0\t7\tAspirin\tChemical\tD001241
1\t12\t18\tasthma\tDisease\tD001249|OMIM:600807
1\t20\t27\tAspirin\tDrug\t-
1\t20\t27\tAspirin\tOther
1\t20\t27\tAspirin\tMore\twhat
1\t20\t27\tAspirin\tTwice\tD001241
1\t20\t27\tAspirin\tTwice\tD001249
"""


def test_the_sixth_column_of_pubtator(write):
    reading = read_any(write("a.PubTator", PUBTATOR))
    assert ids_of(reading) == {
        "Chemical": ["MESH:D001241"],
        "Disease": ["MESH:D001249", "OMIM:600807"],
        "Drug": [],
        "Twice": ["MESH:D001241", "MESH:D001249"],
    }
    assert reading.remarks["concept id of no known terminology, left out"] == 1
    assert reading.links["1"][ASPIRIN] == gold("MESH:D001241")


def test_infons_name_an_identifier_or_a_terminology():
    def read(**infons):
        links = of_infons(infons, "Gene", Counter())
        return links and [link.id for link in links]

    assert read(identifier="672") == read(identifier=672) == ["NCBIGene:672"]
    assert read(**{"NCBI Gene": "672"}) == read(identifier=["672"]) == ["NCBIGene:672"]
    assert read(identifier="672", MESH="D001241") == ["NCBIGene:672", "MESH:D001241"]
    assert read(identifier=None, Gene="BRCA1", database="ncbi_gene") is None
    assert read(identifier="-") == ()


def test_brat_normalisations(write, tmp_path):
    (tmp_path / "d").mkdir()
    write("d/a.txt", TEXT)
    notes = (
        "N1\tReference T1 mesh:D001241\tAspirin\nT1\tChemical 0 7\tAspirin\n"
        "T2\tDisease 12 18\tasthma\nN2\tReference T1 CHEBI:15365\nN3\tReference E9 MESH:D1\tx\n"
    )
    write("d/a.ann", notes)
    reading = read_any(tmp_path / "d")
    assert reading.links == {
        "a": {ASPIRIN: (Link("MESH:D001241", "Aspirin", 1.0), Link("CHEBI:15365", "", 1.0))}
    }
    assert reading.remarks == {"normalisation of no mention, left out": 1}
    write("d/a.ann", notes + "N4\tReference T2\tx\n")
    with pytest.raises(FormatError, match=r"a\.ann:6: .*a normalisation is"):
        read_any(tmp_path / "d")


@pytest.mark.parametrize("format", ["json_lines", "csv"])
def test_links_of_json(write, tmp_path, format):
    entities = [
        {"start": 0, "end": 7, "type": "Chemical", "links": ["D001241", {"id": "CHEBI:15365"}]},
        {"start": 12, "end": 18, "type": "Disease", "links": "D001249|-1"},
        {"start": 12, "end": 18, "type": "Drug", "links": []},
        {"start": 12, "end": 18, "type": "Other", "links": None},
        {"start": 12, "end": 18, "type": "More", "links": ["what"]},
    ]
    row = {"id": "1", "text": TEXT, "entities": entities}
    if format == "json_lines":
        path = write("a.jsonl", json.dumps(row))
    else:
        cell = json.dumps(entities).replace('"', '""')
        path = write("a.csv", f'id,text,entities\n1,{TEXT},"{cell}"\n')
    reading = read_any(path)
    assert ids_of(reading) == {
        "Chemical": ["MESH:D001241", "CHEBI:15365"],
        "Disease": ["MESH:D001249"],
        "Drug": [],
    }
    assert reading.remarks == {"concept id of no known terminology, left out": 1}


@pytest.mark.parametrize(
    ("links", "reason"),
    [
        (7, "field 'links' is 7; it has to be a list"),
        ([7], "expected a JSON object {...}, found 7"),
        ([{"name": "Aspirin"}], "field 'id' is missing"),
        ([{"id": "MESH:D1", "score": 2}], r"score 2 is not a number in \[0, 1\]"),
        ([{"id": "MESH:D1", "name": 1}], "field 'name' is 1"),
    ],
)
def test_links_that_are_none_are_refused(write, links, reason):
    entities = [{"start": 0, "end": 7, "type": "Chemical", "links": links}]
    path = write("a.jsonl", json.dumps({"id": "1", "text": TEXT, "entities": entities}))
    with pytest.raises(FormatError, match=reason):
        read_any(path)


@st.composite
def linked(draw, whole):
    """A document with concepts of its entities: with names and scores too, or ids alone."""
    case = draw(cases(crossing=True))
    text = "".join("x" if "\ud800" <= c <= "\udfff" or ord(c) < 32 else c for c in case.text)
    text = text.replace("\ufffe", "x").replace("\uffff", "x")
    known = {}
    for entity in draw(st.sets(st.sampled_from(case.entities))) if case.entities else ():
        known[entity] = tuple(
            Link(id, draw(st.sampled_from(["", "Aspirin", 'a "b"', "患"])), draw(st.floats(0, 1)))
            if whole
            else Link(id, "", 1.0)
            for id in draw(concept_ids())
        )
    return Entry(Example("1", text, case.entities, "", "en"), links=known)


def again(tmp_path, entry, name):
    lost = write_any(tmp_path / name, [entry], "brat" if name == "brat" else None)
    return read_any(tmp_path / name, language="en"), lost


SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv", "a.parquet"])
@given(linked(whole=True))
@SLOW
def test_files_of_this_package_hold_links_whole(tmp_path, name, entry):
    reading, lost = again(tmp_path, entry, name)
    (read,) = entries_of(reading)
    assert (read.example, read.links) == (entry.example, entry.links)
    assert not lost


@pytest.mark.parametrize("name", ["a.pubtator", "a.xml", "a.json"])
@given(linked(whole=False))
@SLOW
def test_other_files_hold_ids(tmp_path, name, entry):
    reading, lost = again(tmp_path, entry, name)
    (read,) = entries_of(reading)
    assert (read.example.entities, read.links) == (entry.example.entities, entry.links)
    assert not lost - Counter({"line break, tab or missing abstract (a blank)": 99})


@given(linked(whole=True))
@SLOW
def test_brat_holds_ids_and_names(tmp_path, entry):
    reading, lost = again(tmp_path, entry, "brat")
    blank = {e: Entity(e.start, e.end, e.label.replace(" ", "_")) for e in entry.links}
    # Types that differ in a blank alone are one there.
    if len({(e.span, e.label.replace(" ", "_")) for e in entry.example.entities}) < len(
        entry.example.entities
    ):
        return
    named = {
        blank[entity]: tuple(Link(link.id, link.name, 1.0) for link in links)
        for entity, links in entry.links.items()
        if links
    }
    assert reading.links.get("1", {}) == named
    assert lost["note that a mention has no concept"] == len(entry.links) - len(named)
    scored = [link for links in entry.links.values() for link in links if link.score < 1]
    assert lost["score of a concept"] == len(scored)


def test_what_a_format_cannot_hold_of_links_is_counted(tmp_path):
    links = {
        ASPIRIN: (Link("MESH:D001241", "Aspirin", 0.9),),
        ASTHMA: (Link("Mine:a|b", "", 1.0),),
    }
    entry = Entry(Example("1", TEXT, (ASPIRIN, ASTHMA), "", "en"), links=links)
    for name in ("a.pubtator", "a.xml", "a.json"):
        reading, lost = again(tmp_path, entry, name)
        assert ids_of(reading) == {"Chemical": ["MESH:D001241"]}
        assert lost["name or score of a concept"] == 1
        assert lost["concepts of a mention, whose ids hold marks"] == 1
    _, lost = again(tmp_path, entry, "a.conll")
    assert lost["concepts of a mention"] == 2
    broken = Entry(entry.example, links={ASPIRIN: (Link("MESH:D1", "a\nb", 1.0),)})
    reading, lost = again(tmp_path, broken, "brat")
    assert reading.links["1"][ASPIRIN][0].name == "a b"
    assert lost == {"line break in a concept's name (a blank)": 1}


def test_predictions_keep_their_links(write, tmp_path):
    link = Link("MESH:D001241", "Aspirin", 0.9)
    found = Prediction("1", (ScoredEntity(ASPIRIN, 0.5, (link,)), ScoredEntity(ASTHMA, 0.5)))
    row = predicted_row(TEXT, found)
    told = [entity.get("links") for entity in row["entities"]]
    assert told == [[{"id": "MESH:D001241", "name": "Aspirin", "score": 0.9}], None]
    write_rows(tmp_path / "a.jsonl", [row])
    assert read_predictions(tmp_path / "a.jsonl") == (found,)
    (entry,) = annotated(read_any(tmp_path / "a.jsonl"), {"1": found})
    assert entry.links == {ASPIRIN: (link,)}
