"""Lines apart: a copy stands behind its original, and sees the prompt and its own line."""

import pytest
import torch
from hypothesis import given

from llmner_hf.core.tagging.base import view
from llmner_hf.decoding.constrained import ConstrainedDecoder
from llmner_hf.grammar import Grammar
from llmner_hf.lattice import Lattice
from llmner_hf.packing import SHARED, seen
from llmner_hf.positions import OFFSET, LinePositions
from llmner_hf.settings import TaggerSettings
from tests.models import FAMILIES, TEXTS, requests, tiny
from tests.strategies import Case, cases, label_sets, texts

BEFORE = 7
APART = TaggerSettings(style="brief", max_depth=2, lines_apart=True, every_type=True)


def standing(lattice, ids):
    """The positions of a completion, and the lattice's place before each token."""
    tokens = lattice.grammar.tokens
    places = [at for at, _ in lattice.along(ids)]
    positions = LinePositions(BEFORE, tokens.brackets)
    found, lines = zip(*positions.along(lattice, ids, places), strict=True)
    return list(found), lines, places


@given(texts(), label_sets())
def test_without_entities_every_line_is_the_text_moved_on(tokens, text, labels):
    lattice = Lattice(Grammar(tokens, labels, 3, every_type=True), text)
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
    assert list(lines) == numbers


@given(cases())
def test_a_copy_stands_with_the_token_that_holds_its_first_character(tokens, case: Case):
    lattice = Lattice(Grammar(tokens, case.labels, 8, every_type=True), case.text)
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
    """One pass over the finished answers, in the positions of training, would write the same."""
    model, many = tiny(family, tokenizer), requests([text for text in TEXTS if text.strip()])
    decoder = ConstrainedDecoder(model, tokenizer, APART)
    moved = 0
    for request, record in zip(many, decoder.write(many, 4), strict=True):
        prompt, lattice, ids = decoder.prompt(request), decoder.lattice(request), record.tokens
        places = [*lattice.along(ids)]
        aligned = LinePositions(len(prompt.head), tokens.brackets)
        copied = [*aligned.along(lattice, ids, [at for at, _ in places])]
        read = torch.tensor([[*prompt.ids, *ids]])
        start = len(prompt.ids)
        positions = torch.tensor([[*range(start), *(position for position, _ in copied)]])
        lines = torch.tensor([[SHARED] * start + [line for _, line in copied]])
        beside = model(input_ids=read, position_ids=positions, attention_mask=seen(lines)).logits[0]
        counted = model(input_ids=read).logits[0]
        for place, (token, (_, steps)) in enumerate(zip(ids, places, strict=True)):
            legal = sorted(steps)
            row = start - 1 + place
            assert legal[int(beside[row, legal].argmax())] == token
            moved += legal[int(counted[row, legal].argmax())] != token
    assert moved
