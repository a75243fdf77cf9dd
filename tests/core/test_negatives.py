"""Contrastive candidates: every promise of the module, on hostile texts and by example."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet
from llmner_hf.core.errors import LabelError
from llmner_hf.core.negatives import Contrast, Kind, mined, negatives, positives, sample
from llmner_hf.core.writing import word_spans
from tests.strategies import Case, cases

LABELS = LabelSet((EntityType("gene"), EntityType("疾病"), EntityType("药物")))
ENGLISH = Example("en", "the human IL-2 gene binds", (Entity(4, 19, "gene"),), "o", "en")
CHINESE = Example("zh", "患者有高血压病史", (Entity(3, 6, "疾病"),), "o", "zh")


def words(text):
    """Words between blanks."""
    starts = [i for i, c in enumerate(text) if c != " " and (not i or text[i - 1] == " ")]
    return [(start, len(text[start:].split(" ")[0]) + start) for start in starts]


def characters(text):
    return [(i, i + 1) for i, c in enumerate(text) if not c.isspace()]


def surfaces(example, units, kind):
    found = negatives(example, LABELS, units)
    return {c.entity.surface(example.text) for c in found if c.kind is kind}


def test_english_boundaries_move_by_one_and_two_words():
    units = words(ENGLISH.text)
    assert units == [(0, 3), (4, 9), (10, 14), (15, 19), (20, 25)]
    assert surfaces(ENGLISH, units, Kind.START) == {"the human IL-2 gene", "gene", "IL-2 gene"}
    assert surfaces(ENGLISH, units, Kind.END) == {"human IL-2", "human", "human IL-2 gene binds"}


def test_what_is_gold_is_no_negative_of_its_type():
    nested = replace(ENGLISH, entities=(*ENGLISH.entities, Entity(10, 19, "gene")))
    made = {c.entity for c in negatives(nested, LABELS, words(nested.text))}
    assert not made & set(nested.entities)
    assert Entity(10, 19, "疾病") in made


def test_chinese_boundaries_move_by_one_and_two_characters():
    units = characters(CHINESE.text)
    assert surfaces(CHINESE, units, Kind.START) == {"者有高血压", "有高血压", "血压", "压"}
    assert surfaces(CHINESE, units, Kind.END) == {"高", "高血", "高血压病", "高血压病史"}
    assert [c.entity for c in negatives(CHINESE, LABELS, units) if c.kind is Kind.TYPE] == [
        Entity(3, 6, "gene"),
        Entity(3, 6, "药物"),
    ]


def test_a_boundary_inside_a_unit_moves_to_the_nearest_ones_beyond_it():
    example = Example("x", "aa bb cc", (Entity(4, 5, "gene"),), "o", "en")
    starts = surfaces(example, words(example.text), Kind.START)
    assert starts == {"bb"[:2], "aa bb"}
    assert surfaces(example, words(example.text), Kind.END) == {"b cc"}


def oracle(case, units):
    """All negatives, by trying every shift of every boundary."""
    starts, ends = [start for start, _ in units], [end for _, end in units]
    found = set()
    for gold in case.entities:
        for shift in (1, 2):
            for left, right in (
                (sorted([s for s in starts if s < gold.start], reverse=True)[shift - 1 : shift], 0),
                ([s for s in starts if s > gold.start][shift - 1 : shift], 0),
                (sorted([e for e in ends if e < gold.end], reverse=True)[shift - 1 : shift], 1),
                ([e for e in ends if e > gold.end][shift - 1 : shift], 1),
            ):
                for place in left:
                    span = (gold.start, place) if right else (place, gold.end)
                    if span[0] < span[1]:
                        found.add(Entity(*span, gold.label))
        found |= {Entity(*gold.span, name) for name in case.labels.names}
    return found - set(case.entities)


@pytest.mark.parametrize("units_of", [words, characters, word_spans])
@given(case=cases())
def test_negatives_are_those_of_the_definition(units_of, case: Case):
    example = Example("x", case.text, case.entities, "o", "en")
    units = units_of(case.text)
    found = negatives(example, case.labels, units)
    made = [contrast.entity for contrast in found]
    assert set(made) == oracle(case, units)
    assert len(set(made)) == len(made)
    assert not set(made) & set(case.entities)
    assert all(0 <= e.start < e.end <= len(case.text) for e in made)
    assert not any(contrast.positive for contrast in found)
    spans = {entity.span for entity in case.entities}
    assert all(c.entity.span in spans for c in found if c.kind is Kind.TYPE)


def test_a_label_outside_the_set_is_refused():
    with pytest.raises(LabelError, match="unknown label"):
        negatives(CHINESE, LabelSet((EntityType("gene"),)), characters(CHINESE.text))


def test_mined_are_the_wrong_ones_once():
    right, wrong = Entity(3, 6, "疾病"), Entity(3, 7, "疾病")
    assert mined(CHINESE, [right, wrong, wrong]) == (Contrast(wrong, Kind.MINED),)
    assert positives(CHINESE) == (Contrast(right, Kind.GOLD),)


def pool(gold, made, hard):
    kinds = [Kind.GOLD] * gold + [Kind.START] * made + [Kind.MINED] * hard
    return [(i, Contrast(Entity(i, i + 1, "gene"), kind)) for i, kind in enumerate(kinds)]


@given(
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(0, 40),
    st.integers(0, 60),
    st.floats(0, 1),
    st.integers(0, 3),
)
def test_a_sample_keeps_its_shares_and_order(gold, made, hard, number, positive, seed):
    given_pool = pool(gold, made, hard)
    settings = {"positive_share": positive, "seed": seed}
    drawn = sample(given_pool, number, **settings)
    assert drawn == sample(given_pool, number, **settings)
    assert [key for key, _ in drawn] == sorted({key for key, _ in drawn})
    kinds = Counter(contrast.kind for _, contrast in drawn)
    wanted = round(number * positive)
    assert kinds[Kind.GOLD] == min(gold, wanted)
    assert kinds[Kind.MINED] == min(hard, round((number - wanted) / 2))
    assert kinds[Kind.START] == min(made, number - wanted - kinds[Kind.MINED])


def test_another_seed_draws_others():
    given_pool = pool(50, 50, 0)
    assert sample(given_pool, 20, seed=0) != sample(given_pool, 20, seed=1)
