"""A joint QLoRA run on two made-up corpora: a base in real NF4, an adapter that is loaded again."""

import bitsandbytes
import pytest
import torch
from peft import PeftConfig
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig

from llmner_hf import pipeline
from llmner_hf.settings import TaggerSettings
from llmner_hf.tagger.quantised import keep_layout
from llmner_hf.tagger.tagger import Tagger
from llmner_hf.training.evaluation import decoder_of, predict, validator
from llmner_hf.training.tagger.run import train
from tests.doubles.tuning import (
    EXAMPLES,
    TARGETS,
    model_settings,
    optimisation,
    save_base,
    scored_by,
    settings,
    tagged,
)

ENGLISH = [example for example in EXAMPLES if example.language == "en"]
CHINESE = [example for example in EXAMPLES if example.language == "zh"]
NF4 = {
    "load_in_4bit": True,
    "bnb_4bit_quant_type": "nf4",
    "bnb_4bit_use_double_quant": True,
    "bnb_4bit_compute_dtype": torch.float32,
}


@pytest.fixture(scope="module")
def tuned(tokenizer, tmp_path_factory):
    """The adapter's folder, the record of its run, and what the model said at its end."""
    start, base, folder = (tmp_path_factory.mktemp(name) for name in ("start", "base", "adapter"))
    save_base(start, tokenizer)
    datasets = {"english": tagged(ENGLISH), "chinese": tagged(CHINESE)}
    # From scratch, on one of the two: an adapter on random weights learns next to nothing.
    train(
        settings(allowed_share=0.5),
        optimisation(base, 40, save_strategy="no"),
        model_settings(start, "full"),
        {"english": datasets["english"]},
    )
    score, said = validator(datasets, 10), {}

    def validate(tagger):
        model = tagger.model
        layers = [layer for name, layer in model.named_modules() if name.endswith("base_layer")]
        assert len(layers) == 2 * len(TARGETS)
        assert all(type(layer) is bitsandbytes.nn.Linear4bit for layer in layers)
        states = [layer.weight.quant_state for layer in layers]
        assert all(state.quant_type == "nf4" and state.nested for state in states)
        # Else no gradient would have passed them since the validation before.
        assert not any(getattr(state, "packing_format_for_cpu", False) for state in states)
        for name, examples in (("english", ENGLISH), ("chinese", CHINESE)):
            said.update(predict(decoder_of(tagger), examples, tagger.settings.schema(name)))
        return score(tagger)

    with scored_by(validate):
        record = train(
            settings(
                datasets=["english", "chinese"],
                default_datasets={"en": "english", "zh": "chinese"},
                allowed_share=0.5,
            ),
            optimisation(folder, 60, eval_steps=30, save_strategy="no", learning_rate=1e-2),
            model_settings(base, "qlora", dtype="float32"),
            datasets,
        )
    return base, folder, record, said


def test_the_loss_falls_and_f1_is_measured(tuned):
    _, _, record, _ = tuned
    losses = [entry["loss"] for entry in record["history"] if "loss" in entry]
    assert losses[-1] < 0.7 * losses[0]
    assert record["validation"]["step"] == 60
    assert 0 < record["validation"]["validation_f1"] <= 1
    assert {"validation_f1_english", "validation_f1_chinese"} <= record["validation"].keys()


def test_the_adapter_is_plain_peft_in_fp32(tuned):
    base, folder, _, _ = tuned
    assert PeftConfig.from_pretrained(folder).base_model_name_or_path == str(base)
    tensors = load_file(folder / "adapter_model.safetensors")
    assert len(tensors) == 2 * 2 * len(TARGETS)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    assert not (folder / "model.safetensors").exists()


def test_the_pipeline_on_the_quantised_base_finds_the_same_entities(tuned):
    _, folder, _, said = tuned
    ner = pipeline(
        "bioner",
        model=str(folder),
        model_kwargs={"quantization_config": BitsAndBytesConfig(**NF4)},
    )
    found = {
        example.id: [(e["start"], e["end"], e["entity_group"]) for e in ner(example.text)]
        for example in EXAMPLES
    }
    wanted = {
        name: sorted(((e.start, e.end, e.label) for e in entities), key=lambda e: (e[0], -e[1]))
        for name, entities in said.items()
    }
    assert found == wanted
    assert any(wanted.values())


def test_peft_alone_loads_it_too(tuned):
    """On the quantised base, and with the prompt of the tagger.json beside it."""
    _, folder, _, said = tuned
    model = AutoModelForCausalLM.from_pretrained(
        folder, quantization_config=BitsAndBytesConfig(**NF4)
    ).eval()
    keep_layout(model)
    tagger = TaggerSettings.load(folder / "tagger.json")
    decoder = decoder_of(Tagger(model, AutoTokenizer.from_pretrained(folder), tagger))
    assert predict(decoder, ENGLISH, tagger.schema("english")) == {
        example.id: said[example.id] for example in ENGLISH
    }
