"""The model: what is pooled, invariance on three families, reloading, precision."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BitsAndBytesConfig,
)

from llmner_hf.core.entities import Entity, EntityType, LabelSet
from llmner_hf.core.schema import Schema
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.inputs import Inputs, with_markers
from llmner_hf.selector.modeling import (
    EntityValidityConfig,
    EntityValidityForSequenceClassification,
    GLMForEntityValidity,
    last_real,
)
from llmner_hf.selector.storage import from_backbone, load, make_room
from llmner_hf.settings import SelectorSettings
from llmner_hf.tokens.canonical import Tokens
from tests.doubles.models import tiny

REAL = {
    "glm": "glm-4-9b-chat-hf",
    "qwen2": "qwen2.5-7b-instruct",
    "llama": "llama-3.1-8b-instruct",
}
SCHEMA = Schema("", "en", LabelSet((EntityType("protein"), EntityType("疾病"))))
TEXT = "the CD28 receptor and 高血压 of T cells, 患者有糖尿病 and NF-kappa B"


def spans(number):
    """Candidates of many lengths and both types."""
    return [
        Candidate(TEXT[: len(TEXT) - i % 7], Entity(i % 11, 12 + i % 17, name), SCHEMA)
        for i, name in zip(range(number), ["protein", "疾病"] * number, strict=False)
    ]


def random_head(model, seed=5):
    """A layer whose logits are far from 0."""
    torch.manual_seed(seed)
    torch.nn.init.normal_(model.fc_cls.weight, std=0.3)
    return model.eval()


def probabilities(model, inputs, *, batch, side, pad):
    """In batches, padded on one side."""
    found = []
    for start in range(0, len(inputs), batch):
        rows = inputs[start : start + batch]
        width = max(map(len, rows))
        padded, mask = [], []
        for row in rows:
            rest = width - len(row)
            before, behind = (rest, 0) if side == "left" else (0, rest)
            padded.append([pad] * before + row + [pad] * behind)
            mask.append([0] * before + [1] * len(row) + [0] * behind)
        with torch.no_grad():
            logits = model(input_ids=torch.tensor(padded), attention_mask=torch.tensor(mask)).logits
        assert logits.shape == (len(rows), 1)
        found.append(logits[:, 0].sigmoid())
    return torch.cat(found)


@pytest.mark.parametrize("reading", ["once", "twice"])
@pytest.mark.parametrize("family", REAL)
def test_company_padding_and_order_never_matter(shared, tmp_path, family, reading):
    tokenizer = AutoTokenizer.from_pretrained(
        shared / "tokenizers" / REAL[family], clean_up_tokenization_spaces=False
    )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    settings = with_markers(tokenizer, SelectorSettings(reading=reading, style="brief"))
    tiny(family, tokenizer, initializer_range=0.1).save_pretrained(tmp_path)
    model = random_head(from_backbone(str(tmp_path)))
    make_room(model, tokenizer)
    inputs = [[*each.ids] for each in map(Inputs(Tokens(tokenizer), settings).written, spans(64))]
    # A padding token inside a text is a token like others; the end token of GLM is its padding.
    pad = tokenizer.pad_token_id
    inputs = [[*row[:3], pad, *row[3:]] for row in inputs]
    alone = probabilities(model, inputs, batch=1, side="right", pad=pad)
    assert alone.std() > 1e-3  # of different candidates
    assert (alone != 0.5).all()
    for batch in (8, 64):
        for side in ("left", "right"):
            together = probabilities(model, inputs, batch=batch, side=side, pad=pad)
            assert torch.allclose(together, alone, atol=1e-5, rtol=0)
    turned = probabilities(model, inputs[::-1], batch=8, side="right", pad=pad).flip(0)
    assert torch.allclose(turned, alone, atol=1e-5, rtol=0)


def test_the_last_real_token_is_that_of_the_mask():
    mask = torch.tensor([[0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1], [1, 0, 1, 0]])
    assert last_real(mask).tolist() == [[0, 3], [1, 1], [2, 3], [3, 2]]


def test_the_loss_is_binary_cross_entropy_of_one_logit_each(tokenizer, tmp_path):
    tiny("glm", tokenizer).save_pretrained(tmp_path)
    model = random_head(from_backbone(str(tmp_path)))
    assert isinstance(model, GLMForEntityValidity)
    ids, gold = torch.randint(4, 100, (3, 6)), torch.tensor([1.0, 0.0, 1.0])
    output = model(input_ids=ids, labels=gold)
    wanted = functional.binary_cross_entropy(output.logits[:, 0].sigmoid(), gold)
    assert torch.allclose(output.loss, wanted)
    pooled = torch.tensor([[2, 3], [0, 5]])
    chosen = model(input_ids=ids, pooled=pooled).logits
    assert torch.allclose(chosen[1], output.logits[0])
    assert torch.allclose(chosen[0], model(input_ids=ids[2:, :4]).logits[0], atol=1e-6)


@pytest.mark.parametrize("family", ["qwen2", "glm"])
def test_saved_and_reloaded_by_the_auto_classes_it_judges_alike(tokenizer, tmp_path, family):
    tiny(family, tokenizer).save_pretrained(tmp_path / "causal")
    model = random_head(from_backbone(str(tmp_path / "causal"), head_dropout=0.25))
    model.save_pretrained(tmp_path / "selector")
    tokenizer.save_pretrained(tmp_path / "selector")
    replaced = replace(SelectorSettings(), markers=("[", "]"), threshold=0.25, temperature=2.0)
    replaced.save(tmp_path / "selector")
    ids = torch.randint(4, 100, (2, 6))
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path / "selector").eval()
    assert isinstance(again, EntityValidityForSequenceClassification)
    assert isinstance(again.config, EntityValidityConfig)
    assert again.config.head_dropout == 0.25
    assert AutoConfig.from_pretrained(tmp_path / "selector").text_config.model_type == family
    loaded, _, settings = load(tmp_path / "selector")
    assert settings == replaced
    for other in (again, loaded):
        assert torch.allclose(other(input_ids=ids).logits, model(input_ids=ids).logits, atol=1e-6)


def test_the_layer_stays_in_fp32_whatever_the_backbone_is(tokenizer, tmp_path):
    tiny("glm", tokenizer).save_pretrained(tmp_path)
    half = from_backbone(str(tmp_path), dtype=torch.bfloat16)
    assert half.model.layers[0].mlp.down_proj.weight.dtype == torch.bfloat16
    assert half.fc_cls.weight.dtype == torch.float32
    ids = torch.randint(4, 100, (2, 6))
    assert half(input_ids=ids).logits.dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert half(input_ids=ids).logits.dtype == torch.float32


def test_the_layer_is_never_quantised(tokenizer, tmp_path):
    tiny("glm", tokenizer, hidden_size=64).save_pretrained(tmp_path)
    quantization = BitsAndBytesConfig(load_in_4bit=True, llm_int8_skip_modules=["fc_cls"])
    model = from_backbone(str(tmp_path), quantization_config=quantization)
    assert type(model.model.layers[0].mlp.down_proj).__name__ == "Linear4bit"
    assert type(model.fc_cls) is torch.nn.Linear
    assert model.fc_cls.weight.dtype == torch.float32


def test_the_embedding_grows_for_markers_that_have_no_row(tokenizer, tmp_path):
    tiny("glm", tokenizer).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    own = AutoTokenizer.from_pretrained(tmp_path)
    model = from_backbone(str(tmp_path))
    rows = model.get_input_embeddings().weight.shape[0]
    settings = with_markers(own, SelectorSettings())
    assert settings.markers == ("<|s1|>", "<|s2|>")
    make_room(model, own)
    assert model.get_input_embeddings().weight.shape[0] == rows + 2 == len(own)
    ids = torch.tensor([own.convert_tokens_to_ids(list(settings.markers))])
    assert model(input_ids=ids).logits.isfinite().all()
