"""The store: every name finds its concept, saved and loaded equal, damaged files are one line."""

from __future__ import annotations

import json
from contextlib import suppress
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from llmner_hf.core.errors import FormatError, InputError
from llmner_hf.terminology.arrays import KINDS, TEXTS
from llmner_hf.terminology.concept import LONGEST_NAME, About, Concept
from llmner_hf.terminology.store import Terminology
from tests.strategies import texts
from tests.terminology.small import ABOUT, CONCEPTS, small

NAMES = texts(6).filter(str.strip)


@st.composite
def concepts(draw) -> list[Concept]:
    """Concepts of three types with hostile names, some of them shared."""
    pool = draw(st.lists(NAMES, min_size=1, max_size=6))
    some = st.lists(st.sampled_from(pool), max_size=3, unique=True).map(tuple)
    return [
        Concept(
            f"X:{number}",
            draw(st.sampled_from(pool)),
            draw(st.sampled_from(["Chemical", "Disease", "疾病"])),
            *(draw(some), (), (), draw(some), draw(some)),
        )
        for number in range(draw(st.integers(1, 5)))
    ]


@pytest.fixture
def file(tmp_path):
    """A store on the disk."""
    small().save(tmp_path / "small.safetensors")
    return tmp_path / "small.safetensors"


@given(concepts())
def test_every_name_finds_its_concept(listed) -> None:
    store = Terminology.of(listed, ABOUT)
    for number, one in enumerate(listed):
        for name in (*one.names, *one.learnt):
            for of_type in (one.type, None):
                assert number in [hit.concept for hit in store.look_up(name, of_type)]
        others = {one.type for one in listed} - {one.type}
        for of_type in others:
            assert number not in [hit.concept for hit in store.look_up(one.name, of_type)]
    assert list(store.concepts()) == [unlearnt(one) for one in listed]


def unlearnt(one: Concept) -> Concept:
    """A concept as a store gives it back: each name once, with its best rank, no learnt one."""
    first = {one.name}
    synonyms = [n for n in dict.fromkeys(one.synonyms) if n not in first]
    borrowed = [n for n in dict.fromkeys(one.borrowed) if n not in {*first, *synonyms}]
    return Concept(one.id, one.name, one.type, tuple(synonyms), (), (), tuple(borrowed))


@given(concepts(), st.lists(NAMES, max_size=4))
def test_saved_and_loaded_equal(tmp_path_factory, listed, asked) -> None:
    store = Terminology.of(listed, ABOUT)
    path = tmp_path_factory.mktemp("store") / "one.safetensors"
    store.save(path)
    again = Terminology.load(path)
    assert (again.about, again.types, len(again), again.names) == (
        *(store.about, store.types),
        *(len(store), store.names),
    )
    assert list(again.concepts()) == list(store.concepts())
    assert again.digest() == store.digest()
    for name in [*asked, *(name for one in listed for name in one.names)]:
        assert again.look_up(name) == store.look_up(name)
    again.save(path.with_name("two.safetensors"))
    first, second = load_file(path), load_file(path.with_name("two.safetensors"))
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_what_is_kept_of_a_concept() -> None:
    store = small()
    for number, one in enumerate(CONCEPTS):
        assert store.number(one.id) == number
        assert (store.id(number), store.type(number)) == (one.id, one.type)
        assert store.preferred(number) == one.name
        assert tuple(store.parents(number)) == one.parents
        assert tuple(store.same(number)) == one.same
    assert store.number("MESH:D99") is None
    assert store.names_of(8) == [("grumbling syndrome type 3", "preferred"), ("", "learnt")]
    assert b"long grumbles" not in store._texts["names"].characters.tobytes()


def test_learnt_names_go_first_then_strict_forms_then_good_names() -> None:
    listed = [
        Concept("X:1", "b", "T", borrowed=("a",)),
        Concept("X:2", "c", "T", ("a",)),
        Concept("X:3", "A.", "T"),
        Concept("X:4", "a", "T"),
        Concept("X:5", "d", "T", learnt=("a",)),
    ]
    store = Terminology.of(listed, ABOUT)
    found = [(store.id(h.concept), h.rank, h.strictness) for h in store.look_up("a")]
    assert found == [
        ("X:5", "learnt", "written"),
        ("X:4", "preferred", "written"),
        ("X:2", "synonym", "written"),
        ("X:1", "same", "written"),
        ("X:3", "preferred", "spelt"),
    ]


def test_a_name_that_no_text_repeats_is_kept_and_not_looked_up() -> None:
    long = "x" * (LONGEST_NAME + 1)
    store = Terminology.of([Concept("X:1", long, "T")], ABOUT)
    assert store.preferred(0) == long
    assert store.look_up(long) == []


@pytest.mark.parametrize("listed", [[], [CONCEPTS[0], CONCEPTS[0]]])
def test_no_concepts_and_one_id_twice_are_refused(listed) -> None:
    with pytest.raises(InputError, match=r"small: (no concepts|the id MESH:D1 comes 2 times)"):
        Terminology.of(listed, ABOUT)


def refused(path) -> str:
    """Why a file is refused, in one line."""
    with pytest.raises(FormatError) as caught:
        Terminology.load(path)
    said = str(caught.value)
    assert "\n" not in said
    assert path.name in said
    return said


def test_a_file_that_is_cut_off_is_refused_wherever_it_is_cut(file) -> None:
    content = file.read_bytes()
    for length in range(0, len(content), 10):
        file.write_bytes(content[:length])
        assert "not a terminology, or cut off" in refused(file)


def test_a_byte_that_changed_is_refused_or_harmless(file) -> None:
    """Names may change by it, but nothing fails later than at loading."""
    content = file.read_bytes()
    random = Random(0)
    for _ in range(300):
        changed = bytearray(content)
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
        file.write_bytes(changed)
        with suppress(FormatError):
            looked_at(Terminology.load(file))


def looked_at(store) -> None:
    """Ask a store that opened; numbers of concepts have to be of its own."""
    for name in ("Mendacine", "thumb cancer", "GRMB1", "nothing"):
        for of_type in (*store.types, None):
            assert all(0 <= hit.concept < len(store) for hit in store.look_up(name, of_type))


def rewritten(path, arrays=(), **metadata) -> None:
    """The file with other arrays and other metadata."""
    with safe_open(path, "numpy") as opened:
        told = {**opened.metadata(), **metadata}
    kept = {
        name: array for name, array in {**load_file(path), **dict(arrays)}.items() if len(array)
    }
    save_file(kept, path, metadata=told)


def test_another_version_is_refused(file) -> None:
    rewritten(file, version="2")
    assert "a terminology of version 2, and this reads 1; build it again" in refused(file)


def test_another_file_of_safetensors_is_refused(file) -> None:
    rewritten(file, format="llmner weights")
    assert "not a terminology; build one" in refused(file)


@pytest.mark.parametrize("name", KINDS)
def test_an_array_that_does_not_fit_is_refused(file, name) -> None:
    content, array = file.read_bytes(), load_file(file)[name]
    wrong = {"float": array.astype(np.float64), "short": array[:-1], "flat": array[None]}
    if name in ("digests", "concepts"):
        wrong["order"] = array[::-1].copy()
    if name != "digests":
        wrong["bound"] = np.full_like(array, 250)
    for what, other in wrong.items():
        file.write_bytes(content)
        rewritten(file, {name: other})
        assert "not a terminology, or cut off" in refused(file), what
    file.write_bytes(content)
    rewritten(file, {name: array[:0]})
    refused(file)


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_do_not_fit_are_refused(file, name) -> None:
    content, arrays = file.read_bytes(), load_file(file)
    for key, other in (
        (name, arrays[name][:-1]),
        (name, arrays[name].astype(np.int32)),
        (f"{name}.ends", arrays[f"{name}.ends"][:-1]),
        (f"{name}.ends", arrays[f"{name}.ends"].astype(np.int64)),
        (f"{name}.ends", arrays[f"{name}.ends"][::-1].copy()),
    ):
        if len(arrays[name]):
            file.write_bytes(content)
            rewritten(file, {key: other})
            refused(file)


@pytest.mark.parametrize(
    "said", ["", "{", "[]", "{}", '{"about": {}, "types": [], "equivalents": {}}', "null"]
)
def test_a_header_that_does_not_fit_is_refused(file, said) -> None:
    rewritten(file, said=said)
    refused(file)


@pytest.mark.parametrize(
    ("key", "value"),
    [("types", "Gene"), ("types", [1, 2, 3]), ("equivalents", {"Gene": 5}), ("equivalents", [])],
)
def test_a_header_of_other_kinds_is_refused(file, key, value) -> None:
    with safe_open(file, "numpy") as opened:
        told = json.loads(opened.metadata()["said"])
    rewritten(file, said=json.dumps(told | {key: value}))
    refused(file)


def test_known_forms() -> None:
    assert small().knows(["mendacine", "thumbcancer", "nothing"]).tolist() == [True, True, False]
    assert About("x").counts == {}
