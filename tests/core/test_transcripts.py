"""How a text is read: blanks, wrapped lines, HTML; and the way back to the text as it was given."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity, ScoredEntity
from llmner_hf.core.hypertext import holds_html, read_html
from llmner_hf.core.transcripts import Transcript, transcript
from tests.strategies import texts

PROSE = (
    "Two patients had renal failure after gentamicin and lithium carbonate, which were given for "
    "an infection and for mania. Both of them recovered when Lithium was stopped and fluids were "
    "given; NF-kappa B was not measured in these patients, since the laboratory was closed."
)
CHINESE = (
    "患者因反复咳嗽咳痰二十年加重伴气促三天入院既往有高血压病史十余年长期口服氨氯地平控制血压可"
)


def test_a_run_of_blanks_reads_as_one() -> None:
    """Tabs and no-break spaces too; offsets are kept, and breaks between lines."""
    read = transcript("Mexitil  and\t digoxin\u00a0\u00a0went\n\n  up")
    assert read.text == "Mexitil and digoxin went\n\n  up"
    assert read.span(12, 19) == (14, 21)


def test_what_reads_as_it_is_written_is_its_own_transcript() -> None:
    """Nothing is made of it."""
    for text in ("", "a b", "a\nb", "\n"):
        assert transcript(text) == Transcript(text)
    assert transcript("a b").span(0, 3) == (0, 3)


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize("newline", ["\n", "\r\n", " \n  "])
def test_wrapped_prose_reads_as_one_line(width: int, newline: str) -> None:
    """A hyphen at the end of a line goes with what follows."""
    wrapped = newline.join(textwrap.wrap(PROSE, width))
    read = transcript(wrapped)
    assert read.text == PROSE
    start = PROSE.index("lithium")
    first, last = read.span(start, start + len("lithium carbonate"))
    assert wrapped[first:last].split() == ["lithium", "carbonate"]


def test_a_title_that_is_wider_than_what_was_wrapped_keeps_its_line() -> None:
    """Its break is none of the wraps."""
    title = "Renal failure in two patients after gentamicin and lithium: a report of cases"
    text = "\n".join([title, *textwrap.wrap(PROSE, 50)])
    assert transcript(text).text == f"{title}\n{PROSE}"


def test_a_hyphen_before_a_wrap() -> None:
    """A compound is whole again; what is coordinated keeps its blank."""
    lines = "It was found that the receptor of interleukin-\n2 and of the other was bound by NF-"
    assert "interleukin-2" in transcript(lines + "\nkappa B in these cells of the patients.").text
    assert transcript("both of them were pre-\nand postnatal.").text.endswith("pre- and postnatal.")


def test_a_short_wrapped_note() -> None:
    """Lines that go on with a small letter, to the end of a sentence."""
    text = "Two patients had renal\nfailure after gentamicin and lithium\ncarbonate."
    assert transcript(text).text == text.replace("\n", " ")


@pytest.mark.parametrize(
    "text",
    [
        "aspirin\nibuprofen\nwarfarin",
        "Aspirin 100 mg once daily in the morning\nIbuprofen 200 mg three times a day for pain\n"
        "Paracetamol 500 mg as needed for fever",
        "Lithium and renal failure\nWe report two patients who had renal failure after lithium.",
        "Diagnoses of the patient on admission:\n- renal failure with oliguria and acidosis\n"
        "- a disorder of mood.",
        "She was given aspirin for pain.\n\nthe rash went.",
        "血压升高\n血糖正常\n咳嗽咳痰",
        "a b c\vd e f\ng h i.",
        "查：\n1. EGFR\n2. TP53。",
    ],
)
def test_lists_titles_and_paragraphs_keep_their_lines(text: str) -> None:
    """A line that ended is not put together with the next."""
    assert transcript(text).text == text


def test_chinese_lines_of_one_width() -> None:
    """They are put together without a blank."""
    wrapped = "\n".join(CHINESE[n : n + 15] for n in range(0, len(CHINESE), 15))
    assert transcript(wrapped).text == CHINESE


@given(texts())
def test_every_character_is_read_but_blanks(text: str) -> None:
    """In their order, and each leads back to itself."""
    read = transcript(text)
    assert "".join(read.text.split()) == "".join(text.split())
    for place, character in enumerate(read.text):
        start, end = read.span(place, place + 1)
        assert text[start:end] == character or text[start:end].isspace()
    assert transcript(read.text).text == read.text or "\n" in read.text or "\r" in read.text


@given(st.lists(st.sampled_from(["a", "p53", "IL-2", "肝"]), min_size=1).map(" ".join))
def test_doubled_blanks_read_as_single_ones(text: str) -> None:
    """Whatever stands between them."""
    assert transcript(text.replace(" ", "  ")).text == text


def test_html_is_read_as_a_browser_shows_it() -> None:
    """Entities by name and number, tags within and between lines, what is not shown."""
    text = "<p>TNF-&alpha; &#946;2 10<sup>3</sup></p><!-- no --><script>x</script>A &amp; B&copy;"
    read = read_html(text)
    assert read.text == "\nTNF-α β2 103\nA & B©"
    assert [text[slice(*read.span(*span))] for span in [(1, 6), (7, 9)]] == [
        "TNF-&alpha;",
        "&#946;2",
    ]
    again = read.then(transcript(read.text))
    assert again == read
    doubled = read_html("a &lt; b&nbsp;&nbsp;c")
    both = doubled.then(transcript(doubled.text))
    assert (both.text, both.span(6, 7)) == ("a < b c", (20, 21))
    plain = Transcript("a  b")
    assert plain.then(transcript("a  b")) == transcript("a  b")


def test_what_is_no_html_stays() -> None:
    """Comparisons, made-up tags, ampersands."""
    for text in ("p<0.05 and q>0.1", "<unk> <|end|>", "AT&T; R&D", "<DNA:x>", "&nothing;"):
        assert read_html(text) == Transcript(text)
        assert not holds_html(text)
    assert all(map(holds_html, ("TNF-&alpha;", "<i>in vitro</i>")))


def test_entities_are_located() -> None:
    """With offsets into the text as it was given."""
    found = ScoredEntity(Entity(4, 9, "Chemical"), 0.5)
    assert transcript("a   b  c d e").located([found])[0].entity.span == (7, 12)
