"""Run folders that are finished, of another recipe or of other data; recipes that cannot train."""

import json
import logging
import math
from dataclasses import replace
from unittest.mock import patch

import pytest
import torch
from safetensors.torch import load_file

from llmner_hf.cli import main
from llmner_hf.core.errors import InputError, RunError, SettingError
from llmner_hf.corpora.rows import FEATURES
from llmner_hf.training.lending import load_named
from llmner_hf.training.parsing import found, parsed
from llmner_hf.training.recipe import SelectorTrainingSettings, TrainingSettings
from llmner_hf.training.tagger import run as tagger_run
from llmner_hf.training.tagger.run import train
from llmner_hf.training.tagger.trainer import TaggerTrainer
from tests.doubles.tuning import (
    EXAMPLES,
    model_settings,
    optimisation,
    save_base,
    scored_by,
    settings,
    tagged,
)

STEPS = 5  # of two an epoch: the last is in the middle of one


@pytest.fixture(scope="module")
def base(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    save_base(folder, tokenizer)
    return folder


def run(folder, base, examples=EXAMPLES, kind="full", own=None, max_steps=STEPS, **given):
    with scored_by(None):
        stated = optimisation(folder, max_steps, **{"save_steps": STEPS} | given)
        data = {"ours": tagged(examples)}
        return train(settings(**(own or {})), stated, model_settings(base, kind), data)


@pytest.fixture(scope="module")
def finished(base, tmp_path_factory):
    """The folder of a run that is finished, and what it left."""
    folder = tmp_path_factory.mktemp("runs") / "finished"
    run(folder, base)
    return folder


def left(folder):
    return {p.name: p.stat().st_mtime_ns for p in sorted(folder.rglob("*")) if p.is_file()}


def weights(folder):
    (file,) = folder.glob("model.safetensors")
    return load_file(file)


def test_a_finished_run_has_nothing_left_to_do(base, finished, caplog):
    before, record = left(finished), json.loads((finished / "run.json").read_text("utf-8"))
    with caplog.at_level(logging.WARNING), patch.object(tagger_run, "load_model", None):
        assert run(finished, base) == record
    assert "this run is finished; there is nothing to do" in caplog.text
    assert left(finished) == before


OTHERS = {
    r"learning_rate \(was 0.005, now 0.1\)": {"learning_rate": 0.1},
    r"seed \(was 42, now 7\)": {"seed": 7},
    r"max_tokens \(was 1024, now 512\)": {"own": {"max_tokens": 512}},
    r"use_peft \(was false, now true\)": {"kind": "lora"},
    "dataset ours": {"examples": EXAMPLES[1:]},
    "recipe": {"examples": tuple(replace(e, text=e.text + ".") for e in EXAMPLES)},
}


@pytest.mark.parametrize("message", OTHERS)
def test_another_recipe_or_other_data_are_refused(base, finished, message):
    before = left(finished)
    with (
        patch.object(tagger_run, "load_model", None),
        pytest.raises(SettingError, match="dataset ours" if message == "recipe" else message) as e,
    ):
        run(finished, base, **OTHERS[message])
    assert "name another output_dir, or remove the folder" in str(e.value)
    assert left(finished) == before


def test_so_is_another_base(base, finished, tokenizer, tmp_path):
    torch.manual_seed(9)
    with patch("tests.doubles.tuning.torch.manual_seed"):
        save_base(tmp_path / base.name, tokenizer)
    with pytest.raises(SettingError, match="model_name_or_path"):
        run(finished, tmp_path / base.name)


def test_what_changes_no_weight_may_differ(base, finished):
    assert run(finished, base, logging_steps=1, eval_steps=3, save_steps=2, save_total_limit=1)


def test_more_steps_may_follow_where_the_schedule_does_not_count_them(base, tmp_path):
    run(tmp_path / "once", base, max_steps=7)
    run(tmp_path / "twice", base)
    run(tmp_path / "twice", base, max_steps=7)
    one, other = weights(tmp_path / "once"), weights(tmp_path / "twice")
    assert all(torch.equal(one[name], other[name]) for name in one)
    with pytest.raises(SettingError, match=r"max_steps \(was 7, now 5\)"):
        run(tmp_path / "twice", base)
    run(tmp_path / "falling", base, lr_scheduler_type="linear")
    with pytest.raises(SettingError, match=r"max_steps \(was 5, now 7\)"):
        run(tmp_path / "falling", base, lr_scheduler_type="linear", max_steps=7)


def test_a_folder_of_which_nothing_is_known_is_refused(base, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(SettingError, match=r"holds weights, and no begun.json says what by"):
        run(tmp_path, base)


def test_a_run_stopped_behind_its_last_checkpoint_takes_no_step_more(base, finished, tmp_path):
    folder = tmp_path / "run"
    stopped = patch.object(tagger_run, "save", side_effect=KeyboardInterrupt)
    with stopped, pytest.raises(KeyboardInterrupt):
        run(folder, base)
    assert not (folder / "run.json").exists()
    run(folder, base)
    one, other = weights(folder), weights(finished)
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_stops_with_the_step(base, tmp_path, wrong):
    usual, steps = TaggerTrainer.compute_loss, []

    def loss(*args, **kwargs):
        steps.append(None)
        return usual(*args, **kwargs) * (wrong if len(steps) == 3 else 1.0)

    with (
        patch.object(TaggerTrainer, "compute_loss", loss),
        pytest.raises(RunError, match=f"step 3: the loss is {wrong}; lower learning_rate"),
    ):
        run(tmp_path, base, save_steps=2)
    assert (tmp_path / "checkpoint-2").is_dir()
    assert not (tmp_path / "run.json").exists()


def test_nothing_left_to_train_on_is_one_line_before_the_weights(base, tmp_path):
    with patch.object(tagger_run, "load_model", None):
        with pytest.raises(SettingError, match="no rows to train on: every example was left out"):
            run(tmp_path / "a", base, own={"max_tokens": 8})
        with pytest.raises(SettingError, match="no dataset 'nope' for en; name ours"):
            run(tmp_path / "b", base, own={"default_datasets": {"en": "nope"}})
        with pytest.raises(SettingError, match="'fr' is no language; write zh or en"):
            run(tmp_path / "c", base, own={"default_datasets": {"fr": "ours"}})


@pytest.fixture
def data(tmp_path):
    """Two tagged datasets in folders of one name, an empty one, and one of other columns."""
    for place in ("one/ours", "two/ours"):
        (tmp_path / place).mkdir(parents=True)
        tagged(EXAMPLES)["train"].to_parquet(tmp_path / place / "train.parquet")
    for place, rows in (
        ("empty", tagged(EXAMPLES)["train"].select([])),
        ("odd", tagged(EXAMPLES)["train"].remove_columns("types")),
    ):
        (tmp_path / place).mkdir()
        rows.to_parquet(tmp_path / place / "train.parquet")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "train.parquet").write_bytes(b"PAR1")
    return tmp_path


def test_datasets_of_one_name_are_refused(data):
    with pytest.raises(InputError, match=r"one/ours and .*two/ours are both named 'ours'; rename"):
        load_named([str(data / "one/ours"), str(data / "two/ours")])
    assert set(load_named([str(data / "one/ours")])["ours"]["train"].column_names) == {*FEATURES}


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("empty", "corresponds to no data"),
        ("odd", "no column types; make the dataset with llmner build"),
        ("broken", "no tagged dataset with rows: "),
        ("nowhere", "no tagged dataset with rows: "),
    ],
)
def test_what_is_no_tagged_dataset_is_one_line(data, place, message):
    with pytest.raises(InputError, match=message) as raised:
        load_named([str(data / place)])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("command", ["train", "train-selector", "gazetteer"])
def test_every_command_refuses_them(data, base, capsys, command):
    recipe = data / "recipe.yaml"
    recipe.write_text(f"model_name_or_path: {base}\nuse_cpu: true\nbf16: false\noutput_dir: {data}")
    first = str(base) if command == "gazetteer" else str(recipe)
    places = [str(data / "one/ours"), str(data / "two/ours")]
    assert main([command, first, "--datasets", *places]) == 2
    said = capsys.readouterr().err
    assert "both named 'ours'" in said
    assert said.count("\n") == 1


RECIPE = "datasets: [a]\noutput_dir: x\nuse_cpu: true\nbf16: false\n"
WRONG = {
    "max_length: 16": "max_length has no effect here: nothing is cut; the longest row is max_tok",
    "packing: true": "packing has no effect here",
    "completion_only_loss: false": "the loss is on completions alone",
    "assistant_only_loss: true": "assistant_only_loss has no effect",
    "max_tokens: [1]": r"max_tokens must be a whole number, not \[1\]",
    "max_tokens: 0": "max_tokens must be at least 1, not 0",
    "validation_size: 2.5": "validation_size",
    "validation_size: -1": "validation_size must be at least 0",
    "pack: 0": "pack must be at least 1",
    "word_dropout: .nan": "word_dropout must be a finite number",
    "bracket_biases: []": "bracket_biases: name at least one",
    "bracket_biases: [.inf]": "bracket_biases must be a list of finite numbers",
    "corpus_weights: {a: -1}": "corpus_weights must lie above 0",
    "max_steps: 0": "max_steps 0: no step",
    "num_train_epochs: 0": "no step would be taken",
    "learning_rate: .nan": "learning_rate must be a number from 0, not nan",
    "learning_rate: -1": "learning_rate must be a number from 0",
    "per_device_train_batch_size: 0": "per_device_train_batch_size must be",
    "seed: -1": "seed must be a number from 0",
    "- a": "not a mapping",
    "optim: nonsense": "nonsense",
    "datasets: {a: 1}": "datasets",
}


@pytest.mark.parametrize("line", WRONG)
def test_wrong_recipes_are_one_line(tmp_path, line):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(line if line.startswith("-") else RECIPE + line)
    with pytest.raises(SettingError, match=WRONG[line]) as raised:
        parsed(TrainingSettings, recipe)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "options", [["--max_length", "16"], ["--max-length=16"], ["--packing", "true"]]
)
def test_options_without_effect_are_refused_too(tmp_path, options):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE)
    with pytest.raises(SettingError, match="has no effect here"):
        parsed(TrainingSettings, recipe, options)


@pytest.mark.parametrize("line", ["candidates: 0", "head_dropout: 2", "positive_share: .nan"])
def test_a_selector_s_recipe_too(tmp_path, line):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE + line)
    with pytest.raises(SettingError, match=line.partition(":")[0]):
        parsed(SelectorTrainingSettings, recipe)


def test_a_recipe_of_the_package_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert found("recipes/embedded/tune.yaml") == found("embedded/tune.yaml")
