"""Sentences: lossless, in order, never through an entity, and chunks within their limit."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.cutting import group
from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import InputError, OffsetError
from llmner_hf.core.offsets import within
from llmner_hf.core.sentences import join_over, split

LANGUAGES = st.sampled_from(["en", "zh"])
# Full of marks, closers, blanks and abbreviations, so that rules meet each other.
PIECES = st.sampled_from([*".!?。！？；;\"')]】” \n\t\r\u3000\u2028"]) | st.sampled_from(
    [
        "。”",
        "Fig",
        "E",
        "al",
        "i.p",
        "0.5",
        "7",
        "The",
        "p53",
        "A",
        "癌",
        "细胞",
        "RESULTS:",
        "mRNA",
        "word",
        "Word",
        "🧬",
        "e\u0301",
        "...",
        "e.g",
        "( ",
    ]
)
TEXTS = st.lists(PIECES | st.characters(), max_size=40).map("".join)


def solid(text: str) -> str:
    """A text without its blanks."""
    return "".join(text.split())


def cut(text: str, language: str) -> list[str]:
    """The sentences as strings."""
    return [text[start:end] for start, end in split(text, language)]


# Each list holds whole sentences: joined with a blank (Chinese: with nothing), split gives it back.
ENGLISH = [
    ["It is seen in Fig. 2 as well.", "It is stable."],
    ["Cultures of E. coli and S. aureus grew.", "None of K. pneumoniae did."],
    ["As Jones et al. showed, it works.", "We agree."],
    ["It was tested by Jones et al.", "We repeated the test."],
    ["Drug vs. placebo, i.e. nothing, e.g. water.", "Both failed."],
    ["Dr. Wu saw J. R. Hall and Prof. Li.", "They talked."],
    ["A dose of 0.5 mg was given.", "0.7 mg followed."],
    ["The rate was 3. 5 per cent.", "It rose."],
    ["The effect was clear (P =. 03).", "It stayed."],
    ["It took approx. 5 h.", "Then it stopped."],
    ["1. Introduction.", "2. Methods.", "3. Results."],
    ["They called it “toxic.”", "Others did not."],
    ["(It was small.)", "[It was new.]", "It grew."],
    ["Why does it fail?", "Nobody knows!", "mRNA was low."],
    ["J. A. Hall and R. A. Wu agreed."],
    ["The pathway needs kinase A.", "This is known."],
    ["He had hepatitis B.", "Serum was drawn."],
    ["Rats got 5 mg/kg i.p. 1 h before.", "They slept."],
    ["It bound p65.", "p53 did not.", "c-fos did."],
    ["It failed in group I.", "CONCLUSIONS: It fails."],
    ["Is it type 1? or type 2?", "It is neither."],
    ["It was found in 2008.", "Ten years passed."],
    ["The ratio was 0.05.", "12 rats died."],
    ["He was, cf. Hill, ill.", "She was not..."],
]
CHINESE = [
    ["患者发热38.5℃，咳嗽。", "予以治疗！", "有效吗？", "有效；", "出院"],
    ["他说：“疼。”", "随后好转。"],
    ["（见图1。）", "血压120/80mmHg!", "正常?!", "是。"],
    ["有效吗？！", "有。"],
    ["体温36.5度.次日37.0度"],
]


@pytest.mark.parametrize("sentences", ENGLISH, ids=lambda sentences: sentences[0])
def test_english(sentences: list[str]) -> None:
    """Every sentence as a reader would end it."""
    assert cut(" ".join(sentences), "en") == sentences


@pytest.mark.parametrize("sentences", CHINESE, ids=lambda sentences: sentences[0])
def test_chinese(sentences: list[str]) -> None:
    """Marks end sentences, the quotes and brackets that close stay with them."""
    assert cut("".join(sentences), "zh") == sentences


@pytest.mark.parametrize("language", ["en", "zh"])
def test_lines_end_sentences(language: str) -> None:
    """In both languages, whatever the line break."""
    assert cut("\n a b\r\n\n c\u2028d \u3000\n", language) == ["a b", "c", "d"]
    assert cut(" \n ", language) == []


def test_a_mark_of_its_own_is_no_sentence() -> None:
    """A stop after a stop belongs to the sentence before."""
    assert cut("It ended. . It began.", "en") == ["It ended. .", "It began."]


@given(TEXTS, LANGUAGES)
def test_split_is_lossless(text: str, language: str) -> None:
    """Ordered, disjoint, not empty, no blank at the ends, every other character covered."""
    spans = split(text, language)
    assert all(start < end for start, end in spans)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert all(text[start:end] == text[start:end].strip() for start, end in spans)
    assert "".join(solid(text[start:end]) for start, end in spans) == solid(text)


@given(TEXTS, LANGUAGES)
def test_no_decimal_is_split(text: str, language: str) -> None:
    """A point between two digits never ends a sentence."""
    borders = {place for span in split(text, language) for place in span}
    for match in re.finditer(r"\d\.(?=\d)", text):
        assert match.end() not in borders


@given(st.data(), TEXTS, LANGUAGES)
def test_join_over_cuts_no_entity(data: st.DataObject, text: str, language: str) -> None:
    """Every entity lies in one span, and only breaks inside entities go."""
    text += "."
    places = st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
    pairs = data.draw(st.lists(places.map(sorted).filter(lambda p: p[0] < p[1]), max_size=5))
    entities = [Entity(start, end, "x") for start, end in pairs]
    before = split(text, language)
    spans, removed = join_over(before, entities)
    assert all(one[1] <= other[0] for one, other in pairwise(spans))
    assert all(any(s <= e.start and e.end <= t for s, t in spans) for e in entities)
    assert sum(len(within(span, entities)) for span in spans) == len(entities)
    assert "".join(solid(text[start:end]) for start, end in spans) == solid(text)
    # Two entities may cover the blanks of a break between them: then no place in it is free.
    broken = [
        (one, other)
        for one, other in pairwise(before)
        if all(any(e.start < at < e.end for e in entities) for at in range(one[1], other[0] + 1))
    ]
    assert removed == len(broken)


def test_join_over_and_within() -> None:
    """Without entities nothing changes; blanks inside entities are kept; offsets are shifted."""
    assert join_over([(0, 3), (4, 6)], []) == (((0, 3), (4, 6)), 0)
    assert join_over([(1, 3), (4, 6)], [Entity(0, 2, "x"), Entity(5, 7, "x")]) == (
        ((0, 3), (4, 7)),
        0,
    )
    assert join_over([(0, 2), (3, 5), (6, 8)], [Entity(1, 7, "x")]) == (((0, 8),), 2)
    assert within((4, 9), [Entity(4, 9, "x"), Entity(0, 4, "x"), Entity(9, 10, "x")]) == (
        Entity(0, 5, "x"),
    )
    for entity in (Entity(3, 5, "x"), Entity(8, 10, "x")):
        with pytest.raises(OffsetError, match=r"4:9 cuts x\[\d+:\d+\]; use join_over"):
            within((4, 9), [entity])


def tokens(text: str) -> int:
    """A measure that is not the number of characters: words, and each Chinese character."""
    return len(re.findall(r"[\u4e00-\u9fff]|[^\s\u4e00-\u9fff]+", text))


@given(TEXTS, LANGUAGES, st.integers(1, 30), st.sampled_from([len, tokens]))
def test_group_is_lossless_and_keeps_the_limit(text, language, limit, measure) -> None:
    """No character but blanks is lost, no chunk is over the limit, the order stays."""
    spans = split(text, language)
    chunks, cut_sentences = group(text, spans, limit, measure)
    assert all(measure(text[start:end]) <= limit for start, end in chunks)
    assert all(start < end for start, end in chunks)
    assert all(one[1] <= other[0] for one, other in pairwise(chunks))
    assert "".join(solid(text[start:end]) for start, end in chunks) == solid(text)
    assert list(cut_sentences) == [s for s in spans if measure(text[s[0] : s[1]]) > limit]


@given(TEXTS, LANGUAGES, st.integers(1, 30))
def test_group_cuts_no_sentence_that_fits(text: str, language: str, limit: int) -> None:
    """Two neighbouring chunks would not have fitted into one, but for pieces of a cut sentence."""
    spans = split(text, language)
    chunks, cut_sentences = group(text, spans, limit, len)
    if not cut_sentences:
        assert {start for start, _ in chunks} <= {start for start, _ in spans}
        assert all(other[1] - one[0] > limit for one, other in pairwise(chunks) if other in spans)


def test_group_cuts_at_blanks_then_beside_chinese_then_anywhere() -> None:
    """The last resort, in this order."""

    def pieces(text: str, limit: int) -> list[str]:
        chunks, cut_sentences = group(text, [(0, len(text))], limit, len)
        assert len(cut_sentences) == 1
        return [text[start:end] for start, end in chunks]

    assert pieces("alpha beta  gamma", 8) == ["alpha", "beta", "gamma"]
    assert pieces("肺癌细胞ABC", 5) == ["肺癌细胞", "ABC"]
    assert pieces("ABCDEFG", 3) == ["ABC", "DEF", "G"]
    assert pieces("x" * 10_000, 512) == ["x" * 512] * 19 + ["x" * 272]
    text = "a" * 20 + " b"
    assert [text[s:e] for s, e in group(text, [(0, 22)], 12, len)[0]] == ["a" * 12, "a" * 8 + " b"]


def test_group_refuses_what_no_cut_can_keep() -> None:
    """One character alone is over the limit."""
    with pytest.raises(InputError, match="limit 3: '癌' at 1 alone measures 4"):
        group("a癌", [(0, 2)], 3, lambda text: sum(4 if c == "癌" else 1 for c in text))
