"""Borders of words, and the cuts inside them that training shows."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.borders import borders, learn_cuts
from llmner_hf.core.entities import Entity
from llmner_hf.core.tagging.base import view
from tests.strategies import Case, cases, plain_texts

WORDS = st.sampled_from(["hGRD", "hGRDs", "AR", "12", "401H", "肺", " ", "-", "β"])


def words(text):
    """The words of a text, written down anew: runs of letters or of digits."""
    return re.finditer(r"[^\W\d_\u2e80-\u9fff]+|\d+", text)


def test_a_cut_belongs_to_its_word() -> None:
    cuts = learn_cuts([("the hGRDel gene", [Entity(4, 7, "gene"), Entity(7, 10, "mutation")])])
    assert [place for place, found in enumerate(borders("hGRDel", cuts)) if found] == [0, 3, 6]
    for other in ("hGRDela", "hgrdel", "hGRDe"):  # another word, and case counts
        assert not any(borders(other, cuts)[1:-1])


def test_what_is_no_end_inside_a_word_is_not_learnt() -> None:
    blank = Entity(1, 3, "gene")  # behind one of three blanks, before another
    assert not learn_cuts([("a   b", [blank]), ("p53", [Entity(1, 3, "gene")]), ("", [])])


@given(st.lists(cases(text=st.one_of(plain_texts(), st.lists(WORDS).map("".join))), max_size=4))
def test_all_ends_inside_words_and_nothing_else(many: list[Case]) -> None:
    """Against the words themselves, without digests."""
    cuts = learn_cuts((view(case.text), case.entities) for case in many)
    learnt = {
        (word.group(), place - word.start())
        for case in many
        for word in words(case.text)
        for entity in case.entities
        for place in entity.span
        if word.start() < place < word.end()
    }
    assert sum(map(len, cuts.values())) == len(learnt)
    for case in many:
        expected = borders(case.text)
        for word in words(case.text):
            for place in range(word.start() + 1, word.end()):
                assert not expected[place]
                expected[place] = (word.group(), place - word.start()) in learnt
        assert borders(case.text, cuts) == expected


@given(cases())
def test_no_text_is_in_them(case: Case) -> None:
    """Whatever the text: digests, 16 digits each, and lengths; in one order."""
    cuts = learn_cuts([(view(case.text), case.entities)])
    assert all(re.fullmatch("[0-9a-f]{16}", word) for word in cuts)
    assert all(list(own) == sorted({*own}) and min(own) > 0 for own in cuts.values())
    assert json.dumps(cuts) == json.dumps(learn_cuts([(view(case.text), case.entities[::-1])]))
