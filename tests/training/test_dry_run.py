"""The plan of a run: its counts are those of real models and trainers, and it reads no weights."""

import dataclasses
import re
from types import SimpleNamespace

import bitsandbytes
import pytest
import torch
from accelerate.data_loader import BatchSamplerShard
from datasets import Dataset
from peft import get_peft_model
from torch.utils.data import BatchSampler, SequentialSampler
from transformers import AutoConfig, AutoTokenizer, Trainer
from trl import ModelConfig, SFTConfig, get_peft_config

from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet
from llmner_hf.core.errors import SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.settings import TaggerSettings
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.parsing import parsed
from llmner_hf.training.plan.dry_run import plan
from llmner_hf.training.plan.memory import Estimate, Skeleton
from llmner_hf.training.plan.preview import shown
from llmner_hf.training.plan.schedule import Batch, Epoch, Schedule
from llmner_hf.training.recipe import TrainingSettings
from llmner_hf.training.tagger.mixing import MixingSampler
from llmner_hf.training.tagger.preparation import Preparation
from llmner_hf.training.tagger.trainer import Collator
from tests.conftest import ROOT
from tests.doubles.models import FAMILIES

SCHEMA = Schema("", "en", LabelSet((EntityType("protein"), EntityType("疾病"))))
EXAMPLES = (
    Example("a", "the IL-2 of T cells", (Entity(4, 8, "protein"),), "ours", "en"),
    Example("b", "患者有高血压", (Entity(3, 6, "疾病"),), "ours", "zh"),
    Example("c", "no names here", (), "ours", "en"),
)
LORA = {"use_peft": True, "lora_target_modules": ["all-linear"], "lora_r": 4}
NF4 = {"load_in_4bit": True, "use_bnb_nested_quant": True}


def save_start(family, tokenizer, folder, **changes):
    """A folder with a config and a tokenizer, and no weights."""
    shape = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 160,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    if family.startswith("glm"):
        shape["head_dim"] = 16
    FAMILIES[family][0](**shape | changes).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    assert not list(folder.glob("*.safetensors")) + list(folder.glob("*.bin"))
    return str(folder)


@pytest.fixture(scope="module", params=["glm", "llama", "qwen2"])
def start(request, tokenizer, tmp_path_factory):
    return save_start(request.param, tokenizer, tmp_path_factory.mktemp(request.param))


def model_settings(path, **given):
    return ModelConfig(**({"model_name_or_path": path, "dtype": "bfloat16"} | given))


def optimisation(folder="unused", **given):
    usual = {"output_dir": str(folder), "use_cpu": True, "per_device_train_batch_size": 2}
    return SFTConfig(**(usual | {"report_to": "none"} | given))


def prepared(tokens, examples=EXAMPLES, limit=512, style="brief", corpora=1):
    preparation = Preparation(tokens, SCHEMA, TaggerSettings(style=style), limit)
    rows = [
        dataclasses.asdict(row) | {"length": len(row.ids), "corpus": name, "language": "en"}
        for name in ("ours", "yours")[:corpora]
        for row in preparation.rows(examples)
    ]
    return Dataset.from_list(rows), {"ours": preparation.report}


def planned(path, tokens, model=None, run=None, **given):
    rows, reports = prepared(tokens)
    settings = TrainingSettings(**({"style": "brief"} | given))
    chosen = model_settings(path, **(model or LORA))
    return plan(settings, optimisation(**(run or {})), chosen, rows, reports, tokens)


def real(path, settings):
    """The model itself, as `make_trainer` has it: the frozen part as loaded, the rest fp32."""
    config = AutoConfig.from_pretrained(path)
    family = {kind: model for kind, model in FAMILIES.values()}[type(config)]
    model = family(config).to(torch.bfloat16)
    if settings.use_peft:
        model = get_peft_model(model, get_peft_config(settings))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return model


@pytest.mark.parametrize("how", [LORA, {"use_peft": False}], ids=["lora", "full"])
def test_parameters_and_bytes_are_those_of_the_real_model(start, tokens, how):
    model = real(start, model_settings(start, **how))
    found = planned(start, tokens, how)
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert found.trainable == trained
    for memory in (found.plain, found.checkpointed):
        assert memory.weights == sum(p.nbytes for p in model.parameters() if not p.requires_grad)
        assert memory.trained == sum(p.nbytes for p in model.parameters() if p.requires_grad)
        assert memory.gradients == memory.trained
        assert memory.optimiser == 2 * memory.trained
    assert all(p.is_meta for p in Skeleton.of(model_settings(start, **how)).model.parameters())


def test_tied_weights_count_once(tokenizer, tokens, tmp_path):
    path = save_start("glm", tokenizer, tmp_path, tie_word_embeddings=True)
    how = {"use_peft": False}
    model = real(path, model_settings(path, **how))
    assert planned(path, tokens, how).parameters == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize("nested", [True, False])
def test_bytes_of_four_bits_are_those_of_bitsandbytes(start, tokens, nested):
    how = LORA | {"load_in_4bit": True, "use_bnb_nested_quant": nested}
    model = real(start, model_settings(start, **how))
    head = model.get_output_embeddings()
    expected = 0
    linear = {id(m.weight) for m in model.modules() if isinstance(m, torch.nn.Linear)}
    for weight in model.parameters():
        if weight.requires_grad:
            continue
        if id(weight) not in linear or weight is head.weight:
            expected += weight.nbytes
            continue
        packed, state = bitsandbytes.functional.quantize_4bit(
            weight.data, compress_statistics=nested, quant_type="nf4"
        )
        expected += packed.nbytes + state.absmax.nbytes
        if nested:
            expected += state.state2.absmax.nbytes
    assert planned(start, tokens, how).plain.weights == expected


@pytest.mark.parametrize(
    ("rows", "given"),
    [
        (7, {}),
        (7, {"gradient_accumulation_steps": 3}),
        (7, {"dataloader_drop_last": True}),
        (11, {"gradient_accumulation_steps": 4, "num_train_epochs": 2.5}),
        (11, {"gradient_accumulation_steps": 4, "max_steps": 9}),
        (1, {"gradient_accumulation_steps": 8}),
    ],
)
def test_steps_are_those_of_the_trainer(rows, given, tmp_path):
    arguments = optimisation(tmp_path, **given)
    data = Dataset.from_list([{"input": [0.0]} for _ in range(rows)])
    trainer = Trainer(torch.nn.Linear(1, 1), arguments, train_dataset=data)
    values = trainer.set_initial_training_values(arguments, trainer.get_train_dataloader())
    schedule = Schedule.of(rows, arguments)
    assert schedule.steps_per_epoch == values[1]
    assert schedule.steps == values[6]
    assert schedule.batch * schedule.accumulation == values[4]


@pytest.mark.parametrize("drop", [False, True])
@pytest.mark.parametrize("rows", [10, 11, 12, 13])
def test_steps_of_several_processes_are_those_of_accelerate(rows, drop):
    sampler = BatchSampler(SequentialSampler(range(rows)), 2, drop)
    expected = {len(BatchSamplerShard(sampler, 3, rank)) for rank in range(3)}
    arguments = SimpleNamespace(
        train_batch_size=2,
        world_size=3,
        dataloader_drop_last=drop,
        gradient_accumulation_steps=1,
        max_steps=-1,
        num_train_epochs=1,
    )
    assert {Schedule.of(rows, arguments).steps} == expected


def saved_bytes(model, ids, mask):
    """Bytes that autograd keeps in one forward pass under autocast, the parameters left out."""
    own = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
        torch.autocast("cpu", dtype=torch.bfloat16),
    ):
        hidden = model.get_decoder()(input_ids=ids, attention_mask=mask, use_cache=False)
    assert hidden.last_hidden_state.requires_grad  # and the graph lives until here
    return sum(kept.values())


@pytest.mark.parametrize("how", [LORA | {"lora_dropout": 0.0}, {"use_peft": False}])
@pytest.mark.parametrize("family", ["glm", "llama", "qwen2"])
def test_kept_activations_are_what_autograd_keeps(family, tokenizer, tmp_path, how):
    """The layers alone: three layers less one. Dropout is left out: its masks differ on a CPU."""
    sizes = {}
    ids = torch.arange(4 * 96).reshape(4, 96) % len(tokenizer)
    mask = torch.ones_like(ids)
    mask[1:, 60:] = 0
    for layers in (1, 3):
        folder = tmp_path / str(layers)
        path = save_start(family, tokenizer, folder, num_hidden_layers=layers)
        given = model_settings(path, **how)
        parts = Skeleton.of(given), TrainingSettings(), optimisation(bf16=True), given
        memory = Estimate(*parts).memory(Batch(*ids.shape, 1, 1), checkpointing=False)
        sizes[layers] = memory.kept + memory.casts, saved_bytes(real(path, given), ids, mask)
    estimated, measured = (sizes[3][i] - sizes[1][i] for i in (0, 1))
    assert estimated == pytest.approx(measured, rel=0.05)


def test_memory_grows_with_the_batch_and_falls_with_checkpointing(start, tokens):
    small, large = (
        planned(start, tokens, LORA | NF4, {"bf16": True, "per_device_train_batch_size": size})
        for size in (1, 3)
    )
    assert small.plain.peak < large.plain.peak
    assert small.checkpointed.peak < large.checkpointed.peak
    for found in (small, large):
        assert found.checkpointed.kept < found.plain.kept
        assert found.checkpointed.peak < found.plain.peak
        assert found.checkpointed.weights == found.plain.weights


def test_only_the_loss_over_the_whole_vocabulary_writes_all_logits(start, tokens, tokenizer):
    run = {"per_device_train_batch_size": len(EXAMPLES)}  # one batch
    rows, _ = prepared(tokens)
    answers = sum(row["length"] - row["start"] for row in rows)

    def loss(share):
        return planned(start, tokens, LORA, run, allowed_share=share).plain.loss

    # Logits in fp32, their gradient, and that in bf16: ten bytes.
    assert loss(0.5) - loss(1.0) == 10 * answers * len(tokenizer)
    assert loss(0.0) < loss(0.5)


def test_what_is_over_long_is_counted_and_shown(start, tokens):
    long = Example("long", "A CD28 receptor binds. " * 3 + "X" * 300 + " IL-2.", (), "ours", "en")
    rows, reports = prepared(tokens, [long], 150)
    found = plan(
        TrainingSettings(), optimisation(), model_settings(start, **LORA), rows, reports, tokens
    )
    text = found.as_text(colour=False)
    assert "over-long 1 examples split at sentences, 1 texts left out" in text
    assert reports["ours"].as_text() in text
    assert f"{sum(rows['length'])} tokens" in text
    assert f"longest row {max(rows['length'])} tokens" in text


def test_the_text_names_units_and_says_that_nothing_was_measured(start, tokens):
    text = planned(start, tokens, LORA | NF4, {"num_train_epochs": 4}).as_text(colour=False)
    assert "an estimate by formula, not measured on a GPU here" in text
    assert "NF4 with double quantisation" in text
    assert "LoRA on all-linear, r 4" in text
    assert re.search(r"trained   \d+\.\d\d M of \d+\.\d\d M parameters \(\d+\.\d\d %\)", text)
    assert "2 rows a step (2 a batch x 1 accumulated x 1 processes), 2 steps an epoch, 8 in" in text
    assert re.search(r"^peak +\d+\.\d{3} GiB +\d+\.\d{3} GiB$", text, re.MULTILINE)


def marked(text):
    """What stands between « and »."""
    return "".join(re.findall("«(.*?)»", text, re.DOTALL))


def test_the_completion_alone_bears_loss(start, tokens):
    found = planned(start, tokens)
    assert len(found.examples) == 2
    first, second = (example.lines(colour=False) for example in found.examples)
    assert marked("\n".join(first)) == "protein: the [IL-2] of T cells<|end|>"
    assert marked("\n".join(second)) == "疾病: 患者有[高血压]<|end|>"
    assert found.examples[0].prompt.startswith("<|user|>protein, 疾病\n")
    assert found.examples[0].prompt.endswith("<|assistant|>")
    coloured = found.as_text(colour=True)
    assert "\x1b[1;32mprotein: the [IL-2] of T cells<|end|>\x1b[0m" in coloured
    assert "\x1b[90m<|user|>protein, 疾病\x1b[0m" in coloured
    assert "«" not in coloured


def test_with_the_restricted_loss_only_decisions_bear_it(tokens):
    rows, _ = prepared(tokens)
    row = rows[0]
    example = shown(row, tokens.tokenizer, 1.0)
    decisions = [len(choices) > 1 for choices in row["allowed"]]
    assert 0 < example.loss_tokens == sum(decisions) < example.completion_tokens
    whole = "".join(piece.text for piece in example.completion)
    assert whole == "protein: the [IL-2] of T cells<|end|>"
    assert "[" in "".join(piece.text for piece in example.completion if piece.bears_loss)
    assert shown(row, tokens.tokenizer, 0.5).loss_tokens == example.completion_tokens


def test_a_character_of_several_tokens_is_one_and_control_characters_are_escaped(tokens):
    ids = list(tokens.text_ids("x"))
    split = list(tokens.text_ids("\u9f98"))  # a character that the tokenizer never saw
    assert len(split) > 1
    bell = list(tokens.text_ids("\x1b[31m"))
    allowed = [[i] for i in split[:-1]] + [[split[-1], 0]] + [[i] for i in bell]
    row = {"ids": ids + split + bell, "start": 1, "allowed": allowed}
    lines = list(shown(row, tokens.tokenizer, 1.0).lines(colour=False))
    assert lines[-1] == "«\u9f98»\\x1b[31m"


@pytest.mark.parametrize("pack", [1, 2, None])
def test_batches_are_those_of_the_collator(start, tokens, pack):
    """Two corpora with one prompt; in packs of two and of a whole batch, and without packs."""
    rows, _ = prepared(tokens, style="prefix", corpora=2)
    settings = TrainingSettings(pack=pack)
    run = optimisation(per_device_train_batch_size=4)
    epoch = Epoch.of(rows, settings, run)
    group = pack or 4
    order = list(MixingSampler(rows["corpus"], rows["language"], group=group, seed=run.seed))
    ids = []
    for begin in (0, 4):
        batch = [rows[i] for i in order[begin : begin + 4]]
        for row in batch:  # the collator knows a corpus by its prefix, and these two have one
            row["ids"] = [0 if row["corpus"] == "ours" else 1, *row["ids"][1:]]
        ids.append(Collator(tokens.stop, pack=group)(batch)["input_ids"])
    assert epoch.computed_tokens == sum(batch.numel() for batch in ids)
    assert epoch.largest.packs * epoch.largest.width == max(batch.numel() for batch in ids)
    assert epoch.rows == 6
    assert (epoch.computed_tokens < epoch.tokens) is (group > 1)


def test_weighted_corpora_have_more_rows_and_steps(start, tokens):
    rows, reports = prepared(tokens, corpora=2)
    settings = TrainingSettings(style="brief", corpus_weights={"ours": 3})
    found = plan(settings, optimisation(), model_settings(start), rows, reports, tokens)
    assert found.epoch.rows == 12
    assert found.schedule.steps_per_epoch == 6


def test_what_cannot_be_planned_is_refused(start, tokens):
    rows, reports = prepared(tokens)
    given = TrainingSettings(), optimisation()
    with pytest.raises(SettingError, match="no rows to train on"):
        plan(*given, model_settings(start), rows.select([]), reports, tokens)
    with pytest.raises(SettingError, match="names no model"):
        plan(*given, ModelConfig(), rows, reports, tokens)
    wrong = model_settings(start, use_peft=True, lora_target_modules=["no_such_layer"])
    with pytest.raises(SettingError, match=r"the adapter: .*no_such_layer"):
        plan(*given, wrong, rows, reports, tokens)


def test_the_9b_model_of_the_paper(shared):
    """From config and tokenizer alone; the count is the sum over its matrices, written out."""
    path = shared / "tokenizers" / "glm-4-9b-chat-hf"
    config = AutoConfig.from_pretrained(path)
    wide, inner = config.hidden_size, config.intermediate_size
    queries = config.num_attention_heads * config.head_dim
    keys = config.num_key_value_heads * config.head_dim
    attention = wide * (queries + 2 * keys) + (queries + 2 * keys) + queries * wide
    linear = attention + 3 * wide * inner
    layers = config.num_hidden_layers * (linear + 2 * wide)
    total = layers + wide + 2 * config.vocab_size * wide
    tokens = Tokens(AutoTokenizer.from_pretrained(path))
    qlora = {"use_peft": True, "lora_target_modules": ["all-linear"], "lora_r": 64}
    found = planned(str(path), tokens, qlora | NF4, {"bf16": True})
    assert found.base_parameters == total
    assert round(total / 1e9, 1) == 9.4
    inputs_and_outputs = (
        2 * (wide + queries) + 2 * (wide + keys) + (wide + 2 * inner) + inner + wide
    )
    assert found.trainable == config.num_hidden_layers * 64 * inputs_and_outputs
    assert found.plain.weights < 7 * 2**30
    assert found.checkpointed.peak < 24 * 2**30


FOLDERS = {
    "glm4_9b": "glm-4-9b-chat-hf",
    "qwen2_5_7b": "qwen2.5-7b-instruct",
    "llama3_1_8b": "llama-3.1-8b-instruct",
    "deepseek_r1_distill_qwen_7b": "deepseek-r1-distill-qwen-7b",
}


@pytest.mark.parametrize("name", FOLDERS)
def test_the_plans_in_the_documents_are_those_of_the_recipes(name, shared):
    """All that needs no corpus: the model, its adapter, the bytes of its weights, the steps."""
    text = (ROOT / "docs" / "dry_run" / f"{name}.txt").read_text(encoding="utf-8")
    place = str(shared / "tokenizers" / FOLDERS[name])
    options = ["--use_cpu", "true", "--model_name_or_path", place]
    settings, run, model = parsed(TrainingSettings, f"paper/{name}.yaml", options)
    estimate = Estimate(Skeleton.of(model), settings, run, model)
    found = re.search(r"epoch  (\S+) rows.*largest batch (\S+) x (\S+)", text, re.DOTALL).groups()
    rows, packs, width = (int(number.replace(",", "")) for number in found)
    memory = estimate.memory(Batch(packs, width, 0, 0), checkpointing=True)
    for line in (
        f"{estimate.skeleton.architecture} of tokenizers/{FOLDERS[name]}, "
        f"{estimate.skeleton.base_parameters / 1e6:,.2f} M parameters",
        f"trained   {memory.trained / 4e6:,.2f} M of",
        f"{memory.weights / 2**30:.3f} GiB",
        f"{memory.kept / 2**30:.3f} GiB",
        f"{memory.layer / 2**30:.3f} GiB",
        Schedule.of(rows, run).as_text(),
    ):
        assert line in text, line
    assert "example" not in text.replace("examples", "")  # the corpora's sentences stay out


def test_the_example_on_the_training_page_is_as_it_would_be_printed(shared):
    tokens = Tokens(AutoTokenizer.from_pretrained(shared / "tokenizers" / FOLDERS["glm4_9b"]))
    settings, genia = TaggerSettings(style="paper"), Schema.of_corpus("genia")
    places = Entity(10, 19, "DNA"), Entity(10, 28, "DNA"), Entity(35, 45, "protein")
    text = "The human IL-2 gene promoter binds NF-kappa B."
    example = Example("made-up", text, places, "genia", "en")
    (row,) = Preparation(tokens, genia, settings, 1024).rows([example])
    lines = shown(dataclasses.asdict(row), tokens.tokenizer, 0.0).lines(colour=False)
    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    assert "\n".join(lines) in page
