"""The dictionary: verbatim, flat, whole words, and learnt by the share of a mention's entities."""

import json
import lzma
import os
import random
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.mentions import Dictionary
from tests.conftest import ROOT

SHARED = Path(os.environ.get("LLMNER_SHARED", ROOT.parent / "shared"))
TEXTS = st.text(st.sampled_from("aAbB1 -.癌细σΣς\u0130\n"), max_size=30)


def example(text: str, *entities: tuple[int, int, str]) -> Example:
    """An English example."""
    return Example("x", text, tuple(Entity(*entity) for entity in entities), "own", "en")


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """A text with any entities at all, blank and nested ones too."""
    text = draw(TEXTS)
    places = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
    spans = draw(st.lists(places, max_size=4))
    labels = st.sampled_from(["DNA", "RNA"])
    return example(text, *((s, e, draw(labels)) for s, e in spans if s < e))


@given(st.lists(examples(), max_size=4), TEXTS, st.sampled_from([0.0, 0.5, 1.0]))
def test_entities_are_flat_and_in_the_dictionary(
    training: list[Example], text: str, share: float
) -> None:
    """Inside the text, in order, not overlapping, each a mention that was learnt, with its type."""
    dictionary = Dictionary.learn(training, share)
    entities = dictionary.annotate(text)
    assert all(one.end <= other.start for one, other in pairwise(entities))
    assert all(entity.end <= len(text) for entity in entities)
    learnt = {
        (e.surface(x.text).lower(), e.label) for x in training for e in x.entities
    }  # "ς" and "σ" are both lower case: the sigmas differ here only where a text holds a capital
    for entity in entities:
        surface = entity.surface(text).lower()
        assert surface.strip()
        assert (surface.replace("ς", "σ"), entity.label) in {
            (mention.replace("ς", "σ"), label) for mention, label in learnt
        }


@given(st.lists(examples(), max_size=4), TEXTS)
def test_labels_restrict(training: list[Example], text: str) -> None:
    """Only the types asked for; asking for all changes nothing."""
    dictionary = Dictionary.learn(training, 0)
    assert dictionary.annotate(text, {"DNA", "RNA"}) == dictionary.annotate(text)
    assert {entity.label for entity in dictionary.annotate(text, {"DNA"})} <= {"DNA"}
    assert dictionary.annotate(text, ()) == ()


@given(st.lists(examples(), max_size=4), st.floats(0.01, 1))
def test_a_share_only_takes_away(training: list[Example], share: float) -> None:
    """What a share keeps is a part of what is kept without one."""
    every = dict(Dictionary.learn(training, 0).mentions)
    assert Dictionary.learn(training, share).mentions.items() <= every.items()


@given(st.lists(examples(), max_size=4))
def test_learning_is_deterministic(training: list[Example]) -> None:
    """The order of the examples never matters."""
    learnt = Dictionary.learn(training)
    assert Dictionary.learn(reversed(training)) == learnt
    assert Dictionary(learnt.mentions) == learnt


@given(st.lists(examples(), max_size=4), TEXTS)
def test_a_hashed_dictionary_finds_the_same(training: list[Example], text: str) -> None:
    """The same entities, ends and doubts, and no mention in it."""
    dictionary = Dictionary.learn(training, 0)
    hashed = dictionary.digested()
    assert hashed.digested() is hashed
    assert list(hashed.matches(text)) == list(dictionary.matches(text))
    for start in range(len(text)):
        assert list(hashed.ends(text, start)) == list(dictionary.ends(text, start))
    assert all(isinstance(key, int) for key in (*hashed.mentions, *hashed.lengths, *hashed.unsure))


def test_a_mention_that_mostly_is_none_is_unsure() -> None:
    """Entities in less than half of their occurrences, kept by a lower share."""
    third = example("lead, lead acetate, lead", (0, 4, "Chemical"), (6, 18, "Chemical"))
    dictionary = Dictionary.learn([third], 0.2)
    assert dictionary.unsure == {"lead"}
    assert list(dictionary.matches("lead and lead acetate")) == [
        (Entity(0, 4, "Chemical"), False),
        (Entity(9, 21, "Chemical"), True),
    ]


def test_longest_first_left_to_right() -> None:
    """The longest mention wins, the next begins behind it."""
    dictionary = Dictionary({"kappa": "a", "NF-kappa B": "b", "B site": "c", "B": "d"})
    assert dictionary.annotate("The nf-kappa b site, kappa B") == (
        Entity(4, 14, "b"),
        Entity(21, 26, "a"),
        Entity(27, 28, "d"),
    )
    assert dictionary.annotate("The nf-kappa b site", {"a", "c"}) == (
        Entity(7, 12, "a"),
        Entity(13, 19, "c"),
    )


def test_borders_of_words() -> None:
    """A mention is no part of a word; Chinese has no borders."""
    dictionary = Dictionary({"il-2": "a", "癌": "b", "B": "c"})
    assert dictionary.annotate("IL-2R IL-21 aIL-2 (IL-2)") == (Entity(19, 23, "a"),)
    assert dictionary.annotate("肺癌B细胞") == (Entity(1, 2, "b"), Entity(2, 3, "c"))
    assert dictionary.annotate("il-") == ()
    assert dictionary.annotate("") == ()


def test_a_character_that_grows_in_lower_case_moves_nothing() -> None:
    """The lower case of U+0130 has two characters; offsets are those of the text."""
    text = "\u0130\u0130 Aspirin \u0130b"
    dictionary = Dictionary.learn([example(text, (3, 10, "a"), (11, 13, "b"))])
    assert dictionary.annotate(text) == (Entity(3, 10, "a"), Entity(11, 13, "b"))


def test_half_of_the_occurrences() -> None:
    """Kept at one half, dropped below; inside longer mentions counts, inside words does not."""
    half = example("lead, Lead; leads", (0, 4, "Chemical"))
    assert Dictionary.learn([half]).mentions == {"lead": "Chemical"}
    third = example("lead, lead acetate, lead", (0, 4, "Chemical"), (6, 18, "Chemical"))
    assert Dictionary.learn([third]).mentions == {"lead acetate": "Chemical"}
    assert Dictionary.learn([third], 0.3).mentions.keys() == {"lead", "lead acetate"}


def test_the_most_frequent_type() -> None:
    """One type for each mention; ties go to the first name; other types' entities do not help."""
    two = example("p53 p53 p53", (0, 3, "RNA"), (4, 7, "RNA"), (8, 11, "DNA"))
    assert Dictionary.learn([two]).mentions == {"p53": "RNA"}
    tie = example("p53 p53 p53", (0, 3, "RNA"), (4, 7, "DNA"))
    assert Dictionary.learn([tie], 0).mentions == {"p53": "DNA"}
    assert Dictionary.learn([tie]).mentions == {}


def test_mentions_that_are_none() -> None:
    """Blanks alone, and mentions that begin or end inside a word."""
    odd = example("CD4cells  x", (0, 3, "a"), (3, 8, "a"), (8, 10, "a"))
    assert Dictionary.learn([odd], 0).mentions == {}
    assert Dictionary.learn([]).annotate("x") == ()


def test_it_is_hashable_and_frozen() -> None:
    """A value like the others of the core."""
    dictionary = Dictionary({"a": "x"})
    assert hash(dictionary) == hash(Dictionary({"A": "x"}))
    with pytest.raises(TypeError):
        dictionary.mentions["b"] = "x"  # type: ignore[index]


def f1(dictionary: Dictionary, tests: list[Example]) -> float:
    """Strict micro F1 in per cent."""
    found = [set(dictionary.annotate(test.text)) for test in tests]
    correct = sum(len(f & set(x.entities)) for f, x in zip(found, tests, strict=True))
    return 200 * correct / sum(len(f) + len(x.entities) for f, x in zip(found, tests, strict=True))


def test_cmeee() -> None:
    """On 500 of CMeEE-V2's development texts, learnt from the rest, without a filter."""
    path = SHARED / "corpora" / "cmeee_v2" / "CMeEE-V2_dev.json.xz"
    if not path.exists():
        pytest.skip(f"{path} is not to be had: set LLMNER_SHARED")
    with lzma.open(path, "rt", encoding="utf-8") as file:
        records = json.load(file)
    texts = [
        example(r["text"], *((e["start_idx"], e["end_idx"] + 1, e["type"]) for e in r["entities"]))
        for r in records
    ]
    held_out = sorted(random.Random(0).sample(range(len(texts)), 500))
    training = [text for number, text in enumerate(texts) if number not in held_out]
    tests = [texts[number] for number in held_out]
    assert round(f1(Dictionary.learn(training, 0), tests), 1) == 45.7


def test_bc5cdr() -> None:
    """On the abstracts of BC5CDR's test part, learnt from the other two, with the filter."""
    parts = []
    for name in ("Training", "Development", "Test"):
        path = SHARED / "corpora" / "bc5cdr" / f"CDR_{name}Set.PubTator.txt.xz"
        if not path.exists():
            pytest.skip(f"{path} is not to be had: set LLMNER_SHARED")
        with lzma.open(path, "rt", encoding="utf-8") as file:
            parts.append([_abstract(block) for block in file.read().strip().split("\n\n")])
    training, development, tests = parts
    assert round(f1(Dictionary.learn(training + development), tests), 1) == 80.8


def _abstract(block: str) -> Example:
    """The chemicals of one document of a PubTator file."""
    title, abstract, *rows = block.split("\n")
    text = f"{title.split('|t|', 1)[1]} {abstract.split('|a|', 1)[1]}"
    cells = [row.split("\t") for row in rows]
    return example(
        text, *((int(c[1]), int(c[2]), c[4]) for c in cells if len(c) > 5 and c[4] == "Chemical")
    )


@given(st.lists(examples(), max_size=4), TEXTS, st.booleans())
def test_what_is_said_of_a_match(training: list[Example], text: str, hashed: bool) -> None:
    """A match is a mention of its type, and of no other one; whether it is sure, both say."""
    dictionary = Dictionary.learn(training, 0)
    known = dictionary.digested() if hashed else dictionary
    for entity, sure in dictionary.matches(text):
        assert known.said_of(text, entity) == ("sure" if sure else "unsure")
        assert known.said_of(text, replace(entity, label="another")) == "other"
    assert known.said_of("never", Entity(0, 5, "DNA")) == "unknown"
