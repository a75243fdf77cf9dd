"""Tagger and selector in one pipeline: one base in memory, and the answers of two models apart."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.tuners_utils import BaseTunerLayer
from transformers import AutoModelForCausalLM
from transformers import BitsAndBytesConfig as quantised

from llmner_hf import pipeline
from llmner_hf.core.schema import Schema
from llmner_hf.selector.filtering import Selector
from llmner_hf.selector.sharing import can_share, selector_at, selector_on
from llmner_hf.selector.storage import export
from llmner_hf.settings import TaggerSettings
from tests.doubles.models import tiny
from tests.doubles.selecting import CHINESE, ENGLISH, SETTINGS, TARGETS, adapter_on, candidates

TEXTS = ["the CD28 surface receptor binds [3H]IL-2. IL-2 is a gene.", "患者有高血压，服用阿司匹林"]
TAGGER = TaggerSettings(
    style="brief",
    max_depth=2,
    bracket_bias=3.0,
    schemas={"english": Schema("", "en", ENGLISH.labels), "chinese": CHINESE},
    defaults={"en": "english", "zh": "chinese"},
)


@pytest.fixture(scope="module")
def base(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    tiny("glm", tokenizer, seed=5).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    TAGGER.save(folder)
    return folder


@pytest.fixture(scope="module")
def tagger(base, tokenizer, tmp_path_factory):
    """A tagger's adapter on the base."""
    folder = tmp_path_factory.mktemp("tagger")
    torch.manual_seed(7)
    lora = LoraConfig(
        r=4, lora_alpha=4, target_modules=TARGETS, init_lora_weights=False, task_type="CAUSAL_LM"
    )
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), lora).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    TAGGER.save(folder)
    return folder


@pytest.fixture(scope="module")
def selector(base, tokenizer, tmp_path_factory):
    return adapter_on(base, tmp_path_factory.mktemp("selector"), tokenizer)


def same(one, other):
    """Whether two annotations agree, scores within rounding."""
    assert [[e["start"], e["end"], e["entity_group"]] for e in one] == [
        [e["start"], e["end"], e["entity_group"]] for e in other
    ]
    assert [e["score"] for e in one] == pytest.approx([e["score"] for e in other], abs=1e-5)
    return True


@pytest.mark.parametrize("with_adapter", [False, True])
def test_two_adapters_on_one_base_answer_as_two_models(with_adapter, base, tagger, selector):
    model = str(tagger if with_adapter else base)
    shared = pipeline("bioner", model=model, tokenizer=model, selector=str(selector))
    apart = pipeline("bioner", model=model, tokenizer=model, selector=selector_at(selector))
    plain = pipeline("bioner", model=model, tokenizer=model, selector=None)
    tensors = {id(p) for p in shared.model.parameters()}
    judge = shared.selector.scorer.judge.__closure__[0].cell_contents
    own = [p for p in judge.parameters() if id(p) not in tensors]
    assert sum(p.numel() for p in own) < 0.3 * shared.model.num_parameters()
    assert all("lora" in n or "fc_cls" in n or "delta" in n for n in names_of(judge, own))
    for text in TEXTS:
        assert plain(text)
        assert same(shared(text), apart(text))
    assert 0 < shared.dropped == apart.dropped
    kept = {(e["start"], e["end"], e["entity_group"]) for e in shared(TEXTS[0])}
    assert kept <= {(e["start"], e["end"], e["entity_group"]) for e in plain(TEXTS[0])}


def names_of(model, parameters):
    wanted = {id(p) for p in parameters}
    return [name for name, p in model.named_parameters() if id(p) in wanted]


def test_the_tagger_is_the_same_with_a_selector_and_without(tagger, selector):
    """Also bit by bit after the selector has been asked: nothing is merged and taken out again."""
    ner = pipeline("bioner", model=str(tagger), tokenizer=str(tagger), selector=str(selector))
    assert not any(m.merged for m in ner.model.modules() if isinstance(m, BaseTunerLayer))
    before = {name: p.clone() for name, p in ner.model.named_parameters()}
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.inference_mode():
        first = ner.model(ids).logits
        ner(TEXTS)
        assert torch.equal(ner.model(ids).logits, first)
    assert all(torch.equal(before[name], p) for name, p in ner.model.named_parameters())


def test_a_quantised_base_is_shared_too(tokenizer, tmp_path):
    base, place = tmp_path / "base", tmp_path / "selector"
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_key_value_heads": 4}
    tiny("glm", tokenizer, num_attention_heads=4, **sizes).save_pretrained(base)
    tokenizer.save_pretrained(base)
    adapter_on(base, place, tokenizer)
    nf4 = {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True}
    causal = AutoModelForCausalLM.from_pretrained(base, quantization_config=quantised(**nf4))
    shared = selector_on(causal, place)
    sparing = quantised(**nf4, llm_int8_skip_modules=["fc_cls"])
    apart = selector_at(place, quantization_config=sparing)
    many = candidates(9)
    causal(torch.tensor([[5, 6, 7]]))  # the tagger goes first, and may repack what is shared
    assert shared.probabilities(many) == pytest.approx(apart.probabilities(many), abs=1e-5)


def test_a_selector_on_another_base_has_its_own(tagger, tokenizer, tmp_path):
    tiny("qwen2", tokenizer, seed=9).save_pretrained(tmp_path / "base")
    tokenizer.save_pretrained(tmp_path / "base")
    other = adapter_on(tmp_path / "base", tmp_path / "selector", tokenizer)
    ner = pipeline("bioner", model=str(tagger), tokenizer=str(tagger), selector=str(other))
    assert not can_share(ner.model, other)
    assert all(m.merged for m in ner.model.modules() if isinstance(m, BaseTunerLayer))
    assert ner.selector.probabilities(candidates(9)) == pytest.approx(
        selector_at(other).probabilities(candidates(9)), abs=1e-6
    )


def test_the_selector_beside_a_model_is_used_unless_switched_off(base, selector, tmp_path):
    folder = tmp_path / "whole"
    shutil.copytree(base, folder)
    assert pipeline("bioner", model=str(folder)).selector is None
    shutil.copytree(selector, folder / "selector")
    ner = pipeline("bioner", model=str(folder))
    assert (ner.selector.threshold, ner.selector.temperature) == (0.4, 1.7)
    assert same(
        ner(TEXTS[0]), pipeline("bioner", model=str(base), selector=str(selector))(TEXTS[0])
    )
    assert pipeline("bioner", model=str(folder), selector=None).selector is None


def test_the_selector_of_a_base_does_not_judge_a_tagger_tuned_on_it(
    base, tagger, selector, tmp_path
):
    whole, adapter = tmp_path / "whole", tmp_path / "adapter"
    shutil.copytree(base, whole)
    shutil.copytree(selector, whole / "selector")
    shutil.copytree(tagger, adapter)
    settings = json.loads((adapter / "adapter_config.json").read_text())
    settings["base_model_name_or_path"] = str(whole)
    (adapter / "adapter_config.json").write_text(json.dumps(settings))
    assert pipeline("bioner", model=str(adapter), tokenizer=str(adapter)).selector is None
    shutil.copytree(selector, adapter / "selector")
    assert pipeline("bioner", model=str(adapter), tokenizer=str(adapter)).selector is not None


def test_a_base_named_by_dots_is_the_model_around_the_selector(base, selector, tmp_path):
    whole = tmp_path / "whole"
    shutil.copytree(base, whole)
    inside = shutil.copytree(selector, whole / "selector")
    settings = json.loads((inside / "adapter_config.json").read_text())
    settings["base_model_name_or_path"] = ".."
    (inside / "adapter_config.json").write_text(json.dumps(settings))
    named = selector_at(selector).probabilities(candidates(9))
    assert selector_at(inside).probabilities(candidates(9)) == pytest.approx(named, abs=1e-6)


@pytest.mark.parametrize(("threshold", "kept"), [(0.0, "all"), (1.0, "none")])
def test_the_threshold_can_be_overridden(threshold, kept, base, selector):
    ner = pipeline("bioner", model=str(base), selector=str(selector), threshold=threshold)
    plain = pipeline("bioner", model=str(base))
    assert len(ner(TEXTS)) == len(TEXTS)
    assert sum(map(len, ner(TEXTS))) == (sum(map(len, plain(TEXTS))) if kept == "all" else 0)


def test_the_dataset_of_the_call_chooses_the_threshold(base, tokenizer, tmp_path):
    """One keeps nothing, the general one everything: made-up types are no dataset."""
    settings = replace(SETTINGS, threshold=0.0, thresholds={"GENIA": 1.0})
    place = adapter_on(base, tmp_path, tokenizer, settings)
    ner = pipeline("bioner", model=str(base), selector=str(place))
    assert ner(TEXTS[0], dataset="genia") == []
    assert ner(TEXTS[0], dataset="genia", entity_types=["protein"]) == []
    assert ner.dropped > 0
    before = ner.dropped
    for options in (
        {"dataset": "biored", "entity_types": ["protein"]},
        {"entity_types": ["protein"]},
        {},
    ):
        assert ner(TEXTS[0], **options)
    assert ner.dropped == before
    overridden = pipeline("bioner", model=str(base), selector=str(place), threshold=0.0)
    assert overridden(TEXTS[0], dataset="genia")


def test_an_export_keeps_the_thresholds(base, tokenizer, tmp_path):
    settings = replace(SETTINGS, thresholds={"GENIA": 0.3})
    export(adapter_on(base, tmp_path / "adapter", tokenizer, settings), tmp_path / "whole")
    assert selector_at(tmp_path / "whole").thresholds == {"GENIA": 0.3}


def test_batches_of_texts_are_judged_alike(base, selector):
    ner = pipeline("bioner", model=str(base), selector=str(selector))
    for one, other in zip(ner(TEXTS * 2), ner(TEXTS * 2, batch_size=4), strict=True):
        assert same(one, other)


def test_any_scorer_can_be_the_selector(base):
    class Sure:
        def logits(self, candidates, batch_size=64):
            return [30.0 for _ in candidates]

    ner = pipeline("bioner", model=str(base), selector=Selector(Sure()))
    found = ner(TEXTS[0])
    assert found
    assert all(entity["score"] > 0.999 for entity in found)
