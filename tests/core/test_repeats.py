"""What is found in one sentence is found in the others, and nothing that was found is touched."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity, Prediction, ScoredEntity
from llmner_hf.core.repeats import repeated
from tests.strategies import plain_texts, texts


def found(identifier: str, *scored: tuple[int, int, str, float]) -> Prediction:
    """A prediction of these entities."""
    return Prediction(
        identifier, tuple(ScoredEntity(Entity(*entity), score) for *entity, score in scored)
    )


@st.composite
def annotated(draw: st.DrawFn) -> tuple[list[str], list[Prediction]]:
    """Sentences with any entities at all."""
    sentences = draw(st.lists(st.one_of(texts(8), plain_texts(8)), max_size=4))
    predictions = []
    for number, text in enumerate(sentences):
        places = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted)
        spans = [(s, e) for s, e in draw(st.lists(places, max_size=3)) if s < e]
        scores = st.floats(0, 1)
        labels = st.sampled_from(["DNA", "RNA"])
        predictions.append(found(str(number), *((*s, draw(labels), draw(scores)) for s in spans)))
    return sentences, predictions


@given(annotated())
def test_what_is_added_was_found_elsewhere_and_overlaps_nothing(
    case: tuple[list[str], list[Prediction]],
) -> None:
    """Everything found stays; what is added is a mention of its type and has its best score."""
    sentences, predictions = case
    after = repeated(sentences, predictions)
    assert [p.id for p in after] == [p.id for p in predictions]
    if len(sentences) < 2:
        assert after == predictions
    known: dict[tuple[str, str], float] = {}
    for text, before in zip(sentences, predictions, strict=True):
        for one in before.scored:
            # Case and the three sigmas are told apart by no dictionary.
            key = one.entity.surface(text).casefold(), one.entity.label
            known[key] = max(one.score, known.get(key, 0.0))
    for text, before, later in zip(sentences, predictions, after, strict=True):
        assert set(before.scored) <= set(later.scored)
        added = [one for one in later.scored if one not in before.scored]
        for one in added:
            assert one.entity.end - one.entity.start >= 2
            assert one.score <= known[one.entity.surface(text).casefold(), one.entity.label]
            others = [other.entity for other in later.scored if other != one]
            assert not any(one.entity.overlaps(other) for other in others)
    assert repeated(sentences, after) == after


@given(st.lists(plain_texts(), min_size=2, max_size=4))
def test_every_other_occurrence_is_found(sentences: list[str]) -> None:
    """An oracle: the first word of the first sentence, wherever it stands, four times at most."""
    word = sentences[0].split(" ")[0]
    if len(word) < 2 or not word[0].isalnum() or not word[-1].isalnum():
        return
    first = found("0", (0, len(word), "DNA", 1.0))
    after = repeated(sentences, [first, *(found(str(n)) for n in range(1, len(sentences)))])
    pattern = re.compile(rf"(?<![^ ,()\"-]){re.escape(word)}(?![^ ,()\"-])")
    places = [[m.span() for m in pattern.finditer(text)] for text in sentences]
    if sum(map(len, places)) <= 4:
        assert [[e.span for e in prediction.entities] for prediction in after] == places


def test_a_mention_is_taken_as_what_it_mostly_is_and_the_longer_wins() -> None:
    """The type with most evidence; an occurrence of a longer mention hides that of a shorter."""
    sentences = ["NF-kappa B", "NF-kappa B", "NF-kappa B site", "An NF-kappa B site, nf-kappa b."]
    whole, longer = (0, 10), (0, 15)
    predictions = [
        found("0", (*whole, "protein", 0.4)),
        found("1", (*whole, "protein", 0.6)),
        found("2", (*whole, "DNA", 0.9), (*longer, "DNA", 0.7)),
        found("3"),
    ]
    added = repeated(sentences, predictions)[3].scored
    assert added == (
        ScoredEntity(Entity(3, 18, "DNA"), 0.7),
        ScoredEntity(Entity(20, 30, "protein"), 0.6),
    )


def test_what_the_tagger_passes_over_nearly_always_is_left_alone() -> None:
    """A quarter of the evidence that there could be is enough, and less is not."""
    sentences = ["RA is.", "RA, RA.", "No RA."]
    for score, spans in ((1.0, 4), (0.99, 1)):
        after = repeated(sentences, [found("0", (0, 2, "DNA", score)), found("1"), found("2")])
        assert sum(len(p.entities) for p in after) == spans


def test_an_abbreviation_that_is_explained_needs_no_evidence() -> None:
    """As it is written, wherever it stands free; the explanation has the last word on its type."""
    sentences = ["Retinoic acid (RA) is a drug.", *["RA, ra and all-RA."] * 9, "RA cells."]
    nothing = [found(str(number)) for number in range(1, 10)]
    first = found("0", (0, 13, "Chemical", 0.4))
    after = repeated(sentences, [first, *nothing, found("10", (0, 8, "Cell", 0.9))])
    assert [e.span for e in after[0].entities] == [(0, 13), (15, 17)]
    for prediction in after[1:10]:
        added = tuple(ScoredEntity(Entity(s, s + 2, "Chemical"), 0.4) for s in (0, 15))
        assert prediction.scored == added
    assert [e.span for e in after[10].entities] == [(0, 8)]


def test_a_sentence_alone_is_left_alone() -> None:
    """The tagger has seen all of it, and decided."""
    only = found("0", (0, 4, "DNA", 0.5))
    assert repeated(["IL-2 and IL-2."], [only]) == [only]
    assert repeated([], []) == []


def test_chinese_has_no_words() -> None:
    """Between Chinese characters every place is a border, and one character is no mention."""
    predictions = [found("0", (0, 2, "疾病", 0.5), (3, 4, "部位", 0.5)), found("1")]
    (_, after) = repeated(["肝炎伴肝", "乙型肝炎，肝"], predictions)
    assert after.scored == (ScoredEntity(Entity(2, 4, "疾病"), 0.5),)


def test_an_abbreviation_explained_twice_means_the_nearest_explanation_before() -> None:
    """Before all explanations the first one counts; what its other mentions are called does not."""
    sentences = ["RA.", "Rheumatoid arthritis (RA).", "RA.", "Retinoic acid (RA) RA.", "RA."]
    disease = ScoredEntity(Entity(0, 20, "Disease"), 0.8)
    chemical = ScoredEntity(Entity(0, 13, "Chemical"), 0.9)
    own = ScoredEntity(Entity(0, 2, "Chemical"), 0.95)
    found = [(), (disease,), (), (chemical,), (own,)]
    predictions = [Prediction(str(n), scored) for n, scored in enumerate(found)]
    after = repeated(sentences, predictions)
    kinds = [
        [one.entity.label for one in prediction.scored if one.entity.surface(text) == "RA"]
        for text, prediction in zip(sentences, after, strict=True)
    ]
    assert kinds == [["Disease"], ["Disease"], ["Disease"], ["Chemical"] * 2, ["Chemical"]]
