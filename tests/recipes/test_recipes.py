"""The recipes: they parse without a warning, say what the paper says, and every key can be set."""

import re
import shlex
import warnings
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from accelerate.commands.launch import launch_command_parser
from torch import nn
from trl import get_peft_config, get_quantization_config

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.errors import SettingError
from llmner_hf.training.parsing import parsed
from llmner_hf.training.recipe import TrainingSettings
from tests.conftest import ROOT
from tests.doubles.models import FAMILIES

FOLDER = ROOT / "recipes"
TAGGERS = "*.yaml", "paper/*.yaml", "embedded/*.yaml", "smollm2/joint.yaml", "smollm2/paper.yaml"
RECIPES = sorted(path for pattern in TAGGERS for path in FOLDER.glob(pattern))
LAUNCHES = sorted(FOLDER.glob("accelerate/*.yaml"))
# Recipe -> model and architecture (paper III-A, Fig. 4).
BACKBONES = {
    "glm4_9b": ("zai-org/glm-4-9b-chat-hf", "glm"),
    "qwen2_5_7b": ("Qwen/Qwen2.5-7B-Instruct", "qwen2"),
    "llama3_1_8b": ("meta-llama/Llama-3.1-8B-Instruct", "llama"),
    "deepseek_r1_distill_qwen_7b": ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "qwen2"),
}
SINGLE = "glm4_9b_genia"
# What the embedded model learns from beside the paper's corpora: built as files of one's own.
BESIDE = "cmeee_v1", "bc5cdr_disease"
# Key -> value and where it is printed; "script" is the authors', for what the paper leaves open.
PAPER = {
    "join_validation": (True, "paper Table I"),
    "strategy": ("symbolic", "paper II-A"),
    "style": ("paper", "paper II-A"),
    "max_tokens": (1024, "script"),
    "num_train_epochs": (15, "paper III-A"),
    "per_device_train_batch_size": (6, "paper III-A"),
    "gradient_accumulation_steps": (1, "paper III-A"),
    "learning_rate": (2e-4, "paper III-A"),
    "optim": ("adamw_torch_fused", "paper III-A: AdamW"),
    "use_peft": (True, "paper III-A: QLoRA"),
    "load_in_4bit": (True, "paper III-A: QLoRA"),
    "bnb_4bit_quant_type": ("nf4", "script"),
    "use_bnb_nested_quant": (True, "script"),
    "dtype": ("bfloat16", "script"),
    "bf16": (True, "script"),
    "lora_r": (64, "script"),
    "lora_alpha": (16, "script"),
    "lora_dropout": (0.05, "paper III-A"),
}
JOINT = {
    "datasets": (
        ["data/cmeee_v2", "data/genia", "data/biored", "data/bc5cdr_chemical"],
        "paper II-B",
    ),
    "mixing": ("alternate", "paper II-B"),
}


def parse(recipe, *options):
    """Settings, optimisation and model of a recipe; bf16 without a GPU needs ``use_cpu``."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return parsed(TrainingSettings, recipe, ["--use_cpu", "true", *options])


def values(parts):
    """All values of a recipe in one dictionary."""
    settings, optimisation, model = parts
    return asdict(settings) | optimisation.to_dict() | asdict(model)


def path_of(name):
    return FOLDER / "paper" / f"{name}.yaml"


def written(recipe, key):
    """What stands beside a key: its own line's comment, and the comment lines right above."""
    lines = recipe.read_text(encoding="utf-8").splitlines()
    (place,) = [i for i, line in enumerate(lines) if line.startswith(f"{key}:")]
    above = place
    while lines[above - 1].startswith("#"):
        above -= 1
    return " ".join([*lines[above:place], lines[place].partition("#")[2]])


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipes_parse_without_a_warning(recipe):
    settings, optimisation, model = parse(recipe)
    assert model.model_name_or_path
    names = {Path(place).name for place in settings.datasets}
    assert {*settings.silver} <= {f"silver_{name}" for name in CORPORA} & names
    assert names - {*settings.silver} <= {*CORPORA, *BESIDE}
    for language, name in settings.default_datasets.items():
        assert CORPORA[name].language == language
        assert name in {Path(place).name for place in settings.datasets}
    stated = yaml.safe_load(recipe.read_text(encoding="utf-8"))
    assert stated["output_dir"].startswith("runs/")
    assert stated.keys() <= values((settings, optimisation, model)).keys()
    assert stated.get("eval_steps") or stated["eval_strategy"] == "no"  # then it is at the end


def test_a_misspelt_key_is_refused(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(path_of("glm4_9b").read_text(encoding="utf-8") + "lora_rank: 64\n", "utf-8")
    with pytest.raises(SettingError, match="lora_rank"):
        parse(recipe)


def test_there_is_a_recipe_for_each_backbone():
    assert {path.stem for path in FOLDER.glob("paper/*.yaml")} == {*BACKBONES, SINGLE}


@pytest.mark.parametrize("name", [*BACKBONES, SINGLE])
def test_values_are_the_papers_and_say_so(name):
    found, table = values(parse(path_of(name))), PAPER | (JOINT if name != SINGLE else {})
    for key, (value, source) in table.items():
        assert found[key] == value, key
        assert source in written(path_of(name), key), key


@pytest.mark.parametrize("name", BACKBONES)
def test_only_the_model_differs_between_the_backbones(name):
    stated = [yaml.safe_load(path_of(n).read_text(encoding="utf-8")) for n in (name, "glm4_9b")]
    for one in stated:
        for key in ("model_name_or_path", "output_dir", "lora_target_modules"):
            del one[key]
    assert stated[0] == stated[1]
    assert parse(path_of(name))[2].model_name_or_path == BACKBONES[name][0]


@pytest.mark.parametrize("name", [*BACKBONES, SINGLE])
def test_the_adapter_sits_on_every_linear_layer_but_the_head(name):
    model = parse(path_of(name))[2]
    config, architecture = FAMILIES[BACKBONES.get(name, BACKBONES["glm4_9b"])[1]]
    with torch.device("meta"):
        modules = architecture(config(num_hidden_layers=1)).named_modules()
    linear = {path.rpartition(".")[2] for path, layer in modules if isinstance(layer, nn.Linear)}
    assert "lm_head" in linear
    lora = get_peft_config(model)
    assert set(lora.target_modules) == linear - {"lm_head"}
    assert (lora.r, lora.lora_alpha, lora.lora_dropout, lora.bias) == (64, 16, 0.05, "none")
    assert lora.modules_to_save is None
    quantised = get_quantization_config(model)
    assert quantised.quantization_method() == "nf4"
    assert quantised.bnb_4bit_use_double_quant
    assert quantised.bnb_4bit_compute_dtype == torch.bfloat16


@pytest.mark.parametrize("name", [*BACKBONES, SINGLE])
def test_every_key_can_be_set_on_the_command_line(name):
    before = values(parse(path_of(name)))
    changes = {
        "num_train_epochs": "1",
        "strategy": "html",
        "datasets": "data/cmeee_v2",
        "default_datasets": "{zh: cmeee_v2}",
        "load_in_4bit": "false",
        "learning_rate": "1e-5",
        "lora_r": "8",
    }
    options = [part for key, value in changes.items() for part in (f"--{key}", value)]
    after = values(parse(path_of(name), *options))
    changed = {key for key in after if after[key] != before[key]}
    assert changed == changes.keys()
    assert (after["num_train_epochs"], after["learning_rate"], after["lora_r"]) == (1, 1e-5, 8)
    assert (after["strategy"], after["load_in_4bit"]) == ("html", False)
    assert after["datasets"] == ["data/cmeee_v2"]
    assert after["default_datasets"] == {"zh": "cmeee_v2"}


@pytest.mark.parametrize("name", [*BACKBONES, SINGLE])
def test_the_commands_in_the_comments_are_about_the_file_itself(name):
    text = path_of(name).read_text(encoding="utf-8")
    assert re.findall(r"llmner train (\S+)", text) == [f"recipes/paper/{name}.yaml"]
    line = next((row for row in text.splitlines() if "--datasets" in row), None)
    assert (line is not None) == (name == SINGLE)
    if line:
        assert parse(path_of(name), *shlex.split(line.lstrip("# ")))[0].datasets == [
            "data/cmeee_v2"
        ]


@pytest.mark.parametrize("path", LAUNCHES, ids=lambda path: path.stem)
def test_launch_configurations_hold_only_what_accelerate_knows(path):
    """A misspelt key in the inner part is ignored silently, so each must be one of its options."""
    config = load_config_from_file(str(path))
    assert config.mixed_precision == "bf16"
    options = vars(launch_command_parser().parse_args(["script"]))
    inner = config.fsdp_config or config.deepspeed_config
    assert inner
    assert inner.keys() <= options.keys()


def test_smollm2_says_where_it_leaves_the_paper():
    path = FOLDER / "smollm2" / "paper.yaml"
    stated, papers = (
        yaml.safe_load(each.read_text(encoding="utf-8")) for each in (path, path_of("llama3_1_8b"))
    )
    differing = {key for key in stated if stated[key] != papers.get(key)} - {"output_dir"}
    assert {"model_name_or_path", "datasets", "style", "load_in_4bit", "bf16"} <= differing
    for key in differing:
        assert re.search("ours|without", written(path, key)), key
    assert papers.keys() <= stated.keys()
    adapter = parse(path, "--model_name_or_path", "Qwen/Qwen2.5-0.5B-Instruct")[2]
    with torch.device("meta"):
        for family in (
            "llama",
            "qwen2",
        ):  # one key names another model: the layers are called alike
            config, architecture = FAMILIES[family]
            modules = architecture(config(num_hidden_layers=1)).named_modules()
            linear = {name.rpartition(".")[2] for name, m in modules if isinstance(m, nn.Linear)}
            assert set(adapter.lora_target_modules) == linear - {"lm_head"}
