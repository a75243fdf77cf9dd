"""Lines apart: a copy stands behind its original, and sees the prompt and its own line."""

from dataclasses import asdict

import pytest
import torch
from hypothesis import given

from llmner_hf.core.entities import Example
from llmner_hf.core.tagging.base import view
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.settings import TaggerSettings
from llmner_hf.tokens.canonical import Prompt
from llmner_hf.tokens.grammar import Grammar
from llmner_hf.tokens.lattice import Lattice
from llmner_hf.tokens.layout import OFFSET, LinesApart
from llmner_hf.tokens.packing import seen
from llmner_hf.training.tagger.losses import NONE
from llmner_hf.training.tagger.preparation import Preparation
from llmner_hf.training.tagger.trainer import Collator
from tests.doubles.models import FAMILIES, SCHEMA, TEXTS, requests, tiny
from tests.strategies import Case, cases, label_sets, texts, untitled

BEFORE = 7
APART = TaggerSettings(style="brief", max_depth=2, lines_apart=True, every_type=True)


def layout_before(tokens):
    """The layout of answers to a prompt whose text begins behind ``BEFORE`` tokens."""
    return LinesApart(Prompt((0,) * BEFORE, (), ()), tokens.brackets)


def standing(lattice, ids):
    """The positions of a completion, and the lattice's place before each token."""
    tokens = lattice.grammar.tokens
    places = [at for at, _ in lattice.along(ids)]
    positions, lines = layout_before(tokens).row(lattice, ids, places)
    return positions[BEFORE:], lines[BEFORE:], places


@given(texts(), label_sets())
def test_without_entities_every_line_is_the_text_moved_on(tokens, text, labels):
    lattice = Lattice(Grammar(tokens, untitled(labels), 3, every_type=True), text)
    ids = lattice.encode(())
    found, lines, _ = standing(lattice, ids)
    original = tokens.text_ids(view(text))
    expected, numbers, spelled = [], [], []
    first = BEFORE + OFFSET
    for line, header in enumerate(lattice.grammar.header_ids, 1):
        numbers += [line] * (len(header) + len(original) + 1)
        expected += [first - 1] * len(header)
        expected += range(first, first + len(original) + 1)  # the end of the line behind it
        spelled += [*header, *original, tokens.line_end]
    assert ids == [*spelled[:-1], tokens.stop]
    assert found == expected
    assert lines == numbers
    # A selector reads the same line: what copies is known to it without an automaton.
    if len(labels) == 1:
        copies = [False] * (len(ids) - len(original) - 1) + [True] * (len(original) + 1)
        assert layout_before(tokens).line(copies)[BEFORE:] == found


@given(cases())
def test_a_copy_stands_with_the_token_that_holds_its_first_character(tokens, case: Case):
    lattice = Lattice(Grammar(tokens, untitled(case.labels), 8, every_type=True), case.text)
    kept = [e for e in case.entities if lattice.writable(e, case.entities)]
    ids = lattice.encode(kept)
    found, _, places = standing(lattice, ids)
    text = view(case.text)
    piece_of = [piece for piece, (a, b) in enumerate(tokens.spans(text)) for _ in range(a, b)]
    lengths = [len(tokens.piece_ids(text[a:b])) for a, b in tokens.spans(text)]
    for token, position, at, before in zip(ids, found, places, [None, *found], strict=False):
        state = at.state
        if state.place.name == "HEADER":
            assert position == BEFORE + OFFSET - 1
        elif token in tokens.brackets and at.node is None and before is not None:
            assert before <= position + 1  # with what is before it, or where that ends
        elif at.node is None and state.position < len(text):
            piece = piece_of[state.position]
            number = position - BEFORE - OFFSET
            first = sum(lengths[:piece])
            assert first <= number < first + lengths[piece]


@pytest.mark.parametrize("family", FAMILIES)
@torch.inference_mode()
def test_what_is_trained_is_what_is_decoded(family, tokenizer, tokens):
    """One pass over a prepared row would write the same; without its positions it would not."""
    model, many = tiny(family, tokenizer), requests([text for text in TEXTS if text.strip()])
    decoder = ConstrainedDecoder(model, tokenizer, APART)
    preparation = Preparation(tokens, SCHEMA, APART, 512)
    compared = moved = 0
    for request, record in zip(many, decoder.write(many, 4), strict=True):
        found = record.prediction.entities
        example = Example(request.id, request.text, found, "ours", "en")
        (row,) = preparation.rows([example])
        if row.ids[row.start :] != list(record.tokens):  # a span bracketed twice is prepared once
            continue
        compared += 1
        batch = Collator(tokens.stop, with_allowed=True)([asdict(row)])
        placed = {"position_ids": batch["position_ids"], "attention_mask": seen(batch["segments"])}
        for inputs in (placed, {}):
            logits = model(batch["input_ids"], **inputs).logits[0, row.start - 1 : -1]
            legal = logits.gather(1, batch["allowed"].clamp(min=0))
            chosen = legal.masked_fill(batch["allowed"] == NONE, -torch.inf).argmax(1)
            moved += int(chosen.any())
            assert not inputs or not chosen.any()  # the gold token stands first
    assert compared > 2
    assert moved
