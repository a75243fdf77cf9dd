"""Scores against oracles that share no code with them: sets, characters, seqeval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from math import sqrt
from random import Random
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core import scoring
from llmner_hf.core.entities import Entity, Span
from llmner_hf.core.errors import InputError, OffsetError, SettingError
from llmner_hf.core.scoring import (
    Counts,
    ErrorClass,
    PartnerCounts,
    Scores,
    bootstrap,
    classify,
    document_counts,
    document_scores,
    paired_bootstrap,
    score,
)
from llmner_hf.core.scoring.deviations import Ruler, deviations
from llmner_hf.core.scoring.overlaps import Overlaps
from llmner_hf.core.writing import word_spans

Corpus = dict[str, list[Entity]]

LABELS = ("protein", "DNA", "身体")
# Spans of up to six among twelve characters: most documents nest, cross and share spans.
ENTITIES = st.builds(
    lambda start, length, label: Entity(start, start + length, label),
    st.integers(0, 11),
    st.integers(1, 6),
    st.sampled_from(LABELS),
)
SIDE = st.lists(ENTITIES, max_size=6)
DOCUMENT_IDS = st.sampled_from(["a", "b", "c", "d"])


@st.composite
def corpora(draw: st.DrawFn) -> tuple[Corpus, Corpus]:
    """Gold and a prediction that copies some of it; some documents without a prediction."""
    gold = draw(st.dictionaries(DOCUMENT_IDS, SIDE, max_size=4))
    predicted = {}
    for document in draw(st.lists(st.sampled_from(sorted(gold)), unique=True)) if gold else []:
        kept = [entity for entity in gold[document] if draw(st.booleans())]
        predicted[document] = kept + draw(SIDE)
    return gold, predicted


def triple(counts: Counts) -> tuple[int, int, int]:
    """Correct, predicted, gold."""
    return counts.correct, counts.predicted, counts.gold


def set_oracle(gold: Corpus, predicted: Corpus) -> tuple[int, int, int]:
    """Correct, predicted, gold in three lines."""
    golds = {(document, entity) for document in gold for entity in gold[document]}
    guesses = {(document, entity) for document in predicted for entity in predicted[document]}
    return len(golds & guesses), len(guesses), len(golds)


def characters(entity: Entity) -> set[int]:
    """The places a span covers."""
    return set(range(entity.start, entity.end))


def nests(entity: Entity, side: Iterable[Entity]) -> bool:
    """Whether it contains, or lies in, another entity of its side."""
    own = characters(entity)
    others = [characters(other) for other in side if other != entity]
    return any(own <= other or other <= own for other in others)


# --- counts ---------------------------------------------------------------------------------


def test_zero_denominators_give_zero() -> None:
    for empty in (Counts(), PartnerCounts()):
        assert (empty.precision, empty.recall, empty.f1) == (0.0, 0.0, 0.0)
    assert (Counts(0, 3, 0).recall, Counts(0, 0, 3).precision) == (0.0, 0.0)
    assert Scores().macro_f1 == 0.0


def test_partner_counts_read_precision_and_recall_from_different_sides() -> None:
    counts = PartnerCounts(correct=1, predicted=4, found=1, gold=1)
    assert (counts.precision, counts.recall, counts.f1) == (0.25, 1.0, 0.4)


@given(corpora())
def test_strict_equals_the_set_oracle(both: tuple[Corpus, Corpus]) -> None:
    gold, predicted = both
    assert triple(score(gold, predicted).strict) == set_oracle(gold, predicted)


@given(corpora())
def test_per_type_equals_the_set_oracle_on_that_type(both: tuple[Corpus, Corpus]) -> None:
    scores = score(*both)
    for label in LABELS:
        gold, predicted = (
            {key: [e for e in side[key] if e.label == label] for key in side} for side in both
        )
        counts = scores.per_type.get(label)
        assert (triple(counts) if counts else (0, 0, 0)) == set_oracle(gold, predicted)
    assert set(scores.per_type) == {e.label for side in both for key in side for e in side[key]}


def test_macro_f1_counts_a_type_that_is_only_predicted() -> None:
    scores = score(
        {"a": [Entity(0, 4, "protein")]}, {"a": [Entity(0, 4, "protein"), Entity(5, 6, "DNA")]}
    )
    assert scores.per_type["protein"].f1 == 1.0
    assert scores.macro_f1 == 0.5


@given(corpora())
def test_gold_scores_one_against_itself(both: tuple[Corpus, Corpus]) -> None:
    gold, _ = both
    scores = score(gold, gold)
    expected = 1.0 if any(gold.values()) else 0.0
    for counts in (scores.strict, scores.exact_span, scores.type_overlap, scores.relaxed):
        assert (counts.precision, counts.recall, counts.f1) == (expected,) * 3
    assert scores.macro_f1 == expected
    assert scores.errors == scoring.ErrorCounts()


# --- what must not matter, and what must add ------------------------------------------------


@given(corpora(), st.randoms(use_true_random=False))
def test_order_and_duplicates_never_matter(both: tuple[Corpus, Corpus], random: Random) -> None:
    shuffled = []
    for side in both:
        items = [(key, random.sample(side[key] * 2, 2 * len(side[key]))) for key in side]
        shuffled.append(dict(random.sample(items, len(items))))
    tokens = {key: [(place, place + 1) for place in range(20)] for key in both[0]}
    assert score(*shuffled, tokens=tokens) == score(*both, tokens=tokens)
    if both[0]:
        assert bootstrap(*shuffled, samples=5) == bootstrap(*both, samples=5)


@given(corpora())
def test_document_scores_add_to_the_whole(both: tuple[Corpus, Corpus]) -> None:
    gold, predicted = both
    tokens = {key: [(place, place + 2) for place in range(0, 20, 2)] for key in gold}
    parts = [document_scores(gold[key], predicted.get(key, ()), tokens[key]) for key in gold]
    assert sum(parts, Scores()) == score(gold, predicted, tokens=tokens)
    counts = document_counts(gold, predicted)
    assert counts.keys() == gold.keys()
    assert sum(counts.values(), Counts()) == score(gold, predicted).strict


def test_a_document_without_prediction_has_predicted_nothing() -> None:
    scores = score({"a": [Entity(0, 4, "DNA")], "b": []}, {})
    assert triple(scores.strict) == (0, 0, 1)
    assert scores.errors.missed == 1


def test_a_predicted_document_that_gold_lacks_is_refused() -> None:
    for call in (score, document_counts, bootstrap):
        with pytest.raises(InputError, match="'pmid-7' is predicted but not in gold"):
            call({"pmid-1": []}, {"pmid-7": [Entity(0, 4, "DNA")]})


# --- the lenient scores ---------------------------------------------------------------------


def partner_oracle(gold: Iterable[Entity], predicted: Iterable[Entity], rule: str) -> PartnerCounts:
    """Partners by comparing every pair, character by character."""

    def agree(one: Entity, other: Entity) -> bool:
        shared = bool(characters(one) & characters(other))
        same_type = one.label == other.label
        same_span = characters(one) == characters(other)
        return {"exact_span": same_span, "type_overlap": shared and same_type, "relaxed": shared}[
            rule
        ]

    golds, guesses = set(gold), set(predicted)
    correct = [guess for guess in guesses if any(agree(guess, other) for other in golds)]
    found = [one for one in golds if any(agree(guess, one) for guess in guesses)]
    return PartnerCounts(len(correct), len(guesses), len(found), len(golds))


@pytest.mark.parametrize("rule", ["exact_span", "type_overlap", "relaxed"])
@given(gold=SIDE, predicted=SIDE)
def test_lenient_scores_equal_all_pairs(
    rule: str, gold: list[Entity], predicted: list[Entity]
) -> None:
    assert getattr(document_scores(gold, predicted), rule) == partner_oracle(gold, predicted, rule)


def test_two_predictions_on_one_gold_entity() -> None:
    scores = document_scores(
        [Entity(0, 10, "DNA"), Entity(20, 24, "DNA")], [Entity(0, 4, "DNA"), Entity(5, 10, "RNA")]
    )
    assert scores.relaxed == PartnerCounts(correct=2, predicted=2, found=1, gold=2)
    assert scores.type_overlap == PartnerCounts(correct=1, predicted=2, found=1, gold=2)
    assert scores.exact_span == PartnerCounts(correct=0, predicted=2, found=0, gold=2)


# --- flat and nested ------------------------------------------------------------------------


@given(SIDE, SIDE)
def test_flat_and_nested_are_strict_taken_apart(
    gold: list[Entity], predicted: list[Entity]
) -> None:
    scores = document_scores(gold, predicted)
    assert scores.flat + scores.nested == scores.strict
    golds, guesses = set(gold), set(predicted)
    assert triple(scores.nested) == (
        sum(nests(entity, golds) for entity in golds & guesses),
        sum(nests(entity, golds if entity in golds else guesses) for entity in guesses),
        sum(nests(entity, golds) for entity in golds),
    )
    for counts in (scores.flat, scores.nested):
        assert 0 <= counts.correct <= min(counts.predicted, counts.gold)


def test_a_right_prediction_belongs_where_gold_puts_it() -> None:
    outer, inner = Entity(0, 9, "DNA"), Entity(0, 4, "protein")
    alone = document_scores([outer, inner], [inner])
    assert (triple(alone.nested), triple(alone.flat)) == ((1, 1, 2), (0, 0, 0))
    wrong_outer = document_scores([inner], [outer, inner])
    assert (triple(wrong_outer.nested), triple(wrong_outer.flat)) == ((0, 1, 0), (1, 1, 1))


def test_crossing_spans_are_flat_and_two_types_on_one_span_are_nested() -> None:
    crossing = [Entity(0, 5, "DNA"), Entity(3, 9, "DNA")]
    assert triple(document_scores(crossing, []).nested) == (0, 0, 0)
    same_span = [Entity(0, 5, "DNA"), Entity(0, 5, "protein")]
    assert triple(document_scores(same_span, []).nested) == (0, 0, 2)


# --- error classes --------------------------------------------------------------------------


@given(SIDE, SIDE)
def test_every_wrong_prediction_has_exactly_one_class(
    gold: list[Entity], predicted: list[Entity]
) -> None:
    golds, guesses = set(gold), set(predicted)
    expected: Counter[str] = Counter()
    for guess in guesses - golds:
        touched = [other for other in golds if characters(other) & characters(guess)]
        spans = any(characters(other) == characters(guess) for other in touched)
        labels = {other.label for other in touched}
        own_type = "span" if guess.label in labels else "type_span" if labels else "spurious"
        expected["type" if spans else own_type] += 1
    errors = document_scores(gold, predicted).errors
    assert {kind: getattr(errors, kind) for kind in expected} == expected
    assert errors.wrong == len(guesses - golds) == expected.total()
    assert errors.missed == len(golds - guesses)


@pytest.mark.parametrize(
    ("gold", "expected"),
    [
        ([Entity(4, 9, "DNA")], None),
        ([Entity(4, 9, "DNA"), Entity(4, 9, "RNA")], None),
        ([Entity(4, 9, "RNA"), Entity(4, 12, "DNA")], ErrorClass.TYPE),
        ([Entity(4, 8, "RNA"), Entity(8, 12, "DNA")], ErrorClass.SPAN),
        ([Entity(4, 8, "RNA"), Entity(9, 12, "DNA")], ErrorClass.TYPE_SPAN),
        ([Entity(0, 4, "DNA"), Entity(9, 12, "DNA")], ErrorClass.SPURIOUS),
        ([], ErrorClass.SPURIOUS),
    ],
)
def test_precedence_of_the_classes(gold: list[Entity], expected: ErrorClass | None) -> None:
    assert classify(Entity(4, 9, "DNA"), gold) is expected


def test_a_matched_gold_entity_still_counts_as_gold() -> None:
    gold = [Entity(0, 9, "DNA")]
    errors = document_scores(gold, [Entity(0, 9, "DNA"), Entity(0, 4, "DNA")]).errors
    assert (errors.span, errors.spurious, errors.missed) == (1, 0, 0)


# --- boundary deviation ---------------------------------------------------------------------

TEXT = "the human IL-2 receptor alpha promoter"


def boundary_deviations(
    text: str, gold: list[Entity], predicted: list[Entity], tokens: Iterable[Span] | None = None
) -> Counter[int]:
    ruler = Ruler(word_spans(text) if tokens is None else tokens)
    return deviations(Overlaps(gold), predicted, ruler)


@pytest.mark.parametrize(
    ("text", "gold", "predicted", "tokens"),
    [
        (TEXT, "human IL-2 receptor", "IL-2 receptor", 1),
        (TEXT, "IL-2 receptor", "human IL-2 receptor alpha promoter", 3),
        (TEXT, "IL-2", "IL", 2),
        (TEXT, "receptor", "recept", 1),
        (TEXT, "IL-2 receptor", "IL-2 receptor ", 0),
        ("左侧肾上腺素升高", "肾上腺素", "左侧肾上腺", 3),
        ("服用IL-2后发热", "IL-2后", "服用IL-2", 3),
    ],
)
def test_deviation_in_tokens(text: str, gold: str, predicted: str, tokens: int) -> None:
    one, other = (Entity(text.index(s), text.index(s) + len(s), "x") for s in (gold, predicted))
    assert boundary_deviations(text, [one], [other]) == {tokens: 1}
    assert boundary_deviations(text, [other], [one]) == {tokens: 1}


def test_a_span_error_is_measured_to_its_own_type_a_type_span_error_to_any() -> None:
    text = "a b c d e f"
    gold = [Entity(0, 3, "DNA"), Entity(0, 9, "protein")]
    assert boundary_deviations(text, gold, [Entity(0, 5, "protein")]) == {2: 1}
    assert boundary_deviations(text, gold, [Entity(0, 5, "RNA")]) == {1: 1}


def test_right_type_and_spurious_predictions_have_no_deviation() -> None:
    gold = [Entity(0, 3, "DNA")]
    predicted = [Entity(0, 3, "DNA"), Entity(0, 3, "RNA"), Entity(4, 5, "DNA")]
    assert boundary_deviations("a b c", gold, predicted) == {}


def test_given_tokens_decide() -> None:
    gold, predicted = [Entity(4, 9, "DNA")], [Entity(4, 14, "DNA")]
    pieces = [(9, 11), (4, 9), (11, 14)]
    assert boundary_deviations("the human IL-2", gold, predicted, tokens=pieces) == {2: 1}
    scores = score({"a": gold}, {"a": predicted}, tokens={"a": pieces})
    assert scores.deviations == {2: 1}
    assert score({"a": gold}, {"a": predicted}).deviations == {}


@given(SIDE, SIDE, st.text(alphabet="ab -身", min_size=20, max_size=20))
def test_deviations_equal_counting_tokens_by_character(
    gold: list[Entity], predicted: list[Entity], text: str
) -> None:
    tokens = [set(range(start, end)) for start, end in word_spans(text)]

    def slip(one: int, other: int) -> int:
        between = set(range(min(one, other), max(one, other)))
        return sum(bool(token & between) for token in tokens)

    expected: Counter[int] = Counter()
    for guess in set(predicted):
        kind = classify(guess, gold)
        near = [
            slip(guess.start, other.start) + slip(guess.end, other.end)
            for other in gold
            if characters(other) & characters(guess)
            and (kind is not ErrorClass.SPAN or other.label == guess.label)
        ]
        if kind in (ErrorClass.SPAN, ErrorClass.TYPE_SPAN):
            expected[min(near)] += 1
    result = boundary_deviations(text, gold, predicted)
    assert result == expected
    errors = document_scores(gold, predicted).errors
    assert result.total() == errors.span + errors.type_span


@pytest.mark.parametrize("tokens", [[(0, 3), (2, 5)], [(3, 3)], [(4, 2)], [(-1, 2)]])
def test_bad_tokens_are_refused(tokens: list[tuple[int, int]]) -> None:
    with pytest.raises(OffsetError, match=r"token \[-?\d+:\d+\]"):
        boundary_deviations("a b c", [], [], tokens=tokens)


def test_tokens_for_some_documents_only_are_refused() -> None:
    with pytest.raises(InputError, match="document 'b' has no tokens"):
        score({"a": [], "b": []}, {}, tokens={"a": []})


# --- bootstrap ------------------------------------------------------------------------------


def coin_corpus(documents: int, share: float, seed: int) -> tuple[Corpus, Corpus]:
    """One gold and one predicted entity a document; this share of the predictions is right."""
    random = Random(seed)
    gold = {str(number): [Entity(0, 4, "DNA")] for number in range(documents)}
    right = {key: random.random() < share for key in gold}
    return gold, {key: [Entity(0, 4, "DNA" if right[key] else "RNA")] for key in gold}


def test_same_seed_same_interval_and_another_seed_another() -> None:
    gold, predicted = coin_corpus(100, 0.7, seed=1)
    assert bootstrap(gold, predicted, samples=200) == bootstrap(gold, predicted, samples=200)
    other = bootstrap(gold, predicted, samples=200, seed=1)
    assert bootstrap(gold, predicted, samples=200).f1 != other.f1


def test_interval_is_as_wide_as_the_binomial_says() -> None:
    gold, predicted = coin_corpus(400, 0.5, seed=2)
    interval = bootstrap(gold, predicted, samples=2000).precision
    share = score(gold, predicted).strict.precision
    assert interval.value == share
    assert interval.low < share < interval.high
    width = 2 * 1.96 * sqrt(share * (1 - share) / 400)
    assert interval.high - interval.low == pytest.approx(width, rel=0.1)


@given(corpora().filter(lambda both: bool(both[0])))
def test_intervals_are_ordered_and_hold_the_strict_scores(both: tuple[Corpus, Corpus]) -> None:
    intervals, strict = bootstrap(*both, samples=20), score(*both).strict
    for name in ("precision", "recall", "f1"):
        interval = getattr(intervals, name)
        assert interval.value == getattr(strict, name)
        assert 0.0 <= interval.low <= interval.high <= 1.0


def test_one_document_leaves_no_room() -> None:
    f1 = bootstrap({"a": [Entity(0, 4, "DNA")]}, {"a": [Entity(0, 4, "DNA")]}, samples=1).f1
    assert (f1.value, f1.low, f1.high) == (1.0, 1.0, 1.0)


def test_a_system_does_not_differ_from_itself() -> None:
    gold, predicted = coin_corpus(50, 0.6, seed=4)
    comparison = paired_bootstrap(gold, predicted, predicted, samples=100)
    assert comparison.difference == scoring.Interval(0.0, 0.0, 0.0)
    assert comparison.p_value == 1.0


def test_a_better_system_is_told_apart_and_exchanging_the_two_changes_the_sign() -> None:
    gold, good = coin_corpus(300, 0.9, seed=5)
    _, poor = coin_corpus(300, 0.5, seed=6)
    comparison = paired_bootstrap(gold, good, poor, samples=300)
    assert comparison.difference.value == score(gold, good).strict.f1 - score(gold, poor).strict.f1
    assert 0.0 < comparison.difference.low < comparison.difference.value
    assert comparison.p_value == pytest.approx(1 / 301)
    reverse = paired_bootstrap(gold, poor, good, samples=300)
    assert reverse.difference.value == -comparison.difference.value
    assert reverse.difference.high == pytest.approx(-comparison.difference.low)
    assert reverse.p_value == comparison.p_value


def test_systems_of_one_quality_are_not_told_apart() -> None:
    p_values = []
    for seed in range(40):
        gold, first = coin_corpus(100, 0.7, seed=1000 + seed)
        _, second = coin_corpus(100, 0.7, seed=2000 + seed)
        p_values.append(paired_bootstrap(gold, first, second, samples=200).p_value)
    # Under the null about one in twenty lies below 0.05; eight of forty would be a wrong test.
    assert sum(p < 0.05 for p in p_values) < 8
    assert 0.3 < sum(p_values) / len(p_values) < 0.7


def test_no_sample_is_refused() -> None:
    with pytest.raises(SettingError, match="samples = 0"):
        bootstrap({"a": []}, {}, samples=0)
    with pytest.raises(SettingError, match="samples = 0"):
        paired_bootstrap({"a": []}, {}, {}, samples=0)


def test_no_document_is_refused() -> None:
    with pytest.raises(InputError, match="gold has no document"):
        bootstrap({}, {})


# --- seqeval --------------------------------------------------------------------------------

TAGS = st.sampled_from(["O", *(f"{prefix}-{label}" for prefix in "BI" for label in LABELS)])


@st.composite
def tagged_corpora(draw: st.DrawFn) -> tuple[list[list[str]], list[list[str]]]:
    """Gold and predicted tags of one to four sentences; the prediction copies some of gold."""
    gold = draw(st.lists(st.lists(TAGS, min_size=1, max_size=8), min_size=1, max_size=4))
    predicted = [[tag if draw(st.booleans()) else draw(TAGS) for tag in line] for line in gold]
    return gold, predicted


def read_iob2(tags: list[str]) -> list[Entity]:
    """Entities in tokens: a B and the I of its type that follow; any other I is no entity."""
    entities, position = [], 0
    while position < len(tags):
        start, (prefix, _, label) = position, tags[position].partition("-")
        position += 1
        if prefix == "B":
            while tags[position : position + 1] == [f"I-{label}"]:
                position += 1
            entities.append(Entity(start, position, label))
    return entities


@pytest.fixture(scope="module")
def seqeval() -> ModuleType:
    """The module seqeval.metrics; the core's own environment has none."""
    module: ModuleType = pytest.importorskip("seqeval.metrics", reason="seqeval is not installed")
    return module


@given(tagged=tagged_corpora())
def test_strict_equals_seqeval_on_flat_data(
    seqeval: ModuleType, tagged: tuple[list[list[str]], list[list[str]]]
) -> None:
    from seqeval.scheme import IOB2

    gold, predicted = ({str(i): read_iob2(tags) for i, tags in enumerate(side)} for side in tagged)
    scores = score(gold, predicted)
    options = {"mode": "strict", "scheme": IOB2, "zero_division": 0}
    assert scores.strict.precision == pytest.approx(seqeval.precision_score(*tagged, **options))
    assert scores.strict.recall == pytest.approx(seqeval.recall_score(*tagged, **options))
    assert scores.strict.f1 == pytest.approx(seqeval.f1_score(*tagged, **options))
    if scores.per_type:  # seqeval averages over no type to nan, with a warning
        macro = seqeval.f1_score(*tagged, average="macro", **options)
        assert scores.macro_f1 == pytest.approx(macro)
