"""What can be an entity, which of them stay, and where graphemes end."""

from __future__ import annotations

import pytest
import regex
from hypothesis import given

from llmner_hf.core.choosing import flattened, uncrossed
from llmner_hf.core.entities import Entity, ScoredEntity
from llmner_hf.core.languages import in_words_of
from llmner_hf.core.soundness import sound
from llmner_hf.core.writing import grapheme_border, spoken
from tests.strategies import texts


@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("IL-2 rose", "IL-2"), ("of Cl- and", "Cl-"), ("HCO3- rose", "HCO3-"), ("O2-.", "O2-"),
        ("a -930G/A allele", "-930G/A"), ("(-)-epinephrine", "(-)-epinephrine"), ("Ca2+", "Ca2+"),
        ("[3H]thymidine", "[3H]thymidine"), ("EGFR(+)", "EGFR(+)"),
        ("肺癌（右上）", "肺癌（右上）"),
        ("NF-kappa B.", "NF-kappa B."), ("5'-AMP", "5'-AMP"), ("²", "²"),
    ],
)  # fmt: skip
def test_sound(text: str, surface: str) -> None:
    start = text.index(surface)
    assert sound(text, start, start + len(surface))


@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("a , b", ","), ("a () b", "()"), ("IFN-gamma", "IFN-"), ("IL-2", "IL-"),
        ("a -STAT", "-STAT"),
        ("aspirin, or", "aspirin,"), (", aspirin", ", aspirin"), ("(aspirin) x", "(aspirin"),
        ("(aspirin) x", "aspirin)"), ("aspirin (", "aspirin ("), (") aspirin", ") aspirin"),
        ("p-1", "-1"), ("aspirin - x", "aspirin -"), ("aspirin -", "aspirin "),
        (" aspirin", " asp"),
        ("a) and (b", "(b"), ("e\u0301x", "e"), ("e\u0301x", "\u0301x"), ("高血压、", "高血压、"),
    ],
)  # fmt: skip
def test_not_sound(text: str, surface: str) -> None:
    start = text.index(surface)
    assert not sound(text, start, start + len(surface))


def test_flags_and_families() -> None:
    """What joins emoji and pairs of regional indicators."""
    for text in ("🇩🇪🇫🇷", "👩\u200d🔬", "👍🏽x", "각\u11a8", "\r\n", "a\u200db"):
        ends = {match.end() for match in regex.finditer(r"\X", text)}
        found = {place for place in range(1, len(text) + 1) if grapheme_border(text, place)}
        assert found == ends


@given(texts())
def test_graphemes_of_hostile_texts(text: str) -> None:
    """No border stands inside a grapheme of the library that knows them all."""
    ends = {0} | {match.end() for match in regex.finditer(r"\X", text)}
    assert {place for place in range(len(text) + 1) if grapheme_border(text, place)} <= ends


def scored(*found: tuple[int, int, str, float]) -> list[ScoredEntity]:
    return [ScoredEntity(Entity(start, end, label), score) for start, end, label, score in found]


def test_the_better_one_stays() -> None:
    """Flat: of those that overlap; uncrossed: of those of one type that cross."""
    found = scored((0, 5, "x", 0.5), (3, 9, "x", 0.9), (3, 9, "y", 0.8), (4, 8, "x", 0.4))
    assert [one.score for one in uncrossed(found)] == [0.9, 0.8, 0.4]
    assert [one.score for one in flattened(found)] == [0.9]
    assert flattened(scored((0, 5, "x", 0.5), (5, 6, "x", 0.1))) == tuple(
        scored((0, 5, "x", 0.5), (5, 6, "x", 0.1))
    )


def test_two_languages_have_one_name() -> None:
    """That of the text; of two the better score."""
    found = scored((0, 2, "疾病", 0.5), (0, 2, "Disease", 0.7), (3, 4, "Gene", 0.6))
    assert in_words_of("zh", found) == tuple(scored((0, 2, "疾病", 0.7), (3, 4, "Gene", 0.6)))
    assert in_words_of("en", found)[0].entity.label == "Disease"
    worse = scored((0, 2, "Disease", 0.7), (0, 2, "疾病", 0.5))
    assert in_words_of("zh", worse) == tuple(scored((0, 2, "疾病", 0.7)))


def test_a_sentence_without_words_has_no_language() -> None:
    """Numbers, units and single letters say nothing."""
    said = [spoken(text) for text in ("38.5 ℃", "A", "EGFR L858R", "查EGFR突变")]
    assert said == [None, None, "en", "zh"]
