"""From files to the concepts of a store: what merges, what does not, and what is said of it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.errors import InputError
from llmner_hf.terminology.building import Built, build
from llmner_hf.terminology.concept import About, Concept
from llmner_hf.terminology.joining import without_cycles
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Options
from llmner_hf.terminology.store import Terminology
from tests.terminology.files import lay

HEADER = "id\tname\tsynonyms\ttype\tparents\tsame\n"


@pytest.fixture
def table(tmp_path):
    """Writes a table of rows and gives its path."""

    def written(name, *rows):
        lines = ("\t".join((*row, *[""] * (6 - len(row)))) + "\n" for row in rows)
        return lay(tmp_path, name, HEADER + "".join(lines))

    return written


def test_an_id_twice_in_a_file_is_joined_and_counted(table):
    path = table(
        "a.tsv",
        ("M:1", "sulks", "moods", "Disease", "M:2"),
        ("M:1", "bad mood", "sulks", "Disease", "M:3"),
    )
    built = build([path])
    (found,) = built.concepts
    assert found == Concept("M:1", "sulks", "Disease", ("moods", "bad mood"), ("M:2", "M:3"))
    assert built.files[0].source.remarks == {"id that stands in the file twice, joined": 1}
    assert built.files[0].source.places == {"id that stands in the file twice, joined": ["M:1"]}


def test_an_id_of_an_earlier_file_is_joined_and_its_type_stays(table):
    built = build([
        table("a.tsv", ("M:1", "sulks", "", "Disease")),
        table("b.tsv", ("M:1", "moods", "", "Mood"), ("M:2", "x", "", "Mood")),
    ])  # fmt: skip
    assert [(c.name, c.synonyms, c.type) for c in built.concepts] == [
        ("sulks", ("moods",), "Disease"),
        ("x", (), "Mood"),
    ]
    assert built.remarks == {
        "id of an earlier file, joined": 1,
        "id that has another type in a later file, which is not taken": 1,
    }


def test_cross_references_join_three_terminologies_into_the_first(table):
    built = build([
        table("mesh.tsv", ("MESH:1", "Sulking Disorder", "Sulks", "Disease", "MESH:9")),
        table("mondo.tsv",
              ("MONDO:1", "sulking", "Sulks", "Disease", "MONDO:2", "MESH:1|OMIM:1|UMLS:7"),
              ("MONDO:3", "sulking of childhood", "", "Disease", "MONDO:1")),
        table("omim.tsv", ("OMIM:1", "SULKS, FAMILIAL", "", "Disease")),
    ])  # fmt: skip
    first, child = built.concepts
    assert first == Concept(
        "MESH:1",
        "Sulking Disorder",
        "Disease",
        ("Sulks",),
        ("MESH:9", "MONDO:2"),
        ("MONDO:1", "OMIM:1", "UMLS:7"),
        ("sulking", "SULKS, FAMILIAL"),
    )
    assert child.parents == ("MESH:1",)
    assert built.remarks == {"concept joined by a cross-reference": 2}


@pytest.mark.parametrize("reverse", [False, True])
def test_a_reference_to_two_ids_of_a_terminology_is_not_followed(table, reverse):
    rows = [("MESH:1", "a", "", "Disease"), ("MESH:2", "b", "", "Disease")]
    mondo = ("MONDO:1", "ab", "", "Disease", "", "MESH:1|MESH:2")
    files = [table("mesh.tsv", *rows), table("mondo.tsv", mondo)]
    built = build(files[::-1] if reverse else files)
    assert len(built.concepts) == 3
    assert built.remarks == {"cross-reference to one of several of a terminology, not followed": 2}


def test_references_that_would_join_two_ids_of_a_terminology_on_the_way_are_not_followed(table):
    path = table(
        "a.tsv",
        ("A:1", "a", "", "T", "", "B:1"),
        ("B:1", "b", "", "T", "", "C:1"),
        ("C:1", "c", "", "T", "", "A:2"),
        ("A:2", "d", "", "T"),
    )
    built = build([path])
    assert [concept.id for concept in built.concepts] == ["A:1", "A:2"]
    assert built.remarks["cross-reference that leads to a second id of a terminology, not followed"]


def test_a_reference_between_types_is_not_followed(table):
    path = table("a.tsv", ("A:1", "a", "", "Gene", "", "B:1"), ("B:1", "b", "", "Disease"))
    built = build([path])
    assert len(built.concepts) == 2
    assert built.remarks == {"cross-reference to a concept of another type, not followed": 1}


def test_cycles_of_parents_are_broken_and_counted(table):
    path = table(
        "a.tsv",
        ("A:1", "a", "", "T", "A:2"),
        ("A:2", "b", "", "T", "A:3|A:4"),
        ("A:3", "c", "", "T", "A:1"),
        ("A:4", "d", "", "T", "A:9"),
    )
    built = build([path])
    assert [concept.parents for concept in built.concepts] == [
        ("A:2",),
        ("A:3", "A:4"),
        (),
        ("A:9",),
    ]
    assert built.remarks == {"parent that led back to its own concept, taken away": 1}


EDGES = st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=20)


@given(EDGES)
def test_no_concept_is_its_own_ancestor_and_no_more_is_taken_than_needed(edges):
    def concepts(kept):
        return [
            Concept(f"A:{i}", "a", "T", parents=tuple(f"A:{p}" for c, p in sorted(kept) if c == i))
            for i in range(7)
        ]

    counted = Counter()
    found = without_cycles(concepts(edges), counted)
    kept = {(int(c.id[2:]), int(p[2:])) for c in found for p in c.parents}
    assert kept <= edges
    assert len(edges) - len(kept) == sum(counted.values())
    above = {i: {p for c, p in kept if c == i} for i in range(7)}
    for _ in range(7):
        above = {i: set().union(ps, *(above[p] for p in ps)) for i, ps in above.items()}
    assert all(i not in ps for i, ps in above.items())
    # Each parent that was taken away closes a way that is still there.
    assert all(child == parent or child in above[parent] for child, parent in edges - kept)


def test_a_long_line_of_parents_is_no_recursion():
    line = [Concept(f"A:{i}", "a", "T", parents=(f"A:{i + 1}",)) for i in range(5_000)]
    counted = Counter()
    assert without_cycles(line, counted) == line
    assert not counted


def test_ambiguous_names_are_counted_whatever_their_case():
    concepts = [
        Concept("A:1", "RCC", "T", ("rcc", "x")),
        Concept("A:2", "rcc", "T"),
        Concept("A:3", "X", "T", ("Rcc",)),
    ]
    assert Built(concepts).ambiguous() == (2, [("rcc", 3), ("x", 2)])


def test_a_store_merges_with_files(tmp_path, table):
    store = tmp_path / "old.safetensors"
    old = Concept("MESH:1", "sulks", "Disease", same=("OMIM:1",), learnt=("sulky", "sulked"))
    about = About("old", "2025", "CC0 1.0", "Somebody", ("a.xml",), {})
    Terminology.of([old], about).save(store)
    built = build([store, table("mondo.tsv", ("MONDO:1", "sulking", "", "Disease", "", "MESH:1"))])
    (found,) = built.concepts
    assert (found.id, found.same) == ("MESH:1", ("OMIM:1", "MONDO:1"))
    assert found.borrowed == ("sulking",)
    assert built.files[0].source.dropped == {"name learnt from annotated texts": 2}
    merged = built.about("new", licence="")
    assert (merged.version, merged.licence, merged.attribution) == ("2025", "CC0 1.0", "Somebody")
    assert merged.sources == ("old.safetensors", "mondo.tsv")


def test_a_store_that_is_cut_off_is_refused(tmp_path):
    store = tmp_path / "old.safetensors"
    Terminology.of([Concept("MESH:1", "sulks", "Disease")], About("old")).save(store)
    store.write_bytes(store.read_bytes()[:-10])
    with pytest.raises(InputError, match=r"old.safetensors: not a terminology, or cut off"):
        build([store])


def test_what_the_files_say_of_themselves_is_kept_and_the_user_has_the_last_word(tmp_path):
    paths = [lay(tmp_path, name) for name in ("desc2026.xml", "mondo.obo", "hgnc_complete_set.txt")]
    about = build(paths).about("mine", version="", licence="of my own", attribution="")
    assert about.version == "desc2026.xml 2026; mondo.obo 2026-01-02"
    assert about.licence == "of my own"
    assert about.attribution == (
        "MeSH, U.S. National Library of Medicine; An ontology of our own; "
        "HUGO Gene Nomenclature Committee, genenames.org"
    )
    assert about.sources == ("desc2026.xml", "mondo.obo", "hgnc_complete_set.txt")
    assert about.counts["mondo.obo: obsolete term"] == 1
    assert build(paths[:1]).about("mine").version == "2026"


def test_a_file_from_which_nothing_is_taken_is_refused_with_the_reason(tmp_path):
    path = lay(tmp_path, "mondo.obo")
    with pytest.raises(InputError) as caught:
        build([path], Options(Selection.parse(["D=Chemical"])))
    told = str(caught.value)
    assert "no concept of this obo file is taken; 4: concept that is not selected" in told
    assert "selected is Chemical: D; keys are: id of an ancestor" in told


def test_more_types_than_a_store_holds_are_refused(table):
    path = table("a.tsv", *((f"A:{i}", "a", "", f"type {i}") for i in range(256)))
    with pytest.raises(InputError, match="256 types where a store holds 255"):
        build([path])


def test_no_file_is_no_store(tmp_path):
    with pytest.raises(InputError, match=r"none.obo: cannot be read"):
        build([tmp_path / "none.obo"])
