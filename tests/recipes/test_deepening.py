"""More layers for a tagger: it computes what it did, and the new ones can learn."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from tests.doubles.models import FAMILIES, tiny
from tests.doubles.scripts import EMBEDDED, run

IDS = torch.arange(5, 17).reshape(2, 6)


def deepen(model, layers, out):
    """Run the script; its exit code."""
    return run(EMBEDDED / "deepen.py", "--model", model, "--layers", *layers, "-o", out)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_computes_the_same_until_it_is_trained(family, tokenizer, tmp_path):
    model = tiny(family, tokenizer, num_hidden_layers=2).eval()
    model.save_pretrained(tmp_path / "two")
    tokenizer.save_pretrained(tmp_path / "two")
    assert deepen(tmp_path / "two", ["0", "1"], tmp_path / "four") == 0
    made = AutoModelForCausalLM.from_pretrained(tmp_path / "four", dtype=torch.float32).eval()
    assert made.config.num_hidden_layers == 4
    assert torch.equal(made(IDS).logits, model(IDS).logits)
    before = {path.name for path in (tmp_path / "two").iterdir()}
    assert {path.name for path in (tmp_path / "four").iterdir()} == before
    made(IDS).logits.logsumexp(-1).sum().backward()
    new = made.model.layers[1]
    assert new.self_attn.o_proj.weight.grad.abs().sum() > 0
    assert new.mlp.down_proj.weight.grad.abs().sum() > 0


def test_layers_that_are_not_there_are_named(tokenizer, tmp_path, capsys):
    tiny("glm", tokenizer).save_pretrained(tmp_path / "tiny")
    assert deepen(tmp_path / "tiny", ["0", "7"], tmp_path / "out") == 2
    assert "not [7]" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
