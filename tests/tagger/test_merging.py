"""Merging: the merged folder answers as base and adapter do, and never holds 4-bit weights."""

import json
import shutil

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from llmner_hf import pipeline
from llmner_hf.core.errors import InputError, RunError, SettingError
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.settings import TaggerSettings
from llmner_hf.tagger.folder import merge_adapters
from llmner_hf.tagger.merging import merge
from tests.doubles.models import requests, tiny

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_up_proj", "down_proj"]
SETTINGS = TaggerSettings(style="brief", max_depth=2, bracket_bias=3.0)


@pytest.fixture(scope="module")
def base(tokenizer, tmp_path_factory):
    """A tiny GLM in fp32, as a checkpoint."""
    folder = tmp_path_factory.mktemp("base")
    tiny("glm", tokenizer, seed=5).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def adapter_on(base, folder, tokenizer, **loading):
    """An adapter as training leaves it, with weights that change what the base says."""
    torch.manual_seed(7)
    model = AutoModelForCausalLM.from_pretrained(base, **loading)
    lora = LoraConfig(
        r=4, lora_alpha=2, target_modules=TARGETS, init_lora_weights=False, task_type="CAUSAL_LM"
    )
    get_peft_model(model, lora).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    SETTINGS.save(folder)
    return folder


@pytest.fixture(scope="module")
def adapter(base, tokenizer, tmp_path_factory):
    return adapter_on(base, tmp_path_factory.mktemp("adapter"), tokenizer)


@pytest.fixture(scope="module")
def merged(adapter, tmp_path_factory):
    return merge(str(adapter), tmp_path_factory.mktemp("out") / "new" / "merged", torch.float32)


@torch.inference_mode()
def logits(model, tokenizer):
    ids = torch.tensor([tokenizer("the CD28 surface receptor binds 患者有高血压")["input_ids"]])
    return model.eval()(ids).logits


def test_the_merged_model_answers_as_base_and_adapter(base, adapter, merged, tokenizer):
    plain = AutoModelForCausalLM.from_pretrained(base)
    without = logits(plain, tokenizer)
    with_adapter = logits(PeftModel.from_pretrained(plain, adapter), tokenizer)
    assert (with_adapter - without).abs().max() > 0.1
    found = logits(AutoModelForCausalLM.from_pretrained(merged), tokenizer)
    assert torch.allclose(found, with_adapter, rtol=0, atol=1e-5)


def test_the_pipeline_merges_in_memory_but_not_into_4_bit(base, adapter, tokenizer):
    ner = pipeline("bioner", model=str(adapter), tokenizer=str(adapter))
    layers = [m for m in ner.model.modules() if isinstance(m, BaseTunerLayer)]
    assert layers
    assert all(layer.merged for layer in layers)
    plain = AutoModelForCausalLM.from_pretrained(base)
    with_adapter = logits(PeftModel.from_pretrained(plain, adapter), tokenizer)
    assert torch.allclose(logits(ner.model, tokenizer), with_adapter, rtol=0, atol=1e-5)
    nf4 = BitsAndBytesConfig(load_in_4bit=True)
    quantised = AutoModelForCausalLM.from_pretrained(adapter, quantization_config=nf4)
    merge_adapters(quantised)
    assert not any(m.merged for m in quantised.modules() if isinstance(m, BaseTunerLayer))


def test_it_annotates_as_base_and_adapter(base, adapter, merged, tokenizer):
    def annotated(folder, model):
        settings = TaggerSettings.load(folder / "tagger.json")
        decoder = ConstrainedDecoder(model.eval(), AutoTokenizer.from_pretrained(folder), settings)
        return [prediction.entities for prediction in decoder.decode(requests())]

    plain = AutoModelForCausalLM.from_pretrained(base)
    without = annotated(adapter, plain)
    expected = annotated(adapter, PeftModel.from_pretrained(plain, adapter))
    assert annotated(merged, AutoModelForCausalLM.from_pretrained(merged)) == expected
    assert any(expected)
    assert without != expected


def test_tokenizer_and_settings_travel_and_nothing_is_a_pickle(adapter, merged):
    assert (merged / "tagger.json").read_bytes() == (adapter / "tagger.json").read_bytes()
    ours, theirs = AutoTokenizer.from_pretrained(merged), AutoTokenizer.from_pretrained(adapter)
    assert ours.get_vocab() == theirs.get_vocab()
    assert ours.chat_template == theirs.chat_template
    assert {path.suffix for path in merged.iterdir()} == {".json", ".jinja", ".safetensors"}
    assert [path.name for path in merged.parent.iterdir()] == ["merged"]


def test_an_adapter_of_a_quantised_base_is_merged_into_the_unquantised(base, tokenizer, tmp_path):
    """The expected weights are written out by hand: W + alpha / r * B A."""
    nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_use_double_quant=True)
    folder = adapter_on(base, tmp_path / "adapter", tokenizer, quantization_config=nf4)
    merge(str(folder), tmp_path / "fp32", torch.float32)
    plain, delta = (
        load_file(base / "model.safetensors"),
        load_file(folder / "adapter_model.safetensors"),
    )
    found = load_file(tmp_path / "fp32" / "model.safetensors")
    assert found.keys() == plain.keys()
    changed = 0
    for name, weight in plain.items():
        key = f"base_model.model.{name.removesuffix('.weight')}.lora_{{}}.weight"
        if key.format("A") in delta:
            weight = weight + 2 / 4 * delta[key.format("B")] @ delta[key.format("A")]
            changed += 1
        assert torch.allclose(found[name], weight, rtol=0, atol=1e-5), name
    assert changed == 2 * len(TARGETS)

    merge(str(folder), tmp_path / "bf16")
    halves = load_file(tmp_path / "bf16" / "model.safetensors")
    assert {weight.dtype for weight in halves.values()} == {torch.bfloat16}
    assert "quantization_config" not in json.loads((tmp_path / "bf16/config.json").read_text())


def test_an_empty_folder_is_taken_and_a_full_one_refused(adapter, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    assert merge(str(adapter), out) == out
    kept = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(InputError, match="is there already") as error:
        merge(str(adapter), out)
    assert "\n" not in str(error.value)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == kept
    with pytest.raises(InputError, match="is there already"):
        merge(str(adapter), out / "config.json")


@pytest.mark.parametrize("name", ["adapter_config.json", "tagger.json"])
def test_what_is_no_adapter_of_a_tagger_is_refused(adapter, tmp_path, name):
    folder = shutil.copytree(adapter, tmp_path / "adapter")
    (folder / name).unlink()
    for place in (folder, tmp_path / "missing", "nobody/nothing"):
        missing = name if place == folder else "adapter_config.json"
        with pytest.raises(InputError, match=f"no {missing} there|no such folder") as error:
            merge(str(place), tmp_path / "out")
        assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_base_that_is_stored_quantised_is_refused(base, tokenizer, tmp_path):
    nf4 = BitsAndBytesConfig(load_in_4bit=True)
    stored = tmp_path / "stored"
    AutoModelForCausalLM.from_pretrained(base, quantization_config=nf4).save_pretrained(stored)
    folder = adapter_on(stored, tmp_path / "adapter", tokenizer)
    with pytest.raises(SettingError, match="is stored quantised"):
        merge(str(folder), tmp_path / "out")


def test_broken_weights_leave_nothing_behind(adapter, tmp_path):
    folder = shutil.copytree(adapter, tmp_path / "adapter")
    file = folder / "adapter_model.safetensors"
    weights = load_file(file)
    next(iter(weights.values())).fill_(float("nan"))
    save_file(weights, file)
    with pytest.raises(RunError, match="NaN"):
        merge(str(folder), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["adapter"]
