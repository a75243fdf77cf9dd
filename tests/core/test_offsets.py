"""Offsets: what goes from the whole into parts comes back the same."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity, Example, ScoredEntity
from llmner_hf.core.errors import OffsetError
from llmner_hf.core.offsets import inside, of_whole, part_of, shifted, within
from llmner_hf.core.sentences import join_over
from tests.strategies import Case, cases


@given(cases(crossing=True), st.data())
def test_a_part_has_the_same_characters(case: Case, data) -> None:
    """Each entity that lies whole in the part, and no other."""
    place = st.integers(0, len(case.text))
    start, end = sorted((data.draw(place), data.draw(place)))
    whole = Example("7", case.text, case.entities, "own", "en")
    part = part_of(whole, start, end)
    kept = [e for e in case.entities if {*range(*e.span)} <= {*range(start, end)}]
    assert (part.id, part.text) == (f"7#{start}", case.text[start:end])
    assert [shifted(entity, start) for entity in part.entities] == kept
    assert [e.surface(part.text) for e in part.entities] == [e.surface(case.text) for e in kept]


@given(cases(crossing=True), st.sets(st.integers(0, 60)))
def test_into_parts_and_back(case: Case, breaks: set[int]) -> None:
    """Every part that cuts no entity; together they hold each entity once."""
    places = sorted({0, len(case.text), *(b for b in breaks if b < len(case.text))})
    spans = list(pairwise(places))
    joined, _ = join_over(spans, case.entities)
    parts = [(s, [ScoredEntity(e, 0.5) for e in within((s, t), case.entities)]) for s, t in joined]
    assert sorted(one.entity.order for one in of_whole(parts)) == [e.order for e in case.entities]
    assert all(one.score == 0.5 for one in of_whole(parts))


@given(cases(crossing=True), st.data())
def test_within_refuses_exactly_the_parts_that_cut(case: Case, data) -> None:
    place = st.integers(0, len(case.text))
    start, end = sorted((data.draw(place), data.draw(place)))
    part = {*range(start, end)}
    cuts = [e for e in case.entities if part & {*range(*e.span)} not in ({*range(*e.span)}, set())]
    if cuts:
        with pytest.raises(OffsetError, match=f"the part {start}:{end} cuts"):
            within((start, end), case.entities)
    else:
        assert within((start, end), case.entities) == inside((start, end), case.entities)


def test_nothing_begins_before_its_text() -> None:
    with pytest.raises(OffsetError, match="0 <= start"):
        shifted(Entity(1, 3, "DNA"), -2)
