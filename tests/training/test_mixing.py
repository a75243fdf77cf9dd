"""The order of training rows: fresh, alternating, complete, the same again."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.errors import SettingError
from llmner_hf.training.tagger.mixing import MixingSampler

CORPORA = {"genia": "en", "biored": "en", "cmeee": "zh"}


@st.composite
def rows(draw):
    """Corpora of rows in any order, both languages among them."""
    extra = draw(st.lists(st.sampled_from(list(CORPORA)), max_size=60))
    return draw(st.permutations([*extra, "genia", "cmeee"]))


def sampler(corpora, **given):
    return MixingSampler(corpora, [CORPORA[name] for name in corpora], **given)


@given(rows(), st.integers(0, 5), st.integers(0, 3), st.sampled_from(["alternate", "shuffle"]))
def test_every_row_once_an_epoch_and_the_same_again(corpora, seed, epoch, mixing):
    first, second = (sampler(corpora, seed=seed, mixing=mixing) for _ in range(2))
    list(first)  # what was drawn before does not matter
    for one in (first, second):
        one.set_epoch(epoch)
    assert list(first) == list(second) == list(first)
    assert sorted(first) == list(range(len(corpora)))
    assert len(first) == len(corpora)


@given(rows(), st.integers(0, 5), st.integers(1, 9), st.data())
def test_rows_of_like_length_stand_together(corpora, seed, pool, data):
    """In each pool the longest come first; which rows it holds is the order without lengths."""
    lengths = [data.draw(st.integers(1, 5)) for _ in corpora]
    weights = {"genia": 1.5}
    plain = list(sampler(corpora, seed=seed, mixing="shuffle", weights=weights))
    given = {"lengths": lengths, "pool": pool, "weights": weights}
    alike = list(sampler(corpora, seed=seed, mixing="shuffle", **given))
    assert len(alike) == len(plain)
    for begin in range(0, len(plain), pool):
        part = alike[begin : begin + pool]
        assert sorted(part) == sorted(plain[begin : begin + pool])
        assert all(lengths[a] >= lengths[b] for a, b in pairwise(part))


@given(rows(), st.integers(0, 5))
def test_languages_alternate_until_the_smaller_side_is_used_up(corpora, seed):
    languages = [CORPORA[corpora[index]] for index in sampler(corpora, seed=seed)]
    smaller = min(Counter(languages).values())
    assert all(a != b for a, b in pairwise(languages[: 2 * smaller]))
    assert len(set(languages[2 * smaller :])) <= 1


def test_epochs_and_seeds_differ():
    corpora = ["genia"] * 50 + ["cmeee"] * 50
    made = sampler(corpora)
    orders = [list(made)]
    made.set_epoch(1)
    orders += [list(made), list(sampler(corpora, seed=1))]
    assert len(set(map(tuple, orders))) == 3


@given(rows(), st.integers(1, 6))
def test_groups_are_of_one_corpus_and_leave_nothing_out(corpora, size):
    made = sampler(corpora, group=size, mixing="shuffle")
    found = list(made)
    assert sorted(found) == list(range(len(corpora)))
    changes = sum(corpora[a] != corpora[b] for a, b in pairwise(found))
    groups = sum(-(-number // size) for number in Counter(corpora).values())
    assert changes < groups


def test_a_corpus_smaller_than_a_group_is_still_trained_on():
    corpora = ["genia"] * 7 + ["cmeee"] * 2
    for group in (4, 10):
        found = list(sampler(corpora, group=group))
        assert sorted(found) == list(range(9))


def test_weights():
    corpora = ["genia"] * 10 + ["biored"] * 10 + ["cmeee"] * 10
    made = sampler(corpora, weights={"genia": 0.5, "biored": 2.3}, mixing="shuffle")
    seen = []
    for epoch in range(20):
        made.set_epoch(epoch)
        times = Counter(made)
        number = Counter(corpora[index] for index in times.elements())
        assert number == {"genia": 5, "biored": 23, "cmeee": 10}
        assert set(times[i] for i in range(10, 20)) == {2, 3}
        seen.append(frozenset(i for i in range(10) if times[i]))
    assert len(set(seen)) > 1
    assert frozenset.union(*seen) == set(range(10))


@pytest.mark.parametrize(
    ("weights", "message"), [({"genia": 0.0}, "above 0"), ({"ncbi": 1.0}, "not trained on")]
)
def test_weights_that_make_no_sense_are_refused(weights, message):
    with pytest.raises(SettingError, match=message):
        sampler(["genia"], weights=weights)
