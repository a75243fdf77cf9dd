"""A batch without padding and mask has the states and gradients of the padded one."""

import pytest
import torch

from llmner_hf.tokens.packing import PAD
from llmner_hf.training.tagger import losses
from llmner_hf.training.tagger.unpadded import Part, can_be_unpadded, unpadded
from tests.doubles.models import tiny

# Two packs: a beginning of two tokens and rows of three and two; one of one and a row of two.
SEGMENTS = torch.tensor([[0, 0, 1, 1, 1, 2, 2], [0, 1, 1, PAD, PAD, PAD, PAD]])
POSITIONS = torch.tensor([[0, 1, 2, 3, 4, 2, 3], [0, 1, 2, 0, 0, 0, 0]])
IDS = torch.arange(20, 34).reshape(2, 7)
PACKED = {"input_ids": IDS, "labels": IDS, "segments": SEGMENTS, "position_ids": POSITIONS}
ALONE = {"input_ids": IDS, "labels": IDS, "attention_mask": (SEGMENTS != PAD).long()}


def model_of(family, tokenizer):
    return tiny(family, tokenizer, max_position_embeddings=64, initializer_range=0.1).eval()


def test_what_lies_where():
    row, parts = unpadded(PACKED)
    assert parts == [Part(2, None), Part(3, 0), Part(2, 0), Part(1, None), Part(2, 3)]
    assert row["input_ids"].tolist() == [[*range(20, 27), 27, 28, 29]]
    assert row["position_ids"].tolist() == [[0, 1, 2, 3, 4, 2, 3, 0, 1, 2]]
    row, parts = unpadded(ALONE)
    assert parts == [Part(7, None), Part(3, None)]
    assert row["position_ids"].tolist() == [[*range(7), 0, 1, 2]]


@pytest.mark.parametrize("family", ["glm", "qwen2", "llama"])
@pytest.mark.parametrize("batch", [PACKED, ALONE], ids=["packed", "alone"])
def test_states_and_gradients_are_those_with_a_mask(tokenizer, monkeypatch, family, batch):
    model = model_of(family, tokenizer)
    weighed = torch.randn(10, model.config.hidden_size, generator=torch.Generator().manual_seed(0))

    def found():
        states, labels = losses.states(model, model.get_decoder(), batch)
        kept = states[0] if states.shape[0] == 1 else states[SEGMENTS != PAD]
        model.zero_grad()
        (kept * weighed).sum().backward()
        return (
            kept.detach(),
            labels,
            {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None},
        )

    plain, labels, gradients = found()
    assert labels.shape == (1, 10)  # no padding
    monkeypatch.setattr(losses, "can_be_unpadded", lambda *_: False)
    masked, labels, wanted = found()
    assert labels.shape == (2, 7)
    assert torch.allclose(plain, masked, atol=1e-5)
    assert gradients.keys() == wanted.keys()
    assert all(
        torch.allclose(gradients[name], wanted[name], rtol=1e-4, atol=1e-4) for name in wanted
    )
    assert model.config._attn_implementation == "sdpa"


def test_what_is_compiled_or_checkpointed_keeps_its_mask(tokenizer):
    model = model_of("llama", tokenizer)
    assert can_be_unpadded(model, compiled=False)
    assert not can_be_unpadded(model, compiled=True)
    model.activation_checkpointing_enable()
    assert not can_be_unpadded(model, compiled=False)
    model = model_of("llama", tokenizer)
    model.set_attn_implementation("eager")
    assert not can_be_unpadded(model, compiled=False)
