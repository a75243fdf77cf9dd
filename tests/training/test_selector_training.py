"""A selector's run on a tiny real GLM: it learns, resumes exactly, reloads, says what it drew."""

import json
import re
from dataclasses import asdict, replace

import pytest
import torch
from datasets import Dataset, DatasetDict
from safetensors.torch import load_file
from transformers import TrainingArguments
from trl import ModelConfig

from llmner_hf.cli import main
from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet
from llmner_hf.core.errors import InputError, SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.corpora.rows import FEATURES, schema_of, to_row
from llmner_hf.readers.json_lines import write
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.inputs import Inputs
from llmner_hf.selector.storage import load
from llmner_hf.settings import SelectorSettings
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.parsing import parsed
from llmner_hf.training.recipe import SelectorTrainingSettings
from llmner_hf.training.selector.preparation import predictions_of, prepare
from llmner_hf.training.selector.run import train
from tests.conftest import ROOT
from tests.doubles.models import tiny

LABELS = LabelSet((EntityType("protein"), EntityType("DNA"), EntityType("疾病")))
MARKED = (
    ("en", "the p[CD28] receptor of T cells binds"),
    ("en", "p[IL-2] binds in monocytes"),
    ("zh", "患者有z[高血压]"),
    ("zh", "z[糖尿病]和z[高血压]消失"),
    ("en", "a d[promoter] and a p[receptor]"),
    ("en", "no names here"),
)
NAMES = {"p": "protein", "d": "DNA", "z": "疾病"}
RECIPES = [
    *sorted((ROOT / "recipes" / "selector").glob("*.yaml")),
    ROOT / "recipes" / "smollm2" / "selector.yaml",
]


def example(number, language, marked):
    """An example from a text with flat ``p[...]``, ``d[...]`` and ``z[...]`` in it."""
    text, entities = "", []
    for part in re.split(r"([pdz]\[[^]]*\])", marked):
        if re.fullmatch(r"[pdz]\[.*\]", part):
            entities.append(Entity(len(text), len(text) + len(part) - 3, NAMES[part[0]]))
            part = part[2:-1]
        text += part
    return Example(f"{language}-{number}", text, tuple(entities), "ours", language)


EXAMPLES = tuple(example(i, *row) for i, row in enumerate(MARKED))


@pytest.fixture(scope="module")
def start(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    # A block of a 4-bit quantisation is 64 wide.
    sizes = {"hidden_size": 64, "intermediate_size": 64, "head_dim": 32}
    tiny("glm", tokenizer, initializer_range=0.1, **sizes).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def datasets():
    rows = [
        to_row(e, Schema("ours", "en", LABELS), style="brief", strategy="symbolic")
        for e in EXAMPLES
    ]
    split = Dataset.from_list(rows, features=FEATURES)
    return {"ours": DatasetDict(train=split, validation=split)}


def settings(**given):
    own = {"reading": "twice", "style": "brief", "markers": ["[", "]"], "head_dropout": 0.1}
    return SelectorTrainingSettings(**(own | given))


def arguments(folder, steps, **given):
    own = {
        "output_dir": str(folder),
        "max_steps": steps,
        "per_device_train_batch_size": 8,
        "learning_rate": 5e-3,
        "lr_scheduler_type": "constant",
        "logging_steps": 5,
        "save_steps": 4,
        "use_cpu": True,
        "report_to": "none",
        "disable_tqdm": True,
    }
    return TrainingArguments(**(own | given))


def model(start, **given):
    return ModelConfig(model_name_or_path=str(start), dtype="float32", **given)


def lora(start, **given):
    return model(
        start,
        use_peft=True,
        lora_r=8,
        lora_target_modules=["q_proj", "v_proj", "down_proj"],
        **given,
    )


def logits(folder):
    judge, tokenizer, chosen = load(folder)
    inputs = Inputs(Tokens(tokenizer), chosen)
    schema = schema_of_examples()
    found = []
    for entity in (Entity(4, 8, "protein"), Entity(4, 17, "protein"), Entity(4, 8, "DNA")):
        ids = inputs.written(Candidate(EXAMPLES[0].text, entity, schema)).ids
        with torch.no_grad():
            found.append(judge(input_ids=torch.tensor([ids])).logits)
    return torch.cat(found)


def schema_of_examples():
    from llmner_hf.core.schema import Schema

    return Schema("ours", "en", LABELS)


def test_an_adapter_learns_and_reloads(start, datasets, tmp_path):
    chosen = settings(candidates=16, validation_candidates=16)
    record = train(chosen, arguments(tmp_path, 50), lora(start), datasets)
    held_out = record["validation"]["ours"]
    assert held_out["held_out_auc"] > 0.9  # the same texts: it can learn them
    assert held_out["held_out_average_precision"] > 0.8
    assert 0 <= held_out["held_out_calibration_error"] <= 1
    assert not list(tmp_path.glob("*.bin"))
    assert SelectorSettings.load(tmp_path / "selector.json") == settings().selector()
    stored = load_file(tmp_path / "adapter_model.safetensors")
    tokens = [t for name, t in stored.items() if "token" in name]
    assert [t.shape[0] for t in tokens] == [2]  # the markers alone
    assert any("fc_cls" in name and t.dtype == torch.float32 for name, t in stored.items())
    assert logits(tmp_path)[0] > 0
    stored = json.loads((tmp_path / "run.json").read_text())
    assert len(stored["data"]["ours"]["train"]["sha256"]) == 64
    assert (stored["processes"], stored["lenders"]) == (1, [])
    assert stored["hardware"].endswith(" cores")
    assert stored["versions"]["bitsandbytes"]
    assert (tmp_path / "loss.csv").read_text().startswith("curve,step,value\nloss,5,")
    report = stored["candidates"]["ours"]["train"]
    assert report["found"]["gold"] == 7
    assert set(report["found"]) == {"gold", "start shifted", "end shifted", "type changed"}
    assert report["drawn"]["gold"] == 7
    assert sum(report["drawn"].values()) == 7 + 8


def test_a_dataset_without_validation_candidates_is_left_out_of_the_scores(
    start, datasets, tmp_path
):
    """Such as one whose few validation texts hold no entities."""
    ours = datasets["ours"]
    bare = ours["validation"].map(lambda _: {"entities": []}, features=FEATURES)
    both = {"ours": ours, "bare": DatasetDict(train=ours["train"], validation=bare)}
    chosen = settings(candidates=16, validation_candidates=16)
    record = train(chosen, arguments(tmp_path, 2, save_strategy="no"), lora(start), both)
    assert set(record["validation"]) == {"ours"}
    assert record["candidates"]["bare"]["validation"]["drawn"] == {}
    assert (tmp_path / "run.json").exists()


def test_what_is_known_is_counted_and_the_selector_goes_on_asking(start, datasets, tmp_path):
    chosen = settings(evidence=True, candidates=16, validation_candidates=16)
    record = train(chosen, arguments(tmp_path, 2, save_strategy="no"), lora(start), datasets)
    reports = record["candidates"]["ours"]
    for report in reports.values():
        assert sum(report["evidence"].values()) == sum(report["drawn"].values())
    # The same texts: those of validation are known by themselves, those of training are not.
    assert 0 < reports["train"]["evidence"]["sure"] < reports["validation"]["evidence"]["sure"]
    assert SelectorSettings.load(tmp_path / "selector.json").evidence
    assert logits(tmp_path).isfinite().all()


@pytest.mark.parametrize("way", ["lora", "whole", "qlora"])
def test_a_run_that_was_stopped_ends_as_if_it_had_not_been(start, datasets, tmp_path, way):
    chosen = {"lora": lora, "whole": model, "qlora": lora}[way]
    extra = {"load_in_4bit": True} if way == "qlora" else {}
    name = "model.safetensors" if way == "whole" else "adapter_model.safetensors"
    train(settings(), arguments(tmp_path / "once", 8), chosen(start, **extra), datasets)
    for steps in (4, 8):
        train(settings(), arguments(tmp_path / "twice", steps), chosen(start, **extra), datasets)
    once, twice = (load_file(tmp_path / run / name) for run in ("once", "twice"))
    assert once.keys() == twice.keys()
    assert all(torch.equal(once[key], twice[key]) for key in once)


def test_no_file_of_a_run_holds_a_token(start, datasets, tmp_path, monkeypatch):
    """The Hub's token comes from the environment or, unwisely, from the recipe."""
    monkeypatch.setenv("HF_TOKEN", "hf_fromtheenvironment")
    stated = arguments(tmp_path, 2, save_steps=1, hub_token="hf_fromtherecipe", data_seed=7)
    train(settings(), stated, lora(start), datasets)
    stored = json.loads((tmp_path / "run.json").read_text())
    assert "hub_token" not in stored["optimisation"]
    assert stored["optimisation"]["data_seed"] == 7
    assert "include_num_input_tokens_seen" in stored["optimisation"]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if b"hf_from" in path.read_bytes()]


def test_new_markers_grow_the_embedding_and_come_back(start, datasets, tmp_path):
    new = settings(markers=["<|s1|>", "<|s2|>"], reading="once")
    train(new, arguments(tmp_path, 2, save_strategy="no"), lora(start), datasets)
    judge, tokenizer, chosen = load(tmp_path)
    assert chosen.markers == ("<|s1|>", "<|s2|>")
    assert judge.get_input_embeddings().weight.shape[0] == len(tokenizer)
    assert logits(tmp_path).isfinite().all()


def test_mined_candidates_become_negatives_of_their_kind(datasets, tokens, tmp_path):
    first = EXAMPLES[0]
    predicted = [(0, 8, "protein"), (4, 8, "protein"), (9, 17, "DNA"), (0, 3, "unheard of")]
    entities = [{"start": a, "end": b, "type": t, "score": 0.5} for a, b, t in predicted]
    write(tmp_path / "mined.jsonl", [{"id": first.id, "text": first.text, "entities": entities}])
    found = predictions_of({"ours": f"{tmp_path}/mined.jsonl"})
    split, chosen = datasets["ours"]["train"], settings()
    inputs = Inputs(tokens, chosen.selector())
    rows, report = prepare(split, chosen, inputs, number=20, seed=0, predicted=found["ours"])
    # The gold one is no negative, the unknown type none of this dataset's.
    assert report.found["mined from a tagger"] == report.drawn["mined from a tagger"] == 2
    assert len(rows) == sum(report.drawn.values()) == 7 + 10
    assert rows["labels"][:].count(1.0) == 7
    assert "2 of 2 mined from a tagger" in report.as_text()
    alone = replace(chosen, found_alone=True, mined={"ours": "any"})
    rows, report = prepare(split, alone, inputs, number=20, seed=0, predicted=found["ours"])
    assert report.found == {"gold": 1, "mined from a tagger": 2}
    assert sorted(rows["labels"][:]) == [0.0, 0.0, 1.0]
    with pytest.raises(SettingError, match="found_alone needs mined"):
        settings(found_alone=True)


def test_what_does_not_fit_is_refused(datasets, tokens, tmp_path, start):
    with pytest.raises(SettingError, match=r"mined must be a mapping, as {genia: FILE}, not"):
        settings(mined=["genia=found.jsonl"])
    chosen = settings()
    inputs, split = Inputs(tokens, chosen.selector()), datasets["ours"]["train"]
    with pytest.raises(InputError, match="en-0: a mined candidate ends behind the text"):
        prepare(
            split,
            chosen,
            inputs,
            number=9,
            seed=0,
            predicted={"en-0": [Entity(0, 99, "DNA")]},
        )
    write(tmp_path / "empty.jsonl", [])
    with pytest.raises(SettingError, match="no dataset genia among ours"):
        train(
            settings(mined={"genia": f"{tmp_path}/empty.jsonl"}),
            arguments(tmp_path / "run", 1),
            model(start),
            datasets,
        )
    with pytest.raises(SettingError, match="names no model"):
        train(settings(), arguments(tmp_path / "run", 1), ModelConfig(), datasets)
    with pytest.raises(SettingError, match=r"no selector\.json"):
        load(start)


def test_too_long_inputs_are_left_out_and_counted(datasets, tokens):
    chosen = settings(max_tokens=20)
    inputs = Inputs(tokens, chosen.selector())
    rows, report = prepare(datasets["ours"]["train"], chosen, inputs, number=500, seed=0)
    assert report.too_long > 0
    assert report.longest <= 20
    assert len(rows) + report.too_long == sum(report.found.values())
    assert schema_of(datasets["ours"]["train"]).labels == LABELS


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipes_parse_and_say_what_the_paper_says(recipe):
    options = ["--use_cpu", "true"]
    chosen, optimisation, backbone = parsed(SelectorTrainingSettings, recipe, options)
    assert chosen.candidates == 10_000
    chinese = [] if recipe.parent.name == "smollm2" else ["cmeee_v2"]
    names = [place.rpartition("/")[2] for place in chosen.datasets]
    assert names == [*chinese, "genia", "biored", "bc5cdr_chemical"]
    assert backbone.use_peft
    if recipe.stem != "embedded":
        assert (optimisation.max_steps, optimisation.learning_rate) == (3000, 2e-4)
        assert (backbone.lora_r, optimisation.per_device_train_batch_size) == (8, 2)
        assert optimisation.gradient_accumulation_steps == 2
        assert asdict(chosen)["reading"] == "once"


def test_the_command_names_what_is_wrong(tmp_path, capsys):
    assert main(["train-selector", str(tmp_path / "none.yaml")]) == 2
    assert "no such recipe" in capsys.readouterr().err
    (tmp_path / "empty.yaml").write_text("max_steps: 1\nuse_cpu: true\n")
    assert main(["train-selector", str(tmp_path / "empty.yaml")]) == 2
    assert "names no datasets" in capsys.readouterr().err
