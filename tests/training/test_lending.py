"""Cross-fitted gazetteers: nobody learns of a text from itself, and it lends nothing either."""

from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import Example
from llmner_hf.core.mentions import Dictionary
from llmner_hf.settings import MENTION_SHARE
from llmner_hf.training.lending import contiguous, cross_fitted
from tests.core.test_mentions import examples


@given(st.lists(examples(), max_size=6), st.integers(2, 4))
def test_nobody_learns_of_an_example_from_itself(training: list[Example], folds: int) -> None:
    """The dictionary of an example is that of the other folds."""
    found = cross_fitted(training, folds)
    assert len(found) == len(training)
    for fold in contiguous(len(training), folds):
        others = [example for row, example in enumerate(training) if row not in fold]
        assert all(found[row] == Dictionary.learn(others, MENTION_SHARE) for row in fold)


@given(
    st.lists(examples(), max_size=6),
    st.lists(examples(), max_size=4),
    st.sampled_from([{"DNA"}, {"DNA", "protein"}, set[str]()]),
)
def test_who_lends_does_not_lend_what_a_text_says_of_itself(
    training: list[Example], theirs: list[Example], labels: set[str]
) -> None:
    """A corpus with the same texts lends those of other folds alone."""
    lender = [*training, *theirs], labels
    found = cross_fitted(training, 2, [lender])
    for fold in contiguous(len(training), 2):
        others = [example for row, example in enumerate(training) if row not in fold]
        held = {training[row].text for row in fold}
        left = [example for example in lender[0] if example.text not in held]
        known = Dictionary.learn(others, MENTION_SHARE)
        lent = known.borrowing(Dictionary.learn(left, MENTION_SHARE), labels, others)
        assert lent == Dictionary.learn(others, MENTION_SHARE, [(left, labels)])
        assert all(found[row] == lent for row in fold)


@given(st.integers(0, 40), st.integers(1, 9))
def test_folds_are_contiguous_whole_and_alike(rows: int, folds: int) -> None:
    """Every row is in one fold, and no fold is larger than another by more than one."""
    found = contiguous(rows, folds)
    assert [row for fold in found for row in fold] == list(range(rows))
    assert max(map(len, found)) - min(map(len, found)) <= 1
