"""Forms, composite mentions, equivalent words and symbols: what holds for any string."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.linking.composites import MOST_PARTS, parts
from llmner_hf.core.linking.elements import spoken
from llmner_hf.core.linking.equivalents import equivalents, variants, words_of
from llmner_hf.core.linking.forms import STRICTNESSES, forms, tokens_of
from llmner_hf.core.linking.species import taxa
from llmner_hf.core.linking.types import type_of
from tests.strategies import texts

TYPES = ("", "Chemical", "Disease", "Gene", "CellLine")
WORDS = st.sampled_from([
    "cancer", "Cancers", "of", "the", "breast", "tumours", "anaemia", "oedema", "IL-2",
    "TNF-α", "β", "type", "II", "iv", "2", "diabetes", "virus", "metformin",
    "hydrochloride", "acid", "Crohn's", "diseases", "diagnoses", "arteries", "gas",
    "sulphate", "centre", "labelled", "II型糖尿病", "二型", "患者", "p53", "NF-κB",
])  # fmt: skip
NAMES = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
CAPITALS = str.maketrans({chr(c): chr(c).upper() for c in range(ord("a"), ord("z") + 1)})


@given(texts() | NAMES, st.sampled_from(TYPES))
def test_forms_of_any_string_go_from_strict_to_loose(name, of_type) -> None:
    kinds = [STRICTNESSES.index(kind) for kind in forms(name, of_type).values()]
    assert kinds == sorted(kinds)
    assert all(forms(name, of_type))  # no form is empty
    assert bool(kinds) == bool(name.strip())


@given(texts() | NAMES, st.sampled_from(TYPES))
def test_case_and_blanks_never_matter(name, of_type) -> None:
    found = forms(name, of_type)
    assert forms(name.translate(CAPITALS), of_type) == found
    assert forms(f"  {name.replace(' ', '   ')} ", of_type) == found


@given(NAMES)
def test_what_is_spelt_once_stays(name) -> None:
    once = tokens_of(name)
    assert "".join(tokens_of(" ".join(once))) == "".join(once)


@given(NAMES, st.randoms(use_true_random=False))
def test_order_matters_for_the_strict_forms_alone(name, random: Random) -> None:
    words = [word for word in name.split() if word.isascii()]
    shuffled = random.sample(words, len(words))
    by_kind = [
        {kind: body for body, kind in forms(" ".join(each), "Disease").items()}
        for each in (words, shuffled)
    ]
    loose = [found.get("words") or next(iter(reversed(found.values())), "") for found in by_kind]
    assert sorted(tokens_of(" ".join(words))) == sorted(tokens_of(" ".join(shuffled)))
    if "words" in by_kind[0] and "words" in by_kind[1]:
        assert loose[0] == loose[1]


@pytest.mark.parametrize(
    ("one", "other", "strictness"),
    [
        ("IL-2", "il 2", "spelt"),
        ("TNF-α", "TNF alpha", "spelt"),
        ("Anaemias", "anemia", "spelt"),
        ("type II diabetes", "type 2 diabetes", "spelt"),
        ("Crohn's disease", "crohn disease", "spelt"),
        ("cancer of the breast", "Breast Cancers", "words"),
        ("metformin hydrochloride", "metformin", "bare"),
        ("asthma", "asthmatic", None),
        ("type 1 diabetes", "type 2 diabetes", None),
        ("interferon alpha", "interferon beta", None),
    ],
)
def test_what_two_spellings_share(one, other, strictness) -> None:
    of_type = "Chemical" if "metformin" in one else "Disease"
    left, right = forms(one, of_type), forms(other, of_type)
    looser = [
        max(STRICTNESSES.index(left[body]), STRICTNESSES.index(right[body]))
        for body in left.keys() & right.keys()
    ]
    assert (STRICTNESSES[min(looser)] if looser else None) == strictness


@given(texts() | NAMES)
def test_parts_of_any_string_are_names(mention) -> None:
    things = parts(mention)
    assert len(things) <= MOST_PARTS
    assert len(things) != 1
    assert all(names and all(names) for names in things)


SIMPLE = st.from_regex("[a-z]{3,8}", fullmatch=True).filter(lambda word: word not in ("and", "or"))


@given(SIMPLE, SIMPLE, SIMPLE, st.sampled_from([" and ", " or ", "/", ", ", " and/or "]))
def test_the_last_part_lends_its_head(one, other, head, joint) -> None:
    assert parts(f"{one}{joint}{other} {head}") == [[f"{one} {head}", one], [f"{other} {head}"]]


@given(st.lists(st.lists(NAMES, max_size=4), max_size=6), st.randoms(use_true_random=False))
def test_equivalents_hang_on_no_order_and_go_both_ways(concepts, random: Random) -> None:
    found = equivalents(concepts)
    assert equivalents(random.sample(concepts, len(concepts))) == found
    for word, others in found.items():
        assert word not in others
        for other in others:
            assert word in found[other] or len(found[other]) == 6  # so many are kept


@given(NAMES, st.dictionaries(st.sampled_from(["cancer", "breast", "virus"]), st.just(["x", "y"])))
def test_variants_exchange_one_word(name, known) -> None:
    words = words_of(name)
    for variant in variants(name, known):
        changed = [(old, new) for old, new in zip(words, variant, strict=True) if old != new]
        assert len(changed) == 1
        assert changed[0][1] in known[changed[0][0]]


@given(texts())
def test_no_string_breaks_a_look_at_it(text) -> None:
    assert spoken(text) is None or spoken(text)
    assert all(taxon.startswith("NCBITaxon:") for taxon in taxa(text))
    assert type_of(text, ["Gene"]) in ("Gene", None)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("Na+", "sodium"),
        ("Ca2+", "calcium"),
        ("KCl", "potassium chloride"),
        ("NH4Cl", "ammonium chloride"),
        ("NACL", None),
        ("Pbx", None),
        ("", None),
    ],
)
def test_symbols_of_elements_and_salts(symbol, name) -> None:
    assert spoken(symbol) == name
