"""The linker on a small terminology: which step answers, and what holds for any entities."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity, ScoredEntity
from llmner_hf.terminology.linking import MOST, Linker
from llmner_hf.terminology.scores import looked_up, probability
from tests.terminology.small import small

LINKER = Linker(small())
LABELS = ("Chemical", "DiseaseOrPhenotypicFeature", "GeneOrGeneProduct", "Hospital")


def entity(text: str, mention: str, label: str) -> Entity:
    """The last place of a mention in a text."""
    start = text.rindex(mention)
    return Entity(start, start + len(mention), label)


def linked(text: str, *mentions: tuple[str, str], linker: Linker = LINKER) -> list[list[str]]:
    """The ids of mentions, each a string and a label."""
    found = [ScoredEntity(entity(text, *mention), 1.0) for mention in mentions]
    return [[link.id for link in one.links] for one in linker.link(text, found)]


@pytest.mark.parametrize(
    ("text", "label", "ids", "evidence"),
    [
        ("mendacine", "Chemical", ["MESH:D1"], "written preferred"),
        ("MX 23", "Chemical", ["MESH:D1"], "spelt synonym"),
        ("zibotane", "Chemical", ["MESH:D2"], "bare preferred"),
        ("ZBT", "Chemical", ["MESH:D2"], "written synonym short"),
        ("Ca2+", "Chemical", ["MESH:D3"], "symbol"),
        ("Thumb Neoplasms", "Disease", ["MESH:D5"], "words preferred"),
        ("malignant kneecaps", "Disease", ["MESH:D7"], "spelt same"),
        ("long grumbles", "Disease", ["MONDO:1"], "words learnt"),
        ("the long grumbles", "Disease", ["MONDO:1"], "written learnt"),
        ("grumbling syndrome type II", "Disease", ["OMIM:101"], "spelt preferred"),
        ("thumb and elbow cancer", "Disease", ["MESH:D5", "MESH:D6"], "part"),
        ("thumb neoplasm or elbow neoplasms", "Disease", ["MESH:D5", "MESH:D6"], "part"),
        ("kneecap cancer", "Disease", ["MESH:D7"], "exchanged"),
        ("GRMB1", "Gene", ["NCBIGene:1"], "written preferred several"),
        ("nothing at all", "Disease", [], None),
        ("mendacine", "Disease", [], None),
        ("mendacine", "Hospital", [], None),
    ],
)
def test_which_step_answers(text, label, ids, evidence) -> None:
    if label == "Hospital":
        assert LINKER.candidates(text, [Entity(0, len(text), label)]) == [[]]
        return
    [things] = LINKER.candidates(text, [Entity(0, len(text), label)])
    assert [LINKER.terminology.id(one[0].concept) for one in things] == ids
    assert (things[0][0].evidence if things else None) == evidence


def test_a_short_form_means_what_the_text_says() -> None:
    text = "Sulking disorder (SD) is rare, and so is thumb cancer (TC). TC and SD were seen."
    assert linked(text, ("TC", "Disease"), ("SD", "Disease")) == [["MESH:D5"], ["MESH:D4"]]
    assert linked("TC and SD were seen.", ("TC", "Disease"), ("SD", "Disease")) == [[], []]


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Grumblin 1 in mice.", ["NCBIGene:2"]),
        ("Grumblin 1 in patients.", ["NCBIGene:1"]),
        # A text of rats alone: the store has the gene of no rat, and none of another is meant.
        ("Grumblin 1 in rats.", []),
    ],
)
def test_genes_are_those_of_the_species_of_the_text(text, ids) -> None:
    store = small()
    linker = Linker(store, threshold=0.1)
    assert linked(text, ("Grumblin 1", "Gene"), linker=linker) == [ids]


def test_names_that_look_alike_have_the_same_numbers() -> None:
    pytest.importorskip("sklearn")
    linker = Linker(small(), threshold=0.0)
    text = "Mendacyne, grumbling syndromic type 3 and grumbling syndromic type 4."
    mentions = [("Mendacyne", "Chemical")]
    mentions += [(f"grumbling syndromic type {number}", "Disease") for number in (3, 4)]
    assert linked(text, *mentions, linker=linker) == [["MESH:D1"], ["MONDO:1"], []]
    things = linker.candidates(text, [entity(text, *mention) for mention in mentions])
    assert [one[0][0].evidence.split()[0] for one in things[:2]] == ["near", "near"]


def test_a_reranker_orders_names_that_look_alike() -> None:
    pytest.importorskip("sklearn")

    class Last:
        """Prefers the name that comes last in the alphabet."""

        def similarities(self, mention, names):
            return [float(sorted(names).index(name)) for name in names]

    text = "thumbelbow carcinoma"

    def order(reranker) -> list[str]:
        linker = Linker(small(), reranker=reranker)
        [[candidates]] = linker.candidates(text, [entity(text, text, "Disease")])
        return [linker.terminology.preferred(one.concept) for one in candidates]

    assert len(order(None)) > 1
    assert order(Last()) == sorted(order(None), reverse=True) != order(None)


WORDS = [
    *("mendacine", "MX-23", "ZBT", "Ca2+", "thumb", "elbow", "cancer", "and", "Sulking", "SD"),
    *("Disorder", "(SD)", "GRMB1", "grumblin", "1", "mice", "patients", "the", "long", "grumbles"),
    *("kneecapp", "carcinoma", ",", "/", "type", "II", "患者"),
]


@st.composite
def texts_with_entities(draw) -> tuple[str, list[ScoredEntity]]:
    """A text of names, with entities at borders of its words."""
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=14))
    text = " ".join(words)
    starts = [0, *(place + 1 for place, c in enumerate(text) if c == " ")]
    ends = [*(place for place, c in enumerate(text) if c == " "), len(text)]
    spans = st.tuples(st.sampled_from(starts), st.sampled_from(ends)).filter(lambda s: s[0] < s[1])
    placed = st.builds(
        lambda span, label, score: ScoredEntity(Entity(*span, label), score),
        *(spans, st.sampled_from(LABELS), st.sampled_from([0.0, 0.5, 1.0])),
    )
    return text, draw(st.lists(placed, max_size=6, unique_by=lambda one: one.entity))


@given(texts_with_entities(), st.randoms(use_true_random=False))
def test_order_of_entities_never_matters(drawn, random: Random) -> None:
    text, found = drawn
    shuffled = random.sample(found, len(found))
    again = Linker(LINKER.terminology)
    again._neighbours = LINKER._neighbours
    one, other = LINKER.link(text, found), again.link(text, shuffled)
    assert {x.entity: x for x in one} == {x.entity: x for x in other}


@given(texts_with_entities())
def test_links_are_of_the_store_and_above_the_threshold(drawn) -> None:
    text, found = drawn
    store = LINKER.terminology
    for before, after in zip(found, LINKER.link(text, found), strict=True):
        assert (after.entity, after.score) == (before.entity, before.score)
        assert len({link.id for link in after.links}) == len(after.links)
        for link in after.links:
            number = store.number(link.id)
            assert number is not None
            assert link.name == store.preferred(number)
            assert LINKER.threshold <= link.score <= 1.0
    for things in LINKER.candidates(text, [one.entity for one in found]):
        assert all(1 <= len(candidates) <= MOST for candidates in things)


@given(texts_with_entities())
def test_no_link_is_surer_than_sure(drawn) -> None:
    text, found = drawn
    never = Linker(LINKER.terminology, threshold=1.01)
    never._neighbours = LINKER._neighbours
    assert all(one.links == () for one in never.link(text, found))


def test_a_type_of_ones_own_choice() -> None:
    linker = Linker(small(), types={"Stoff": "Chemical"})
    assert linked("mendacine", ("mendacine", "Stoff"), linker=linker) == [["MESH:D1"]]
    assert linked("mendacine", ("mendacine", "Stoff")) == [[]]


TABLE = {
    "": {"": 0.1},
    "near": {"": 0.2},
    "near wider 0.6": {"": 0.3, "Disease": 0.4},
}


@pytest.mark.parametrize(
    ("evidence", "of_type", "share"),
    [
        ("near wider 0.6", "Disease", 0.4),
        ("near wider 0.6", "Gene", 0.3),
        ("near wider 0.7", "Disease", 0.2),
        ("written learnt", "Disease", 0.1),
        ("near wider 0.6 elsewhere", "Disease", 0.0),
    ],
)
def test_rare_evidence_has_the_share_of_the_broader_one(evidence, of_type, share) -> None:
    assert looked_up(TABLE, evidence, of_type) == share
    assert looked_up({}, "anything", of_type) == 0.5


def test_all_probabilities_are_some() -> None:
    for things in ("written preferred", "part", "symbol", "exchanged", "near other 0.9", "new"):
        for of_type in ("Chemical", "Disease", "Gene", "疾病"):
            assert 0.0 < probability(things, of_type) < 1.0
