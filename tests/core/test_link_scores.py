"""Scores of concepts against an oracle that counts tuples, and the rules one by one."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import InputError, SettingError
from llmner_hf.core.scoring import Counts, LinkScores, accuracy_counts, intervals, link_scores

ENTITIES = st.builds(
    lambda start, length, label: Entity(start, start + length, label),
    st.integers(0, 3),
    st.integers(1, 2),
    st.sampled_from(["Drug", "疾病"]),
)
IDS = st.none() | st.frozensets(st.sampled_from(["A:1", "A:2", "B:1"]), max_size=2)
SIDE = st.dictionaries(ENTITIES, IDS, max_size=6)
CORPORA = st.dictionaries(st.sampled_from("abc"), st.tuples(SIDE, SIDE, st.booleans()), max_size=3)

Side = dict[Entity, frozenset[str] | None]
Corpus = dict[str, Side]


def sides(corpus: dict[str, tuple[Side, Side, bool]]) -> tuple[Corpus, Corpus]:
    """Gold and a prediction that repeats some of it."""
    gold = {name: golds for name, (golds, _, _) in corpus.items()}
    predicted = {
        name: (golds | found if repeats else found)
        for name, (golds, found, repeats) in corpus.items()
    }
    return gold, predicted


def total(gold: Corpus, predicted: Corpus) -> LinkScores:
    return sum(link_scores(gold, predicted).values(), LinkScores())


def oracle(gold: Corpus, predicted: Corpus) -> tuple[Counts, Counts, Counts]:
    """The three counts from flat lists of (document, entity, ids)."""
    golds = [(d, e, ids) for d, side in gold.items() for e, ids in side.items()]
    unjudged = [(d, e) for d, e, ids in golds if ids is None]
    wanted = [(d, e, ids) for d, e, ids in golds if ids]
    found = [(d, e) for d, side in predicted.items() for e in side]
    given = [
        (d, e, ids)
        for d, side in predicted.items()
        for e, ids in side.items()
        if ids and (d, e) not in unjudged
    ]
    right = [one for one in given if one in wanted]
    everywhere = [(d, e) for d, e, _ in golds]
    mentions = Counts(
        len(right),
        len([one for one in given if one[:2] in everywhere]),
        len([one for one in wanted if one[:2] in found]),
    )
    asked, told = ({(d, id) for d, _, ids in side for id in ids} for side in (wanted, given))
    documents = Counts(len(asked & told), len(told), len(asked))
    return mentions, Counts(len(right), len(given), len(wanted)), documents


@given(CORPORA)
def test_counts_are_those_of_the_oracle(corpus) -> None:
    gold, predicted = sides(corpus)
    found = total(gold, predicted)
    assert (found.mentions, found.end_to_end, found.documents) == oracle(gold, predicted)
    for label, own in found.per_type.items():
        of_type = [
            {d: {e: i for e, i in s.items() if e.label == label} for d, s in side.items()}
            for side in (gold, predicted)
        ]
        assert (own.mentions, own.end_to_end, own.documents) == oracle(*of_type)
    labels = {e.label for side in (gold, predicted) for s in side.values() for e in s}
    assert found.per_type.keys() == labels


@given(CORPORA, st.randoms(use_true_random=False))
def test_order_never_matters_and_counts_add(corpus, random: Random) -> None:
    gold, predicted = sides(corpus)

    def shuffled(side: Corpus) -> Corpus:
        documents = list(side.items())
        random.shuffle(documents)
        return {d: dict(random.sample(list(s.items()), len(s))) for d, s in documents}

    assert total(shuffled(gold), shuffled(predicted)) == total(gold, predicted)
    apart = [total({d: gold[d]}, {d: predicted[d]}) for d in gold]
    assert sum(apart, LinkScores()) == total(gold, predicted)


@given(CORPORA)
def test_gold_is_right_of_itself(corpus) -> None:
    gold, _ = sides(corpus)
    found = total(gold, gold)
    for counts in (found.mentions, found.end_to_end, found.documents):
        assert counts.correct == counts.predicted == counts.gold


ASPIRIN, ASTHMA = Entity(0, 7, "Drug"), Entity(12, 18, "Disease")


@pytest.mark.parametrize(
    ("gold", "predicted", "mentions", "end_to_end", "documents"),
    [
        ({"A:1"}, {"A:1"}, (1, 1, 1), (1, 1, 1), (1, 1, 1)),
        # Half of a composite mention is wrong, and one of its ids is right in the document.
        ({"A:1", "A:2"}, {"A:1"}, (0, 1, 1), (0, 1, 1), (1, 1, 2)),
        ({"A:1"}, set(), (0, 0, 1), (0, 0, 1), (0, 0, 1)),
        ({"A:1"}, None, (0, 0, 1), (0, 0, 1), (0, 0, 1)),
        # Gold says that there is no concept: silence is no answer, an answer is wrong.
        (set(), {"A:1"}, (0, 1, 0), (0, 1, 0), (0, 1, 0)),
        (set(), set(), (0, 0, 0), (0, 0, 0), (0, 0, 0)),
        # Nobody annotated it.
        (None, {"A:1"}, (0, 0, 0), (0, 0, 0), (0, 0, 0)),
    ],
)
def test_rules_of_one_mention(gold, predicted, mentions, end_to_end, documents) -> None:
    found = total({"a": {ASPIRIN: gold}}, {"a": {ASPIRIN: predicted}})
    expected = tuple(Counts(*counts) for counts in (mentions, end_to_end, documents))
    assert (found.mentions, found.end_to_end, found.documents) == expected


def test_a_mention_that_was_not_found_counts_end_to_end_alone() -> None:
    found = total({"a": {ASPIRIN: {"A:1"}}}, {"a": {ASTHMA: {"A:1"}}})
    assert found.mentions == Counts(0, 0, 0)
    assert found.end_to_end == Counts(0, 1, 1)
    assert found.documents == Counts(1, 1, 1)
    assert found.per_type["Drug"].documents == Counts(0, 0, 1)


def test_a_document_that_gold_lacks_is_refused() -> None:
    with pytest.raises(InputError, match="'b' is predicted but not in gold"):
        link_scores({"a": {}}, {"b": {}})
    assert link_scores({"a": {}}, {}) == {"a": LinkScores()}


RANKED = st.dictionaries(ENTITIES, st.lists(IDS.map(lambda ids: ids or frozenset()), max_size=4))


@given(SIDE, RANKED, st.integers(1, 5))
def test_accuracy_at_k_is_whether_gold_is_among_the_first_k(gold, ranked, k) -> None:
    (counts,) = accuracy_counts({"a": gold}, {"a": ranked}, k).values()
    right = 0
    for entity, ids in gold.items():
        for place, answer in enumerate(ranked.get(entity, [])):
            if ids and place < k and answer == ids:
                right += 1
                break
    assert (counts.correct, counts.gold) == (right, sum(bool(ids) for ids in gold.values()))
    (more,) = accuracy_counts({"a": gold}, {"a": ranked}, k + 1).values()
    assert more.correct >= counts.correct


@given(SIDE, SIDE)
def test_accuracy_at_one_is_the_recall_of_answers_on_gold_mentions(gold, predicted) -> None:
    on_gold = {entity: predicted.get(entity) for entity in gold}
    ranked = {entity: [ids] for entity, ids in on_gold.items() if ids}
    (counts,) = accuracy_counts({"a": gold}, {"a": ranked}).values()
    assert counts.recall == link_scores({"a": gold}, {"a": on_gold})["a"].mentions.recall


def test_no_answer_has_no_accuracy() -> None:
    with pytest.raises(SettingError, match="k = 0"):
        accuracy_counts({}, {}, 0)


def test_intervals_hold_any_counts() -> None:
    counts = [Counts(1, 2, 2), Counts(2, 2, 2), Counts(0, 1, 3)]
    found = intervals(counts, samples=200)
    assert found.f1.low <= found.f1.value == sum(counts, Counts()).f1 <= found.f1.high
    assert found.f1.low < found.f1.high
    with pytest.raises(InputError, match="no document"):
        intervals([])
