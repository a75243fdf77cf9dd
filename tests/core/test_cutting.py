"""Sentences beyond a limit: only they are cut, at the best places, and nothing is lost."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.cutting import fitted
from llmner_hf.core.sentences import split
from llmner_hf.core.writing import in_word
from tests.strategies import plain_texts

LIMIT = 60


def pieces(text: str, limit: int) -> list[str]:
    found, cut = fitted(text, [(0, len(text))], limit, len)
    assert cut == ((0, len(text)),)
    return [text[start:end] for start, end in found]


def test_the_best_places_first() -> None:
    """Semicolon, comma, line break, blank, border of a word; never 1,2-dichloroethane."""
    assert pieces("one, two, three; four, five", 20) == ["one, two, three;", "four, five"]
    assert pieces("one two, three four five", 16) == ["one two, three", "four five"]
    assert pieces("one two three, four five", 18) == ["one two three,", "four five"]
    assert pieces("one two\nthree four", 12) == ["one two", "three four"]
    assert pieces("aspirin 1,2-dichloroethane x", 20) == ["aspirin", "1,2-dichloroethane x"]
    assert pieces("高血压，糖尿病；冠心病", 9) == ["高血压，糖尿病；", "冠心病"]
    assert pieces("alpha/beta/gamma", 12) == ["alpha/beta/", "gamma"]


def test_a_sentence_before_a_list_stays_as_it_is() -> None:
    """The splitter goes on before a small letter; a cut does not."""
    text = "She took codeine. clone A0, clone A1, clone A2, clone A3."
    assert pieces(text, 30) == ["She took codeine.", "clone A0, clone A1, clone A2,", "clone A3."]


def test_a_long_sentence_before_a_stop_is_cut_too() -> None:
    """And what stands behind the stop is a piece of its own."""
    assert pieces("one two three four. five six.", 12) == ["one two", "three four.", "five six."]


def test_no_grapheme_is_cut_that_fits() -> None:
    """Marks go with their letters."""
    assert pieces("肝e\u0301\u0301肝e\u0301\u0301", 5) == ["肝e\u0301\u0301肝", "e\u0301\u0301"]


@given(st.lists(plain_texts(5), min_size=1, max_size=6), st.integers(0, 5), st.booleans())
def test_only_the_long_sentence_is_cut(parts: list[str], place: int, chinese: bool) -> None:
    """All others are what they are without it, and no word is cut."""
    long = "；".join(f"克隆{n}号" for n in range(40)) if chinese else "; clone A1, B" * 12
    sentences = [f"It is {part}." for part in parts]
    sentences.insert(place, f"These are {long}.")
    text = "\n".join(sentences)
    spans = split(text, "en")
    found, cut = fitted(text, spans, LIMIT + 100, len, LIMIT)
    assert {span for span in spans if span[1] - span[0] <= LIMIT + 100} <= set(found)
    assert set(cut) == {span for span in spans if span[1] - span[0] > LIMIT + 100}
    assert all(end - start <= LIMIT for start, end in set(found) - set(spans))
    assert not any(in_word(text, place) for span in found for place in span)
    kept = "".join(text[start:end] for start, end in found)
    assert re.sub(r"\s", "", kept) == re.sub(r"\s", "", text)
