import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import FormatError
from llmner_hf.core.writing import language_of
from llmner_hf.readers.files import Place
from llmner_hf.readers.reading import Gathering, Mention

PLACE = Place("f.txt", 7)


def gathered(text, *mentions):
    gathering = Gathering("toy", "en")
    gathering.add(PLACE, "1", text, [Mention(PLACE, *mention) for mention in mentions])
    return gathering.reading()


@pytest.mark.parametrize(
    ("mention", "reason"),
    [
        ((2, 2, "A"), "needs 0 <= start < end"),
        ((3, 2, "A"), "needs 0 <= start < end"),
        ((-1, 2, "A"), "needs 0 <= start < end"),
        ((5, 9, "A"), "ends behind the text of 8 characters"),
        ((0, 4, ""), "has no type"),
        ((0, 4, "A", "acid"), "is 'lime' in the text, not 'acid'"),
        ((0, 4, "A", " lime"), "not ' lime'"),
        ((8, 10, "A", "  "), "not '  '"),
        ((4, 5, "A", "  "), "not '  '"),
    ],
)
def test_what_does_not_fit_the_text_names_file_and_line(mention, reason):
    with pytest.raises(FormatError, match=r"^f\.txt:7: ") as caught:
        gathered("lime  ok", mention)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("end", "surface", "kept"), [(4, "lime  ", 4), (6, "lime", 6), (12, "ok  ", 8)]
)
def test_blanks_at_the_end_of_a_surface_form_may_differ(end, surface, kept):
    start = 6 if surface.startswith("ok") else 0
    reading = gathered("lime  ok", (start, end, "A", surface))
    assert reading.examples[0].entities == (Entity(start, kept, "A"),)
    assert reading.remarks == {"surface form differs in blanks at its end": 1}


def test_repeated_mentions_are_counted():
    reading = gathered("lime", (0, 4, "A"), (0, 4, "A"), (0, 4, "B"))
    assert len(reading.examples[0].entities) == 2
    assert reading.dropped == {"repeated mention": 1}


def test_repeated_documents_are_dropped_when_equal_and_refused_when_not():
    gathering = Gathering("toy", "en")
    mention = Mention(PLACE, 0, 4, "A")
    gathering.add(PLACE, "1", "lime", [mention])
    gathering.add(PLACE, "1", "lime", [mention])
    assert gathering.reading().dropped == {
        "repeated document": 1,
        "mention of a repeated document": 1,
    }
    for text, mentions in (("lime", []), ("lime ", [mention])):
        with pytest.raises(FormatError, match="second document '1'"):
            gathering.add(PLACE, "1", text, mentions)


def test_a_document_needs_an_id():
    with pytest.raises(FormatError, match="needs an id"):
        Gathering("toy", "en").add(PLACE, "", "lime", [])


@pytest.mark.parametrize("value", ["", "-1", "1.0", " 1", "\u0663", "\u00b2", None, "9" * 16])
def test_offsets_are_decimal_digits(value):
    with pytest.raises(FormatError, match="is not an offset"):
        PLACE.number(value)


def test_languages_are_guessed_text_by_text():
    gathering = Gathering("toy", None)
    gathering.add(PLACE, "1", "患者发热，伴CRP升高", [])
    gathering.add(PLACE, "2", "Fever with high CRP", [])
    assert [example.language for example in gathering.reading().examples] == ["zh", "en"]
    assert language_of("") == "en"


@given(st.text(), st.integers(0, 20), st.integers(1, 20))
def test_a_true_surface_form_is_always_accepted(text, start, length):
    surface = text[start : start + length]
    if surface:
        reading = gathered(text, (start, start + len(surface), "A", surface))
        assert reading.examples[0].entities[0].surface(text) == surface
        assert reading.examples[0].text == text
        assert not reading.remarks
