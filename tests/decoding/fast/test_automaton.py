"""The graph of cells says what the lattice says, and drafts are paths in it."""

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmner_hf.core.borders import learn_cuts
from llmner_hf.core.entities import Entity, EntityType, LabelSet
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.tagging import symbolic
from llmner_hf.core.tagging.base import view
from llmner_hf.decoding.fast.automaton import Automaton
from llmner_hf.decoding.fast.drafts import Drafter
from llmner_hf.decoding.fast.knowledge import STOPS, Knowledge
from llmner_hf.decoding.fast.walk import Walk
from llmner_hf.settings import Weights
from llmner_hf.tokens.grammar import Grammar
from llmner_hf.tokens.lattice import Lattice
from llmner_hf.tokens.prior import Prior
from tests.strategies import Case, cases, label_sets, number, texts, untitled

LABELS = LabelSet((EntityType("protein"), EntityType("DNA"), EntityType("RNA")))


def compared_walk(tokens, text, labels, depth, every_type, choice):
    """Both walk the same random tokens; the legal ones and what they mean agree everywhere."""
    inside = [(choice.randrange(len(text)), len(text)) for _ in text[::4]]
    cuts = learn_cuts([(view(text), [Entity(*span, "x") for span in inside])])
    lattice = Lattice(
        Grammar(tokens, untitled(labels), depth, every_type=every_type, cuts=cuts), text
    )
    automaton = Automaton(lattice)
    for _ in range(3):
        at, cell, line = lattice.start, automaton.start, -1
        while steps := lattice.steps(at):
            assert cell is not None
            assert cell.tokens == sorted(steps)
            assert cell.draft in steps
            assert cell.depth == at.state.depth
            token = choice.choice(cell.tokens)
            at = steps[token]
            cell, line = automaton.after(cell, line, token)
            if cell is not None and cell.here >= 0:
                assert cell.at.state.position == at.state.position
            if cell is not None and line >= 0 and cell.at.state.depth:
                assert line == at.state.next_type - 1
        assert cell is None


def pieces_from(lattice, start):
    """The pieces that a walk meets from a character on."""
    segment, piece, found = start, 0, []
    while not found or found[-1][1] < len(lattice.text):
        found.append(lattice.pieces(segment)[piece])
        segment, piece = lattice._next_piece(segment, piece)
    return found


def compared_pieces(tokens, text, starts):
    """A segment is cut as if the text began there, wherever that is."""
    lattice = Lattice(Grammar(tokens, untitled(LABELS), 3), text)
    for start in starts:
        whole = [(a + start, b + start) for a, b in tokens.spans(lattice.text[start:])]
        assert pieces_from(lattice, start) == whole


@given(texts())
@example("a1" * 40 + "肝" * 70 + " " * 40 + "'s x" * 20)
def test_segments_share_the_pieces_of_the_text(tokens, text):
    compared_pieces(tokens, text, range(len(text)))


@given(texts(), label_sets(), st.integers(1, 4), st.booleans(), st.randoms(use_true_random=False))
def test_cells_are_the_lattice(tokens, text, labels, depth, every_type, choice):
    compared_walk(tokens, text, labels, depth, every_type, choice)


@pytest.mark.parametrize(
    "name",
    [
        "glm-4-9b-chat-hf",
        "qwen2.5-7b-instruct",
        "llama-3.1-8b-instruct",
        "deepseek-r1-distill-qwen-7b",
    ],
)
def test_cells_are_the_lattice_with_the_real_tokenizers(shared, name):
    """There pieces are long, and a bracket in one of them moves the pieces behind it."""
    from transformers import AutoTokenizer

    from llmner_hf.tokens.canonical import Tokens

    tokens = Tokens(AutoTokenizer.from_pretrained(shared / "tokenizers" / name))
    choice = random.Random(0)
    alphabet = "aB1 。 ,-患者高血压[]（)　\u00a0'sé\u0301😀\U00020000\n"
    for _ in range(number(150, 7_000)):
        text = "".join(choice.choice(alphabet) for _ in range(choice.randrange(60)))
        compared_walk(tokens, text, LABELS, 3, bool(choice.randrange(2)), choice)
        long = text * 5
        compared_pieces(tokens, long, choice.sample(range(len(long)), min(len(long), 4)))
    long = number(200, 4_000)
    compared_walk(
        tokens, "肝" * long + "x" * long + "12345 " * (long // 6), LABELS, 2, False, choice
    )


@given(texts(), label_sets(), st.randoms(use_true_random=False), st.booleans(), st.integers(0, 3))
def test_every_draft_is_legal(tokens, text, labels, choice, every_type, further):
    """From every place of a random walk, with a dictionary of random parts of the text."""
    automaton = Automaton(
        Lattice(Grammar(tokens, untitled(labels), 2, every_type=every_type), text)
    )
    parts = [sorted(choice.sample(range(len(text) + 1), 2)) for _ in range(4)] if text else []
    mentions = {text[a:b]: choice.choice(labels.names) for a, b in parts if text[a:b].strip()}
    drafter = Drafter(further_lines=further)
    known = Knowledge(Prior.of(text, labels.names, Dictionary(mentions), Weights()))
    cell, line, opened = automaton.start, -1, []
    while cell is not None:
        walk = drafter.draft(automaton, cell, line, known, opened, choice.randrange(1, 60))
        replayed = Walk(automaton, cell, line)
        for token in walk.tokens:
            assert token in replayed.cell.steps
            replayed.push(token)
        assert replayed.cells == walk.cells
        assert replayed.lines == walk.lines
        assert replayed.marks == walk.marks
        choices = [choice.choice(at.tokens) for at in walk.cells]
        refused = next(
            (i for i, (a, b) in enumerate(zip(choices, walk.tokens, strict=False)) if a != b), None
        )
        if refused is not None:
            drafter.learn(walk, choices, refused, known)
        before, token = cell, choice.choice(cell.tokens)
        cell, line = automaton.after(cell, line, token)
        if cell is not None and cell.depth > before.depth:
            opened.append(cell.at.state.position)
        elif cell is not None and cell.depth < before.depth:
            opened.pop()


SAME_BEGINNING = LabelSet(tuple(map(EntityType, ("DNA", "x", "¡", "¢"))))  # of their bytes


@given(cases())
@example(Case("[[[", (Entity(0, 3, "x"), Entity(1, 2, "¢")), SAME_BEGINNING))
def test_hints_of_everything_draft_the_whole_completion(tokens, case: Case):
    """A drafter that has been shown all brackets and lines writes them all at once."""
    lattice = Lattice(Grammar(tokens, untitled(case.labels), 6), case.text)
    kept = [e for e in case.entities if lattice.writable(e, case.entities)]
    flat = [
        e for e in kept if not any(o.label == e.label and o != e and e.overlaps(o) for o in kept)
    ]
    drafter = Drafter(further_lines=len(case.labels))
    automaton = Automaton(lattice)
    known = Knowledge(Prior(case.labels.names, (), Weights()))
    numbers = sorted({case.labels.names.index(e.label) for e in flat})
    for line, following in zip([-1, *numbers], [*numbers, STOPS], strict=True):
        known.following[line] = following
    for entity in flat:
        hints = known.hints[case.labels.names.index(entity.label)]
        hints.opens.add(entity.start)
        hints.closes.add(entity.end)
    walk = drafter.draft(automaton, automaton.start, -1, known, [], 100_000)
    spelled = tokens.tokenizer.decode(walk.tokens[:-1], clean_up_tokenization_spaces=False)
    assert walk.tokens == lattice.encode(flat)
    assert spelled == symbolic.encode(case.text, flat, case.labels)
