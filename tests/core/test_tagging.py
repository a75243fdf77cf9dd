"""The codec contract, for all three strategies: exact, total, refusing only what it must."""

import json
import random
import time
from itertools import combinations
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity, EntityType, LabelSet, Problem, ProblemKind
from llmner_hf.core.errors import LabelError, OffsetError, UnrepresentableError
from llmner_hf.core.tagging import html, json_list, symbolic
from llmner_hf.core.tagging.base import view
from tests.strategies import Case, cases, label_sets, texts

CODECS = [symbolic, html, json_list]
LABELS = LabelSet((EntityType("protein"), EntityType("DNA"), EntityType("cell_type")))
codecs = pytest.mark.parametrize("codec", CODECS, ids=["symbolic", "html", "json_list"])


def found(codec: ModuleType, completion: str, text: str) -> set[str]:
    return {str(entity) for entity in codec.decode(completion, text, LABELS).entities}


def kinds(codec: ModuleType, completion: str, text: str) -> list[ProblemKind]:
    return [problem.kind for problem in codec.decode(completion, text, LABELS).problems]


# (text, entities, the completion of each strategy): one table drives both directions.
BOTH_WAYS = [
    ("", [], "", "", "[]"),
    ("No entity.", [], "", "No entity.", "[]"),
    (
        "IL-2 binds",
        [Entity(0, 4, "protein")],
        "protein: [IL-2] binds",
        "<protein:IL-2>IL-2</protein:IL-2> binds",
        '[{"start_idx": 0, "end_idx": 4, "type": "protein", "entity": "IL-2"}]',
    ),
    (
        "CD28 receptor gene",
        [Entity(0, 13, "protein"), Entity(0, 4, "protein"), Entity(0, 18, "DNA")],
        "protein: [[CD28] receptor] gene\nDNA: [CD28 receptor gene]",
        "<DNA:CD28 receptor gene><protein:CD28 receptor><protein:CD28>CD28</protein:CD28> receptor"
        "</protein:CD28 receptor> gene</DNA:CD28 receptor gene>",
        '[{"start_idx": 0, "end_idx": 18, "type": "DNA", "entity": "CD28 receptor gene"}, '
        '{"start_idx": 0, "end_idx": 13, "type": "protein", "entity": "CD28 receptor"}, '
        '{"start_idx": 0, "end_idx": 4, "type": "protein", "entity": "CD28"}]',
    ),
    (
        "[3H]ab\tc",
        [Entity(0, 4, "DNA"), Entity(4, 6, "DNA")],
        "DNA: [(3H)][ab] c",
        "<DNA:(3H)>(3H)</DNA:(3H)><DNA:ab>ab</DNA:ab> c",
        '[{"start_idx": 0, "end_idx": 4, "type": "DNA", "entity": "(3H)"}, '
        '{"start_idx": 4, "end_idx": 6, "type": "DNA", "entity": "ab"}]',
    ),
    (
        "10<sup>9</sup> 细胞",
        [Entity(0, 14, "DNA"), Entity(15, 17, "cell_type")],
        "DNA: [10<sup>9</sup>] 细胞\ncell_type: 10<sup>9</sup> [细胞]",
        "<DNA:10&lt;sup&gt;9&lt;/sup&gt;>10<sup>9</sup></DNA:10&lt;sup&gt;9&lt;/sup&gt;> "
        "<cell_type:细胞>细胞</cell_type:细胞>",
        '[{"start_idx": 0, "end_idx": 14, "type": "DNA", "entity": "10<sup>9</sup>"}, '
        '{"start_idx": 15, "end_idx": 17, "type": "cell_type", "entity": "细胞"}]',
    ),
    (
        "<DNA:x>x</DNA:x>",
        [Entity(7, 8, "DNA")],
        "DNA: <DNA:x>[x]</DNA:x>",
        "&lt;DNA:x><DNA:x>x</DNA:x></DNA:x>",
        '[{"start_idx": 7, "end_idx": 8, "type": "DNA", "entity": "x"}]',
    ),
]


@pytest.mark.parametrize("row", BOTH_WAYS, ids=[row[0] or "empty" for row in BOTH_WAYS])
@codecs
def test_written_and_read(codec: ModuleType, row: tuple) -> None:
    text, entities = row[:2]
    completion = row[2 + CODECS.index(codec)]
    assert codec.encode(text, entities, LABELS) == completion
    decoding = codec.decode(completion, text, LABELS)
    assert set(decoding.entities) == set(entities)
    assert decoding.problems == ()


@codecs
@given(case=cases())
def test_decoding_an_encoding_is_exact(codec: ModuleType, case: Case) -> None:
    completion = codec.encode(case.text, case.entities, case.labels)
    decoding = codec.decode(completion, case.text, case.labels)
    assert decoding.entities == case.entities
    assert decoding.problems == ()


@given(case=cases(crossing=True))
def test_json_writes_crossing_entities(case: Case) -> None:
    completion = json_list.encode(case.text, case.entities, case.labels)
    assert "\n" not in completion
    assert len(json.loads(completion)) == len(case.entities)
    assert json_list.decode(completion, case.text, case.labels).entities == case.entities


@given(case=cases(crossing=True))
def test_html_and_symbolic_refuse_exactly_crossing_entities(case: Case) -> None:
    crossing = [(a, b) for a, b in combinations(case.entities, 2) if a.crosses(b)]
    for codec, refused in [
        (html, crossing),
        (symbolic, [(a, b) for a, b in crossing if a.label == b.label]),
    ]:
        if not refused:
            completion = codec.encode(case.text, case.entities, case.labels)
            assert codec.decode(completion, case.text, case.labels).entities == case.entities
            continue
        with pytest.raises(UnrepresentableError) as error:
            codec.encode(case.text, case.entities, case.labels)
        assert any(str(a) in str(error.value) and str(b) in str(error.value) for a, b in refused)


@codecs
def test_nests_six_deep(codec: ModuleType) -> None:
    text = "((((((x))))))"
    entities = tuple(Entity(i, 13 - i, "DNA") for i in range(6))
    completion = codec.encode(text, entities, LABELS)
    assert codec.decode(completion, text, LABELS).entities == entities


@codecs
def test_misfits_are_refused(codec: ModuleType) -> None:
    with pytest.raises(LabelError, match="RNA"):
        codec.encode("x", [Entity(0, 1, "RNA")], LABELS)
    with pytest.raises(OffsetError, match=r"DNA\[0:2\]"):
        codec.encode("x", [Entity(0, 2, "DNA")], LABELS)


@codecs
@given(data=st.data(), case=cases())
def test_any_string_is_decoded(codec: ModuleType, data: st.DataObject, case: Case) -> None:
    """Random strings, and completions with a random piece cut out or put in."""
    written = codec.encode(case.text, case.entities, case.labels)
    place = data.draw(st.integers(0, len(written)))
    behind = data.draw(st.integers(place, len(written)))
    changed = written[:place] + data.draw(texts(max_parts=4)) + written[behind:]
    for completion in [data.draw(texts()), changed]:
        decoding = codec.decode(completion, case.text, case.labels)
        assert all(entity.end <= len(case.text) for entity in decoding.entities)
        assert all(0 <= problem.position <= len(completion) for problem in decoding.problems)
        case.labels.require(decoding.entities)


@codecs
@given(case=cases(), data=st.data())
def test_a_cut_completion_yields_a_part_of_its_entities(
    codec: ModuleType, case: Case, data: st.DataObject
) -> None:
    written = codec.encode(case.text, case.entities, case.labels)
    cut = written[: data.draw(st.integers(0, len(written)))]
    decoding = codec.decode(cut, case.text, case.labels)
    assert set(decoding.entities) <= set(case.entities)
    # The symbolic format does not say how many lines there will be.
    if codec is not symbolic:
        assert set(decoding.entities) == set(case.entities) or decoding.problems


@given(text=texts(), labels=label_sets())
def test_html_without_entities_is_the_view_with_escapes(text: str, labels: LabelSet) -> None:
    completion = html.encode(text, [], labels)
    opening = tuple(f"<{name}:" for name in labels.names)
    assert not any(head in completion for head in opening)
    if not any(head in view(text) for head in opening) and "&lt;" not in str(labels.names):
        assert completion == view(text)


# What a strict reading says of a completion that is not an exact copy of "IL-2 binds CD28".
TEXT = "IL-2 binds CD28"
A, B = "protein[0:4]", "protein[11:15]"
K = ProblemKind
WRONG_SYMBOLIC = [
    ("protein: [IL-2] binds CD28\nDNA: IL-2 binds", {A}, [K.TRUNCATED]),
    ("protein: [IL-2] binds", {A}, [K.TRUNCATED]),
    ("protein: [IL-2] binds\nDNA: IL-2 binds CD28", set(), [K.COPY_DRIFT]),
    ("protein: [IL-2] bonds CD28", set(), [K.COPY_DRIFT]),
    ("protein [IL-2] binds CD28", set(), [K.NO_HEADER]),
    ("RNA: [IL-2] binds CD28", set(), [K.UNKNOWN_LABEL]),
    ("protein: [IL-2] binds CD28\nprotein: IL-2 binds [CD28]", {A, B}, [K.REPEATED_LINE]),
    ("protein: [IL-2] [binds CD28", {A}, [K.UNCLOSED]),
    ("protein: [IL-2] binds] CD28", {A}, [K.UNOPENED]),
    ("protein: [IL-2] []binds CD28", {A}, [K.EMPTY_SPAN]),
    ("\n", set(), [K.NO_HEADER, K.NO_HEADER]),
]
TAG = "<protein:IL-2>IL-2</protein:IL-2>"
WRONG_HTML = [
    ("", set(), [K.TRUNCATED]),
    (TAG + " binds", {A}, [K.TRUNCATED]),
    (TAG + " binds <prot", {A}, [K.TRUNCATED]),
    (TAG + " binds <protein:C", {A}, [K.TRUNCATED]),
    (TAG + " binds <protein:CD28>CD28</pro", {A}, [K.UNCLOSED, K.TRUNCATED]),
    (TAG + " binds <protein:CD28>CD", {A}, [K.UNCLOSED, K.TRUNCATED]),
    (TAG + " bonds CD28", set(), [K.COPY_DRIFT]),
    (TAG + " binds CD28.", set(), [K.COPY_DRIFT]),
    (TAG + " binds CD28<protein:>", set(), [K.COPY_DRIFT]),
    (TAG + " binds <protein:CD29>CD28</protein:CD29>", set(), [K.COPY_DRIFT]),
    (TAG + " binds <protein:CD28>CD28", {A}, [K.UNCLOSED]),
    (TAG + " binds <RNA:CD28>CD28</RNA:CD28>", {A}, [K.UNKNOWN_LABEL]),
    (TAG + " binds </RNA:CD28>CD28", set(), [K.COPY_DRIFT]),
    (
        "<protein:IL-2>IL-<DNA:2 b>2</protein:IL-2> b</DNA:2 b>inds CD28",
        set(),
        [K.CROSSING, K.UNCLOSED, K.COPY_DRIFT],
    ),
]
ITEM = '{"start_idx": 0, "end_idx": 4, "type": "protein", "entity": "IL-2"}'
WRONG_JSON = [
    ("", set(), [K.MALFORMED]),
    ("none", set(), [K.MALFORMED]),
    (ITEM, set(), [K.MALFORMED]),
    ("[" + ITEM, {A}, [K.TRUNCATED]),
    ("[" + ITEM + ", ", {A}, [K.TRUNCATED]),
    ("[" + ITEM + ', {"start_idx": 11, "end', {A}, [K.TRUNCATED]),
    ("[" + ITEM + ", none]", {A}, [K.MALFORMED]),
    ("[" + ITEM + " " + ITEM + "]", {A}, [K.MALFORMED]),
    ("[" + ITEM + "] so far", {A}, [K.MALFORMED]),
    (f" [\n {ITEM} ,\n{ITEM} ]\n", {A}, []),
    ("[[], 1, null]", set(), [K.MALFORMED] * 3),
    ("[" + ITEM.replace("0", '"0"') + "]", set(), [K.MALFORMED]),
    ("[" + ITEM.replace("0", "false") + "]", set(), [K.MALFORMED]),
    ("[" + ITEM.replace("0", "0.0") + "]", set(), [K.MALFORMED]),
    ("[" + ITEM.replace("0", "NaN") + "]", set(), [K.MALFORMED]),
    ("[" + ITEM.replace('"IL-2"', "null") + "]", set(), [K.MALFORMED]),
    ("[" + ITEM.replace('"protein"', "[]") + "]", set(), [K.MALFORMED]),
    ("[" + ITEM.replace("protein", "RNA") + "]", set(), [K.UNKNOWN_LABEL]),
    ("[" + ITEM.replace("IL-2", "") + "]", set(), [K.EMPTY_SPAN]),
    ("[" + ITEM.replace("IL-2", "IL-3") + "]", set(), [K.COPY_DRIFT]),
    ("[" + ITEM.replace("0", "-15") + "]", set(), [K.COPY_DRIFT]),
    ("[" + ITEM.replace("4", "9" * 4_000) + "]", set(), [K.COPY_DRIFT]),
    ("[" + ITEM.replace("4", "9" * 5_000) + "]", set(), [K.MALFORMED]),
    ("[" * 100_000, set(), [K.MALFORMED]),
    ('[{"a": ' * 50_000, set(), [K.TRUNCATED]),
    ("[" + ITEM.replace("IL-2", "\\ud800") + "]", set(), [K.COPY_DRIFT]),
]
WRONG = [
    *((symbolic, *row) for row in WRONG_SYMBOLIC),
    *((html, *row) for row in WRONG_HTML),
    *((json_list, *row) for row in WRONG_JSON),
]


@pytest.mark.parametrize(("codec", "completion", "entities", "problems"), WRONG)
def test_what_is_no_exact_copy(
    codec: ModuleType, completion: str, entities: set[str], problems: list[ProblemKind]
) -> None:
    assert found(codec, completion, TEXT) == entities
    assert kinds(codec, completion, TEXT) == problems


def test_problems_name_their_place() -> None:
    wrong = symbolic.decode("RNA: x\nDNA: x]", "x", LABELS).problems
    assert wrong == (Problem(K.UNKNOWN_LABEL, 0, "RNA"), Problem(K.UNOPENED, 13, "DNA"))
    wrong = html.decode("<RNA:x>x</RNA:x>", "x", LABELS).problems
    assert wrong == (Problem(K.UNKNOWN_LABEL, 0, "RNA"),)
    assert json_list.decode("[" + ITEM + ", 1]", TEXT, LABELS).problems[0].position == len(ITEM) + 3


@codecs
def test_hostile_texts_are_read_in_bounded_time(codec: ModuleType) -> None:
    generator = random.Random(7)
    for unit in ["<DNA:", "<DNA:x>", "[", "a", "{", '{"entity":', "</DNA:"]:
        text = unit * (10_000 // len(unit))
        entities = [Entity(i, i + 1, "DNA") for i in generator.sample(range(9_900), 500)]
        start = time.process_time()
        completion = codec.encode(text, entities, LABELS)
        assert set(codec.decode(completion, text, LABELS).entities) == set(entities)
        codec.decode(text, text, LABELS)
        assert time.process_time() - start < 2
