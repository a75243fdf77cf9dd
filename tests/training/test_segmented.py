"""Segment by segment, attention is what it is under a mask for every pair of tokens."""

from types import SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from transformers import AutoModelForCausalLM

from llmner_hf.tokens.packing import PAD, SHARED, seen
from llmner_hf.training.tagger.segmented import NOWHERE, SEGMENTED, segmented_attention, segments_of
from tests.doubles.models import tiny

HEADS, GROUPS, WIDTH = 4, 2, 6
PACKS = st.lists(
    st.tuples(st.integers(0, 4), st.lists(st.integers(1, 5), min_size=1, max_size=4)),
    min_size=1,
    max_size=3,
)


def numbers_of(packs):
    """The segments' numbers of packs: the length of a beginning, and of each segment behind it."""
    rows = [
        [SHARED] * beginning + [n for n, length in enumerate(lengths, 1) for _ in range(length)]
        for beginning, lengths in packs
    ]
    widest = max(map(len, rows))
    return torch.tensor([row + [PAD] * (widest - len(row)) for row in rows])


def states(numbers, seed):
    generator = torch.Generator().manual_seed(seed)
    shapes = (HEADS, HEADS // GROUPS, HEADS // GROUPS)
    return [
        torch.randn(len(numbers), heads, numbers.shape[1], WIDTH, generator=generator)
        for heads in shapes
    ]


@given(PACKS, st.integers(0, 2**31))
def test_states_and_gradients_are_those_of_dense_attention(packs, seed):
    numbers = numbers_of(packs)
    bears = (numbers != PAD)[..., None, None]
    found, wanted = ([each.requires_grad_() for each in states(numbers, seed)] for _ in range(2))
    module = SimpleNamespace()
    segments = segments_of(numbers)
    ours, _ = segmented_attention(module, *found, segments.own, scaling=0.7, segments=segments)
    query, key, value = wanted
    dense = F.scaled_dot_product_attention(
        query, key, value, attn_mask=seen(numbers), scale=0.7, enable_gqa=True
    ).transpose(1, 2)
    assert torch.allclose(ours * bears, dense * bears, atol=1e-5)
    weight = torch.linspace(-1, 1, WIDTH)
    for result in (ours, dense):
        (result * weight * bears).square().sum().backward()
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-4)


@given(PACKS)
def test_every_token_behind_the_beginning_has_one_place(packs):
    numbers = numbers_of(packs)
    segments = segments_of(numbers)
    assert torch.equal(segments.back != NOWHERE, numbers > SHARED)
    places = segments.back[numbers > SHARED]
    assert torch.equal(
        segments.there.flatten()[places], (numbers > SHARED).flatten().nonzero()[:, 0]
    )
    assert len(places.unique()) == len(places) == int((segments.there != NOWHERE).sum())
    assert segments.there.shape[0] == sum(len(lengths) for _, lengths in packs)


def test_dropout_hides_weights_and_keeps_their_mean():
    numbers = numbers_of([(3, [4, 5])])
    segments = segments_of(numbers)
    query, key, _ = states(numbers, 0)
    ones = torch.ones_like(key)
    torch.manual_seed(0)
    drawn = torch.stack(
        [
            segmented_attention(
                SimpleNamespace(), query, key, ones, segments.own, dropout=0.3, segments=segments
            )[0]
            for _ in range(1_000)
        ]
    )
    assert drawn.std(0).min() > 0.05
    assert drawn.mean(0).sub(1).abs().max() < 0.15


@pytest.mark.parametrize("family", ["glm", "qwen2", "llama"])
def test_what_is_no_pack_is_left_to_sdpa(tokenizer, tmp_path, family):
    tiny(family, tokenizer).save_pretrained(tmp_path)
    ids = tokenizer("the CD28 receptor", return_tensors="pt")["input_ids"]
    written = [
        AutoModelForCausalLM.from_pretrained(tmp_path, attn_implementation=kind)
        .eval()
        .generate(ids, max_new_tokens=8, do_sample=False, pad_token_id=0)
        for kind in ("sdpa", SEGMENTED)
    ]
    assert torch.equal(*written)
