"""What is known of a completion: which tokens are judged, and what follows from them."""

from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import ProblemKind
from llmner_hf.decoding.record import SAMPLED, Record


@st.composite
def completions(draw):
    """A record, and for each entity its span and its tokens."""
    record, spans, character = Record("x"), [], 0
    for kind in draw(st.lists(st.sampled_from("[]..."), max_size=40)):
        if kind == "]" and not record.open:
            continue
        character += kind == "."
        record.write(len(record.tokens))
        if kind == "[":
            record.opened(character)
        elif kind == "]":
            character += 1
            start, first = record.open[-1]
            record.closed(character, "protein")
            spans.append(((start, character), range(first, len(record.tokens))))
    record.write(0)
    return record, spans


@given(completions(), st.data())
def test_entities_are_judged_whole_and_one_other_token_in_four(case, data):
    record, spans = case
    tagged = {place for _, places in spans for place in places}
    sampled = range(0, len(record.tokens), SAMPLED)
    assert record.judged == sorted(tagged | set(sampled))
    chance = st.floats(-5, 0)
    logs, masses = (
        data.draw(st.lists(chance, min_size=len(record.judged), max_size=len(record.judged)))
        for _ in "12"
    )
    record.weigh(logs, masses)
    at = dict(zip(record.judged, logs, strict=True))
    scores: dict[tuple[int, int], float] = {}
    for span, places in spans:  # of two of one span the better counts
        scores[span] = max(scores.get(span, 0.0), exp(sum(at[place] for place in places)))
    found = {entity.entity.span: entity.score for entity in record.prediction.scored}
    assert found == pytest.approx(scores)
    mean = sum(
        mass if place in tagged else SAMPLED * mass
        for place, mass in zip(record.judged, masses, strict=True)
    ) / sum(1 if place in tagged else SAMPLED for place in record.judged)
    if abs(mean - log(0.5)) > 1e-6:
        kinds = [problem.kind for problem in record.prediction.problems]
        assert kinds == [ProblemKind.DERAILED] * (mean < log(0.5))


def test_the_sample_speaks_for_what_it_leaves_out():
    """A model that has lost its place between entities is found out, however sure it is in them."""
    record = Record("x")
    for place in range(40):
        record.write(place)
        if place == 0:
            record.opened(0)
        elif place == 9:
            record.closed(9, "protein")
    inside = [0.0 if place < 10 else log(0.1) for place in record.judged]
    record.weigh(inside, inside)
    (problem,) = record.prediction.problems
    # Thirty tokens of forty are a tenth sure: 7 stand for 28 of them.
    assert problem.detail.startswith("the model gives the allowed tokens 18% ")
    assert exp(28 / 38 * log(0.1)) == pytest.approx(0.18, abs=0.005)
