"""Writing: every user of a border is asked about the same hostile strings, and all agree."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core import writing
from llmner_hf.core.abbreviations import abbreviates
from llmner_hf.core.alignment.folding import Folded
from llmner_hf.core.borders import borders
from llmner_hf.core.cutting import group
from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.scoring.deviations import Ruler, deviations
from llmner_hf.core.scoring.overlaps import Overlaps
from llmner_hf.core.writing import (
    CJK,
    IDEOGRAPHS,
    caseless,
    digest,
    fold,
    has_ideograph,
    hex_digest,
    in_word,
    is_cjk,
    kind,
    language_of,
    trimmed,
    word_borders,
    word_spans,
)
from tests.strategies import texts

FORMS: tuple[Literal["NFKC", "NFKD"], ...] = ("NFKC", "NFKD")
# Ideographs of every plane and block, kana of both widths, what is alike and is none, and words.
HARD = (
    "𬌗𬌗垫", "\u3400", "\ufa0e", "\U0002f800", "\U000323af", "カ", "ｶ", "ㄅ", "\U0001b000", "。",
    "\u3000", "Ａ", "％", "_", "²", "½", "Ⅳ", "ª", "İ", "ΣΑΣ", "ﬁ", "가", "ا", "e\u0301", "\u200b",
    "\ud800", "👩", "IL-2", "p53", "a", " ", "  ", "\n",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(HARD), max_size=8).map("".join) | texts(12)


def letter(character: str) -> bool:
    """Whether it goes on in a word, written down anew."""
    return character.isalnum() and not is_cjk(character)


@given(TEXTS)
def test_all_users_of_a_border_agree(text: str) -> None:
    """A dictionary, alignment, the words of scores and candidates, brackets."""
    inner = range(1, len(text))
    expected = [
        i not in inner or not (letter(text[i - 1]) and letter(text[i]))
        for i in range(len(text) + 1)
    ]
    assert word_borders(text) == expected
    assert [not in_word(text, i) for i in range(len(text) + 1)] == expected
    assert [not Folded(text).cuts_word(i) for i in range(len(text) + 1)] == expected
    assert word_borders(fold(text)) == expected  # what dictionaries are matched in
    edges = {edge for span in word_spans(text) for edge in span}
    for i in inner:
        blanks = text[i - 1].isspace() and text[i].isspace()
        assert (i in edges) == (expected[i] and not blanks)
        assert borders(text)[i] >= (expected[i] and not blanks)  # a bracket may stand there
        if not borders(text)[i]:
            assert kind(text[i - 1]) == kind(text[i])


@given(TEXTS, st.data())
def test_a_dictionary_finds_what_stands_between_two_borders(text: str, data) -> None:
    """And nothing else, hashed or not."""
    place = st.integers(0, len(text))
    start, end = sorted((data.draw(place), data.draw(place)))
    if not text[start:end].strip():
        return
    known = Dictionary({text[start:end]: "x"})
    free = word_borders(text)
    for dictionary in (known, known.digested()):
        found = {(p, e) for p in range(len(text)) for e in dictionary.ends(text, p)}
        assert all(free[p] and free[e] for p, e in found)
        assert ((start, end) in found) == (free[start] and free[end])


@given(TEXTS, TEXTS)
def test_a_short_form_begins_where_a_word_does(before: str, behind: str) -> None:
    """Against the border itself: the letter stands nowhere else."""
    long = f"{before}Ψ{behind}"
    others = [i for i, c in enumerate(long) if c.lower() == "ψ" and i != len(before)]
    if not others and len(long) > 1:
        assert abbreviates("Ψ", long) == word_borders(long)[len(before)]


@pytest.mark.parametrize("word", ["𬌗𬌗垫", "垫𬌗", "ｶｶカ", "㐀㐀"])
def test_every_ideograph_is_a_word(word: str) -> None:
    """Of each plane: learnt, found, counted, bracketed and cut as any other."""
    size = len(word)
    text = f"a{word}b"
    entity = Entity(1, 1 + size, "x")
    learnt = Dictionary.learn([Example("1", text, (entity,), "own", "zh")])
    assert learnt.annotate(text) == (entity,)
    assert word_borders(text) == borders(text) == [True] * (size + 3)
    assert word_spans(word) == [(i, i + 1) for i in range(size)]
    shorter, ruler = Entity(1, size, "x"), Ruler(word_spans(text))
    assert deviations(Overlaps([entity]), [shorter], ruler) == {1: 1}
    assert group(word, [(0, size)], 1, len)[0] == tuple((i, i + 1) for i in range(size))


def test_kinds_of_characters() -> None:
    """Every code point: one definition of CJK, and ideographs are of it."""
    kinds = {chr(i): kind(chr(i)) for i in range(0x110000)}
    words = {c for c, one in kinds.items() if one in ("letter", "digit", "number")}
    run = re.compile(rf"[^\W_{CJK}]")
    ideograph = re.compile(f"[{IDEOGRAPHS}]")
    assert {c for c in kinds if run.match(c)} == words
    assert {c for c in kinds if c.isspace()} == {c for c, one in kinds.items() if one == "blank"}
    assert {c for c in kinds if ideograph.match(c)} == {c for c in kinds if has_ideograph(c)}
    assert all(is_cjk(c) for c in kinds if ideograph.match(c))
    assert all(is_cjk(c) for c, one in kinds.items() if one == "cjk")


def test_no_other_module_says_what_a_script_or_a_digest_is() -> None:
    own = Path(writing.__file__)
    for module in own.parents[1].rglob("*.py"):
        found = re.findall(r"\\u(?:2e80|3400|4e00|9fff)|blake2b", module.read_text("utf-8"))
        assert bool(found) == (module == own), module


@given(TEXTS)
def test_words_cover_every_character_that_is_not_blank(text: str) -> None:
    spans = word_spans(text)
    assert [i for a, b in spans for i in range(a, b)] == [
        i for i, c in enumerate(text) if not c.isspace()
    ]
    assert all(one[1] <= other[0] for one, other in pairwise(spans))


@given(TEXTS, st.data())
def test_trimmed_takes_blanks_alone(text: str, data) -> None:
    place = st.integers(0, len(text))
    start, end = sorted((data.draw(place), data.draw(place)))
    found = trimmed(text, start, end)
    assert (text[slice(*found)] if found else "") == text[start:end].strip()
    assert found is None or start <= found[0] < found[1] <= end


@given(TEXTS)
def test_folding(text: str) -> None:
    """Lower case keeps the length and does not look around; compatibility folds width and case."""
    assert len(fold(text)) == len(text)
    assert fold(text) == "".join(map(fold, text))
    assert fold(fold(text)) == fold(text)
    wide = text.translate({ord(c): chr(ord(c) + 0xFEE0) for c in "abIL2"})
    for form in FORMS:
        assert caseless(wide, form) == caseless(text, form)
        assert caseless(caseless(text, form), form) == caseless(text, form)


def test_a_stored_digest_never_changes() -> None:
    """Gazetteers and cuts that were written before must be read."""
    assert digest("𬌗") == 5282021510066903
    assert hex_digest("hGRD") == "459c09bee2f38986"


@given(st.text())
def test_both_digests_are_the_same_bits(text: str) -> None:
    assert int(hex_digest(text), 16) == digest(text) % 2**64
    assert len(hex_digest(text)) == 16


def test_the_language_of_a_text() -> None:
    """Ideographs of every plane count, kana and punctuation do not."""
    assert [language_of(text) for text in ("𬌗垫", "カナ。", "CD28肺癌", "the 气 of")] == [
        "zh",
        "en",
        "zh",
        "en",
    ]
