"""The token automaton: never a dead end, always the source, one path for each set of entities."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.borders import learn_cuts
from llmner_hf.core.copying import Place
from llmner_hf.core.entities import Entity, EntityType, LabelSet
from llmner_hf.core.errors import UnrepresentableError
from llmner_hf.core.tagging import symbolic
from llmner_hf.core.tagging.base import view
from llmner_hf.tokens.grammar import Grammar
from llmner_hf.tokens.lattice import Lattice
from tests.strategies import Case, cases, label_sets, texts, untitled


def walk(lattice, random_steps):
    """The tokens of a random walk and the tokens that were legal at each place."""
    at, ids = lattice.start, []
    while steps := lattice.steps(at):
        token = random_steps.choice(sorted(steps))
        ids.append(token)
        at = steps[token]
    assert at.state.place is Place.END
    return ids


def written(tokens, ids):
    """The completion that token ids spell."""
    assert ids[-1] == tokens.stop
    return tokens.tokenizer.decode(ids[:-1], clean_up_tokenization_spaces=False)


@given(texts(), label_sets(), st.integers(1, 6), st.randoms(use_true_random=False))
def test_random_walks_end_and_reproduce_the_source(tokens, text, labels, depth, choice):
    lattice = Lattice(Grammar(tokens, untitled(labels), depth), text)
    for _ in range(3):
        ids = walk(lattice, choice)
        decoding = symbolic.decode(written(tokens, ids), text, labels)
        assert not decoding.problems
        assert all(e.end <= len(text) for e in decoding.entities)


@given(cases())
def test_canonical_ids_spell_the_symbolic_completion(tokens, case: Case):
    lattice = Lattice(Grammar(tokens, untitled(case.labels), 8), case.text)
    ids = lattice.encode(case.entities)
    assert written(tokens, ids) == symbolic.encode(case.text, case.entities, case.labels)


def cuts_of(case):
    """The cuts inside words that the entities of a case show."""
    return learn_cuts([(view(case.text), case.entities)])


@given(cases(), st.booleans())
def test_what_is_writable_has_a_path_and_what_is_not_has_none(tokens, case: Case, learnt):
    grammar = Grammar(tokens, untitled(case.labels), 3, cuts=cuts_of(case) if learnt else {})
    lattice = Lattice(grammar, case.text)
    ids = lattice.encode(case.entities)
    if all(lattice.writable(entity, case.entities) for entity in case.entities):
        along = lattice.along(ids)
        assert all(token in steps for token, (_, steps) in zip(ids, along, strict=True))
    else:
        with pytest.raises(UnrepresentableError, match="may not stand there"):
            list(lattice.along(ids))


@given(cases(), st.randoms(use_true_random=False))
def test_each_set_of_entities_has_one_path(tokens, case: Case, choice):
    """A walk is the canonical encoding of what it says, but for what the automaton leaves open:
    lines without brackets and a span bracketed twice."""
    text, labels = case.text, case.labels
    lattice = Lattice(Grammar(tokens, untitled(labels), 3, cuts=cuts_of(case)), text)
    ids = walk(lattice, choice)
    completion = written(tokens, ids)
    entities = symbolic.decode(completion, text, labels).entities
    if symbolic.encode(text, entities, labels) == completion:
        assert lattice.encode(entities) == ids


@given(cases())
def test_every_type_gets_its_line(tokens, case: Case):
    lattice = Lattice(Grammar(tokens, untitled(case.labels), 8, every_type=True), case.text)
    kept = [e for e in case.entities if lattice.writable(e, case.entities)]
    ids = lattice.encode(kept)
    lines = written(tokens, ids).split("\n")
    assert [line.partition(":")[0] for line in lines] == [
        symbolic.header(name).partition(":")[0] for name in case.labels.names
    ]
    assert set(symbolic.decode("\n".join(lines), case.text, case.labels).entities) == set(kept)
    forced = sum(len(header) for header in lattice.grammar.header_ids)
    assert sum(len(steps) == 1 for _, steps in lattice.along(ids)) >= forced


def test_nesting_and_a_cut_inside_a_word(tokens):
    text = "the CD28-mediated signal"
    labels = LabelSet((EntityType("protein"), EntityType("DNA")))
    entities = [Entity(4, 8, "protein"), Entity(4, 17, "protein"), Entity(18, 24, "DNA")]
    lattice = Lattice(Grammar(tokens, untitled(labels), 3), text)
    ids = lattice.encode(entities)
    assert written(tokens, ids) == (
        "protein: the [[CD28]-mediated] signal\nDNA: the CD28-mediated [signal]"
    )
    assert list(lattice.along(ids))


def test_a_bracket_inside_a_word_is_refused(tokens):
    labels = LabelSet((EntityType("protein"),))
    lattice = Lattice(Grammar(tokens, untitled(labels), 3), "receptor")
    inside = Entity(2, 5, "protein")
    assert not lattice.writable(inside, [inside])
    with pytest.raises(UnrepresentableError, match="inside a word"):
        list(lattice.along(lattice.encode([inside])))


def test_but_where_training_cut_that_word(tokens):
    labels, inside = LabelSet((EntityType("protein"),)), Entity(2, 5, "protein")
    cuts = learn_cuts([("a receptor", [Entity(4, 7, "protein")])])
    lattice = Lattice(Grammar(tokens, untitled(labels), 3, cuts=cuts), "receptor receptors")
    ids = lattice.encode([inside])
    assert written(tokens, ids) == "protein: re[cep]tor receptors"
    assert list(lattice.along(ids))
    assert not lattice.writable(Entity(11, 14, "protein"), [])


def test_ten_thousand_characters_without_a_blank(tokens):
    labels = LabelSet((EntityType("疾病"), EntityType("身体")))
    for text in ("肝" * 10_000, "x" * 10_000, "[" * 10_000, " " * 10_000):
        lattice = Lattice(Grammar(tokens, untitled(labels), 2), text)
        ids = lattice.encode([Entity(0, len(text), "疾病")] if text.strip() else [])
        assert len(list(lattice.along(ids))) == len(ids)
        walk_ids = walk(lattice, random.Random(1))
        assert not symbolic.decode(written(tokens, walk_ids), text, labels).problems


@pytest.mark.parametrize(
    "name", ["glm-4-9b-chat-hf", "qwen2.5-7b-instruct", "llama-3.1-8b-instruct"]
)
def test_the_real_tokenizers_copy_and_tag(shared, name):
    from transformers import AutoTokenizer

    from llmner_hf.tokens.canonical import Tokens

    tokens = Tokens(
        AutoTokenizer.from_pretrained(
            shared / "tokenizers" / name, clean_up_tokenization_spaces=False
        )
    )
    labels = LabelSet((EntityType("疾病"), EntityType("protein")))
    text = "患者有高血压（Ⅱ级）, IL-2 受体  <|user|> [gMASK] Na+/K+ 12345.6 mg😀"
    lattice = Lattice(Grammar(tokens, untitled(labels), 3), text)
    entities = [Entity(3, 6, "疾病"), Entity(3, 10, "疾病"), Entity(12, 16, "protein")]
    completion = written(tokens, lattice.encode(entities))
    assert symbolic.decode(completion, text, labels).entities == tuple(
        sorted(entities, key=lambda e: e.order)
    )
    choice = random.Random(0)
    for _ in range(50):
        ids = walk(lattice, choice)
        if "qwen" not in name:  # its NFC rewrites text; the automaton's offsets do not depend on it
            assert not symbolic.decode(written(tokens, ids), text, labels).problems
