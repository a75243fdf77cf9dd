"""Rules keep the more probable of two entities that contradict each other."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity, Prediction, Problem, ProblemKind, ScoredEntity
from llmner_hf.core.errors import SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.selector.rules import RULES, enforced, obeying, rules_named

RULE = RULES["cmeee_v2"]
FOUND = st.lists(
    st.builds(
        lambda start, length, label, score: ScoredEntity(
            Entity(start, start + length, label), score
        ),
        st.integers(0, 8),
        st.integers(1, 6),
        st.sampled_from(["临床表现", "疾病", "身体"]),
        st.sampled_from([0.1, 0.5, 0.9]),
    ),
    max_size=8,
)


def contradict(one, other):
    """The guideline in other words: an entity that is no such manifestation holds no other."""
    covers = set(range(*one.span)) > set(range(*other.span))
    return covers and one.label != "临床表现"


@given(FOUND)
def test_what_stays_is_consistent_and_what_goes_is_not(found):
    kept = obeying(found, RULE)
    entities = [k.entity for k in kept]
    assert not any(contradict(one, other) for one in entities for other in entities)
    assert list(kept) == [one for one in found if one in kept]
    for one in found:
        if one not in kept:
            against = (
                k
                for k in kept
                if contradict(k.entity, one.entity) or contradict(one.entity, k.entity)
            )
            assert any(k.score >= one.score for k in against)


def test_clinical_manifestations_may_hold_others_and_equal_spans_are_no_part():
    nested = [
        ScoredEntity(Entity(0, 6, "临床表现"), 0.5),
        ScoredEntity(Entity(0, 2, "身体"), 0.9),
    ]
    assert obeying(nested, RULE) == tuple(nested)
    twice = [ScoredEntity(Entity(0, 6, label), 0.5) for label in ("疾病", "身体")]
    assert obeying(twice, RULE) == tuple(twice)


def test_rules_act_where_the_types_of_their_corpus_were_asked_for_and_there_alone():
    found = (ScoredEntity(Entity(0, 6, "疾病"), 0.5), ScoredEntity(Entity(0, 2, "身体"), 0.9))
    problem = Problem(ProblemKind.DERAILED)
    predictions = [Prediction(name, found, (problem,)) for name in "ab"]
    schema = Schema.of_corpus("cmeee_v2")
    first, second = enforced(predictions, [schema, replace(schema, title="")], RULE)
    assert first == Prediction("a", found[1:], (problem,))
    assert second == predictions[1]


def test_unknown_rules_are_named():
    assert rules_named("cmeee_v2") is RULE
    with pytest.raises(SettingError, match="no rules are named 'genia'"):
        rules_named("genia")
