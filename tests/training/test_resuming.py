"""Runs that are killed, and checkpoints that are damaged: the end is that of a run left alone."""

import json
import logging
import os
import signal

import pytest
import torch
from safetensors.torch import load_file

from llmner_hf.training.checkpoints import clear, fault, newest, put, seal
from llmner_hf.training.tagger.run import train
from llmner_hf.training.tagger.trainer import TaggerTrainer
from tests.doubles.tuning import (
    EXAMPLES,
    exit_codes,
    model_settings,
    optimisation,
    save_base,
    scored_by,
    settings,
    tagged,
)

STEPS = 8  # of two an epoch: a checkpoint at step 3 is in the middle of one
KILLED = [-signal.SIGKILL]


@pytest.fixture(scope="module")
def base(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    save_base(folder, tokenizer)
    return folder


def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def run(folder, base, kind, killed_at=None, **given):
    """A run with everything random that there is; at a step it may be killed by SIGKILL."""
    stated = optimisation(folder, STEPS, **{"save_steps": 3, "eval_steps": killed_at or 99} | given)
    with scored_by(kill if killed_at else None):
        train(
            settings(allowed_share=0.5, word_dropout=0.2, pack=3),
            stated,
            model_settings(base, kind),
            {"ours": tagged(EXAMPLES)},
        )


def run_by_length(folder, base, killed_at=None, weights=None):
    """Rows of like length together, as the embedded model is trained."""
    stated = optimisation(
        folder,
        STEPS,
        save_steps=3,
        eval_steps=killed_at or 99,
        train_sampling_strategy="group_by_length",
    )
    with scored_by(kill if killed_at else None):
        train(
            settings(
                allowed_share=1.0, word_dropout=0.2, mixing="shuffle", corpus_weights=weights or {}
            ),
            stated,
            model_settings(base, "full"),
            {"ours": tagged(EXAMPLES)},
        )


def run_killed_while_it_writes(folder, base):
    """Killed when weights and optimiser of the second checkpoint are written, and no more."""
    usual = TaggerTrainer._save_rng_state

    def save(trainer, output_dir):
        if trainer.state.global_step == 6:
            kill()
        usual(trainer, output_dir)

    TaggerTrainer._save_rng_state = save
    run(folder, base, "lora")


def weights(folder):
    (file,) = folder.glob("*model.safetensors")
    return load_file(file)


def same(first, second):
    one, other = weights(first), weights(second)
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.fixture(scope="module")
def whole(base, tmp_path_factory):
    """Kind -> the folder of a run that nothing happened to."""
    folders = {kind: tmp_path_factory.mktemp(kind) for kind in ("full", "lora", "qlora")}
    for kind, folder in folders.items():
        assert exit_codes(run, (folder, base, kind)) == [0]
    return folders


@pytest.mark.parametrize("kind", ["full", "lora", "qlora"])
def test_a_run_killed_in_the_middle_of_an_epoch_ends_with_the_same_weights(
    base, whole, tmp_path, kind
):
    assert exit_codes(run, (tmp_path, base, kind, 5)) == KILLED
    assert newest(tmp_path) == str(tmp_path / "checkpoint-3")
    assert not (tmp_path / "run.json").exists()
    before = weights(tmp_path / "checkpoint-3")
    assert {tensor.dtype for tensor in before.values()} == {torch.float32}
    assert exit_codes(run, (tmp_path, base, kind)) == [0]
    assert same(whole[kind], tmp_path)
    assert any(not torch.equal(before[name], now) for name, now in weights(tmp_path).items())


@pytest.mark.parametrize("weights", [None, {"ours": 1.5}], ids=["transformers", "weighed"])
def test_so_it_does_where_rows_are_ordered_by_length(base, tmp_path, weights):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert exit_codes(run_by_length, (whole, base, None, weights)) == [0]
    assert exit_codes(run_by_length, (killed, base, 5, weights)) == KILLED
    assert exit_codes(run_by_length, (killed, base, None, weights)) == [0]
    assert same(tmp_path / "whole", tmp_path / "killed")


def test_a_checkpoint_cut_off_in_the_middle_is_never_loaded(base, whole, tmp_path):
    assert exit_codes(run_killed_while_it_writes, (tmp_path, base)) == KILLED
    half = tmp_path / "unfinished" / "checkpoint-6"
    assert (half / "optimizer.pt").is_file()
    assert not (half / "trainer_state.json").exists()
    assert newest(tmp_path) == str(tmp_path / "checkpoint-3")
    assert exit_codes(run, (tmp_path, base, "lora")) == [0]
    assert same(whole["lora"], tmp_path)
    assert not (tmp_path / "unfinished").exists()


def test_a_damaged_checkpoint_is_set_aside_for_the_one_before(base, whole, tmp_path, caplog):
    run(tmp_path, base, "lora")
    assert fault(tmp_path / "checkpoint-8") is None
    os.truncate(tmp_path / "checkpoint-8" / "optimizer.pt", 100)
    assert "optimizer.pt has 100 bytes and should have" in fault(tmp_path / "checkpoint-8")
    with caplog.at_level(logging.WARNING):
        run(tmp_path, base, "lora")
    assert "checkpoint-8 is damaged (optimizer.pt has 100 bytes" in caplog.text
    assert "checkpoint-6 is tried instead" in caplog.text
    assert (tmp_path / "damaged-checkpoint-8").is_dir()
    assert fault(tmp_path / "checkpoint-8") is None  # written again
    assert same(whole["lora"], tmp_path)


def test_the_oldest_checkpoints_go(base, tmp_path):
    run(tmp_path, base, "lora", save_steps=2, save_total_limit=2)
    kept = sorted(path.name for path in tmp_path.glob("*checkpoint*"))
    assert kept == ["checkpoint-6", "checkpoint-8"]
    assert all(fault(tmp_path / name) is None for name in kept)
    state = json.loads((tmp_path / "checkpoint-8" / "trainer_state.json").read_text("utf-8"))
    assert state["global_step"] == 8


def checkpoint(run, step, text="weights"):
    """A folder as a checkpoint is one, sealed."""
    folder = run / f"checkpoint-{step}"
    (folder / "inner").mkdir(parents=True)
    (folder / "model.safetensors").write_text(text, encoding="utf-8")
    (folder / "inner" / "rank.pt").write_text("1", encoding="utf-8")
    seal(folder)
    return folder


DAMAGES = {
    "model.safetensors is missing": lambda c: (c / "model.safetensors").unlink(),
    "inner/rank.pt is missing": lambda c: (c / "inner" / "rank.pt").unlink(),
    "model.safetensors has 3 bytes and should have 7": lambda c: os.truncate(
        c / "model.safetensors", 3
    ),
    "no readable manifest.json": lambda c: os.truncate(c / "manifest.json", 5),
}


@pytest.mark.parametrize("reason", DAMAGES)
def test_what_a_checkpoint_lacks_is_said(tmp_path, caplog, reason):
    for step in (9, 10, 100):  # as numbers, not as words
        checkpoint(tmp_path, step)
    for step in (10, 100):
        DAMAGES[reason](tmp_path / f"checkpoint-{step}")
    with caplog.at_level(logging.WARNING):
        clear(tmp_path)
    assert newest(tmp_path) == str(tmp_path / "checkpoint-9")
    first, second = (record.getMessage() for record in caplog.records)
    assert f"checkpoint-100 is damaged ({reason})" in first
    assert "checkpoint-10 is tried instead" in first
    assert "checkpoint-9 is tried instead" in second
    assert sorted(path.name for path in tmp_path.glob("damaged-*")) == [
        "damaged-checkpoint-10",
        "damaged-checkpoint-100",
    ]


def test_without_a_whole_checkpoint_the_run_begins_anew(tmp_path, caplog):
    (tmp_path / "checkpoint-3").mkdir()  # of another program: it has no manifest
    clear(tmp_path)
    assert newest(tmp_path) is None
    assert "the run begins anew" in caplog.text
    clear(tmp_path)
    assert len(caplog.records) == 1


def test_a_folder_takes_the_place_of_another(tmp_path):
    checkpoint(tmp_path, 4, "old")
    filled = checkpoint(tmp_path / "unfinished", 4, "new")
    put(filled, tmp_path / "checkpoint-4")
    assert fault(tmp_path / "checkpoint-4") is None
    assert (tmp_path / "checkpoint-4" / "model.safetensors").read_text("utf-8") == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-4"]
