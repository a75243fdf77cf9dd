"""Short forms in brackets: those that their long form can give, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.abbreviations import abbreviates, explained
from llmner_hf.core.entities import Entity, ScoredEntity
from tests.strategies import texts

WORDS = st.lists(st.text("abcdeFG123", min_size=1, max_size=6), min_size=2, max_size=5)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("RA", "retinoic acid"),
        ("5-FU", "5-fluorouracil"),
        ("3MA", "3-methoxyamphetamine"),
        ("COPD", "chronic obstructive pulmonary disease"),
        ("T1D", "type 1 diabetes"),
        ("Li", "lithium"),
        ("NF-kB", "nuclear factor kappa B"),
    ],
)
def test_these_abbreviate(short: str, long: str) -> None:
    """Initials, letters inside words, numbers."""
    assert abbreviates(short, long)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("BPA", "aspirin"),  # no such letters
        ("AR", "retinoic acid"),  # in another order
        ("TA", "retinoic acid"),  # the first begins no word
        ("ra", "retinoic acid"),  # no capital
        ("RA", "RA"),  # no longer
        ("++", "plus plus"),  # no letters
    ],
)
def test_these_do_not(short: str, long: str) -> None:
    """Each lacks one thing."""
    assert not abbreviates(short, long)


@given(WORDS)
def test_initials_abbreviate(words: list[str]) -> None:
    """The first characters of all words, in capitals."""
    short = "".join(word[0] for word in words).upper()
    expected = short != short.lower() and len(short) < len(" ".join(words))
    assert abbreviates(short, " ".join(words)) == expected


@given(texts(), texts())
def test_a_short_form_is_a_subsequence_of_its_long_form(short: str, long: str) -> None:
    """An oracle by another way: what is left of the long form after each letter."""
    if abbreviates(short, long):
        rest = iter(character.lower() for character in long)
        assert all(c.lower() in rest for c in short if c.isalnum())


def long(end: int, label: str = "Chemical") -> ScoredEntity:
    """What is found at the beginning of a text."""
    return ScoredEntity(Entity(0, end, label), 0.9)


@pytest.mark.parametrize(
    ("text", "end", "shorts"),
    [
        ("Retinoic acid (RA) was given.", 13, ["RA"]),
        ("Retinoic acid(RA; 5 mg) was given.", 13, ["RA"]),
        ("Retinoic acid (RA, a vitamin)", 13, ["RA"]),
        ("Retinoic acid and more (RA)", 13, []),  # not right behind it
        ("Retinoic acid (R)", 13, []),  # too short
        ("Retinoic acid (RA", 13, []),  # never closed
        ("Retinoic acid (Sigma)", 13, []),  # the maker
    ],
)
def test_only_what_stands_in_brackets_behind_an_entity(
    text: str, end: int, shorts: list[str]
) -> None:
    """With the entity that it abbreviates."""
    found = list(explained(text, [long(end)]))
    assert found == [(short, long(end)) for short in shorts]
