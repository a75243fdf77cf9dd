"""OBO and OBO graphs: both say the same, as far as both say it."""

import json

import pytest

from llmner_hf.core.errors import FormatError
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Options
from tests.terminology.files import FOLDER, changed, concepts_of, lay, source_of

SULKING = Concept(
    "MONDO:0000002",
    "sulking disorder",
    "Disease",
    ("sulks", "bad mood"),
    ("MONDO:0000001",),
    ("MESH:D000004",),
)
DISEASES = [
    Concept("MONDO:0000001", "disease", "Disease"),
    SULKING,
    Concept(
        "MONDO:0000003", "sneezing disorder", "Disease", (), ("MONDO:0099999",), ("MESH:D000099",)
    ),
]
both = pytest.mark.parametrize("name", ["mondo.obo", "mondo.json"])


@both
def test_terms(tmp_path, name):
    source = source_of(lay(tmp_path, name))
    assert concepts_of(source) == DISEASES
    assert source.dropped == {
        "obsolete term": 1,
        "concept that is not selected": 1,
        "synonym of a scope that is not taken": 1,
    }
    assert source.version == "2026-01-02"
    assert source.licence == "https://creativecommons.org/licenses/by/4.0/"
    assert source.attribution == "An ontology of our own"


@both
@pytest.mark.parametrize(
    ("scopes", "names"),
    [
        (("exact",), ("sulks",)),
        (("narrow", "exact"), ("sulks", "sulking of childhood")),
        ((), ()),
    ],
)
def test_scopes_of_synonyms(tmp_path, name, scopes, names):
    source = source_of(lay(tmp_path, name), Options(scopes=scopes))
    assert concepts_of(source)[1].synonyms == names


@both
def test_a_branch_by_its_ancestor(tmp_path, name):
    selection = Selection.parse(["MONDO:0000001=Any", "MONDO:0000002=Mood"])
    source = source_of(lay(tmp_path, name), Options(selection))
    types = {concept.id: concept.type for concept in concepts_of(source)}
    assert types == {"MONDO:0000001": "Any", "MONDO:0000002": "Mood"}


def test_cross_references_where_none_is_marked_as_equivalent(tmp_path):
    path = changed(tmp_path, "mondo.obo", ' {source="MONDO:equivalentTo"}', "")
    assert concepts_of(source_of(path))[1].same == ("MESH:D000004", "ICD10:F99")


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (r"name: syndrome \"A\"\, first", 'syndrome "A", first'),
        ('name: disorder {comment="x"} ! a comment', "disorder"),
        ("name: Wow! disorder", "Wow! disorder"),
        ("name: disorder {A}", "disorder {A}"),
        (r"name: disorder \{A=1\}", "disorder {A=1}"),
    ],
)
def test_values_are_read_without_escapes_and_what_stands_behind_them(tmp_path, line, name):
    path = changed(tmp_path, "mondo.obo", "name: sulking disorder", line)
    assert concepts_of(source_of(path))[1].name == name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('synonym: "sulks" EXACT []', 'synonym: "sulks EXACT []'),
        ('synonym: "sulks" EXACT []', "sulks"),
        ("xref: PMID:12345", "xref:"),
    ],
)
def test_a_bad_line_is_counted_with_its_place_and_the_term_stays(tmp_path, old, new):
    source = source_of(changed(tmp_path, "mondo.obo", old, new))
    found = concepts_of(source)
    assert [concept.id for concept in found] == [concept.id for concept in DISEASES]
    assert source.dropped["line that is not OBO"] == 1
    (place,) = source.places["line that is not OBO"]
    assert source.path.read_text().splitlines()[int(place.removeprefix("line ")) - 1] == new


def test_synonyms_of_the_first_obo(tmp_path):
    path = changed(tmp_path, "mondo.obo", 'synonym: "sulks" EXACT', 'exact_synonym: "sulks"')
    assert concepts_of(source_of(path))[1] == SULKING


def graphs(change):
    found = json.loads((FOLDER / "mondo.json").read_text())
    change(found["graphs"][0])
    return json.dumps(found)


def test_a_malformed_node_is_counted(tmp_path):
    content = graphs(lambda graph: graph["nodes"].insert(1, {"lbl": "no id"}))
    source = source_of(lay(tmp_path, "mondo.json", content))
    assert concepts_of(source) == DISEASES
    assert source.places["malformed node"] == ["node 1 from 0"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{ "graphs": [ {"nodes": ', "not JSON: "),
        ('{ "graphs": 1 }', "no OBO graphs"),
        ('{ "graphs": [1] }', "meta or edges are malformed"),
        (graphs(lambda graph: graph["edges"].append({"pred": "is_a"})), "meta or edges"),
    ],
)
def test_a_file_that_holds_no_graphs_is_refused(tmp_path, content, reason):
    with pytest.raises(FormatError, match=reason):
        concepts_of(source_of(lay(tmp_path, "mondo.json", content)))
