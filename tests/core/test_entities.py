"""The values and the exceptions: every invariant, the order, what collapses, what is refused."""

from dataclasses import FrozenInstanceError
from itertools import pairwise, permutations
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core import errors
from llmner_hf.core.entities import (
    RESERVED_IN_NAMES,
    Decoding,
    Entity,
    EntityType,
    Example,
    LabelSet,
    Prediction,
    Problem,
    ProblemKind,
    ScoredEntity,
    ordered,
)
from llmner_hf.core.errors import FormatError, InputError, LabelError, OffsetError
from tests.strategies import names


def entities(longest: int = 12) -> st.SearchStrategy[Entity]:
    """Entities on a short text, so that they meet."""
    places = st.tuples(st.integers(0, longest), st.integers(0, longest)).map(sorted)
    spans = places.filter(lambda span: span[0] < span[1])
    return st.builds(lambda s, label: Entity(*s, label), spans, st.sampled_from(["DNA", "RNA"]))


def covered(entity: Entity) -> set[int]:
    """The places of its characters."""
    return set(range(entity.start, entity.end))


@pytest.mark.parametrize(("start", "end"), [(0, 0), (3, 3), (4, 3), (-1, 2), (-3, -1)])
def test_an_entity_needs_a_span(start: int, end: int) -> None:
    """The message names the entity."""
    with pytest.raises(OffsetError, match=rf"DNA\[{start}:{end}\]: a span needs 0 <= start < end"):
        Entity(start, end, "DNA")


def test_an_entity_shows_its_span_and_surface() -> None:
    entity = Entity(4, 8, "protein")
    assert str(entity) == "protein[4:8]"
    assert entity.span == (4, 8)
    assert entity.surface("the CD28 receptor") == "CD28"
    assert entity == Entity(4, 8, "protein") != Entity(4, 8, "DNA")


@given(entities(), entities())
def test_overlapping_and_crossing_are_about_characters(one: Entity, other: Entity) -> None:
    """Both symmetric; touching is neither."""
    mine, yours = covered(one), covered(other)
    assert one.overlaps(other) is other.overlaps(one) is bool(mine & yours)
    crossing = bool(mine & yours and mine - yours and yours - mine)
    assert one.crosses(other) is other.crosses(one) is crossing


@given(st.lists(entities()))
def test_order(found: list[Entity]) -> None:
    """By start, then longest first, then label; unique; outer ones before what they hold."""
    result = ordered(found)
    assert set(result) == set(found)
    assert len(result) == len(set(found))
    for one, other in pairwise(result):
        assert one.start <= other.start
        if one.start == other.start:
            assert one.end >= other.end
            assert one.end > other.end or one.label < other.label
    assert ordered(reversed(result)) == ordered(result) == result


def test_order_of_a_nest() -> None:
    nest = (Entity(0, 9, "DNA"), Entity(0, 4, "DNA"), Entity(0, 4, "RNA"), Entity(2, 3, "DNA"))
    assert {ordered(shuffled) for shuffled in permutations(nest)} == {nest}


@pytest.mark.parametrize(
    "name", ["DNA", "cell_type", "cell type", "疾病", "&lt;x", "/", "(a)", "é"]
)
def test_names_that_a_type_may_have(name: str) -> None:
    assert EntityType(name, "a definition: [with], any\ncharacters").name == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " DNA",
        "DNA ",
        "a\nb",
        "a\tb",
        "a\u3000b",
        "a\u00a0b",
        "\ufeffDNA",
        "a\x00",
        "\ud800",
    ]
    + [f"a{character}b" for character in sorted(RESERVED_IN_NAMES)],
)
def test_names_that_no_type_may_have(name: str) -> None:
    """The message shows the name, invisible characters too."""
    with pytest.raises(LabelError) as error:
        EntityType(name)
    assert repr(name) in str(error.value)


def test_what_is_reserved() -> None:
    assert set(':：[]<>"\\') == RESERVED_IN_NAMES


@given(st.lists(names(), min_size=1, max_size=6, unique=True))
def test_a_label_set_keeps_its_order(chosen: list[str]) -> None:
    types = [EntityType(name) for name in chosen]
    labels = LabelSet(types)  # type: ignore[arg-type]
    assert labels.types == tuple(labels) == tuple(types)
    assert labels.names == tuple(chosen)
    assert len(labels) == len(chosen)
    assert all(name in labels for name in chosen)
    assert "a name that is not there" not in labels
    assert hash(labels) == hash(LabelSet(tuple(types)))


def test_a_label_set_is_neither_empty_nor_ambiguous() -> None:
    with pytest.raises(LabelError, match="at least one type"):
        LabelSet(())
    with pytest.raises(LabelError, match="type names must differ: DNA, RNA, DNA"):
        LabelSet((EntityType("DNA", "a"), EntityType("RNA"), EntityType("DNA", "b")))


def test_a_label_set_requires_its_labels() -> None:
    """The first entity that does not fit is named, with the labels there are."""
    labels = LabelSet((EntityType("DNA"), EntityType("RNA")))
    labels.require([])
    labels.require([Entity(0, 1, "RNA"), Entity(0, 1, "DNA")])
    with pytest.raises(LabelError, match=r"dna\[2:3\]: unknown label; known are DNA, RNA"):
        labels.require([Entity(0, 1, "RNA"), Entity(2, 3, "dna"), Entity(4, 5, "x")])


@given(st.lists(entities(longest=6)))
def test_an_example_sorts_and_drops_duplicates(found: list[Entity]) -> None:
    example = Example("a", "ABCDEF", (*found, *found), "own", "en")
    assert example.entities == ordered(found)
    assert hash(example) == hash(Example("a", "ABCDEF", ordered(found), "own", "en"))


def test_an_example_holds_its_entities() -> None:
    """To the last character, and not behind it."""
    assert Example("a", "IL-2", (Entity(0, 4, "DNA"),), "own", "en").entities
    assert Example("a", "", (), "own", "zh").entities == ()
    with pytest.raises(OffsetError, match=r"doc-7: DNA\[3:5\] ends behind the text of 4 char"):
        Example("doc-7", "IL-2", (Entity(0, 4, "DNA"), Entity(3, 5, "DNA")), "own", "en")


@pytest.mark.parametrize("language", ["de", "", "EN", None])
def test_an_example_has_a_known_language(language: str) -> None:
    with pytest.raises(InputError, match=f"doc-7: language {language!r} is not one of 'zh', 'en'"):
        Example("doc-7", "", (), "own", language)  # type: ignore[arg-type]


@given(st.lists(entities()))
def test_a_decoding_sorts_its_entities_and_keeps_its_problems(found: list[Entity]) -> None:
    problems = (Problem(ProblemKind.UNCLOSED, 7, "DNA"), Problem(ProblemKind.UNCLOSED, 2))
    decoding = Decoding((*found, *found), problems)
    assert decoding.entities == ordered(found)
    assert decoding.problems == problems
    assert Decoding(()).problems == ()


def test_problems_have_names_to_print() -> None:
    assert str(ProblemKind.COPY_DRIFT) == "copy drift"
    assert len({str(kind) for kind in ProblemKind}) == len(ProblemKind)


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0, 0, 1])
def test_a_score_is_a_probability(score: float) -> None:
    assert ScoredEntity(Entity(0, 1, "DNA"), score).score == score


@pytest.mark.parametrize("score", [-0.001, 1.001, inf, -inf, nan])
def test_a_score_that_is_none_is_refused(score: float) -> None:
    with pytest.raises(InputError, match=rf"DNA\[0:1\]: score {score} is not in \[0, 1\]"):
        ScoredEntity(Entity(0, 1, "DNA"), score)


@given(st.lists(st.builds(ScoredEntity, entities(longest=4), st.floats(0, 1))))
def test_a_prediction_keeps_the_best_score(scored: list[ScoredEntity]) -> None:
    """Of every entity, whatever the order they come in."""
    prediction = Prediction("a", tuple(scored))
    assert prediction.entities == ordered(one.entity for one in scored)
    for one in prediction.scored:
        assert one.score == max(other.score for other in scored if other.entity == one.entity)
    assert Prediction("a", tuple(reversed(scored))).entities == prediction.entities
    assert [one.score for one in Prediction("a", tuple(reversed(scored))).scored] == [
        one.score for one in prediction.scored
    ]


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        (Entity(0, 1, "DNA"), "end"),
        (EntityType("DNA"), "name"),
        (LabelSet((EntityType("DNA"),)), "types"),
        (Example("a", "b", (), "own", "en"), "text"),
        (Problem(ProblemKind.CROSSING), "position"),
        (Decoding(()), "entities"),
        (ScoredEntity(Entity(0, 1, "DNA"), 0.5), "score"),
        (Prediction("a", ()), "scored"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_are_frozen_slotted_and_hashable(value: object, attribute: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, attribute, getattr(value, attribute))
    assert not hasattr(value, "__dict__")
    assert {value: 1}[value] == 1


def test_the_exception_tree() -> None:
    """As its docstring draws it: every class stands there, below its parent."""
    assert errors.__doc__ is not None
    indents: list[tuple[int, type]] = [(-1, Exception)]
    drawn = set()
    for line in errors.__doc__.split("\n"):
        name = next(
            (word for word in line.split() if isinstance(getattr(errors, word, 0), type)), ""
        )
        if name:
            depth = line.index(name)
            while indents[-1][0] >= depth:
                indents.pop()
            found = getattr(errors, name)
            assert found.__bases__[0] is indents[-1][1]
            assert all(f"({base.__name__})" in line for base in found.__bases__[1:])
            indents.append((depth, found))
            drawn.add(name)
    assert drawn == {name for name, value in vars(errors).items() if isinstance(value, type)}


def test_a_format_error_names_file_and_line() -> None:
    assert str(FormatError("a.txt", 7, "no tab")) == "a.txt:7: no tab"
    assert str(FormatError("a.json", 0, "no list")) == "a.json: no list"
