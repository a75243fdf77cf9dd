"""Ranking, calibration and threshold against oracles: brute force, and scikit-learn's where it is
installed."""

from math import exp, isnan, log

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from llmner_hf.core.calibration import (
    COLDEST,
    HOTTEST,
    auc,
    average_precision,
    best_threshold,
    calibration_error,
    log_loss,
    probability,
    reliability,
    temperature,
)
from llmner_hf.core.errors import InputError

# Few values, so that ties are common.
VALUES = st.sampled_from([0.0, 0.1, 0.2, 1 / 3, 0.5, 0.75, 0.9, 1.0]) | st.floats(0, 1)
SCORED = st.lists(st.tuples(VALUES, st.booleans()), max_size=30)
LOGITS = st.lists(st.tuples(st.floats(-8, 8), st.booleans()), min_size=1, max_size=20)


def columns(pairs):
    return [value for value, _ in pairs], [right for _, right in pairs]


@given(SCORED)
def test_auc_is_the_share_of_pairs_in_the_right_order(pairs):
    values, gold = columns(pairs)
    right = [value for value, is_gold in pairs if is_gold]
    wrong = [value for value, is_gold in pairs if not is_gold]
    won = [(one > other) + (one == other) / 2 for one in right for other in wrong]
    if won:
        assert auc(values, gold) == pytest.approx(sum(won) / len(won))
    else:
        assert isnan(auc(values, gold))


@given(SCORED)
def test_average_precision_is_that_of_every_gold_candidate_in_mean(pairs):
    values, gold = columns(pairs)
    parts = []
    for value, is_gold in pairs:
        if is_gold:
            kept = [other for other_value, other in pairs if other_value >= value]
            parts.append(sum(kept) / len(kept))
    if parts:
        assert average_precision(values, gold) == pytest.approx(sum(parts) / len(parts))
    else:
        assert isnan(average_precision(values, gold))


@given(SCORED)
def test_scikit_learn_agrees(pairs):
    metrics = pytest.importorskip("sklearn.metrics")
    values, gold = columns(pairs)
    assume(0 < sum(gold) < len(gold))
    assert auc(values, gold) == pytest.approx(metrics.roc_auc_score(gold, values))
    assert average_precision(values, gold) == pytest.approx(
        metrics.average_precision_score(gold, values)
    )


@given(SCORED, st.randoms())
def test_the_order_of_candidates_never_matters(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    for measure in (auc, average_precision, calibration_error):
        assert measure(*columns(pairs)) == pytest.approx(measure(*columns(shuffled)), nan_ok=True)
    assert best_threshold(*columns(pairs), 2) == best_threshold(*columns(shuffled), 2)


@given(SCORED, st.integers(1, 20))
def test_every_candidate_is_in_the_one_bin_around_it(pairs, bins):
    found = reliability(*columns(pairs), bins)
    assert sum(bin.number for bin in found) == len(pairs)
    expected = 0.0
    for bin in found:
        members = [
            (value, right)
            for value, right in pairs
            if bin.low <= value < bin.high or value == bin.high == 1
        ]
        if len(members) != bin.number:  # on a limit that has no exact binary form
            assume(False)
        assert bin.confidence == pytest.approx(sum(v for v, _ in members) / len(members))
        assert bin.accuracy == pytest.approx(sum(r for _, r in members) / len(members))
        expected += abs(sum(v - r for v, r in members)) / len(pairs)
    assert calibration_error(*columns(pairs), bins) == pytest.approx(expected)


def test_promises_that_are_kept_have_no_calibration_error():
    values = [0.2] * 10 + [0.7] * 10
    gold = [True] * 2 + [False] * 8 + [True] * 7 + [False] * 3
    assert calibration_error(values, gold) == pytest.approx(0.0)
    assert calibration_error([1 - value for value in values], gold) == pytest.approx(0.5)


@given(LOGITS)
def test_no_other_temperature_is_likelier(pairs):
    logits, gold = columns(pairs)
    best = log_loss(logits, gold, temperature(logits, gold))
    for step in range(101):
        other = COLDEST * (HOTTEST / COLDEST) ** (step / 100)
        assert best <= log_loss(logits, gold, other) + 1e-7


@given(LOGITS, st.floats(0.1, 10))
def test_log_loss_is_that_of_the_probabilities(pairs, heat):
    logits, gold = columns(pairs)
    given_to_truth = [
        probability(logit, heat) if right else probability(-logit, heat) for logit, right in pairs
    ]
    assume(min(given_to_truth) > 0)
    expected = -sum(map(log, given_to_truth)) / len(pairs)
    assert log_loss(logits, gold, heat) == pytest.approx(expected, abs=1e-9)


@given(st.floats(-700, 700))
def test_a_probability_is_the_sigmoid(logit):
    assert probability(logit) == pytest.approx(1 / (1 + exp(-logit)), abs=1e-12)
    assert probability(logit) + probability(-logit) == pytest.approx(1)


def test_a_known_temperature_is_found_again():
    # 1,000 candidates at each logit, gold exactly as often as sigmoid(logit / 3) says.
    logits, gold = [], []
    for logit in (-6.0, -3.0, -1.0, 0.0, 1.0, 3.0, 6.0):
        right = round(1000 * probability(logit / 3))
        logits += [logit] * 1000
        gold += [True] * right + [False] * (1000 - right)
    assert temperature(logits, gold) == pytest.approx(3, abs=0.01)
    before = calibration_error([probability(x) for x in logits], gold)
    after = calibration_error([probability(x, 3) for x in logits], gold)
    assert after < 0.001 < 0.1 < before


@given(SCORED, st.integers(0, 10))
def test_no_other_threshold_has_a_better_f1(pairs, missed):
    values, gold = columns(pairs)
    best = best_threshold(values, gold, missed)

    def f1(threshold):
        kept = [right for value, right in pairs if value >= threshold]
        return 2 * sum(kept) / max(len(kept) + sum(gold) + missed, 1)

    assert f1(best.threshold) == pytest.approx(best.f1)
    tried = [0.0, *values, 1.0]
    assert all(f1(threshold) <= best.f1 + 1e-12 for threshold in tried)
    # Of equal ones the lowest: anything that keeps more is worse.
    lower = [value for value in values if value < best.threshold]
    assert all(f1(threshold) < best.f1 for threshold in lower)


def test_what_is_no_probability_is_refused():
    with pytest.raises(InputError, match=r"1\.5 is not a probability"):
        auc([1.5], [True])
    with pytest.raises(InputError, match="2 candidates were scored and 1"):
        temperature([1.0, 2.0], [True])
