"""Training on a tiny real GLM: the loss, what is counted, resuming, adapters, reloading."""

import json
import re
from dataclasses import asdict

import pytest
import torch
from datasets import Dataset, DatasetDict
from safetensors.torch import load_file
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer, GlmConfig
from trl import ModelConfig, SFTConfig

from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet
from llmner_hf.core.errors import SettingError
from llmner_hf.data import FEATURES, to_row
from llmner_hf.decoding.drafts import Drafter
from llmner_hf.evaluation import decoder_of, gold_of, predict, validator
from llmner_hf.settings import Schema, TaggerSettings, TrainingSettings
from llmner_hf.training.preparation import Preparation, cut
from llmner_hf.training.run import train
from llmner_hf.training.trainer import IGNORED, NONE, Collator, mixed_losses

LABELS = LabelSet((EntityType("protein"), EntityType("DNA"), EntityType("疾病")))
MARKED = (
    ("en", "the p[IL-2] of d[p[CD28] gene]"),
    ("en", "p[NF-kappa B] binds"),
    ("zh", "患者有z[高血压]"),
    ("en", "no names here"),
    ("zh", "z[糖尿病]和z[高血压]"),
    ("en", "a d[promoter] and a p[receptor]"),
)


def example(number, language, marked):
    """An example from a text with ``p[...]``, ``d[...]`` and ``z[...]`` in it."""
    names = {"p": "protein", "d": "DNA", "z": "疾病"}
    text, opened, entities = "", [], []
    for part in re.split(r"([pdz]\[|\])", marked):
        if part == "]":
            start, label = opened.pop()
            entities.append(Entity(start, len(text), label))
        elif part.endswith("[") and part[0] in names:
            opened.append((len(text), names[part[0]]))
        else:
            text += part
    return Example(f"{language}-{number}", text, tuple(entities), "ours", language)


EXAMPLES = tuple(example(i, *row) for i, row in enumerate(MARKED))


@pytest.fixture(scope="module")
def start(tokenizer, tmp_path_factory):
    """A folder with a config and a tokenizer, no weights: training starts from scratch."""
    folder = tmp_path_factory.mktemp("start")
    GlmConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=3,
        num_key_value_heads=3,
        head_dim=16,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        architectures=["GlmForCausalLM"],
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def datasets():
    rows = [to_row(e, LABELS, title="ours", style="brief", strategy="symbolic") for e in EXAMPLES]
    split = Dataset.from_list(rows, features=FEATURES)
    return {"ours": DatasetDict(train=split, validation=split)}


def settings(**given):
    return TrainingSettings(**({"style": "brief", "datasets": ["ours"]} | given))


def optimisation(folder, steps, **given):
    return SFTConfig(
        **(
            {
                "output_dir": str(folder),
                "max_steps": steps,
                "per_device_train_batch_size": 3,
                "learning_rate": 5e-3,
                "lr_scheduler_type": "constant",
                "logging_steps": 5,
                "save_steps": 4,
                "eval_steps": 1000,
                "use_cpu": True,
                "bf16": False,
                "activation_checkpointing": False,
                "report_to": "none",
                "disable_tqdm": True,
            }
            | given
        )
    )


def weights(folder, name="model.safetensors"):
    return load_file(folder / name)


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_the_mixed_loss_is_the_mixture_of_two_cross_entropies():
    torch.manual_seed(0)
    hidden, head = torch.randn(4, 8), torch.randn(20, 8)
    gold = torch.tensor([3, 5, 7, 9])
    allowed = torch.tensor([[3, 4, NONE], [5, NONE, NONE], [7, 1, 2], [9, 8, NONE]])
    logits = hidden @ head.T
    full = functional.cross_entropy(logits, gold, reduction="none")
    restricted = torch.stack(
        [
            -logits[i, row[row != NONE]].log_softmax(0)[0]  # the gold token stands first
            for i, row in enumerate(allowed)
        ]
    )
    for share in (0.0, 0.3, 1.0):
        mixed = mixed_losses(hidden, head, gold, allowed, share)
        assert torch.allclose(mixed, share * restricted + (1 - share) * full, atol=1e-6)


def test_only_the_completion_bears_loss_and_the_gold_token_stands_first(tokens):
    tagger = TaggerSettings(style="brief")
    preparation = Preparation(tokens, Schema("", "en", LABELS), tagger, 512)
    rows = [asdict(row) for row in preparation.rows(EXAMPLES)]
    batch = Collator(tokens.stop, with_allowed=True)(rows)
    gold = batch["labels"][batch["labels"] != IGNORED]
    assert torch.equal(gold, batch["allowed"][:, 0])
    for row, labels, mask in zip(rows, batch["labels"], batch["attention_mask"], strict=True):
        assert (labels[: row["start"]] == IGNORED).all()
        assert labels[row["start"] : len(row["ids"])].tolist() == row["ids"][row["start"] :]
        assert mask.sum() == len(row["ids"])


def test_word_dropout_hides_a_word_in_prompt_and_completion_but_not_in_the_labels(tokens):
    tagger = TaggerSettings(style="brief")
    (row,) = Preparation(tokens, Schema("", "en", LABELS), tagger, 512).rows(EXAMPLES[:1])
    torch.manual_seed(0)
    batch = Collator(tokens.stop, word_dropout=0.5)([asdict(row)])
    ids, labels = batch["input_ids"][0], batch["labels"][0]
    changed = {old for old, new in zip(row.ids, ids.tolist(), strict=True) if old != new}
    assert 0 < len(changed) < len(row.text_ids)
    assert changed <= set(row.text_ids)
    assert not changed & set(ids.tolist())
    assert labels[row.start :].tolist() == row.ids[row.start :]


def test_long_texts_are_split_at_sentences_and_what_is_lost_is_counted(tokens):
    text = "A CD28 receptor binds. " * 3 + "X" * 300 + " IL-2."
    entities = [Entity(2 + 23 * i, 6 + 23 * i, "protein") for i in range(3)]
    entities.append(Entity(370, 374, "protein"))  # in the sentence that is too long
    long = Example("long", text, tuple(entities), "ours", "en")
    tagger = TaggerSettings(style="brief")
    preparation = Preparation(tokens, Schema("", "en", LABELS), tagger, 150)
    rows = list(preparation.rows([long]))
    report = preparation.report
    assert (report.examples, report.split, report.rows, report.too_long) == (1, 1, 3, 1)
    assert (report.entities, report.lost_entities) == (4, 1)
    assert all(len(row.ids) <= 150 for row in rows)
    assert "1 of 4 entities lost (25.00 %)" in report.as_text()
    assert cut(long, 23, 45).entities == (Entity(2, 6, "protein"),)


def test_an_entity_that_brackets_cannot_reach_is_counted(tokens):
    inside = Example("x", "receptor", (Entity(2, 5, "protein"),), "ours", "en")
    preparation = Preparation(tokens, Schema("", "en", LABELS), TaggerSettings(style="brief"), 512)
    assert len(list(preparation.rows([inside]))) == 1
    assert preparation.report.unwritable == 1
    assert preparation.report.unwritable_mentions == ["re|cep|tor"]


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_it_learns_and_a_reloaded_model_annotates_the_same(start, datasets, tmp_path, share):
    validate = validator(datasets, 10)
    record = train(
        settings(allowed_share=share, draft_mentions=2),
        optimisation(tmp_path, 120, save_strategy="no", eval_steps=60),
        ModelConfig(model_name_or_path=str(start)),
        datasets,
        validate,
    )
    losses = [entry["loss"] for entry in record["history"] if "loss" in entry]
    assert losses[-1] < 0.1 * losses[0]
    model = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tagger = TaggerSettings.load(tmp_path / "tagger.json")
    decoder = decoder_of(model, tokenizer, tagger)
    assert predict(decoder, EXAMPLES, tagger.schema("ours")) == gold_of(EXAMPLES)
    last = [entry for entry in record["history"] if "validation_f1" in entry][-1]
    assert last["validation_f1"] == 1.0
    stored = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert stored["preparation"]["ours"]["examples"] == len(EXAMPLES)
    assert len(stored["data"]["ours"]["train"]["sha256"]) == 64
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "best" / "tagger.json").exists()
    drafter = Drafter.load(tmp_path / "best" / "mentions.json")
    assert dict(drafter.dictionary.mentions) == {"高血压": "疾病", "cd28": "protein"}


def test_a_run_that_was_stopped_ends_with_the_same_weights(start, datasets, tmp_path):
    model = ModelConfig(model_name_or_path=str(start))
    given = settings(allowed_share=1.0, word_dropout=0.2)
    whole = tmp_path / "whole"
    train(given, optimisation(whole, 8), model, datasets)
    stopped = tmp_path / "stopped"

    class Stop(Exception):
        pass

    def stop(*_):
        raise Stop

    with pytest.raises(Stop):  # in the middle of an epoch, behind the checkpoint of step 4
        train(given, optimisation(stopped, 8, eval_steps=5), model, datasets, stop)
    assert not (stopped / "run.json").exists()
    train(given, optimisation(stopped, 8), model, datasets)
    assert same(weights(whole), weights(stopped))


def test_an_adapter_is_saved_alone_and_reloads(start, datasets, tmp_path):
    base = AutoModelForCausalLM.from_config(GlmConfig.from_pretrained(start))
    base.save_pretrained(tmp_path / "base")
    AutoTokenizer.from_pretrained(start).save_pretrained(tmp_path / "base")
    lora = ModelConfig(
        model_name_or_path=str(tmp_path / "base"),
        use_peft=True,
        lora_r=4,
        lora_target_modules=["q_proj", "v_proj", "down_proj"],
    )
    seen = {}

    def remember(model, tokenizer, tagger):
        decoder = decoder_of(model, tokenizer, tagger)
        seen["predicted"] = predict(decoder, EXAMPLES, tagger.schema("ours"))
        return {"f1": 0.0}

    out = tmp_path / "adapter"
    train(settings(allowed_share=0.5), optimisation(out, 8), lora, datasets, remember)
    assert (out / "adapter_model.safetensors").exists()
    assert not (out / "model.safetensors").exists()
    reloaded = AutoModelForCausalLM.from_pretrained(out).eval()
    tagger = TaggerSettings.load(out / "tagger.json")
    decoder = decoder_of(reloaded, AutoTokenizer.from_pretrained(out), tagger)
    assert predict(decoder, EXAMPLES, tagger.schema("ours")) == seen["predicted"]


def test_the_best_bias_and_the_depth_of_the_data_travel_with_the_model(start, datasets, tmp_path):
    """Scores are made up, so that the best bias is known; the second validation begins with it."""
    asked = []

    def validate(model, tokenizer, tagger):
        asked.append(tagger.bracket_bias)
        return {"f1": 1.0 - abs(tagger.bracket_bias - 1.0)}

    record = train(
        settings(every_type=True, allowed_share=1.0, bracket_biases=[0.0, 1.0, 2.0]),
        optimisation(tmp_path, 4, eval_steps=2, torch_compile=True, torch_compile_backend="eager"),
        ModelConfig(model_name_or_path=str(start)),
        datasets,
        validate,
    )
    assert asked == [0.0, 1.0, 2.0] * 2
    assert record["validation"]["validation_bracket_bias"] == 1.0
    for folder in (tmp_path, tmp_path / "best"):
        tagger = TaggerSettings.load(folder / "tagger.json")
        assert (tagger.bracket_bias, tagger.max_depth) == (1.0, 1)
        assert (tagger.every_type, tagger.confidence) == (True, "allowed")


@pytest.mark.parametrize("strategy", ["html", "json_list"])
def test_the_other_strategies_train_with_the_usual_loss(start, datasets, tmp_path, strategy):
    record = train(
        settings(strategy=strategy),
        optimisation(tmp_path, 10, save_strategy="no"),
        ModelConfig(model_name_or_path=str(start)),
        datasets,
    )
    losses = [entry["loss"] for entry in record["history"] if "loss" in entry]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"allowed_share": 1.5}, "allowed_share must lie between 0 and 1"),
        ({"word_dropout": -0.1}, "word_dropout must lie between 0 and 1"),
        ({"full_sample": 0.0}, "full_sample must lie above 0"),
        ({"allowed_share": 0.5, "strategy": "html"}, "needs the symbolic strategy"),
    ],
)
def test_settings_that_do_not_fit_are_refused(given, message):
    with pytest.raises(SettingError, match=message):
        settings(**given)


def test_a_recipe_without_a_model_is_refused(datasets, tmp_path):
    with pytest.raises(SettingError, match="names no model"):
        train(settings(), optimisation(tmp_path, 1), ModelConfig(), datasets)


def test_the_sampled_loss_has_the_same_expectation():
    torch.manual_seed(0)
    hidden, head = torch.randn(6, 8), torch.randn(20, 8)
    gold = torch.arange(6)
    allowed = torch.stack([gold, gold + 6], dim=1)
    whole = mixed_losses(hidden, head, gold, allowed, 0.5)
    drawn = torch.stack([mixed_losses(hidden, head, gold, allowed, 0.5, 0.25) for _ in range(4000)])
    assert torch.allclose(drawn.mean(0), whole, rtol=0.1)
