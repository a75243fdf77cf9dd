"""A plain adapter without PEFT: the logits are PEFT's, and what is not plain is left to PEFT."""

import subprocess
import sys

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from llmner_hf.selector.lora import put_on
from llmner_hf.selector.sharing import selector_on, view_of
from llmner_hf.selector.storage import from_backbone
from tests.doubles.models import tiny
from tests.doubles.selecting import SETTINGS, adapter_on, candidates

FIRST_ENTITY = """
import sys
from llmner_hf import pipeline
assert pipeline("bioner")("IL-2 gene expression requires NF-kappa B.")
print(sorted({"peft", "bitsandbytes", "datasets", "trl", "pandas"} & set(sys.modules)))
"""


@pytest.fixture(scope="module", params=["glm", "qwen2"])
def base(request, tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    tiny(request.param, tokenizer, seed=5).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def causal(base):
    return AutoModelForCausalLM.from_pretrained(base)


@pytest.fixture
def ids(tokenizer):
    """Two inputs with markers in them."""
    opening, closing = tokenizer.convert_tokens_to_ids(list(SETTINGS.markers))
    return torch.tensor([[5, opening, 7, closing, 9, 8], [opening, 8, 7, 6, 5, closing]])


def logits(model, ids):
    with torch.inference_mode():
        return model.eval()(input_ids=ids).logits


def test_the_logits_are_those_of_peft(base, causal, ids, tokenizer, tmp_path):
    place = adapter_on(base, tmp_path, tokenizer)
    ours = view_of(causal)
    assert put_on(ours, place)
    theirs = PeftModel.from_pretrained(view_of(causal), place, autocast_adapter_dtype=False)
    found, asked = logits(ours, ids), logits(theirs, ids)
    torch.testing.assert_close(found, asked, atol=1e-6, rtol=0)
    with theirs.disable_adapter():
        assert (found - logits(theirs, ids)).abs().min() > 1e-2


def test_the_model_below_stays_as_it_was_and_is_not_copied(base, causal, ids, tokenizer, tmp_path):
    place = adapter_on(base, tmp_path, tokenizer)
    before, weight = logits(causal, ids), causal.model.layers[1].self_attn.q_proj.weight
    ours = view_of(causal)
    assert put_on(ours, place)
    logits(ours, ids)
    assert torch.equal(logits(causal, ids), before)
    assert ours.model.layers[1].self_attn.q_proj.base.weight is weight


@pytest.mark.parametrize(
    "options",
    [
        {"use_rslora": True},
        {"use_dora": True},
        {"bias": "lora_only"},
        {"rank_pattern": {"v_proj": 2}},
        {"alpha_pattern": {"v_proj": 2}},
        {"modules_to_save": ["fc_cls", "norm"]},
        {"target_modules": ["q_proj", "embed_tokens"]},
        {"init_lora_weights": "pissa"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_what_is_not_plain_is_left_to_peft(options, base, causal, ids, tokenizer, tmp_path):
    plain = {"target_modules": ["q_proj", "v_proj"], "modules_to_save": ["fc_cls"]}
    given = plain | {"r": 4, "init_lora_weights": False} | options
    torch.manual_seed(3)
    tuned = get_peft_model(from_backbone(str(base)), LoraConfig(**given))
    tuned.save_pretrained(tmp_path, save_embedding_layers=False)
    model = view_of(causal)
    names, before = [*model.state_dict()], logits(model, ids)
    assert not put_on(model, tmp_path)
    assert [*model.state_dict()] == names
    assert torch.equal(logits(model, ids), before)


@pytest.mark.parametrize("lost", ["q_proj.lora_B.weight", "fc_cls.bias", "tokens_delta"])
def test_a_file_that_lacks_a_tensor_is_left_to_peft(lost, base, causal, tokenizer, tmp_path):
    file = adapter_on(base, tmp_path, tokenizer) / "adapter_model.safetensors"
    tensors = load_file(file)
    kept = {name: part for name, part in tensors.items() if not name.endswith(lost)}
    assert len(kept) < len(tensors)
    save_file(kept, file)
    assert not put_on(view_of(causal), tmp_path)


def test_a_selector_goes_without_peft_where_it_can(base, causal, tokenizer, tmp_path, monkeypatch):
    place = adapter_on(base, tmp_path, tokenizer)
    many = candidates(9)
    monkeypatch.setattr("llmner_hf.selector.sharing.put_on", lambda *_: False)
    asked = selector_on(causal, place).probabilities(many)
    monkeypatch.undo()
    monkeypatch.setattr(PeftModel, "from_pretrained", None)
    assert selector_on(causal, place).probabilities(many) == pytest.approx(asked, abs=1e-6)


def test_the_first_entity_needs_no_library_of_training():
    command = [sys.executable, "-c", FIRST_ENTITY]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"
