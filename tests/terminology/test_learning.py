"""Names learnt from annotated texts: which mentions are one, and what counts against it."""

from __future__ import annotations

import pytest

from llmner_hf.core.entities import Entity, Example, Link
from llmner_hf.readers import Reading
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.learning import with_learnt
from llmner_hf.terminology.store import Terminology
from tests.terminology.small import ABOUT

CONCEPTS = (
    Concept("MESH:D1", "Mendacine", "Chemical"),
    Concept("MESH:D4", "Sulking Disorder", "Disease", same=("OMIM:100", "OMIM:102")),
    Concept("MESH:D5", "Grumbling", "Disease", same=("OMIM:102",)),
)
UNCLEAR = "mention that is linked to no concept in more than half of its occurrences"
UNKNOWN = "mention of a concept that no FILE has, or that has another type"


def reading(*mentions: tuple[str, str, tuple[str, ...]], id: str = "a") -> Reading:
    """A text of mentions, each with its label and its ids."""
    text, entities, links = "", [], {}
    for surface, label, ids in mentions:
        entity = Entity(len(text), len(text) + len(surface), label)
        entities.append(entity)
        links[entity] = tuple(Link(one, "", 1.0) for one in ids)
        text += f"{surface} "
    example = Example(id, text, tuple(entities), "made up", "en")
    return Reading((example,), links={id: links})


def learnt(*readings: Reading, left_out: tuple[Reading, ...] = ()):
    listed, counts = with_learnt(CONCEPTS, readings, left_out)
    return {one.id: one.learnt for one in listed if one.learnt}, counts


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        ([("MESH:D4",)], ("MESH:D4",)),
        ([("MESH:D4",), ("MESH:D4",), ("MESH:D5",)], ("MESH:D4",)),
        # Half is not more than half; several concepts, and none, count against.
        ([("MESH:D4",), ("MESH:D5",)], ()),
        ([("MESH:D4",), ("MESH:D4", "MESH:D5")], ()),
        ([("MESH:D4",), ()], ()),
        ([("MESH:D4", "MESH:D5")], ()),
        # An id that one concept alone states as meaning the same.
        ([("OMIM:100",)], ("MESH:D4",)),
        ([("OMIM:102",)], ()),
        ([("MESH:D9",)], ()),
        ([("MESH:D1",)], ()),  # of another type
    ],
)
def test_more_than_half_of_the_occurrences_decide(ids, found) -> None:
    names, counts = learnt(reading(*[("the sulk", "DiseaseClass", each) for each in ids]))
    assert names == {id: ("the sulk",) for id in found}
    assert counts["name learnt from annotated texts"] == len(found)
    assert counts[UNCLEAR] + counts[UNKNOWN] == 1 - len(found)


def test_occurrences_of_all_texts_count_and_of_each_type_apart() -> None:
    names, _ = learnt(
        reading(("X", "Disease", ("MESH:D4",)), ("X", "Chemical", ("MESH:D1",))),
        reading(("X", "Disease", ("MESH:D5",)), ("x", "Disease", ("MESH:D5",)), id="b"),
    )
    assert names == {"MESH:D1": ("X",), "MESH:D5": ("x",)}


def test_labels_of_one_type_vote_together() -> None:
    mentions = [("X", "Modifier", ("MESH:D4",)), ("X", "SpecificDisease", ("MESH:D5",))]
    names, counts = learnt(reading(*mentions, ("X", "Disease", ("MESH:D5",))))
    assert names == {"MESH:D5": ("X",)}
    assert counts[UNCLEAR] == 0
    assert learnt(reading(*mentions))[1][UNCLEAR] == 1


@pytest.mark.parametrize("id", ["a", "other"])
def test_a_text_that_is_left_out_teaches_nothing(id) -> None:
    """It is known by its id, or by its characters under another id."""
    mentions = [("the sulk", "Disease", ("MESH:D4",))]
    other = reading(*mentions, id=id) if id != "a" else reading(("y", "Disease", ()), id="a")
    names, counts = learnt(reading(*mentions), left_out=(other,))
    assert names == {}
    assert counts["text that is left out"] == 1


def test_concepts_stay_as_they_are_but_for_learnt_names() -> None:
    listed, _ = with_learnt(CONCEPTS, [reading(("the sulk", "Disease", ("MESH:D4",)))])
    assert (listed[0], listed[2]) == (CONCEPTS[0], CONCEPTS[2])
    store = Terminology.of(listed, ABOUT)
    [hit] = store.look_up("The Sulks", "Disease")
    assert (store.id(hit.concept), hit.rank, hit.strictness) == ("MESH:D4", "learnt", "spelt")
    assert with_learnt(CONCEPTS, []) == (
        list(CONCEPTS),
        {"name learnt from annotated texts": 0},
    )
