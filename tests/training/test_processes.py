"""Two processes, as ``torchrun --nproc_per_node 2`` starts them, train as one does."""

import json
import os
import signal
import socket

import pytest
import torch
from safetensors.torch import load_file

from llmner_hf.training.checkpoints import fault
from llmner_hf.training.tagger.run import train
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

STEPS, KILLED_AT, BATCH = 50, 30, 4


@pytest.fixture(scope="module")
def base(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    save_base(folder, tokenizer)
    return folder


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(folder, base, kind, share, rank, processes, port, killed_at=None):
    """The part of one process; a step is a global batch of four rows in packs of two.

    No dropout: processes draw their own. What a full batch lacks at the end of an epoch is left
    out, since several processes would fill it up with rows of its beginning.
    """
    if processes > 1:
        os.environ |= {
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": str(processes),
            "LOCAL_WORLD_SIZE": str(processes),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
        }

    def validate(*_):
        if killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return {"f1": 0.5}

    model = model_settings(base, kind)
    model.lora_dropout = 0.0
    optimised = optimisation(
        folder,
        STEPS,
        per_device_train_batch_size=BATCH // processes,
        learning_rate=1e-3,
        logging_steps=1,
        save_steps=20,
        eval_steps=killed_at or STEPS,
        dataloader_drop_last=True,
    )
    assert optimised.world_size == processes
    with scored_by(validate):
        train(
            settings(style="prefix", allowed_share=share, pack=2),
            optimised,
            model,
            {"ours": tagged(EXAMPLES[:5]), "others": tagged(EXAMPLES[2:])},
        )


def losses(folder):
    history = json.loads((folder / "run.json").read_text(encoding="utf-8"))["history"]
    return [entry["loss"] for entry in history if "loss" in entry]


@pytest.mark.parametrize(("kind", "share", "killed"), [("full", 0.0, False), ("qlora", 0.5, True)])
def test_two_processes_train_as_one(base, tmp_path, kind, share, killed):
    """The loss of the whole vocabulary and that of the allowed tokens, killed on the way."""
    one, two = tmp_path / "one", tmp_path / "two"
    assert exit_codes(run, (one, base, kind, share, 0, 1, 0)) == [0]

    def started(killed_at=None):
        port = free_port()
        return exit_codes(
            run, *((two, base, kind, share, rank, 2, port, killed_at) for rank in (0, 1))
        )

    if killed:
        assert started(KILLED_AT) == [-signal.SIGKILL] * 2
    assert started() == [0, 0]
    names = {path.name for path in (two / "checkpoint-20").iterdir()}
    assert {"rng_state_0.pth", "rng_state_1.pth"} <= names
    assert fault(two / "checkpoint-20") is None

    first, second = losses(one), losses(two)
    assert len(first) == len(second) == STEPS
    assert first[-1] < 0.9 * first[0]
    assert second == pytest.approx(first, rel=0, abs=1e-4)
    (file,) = one.glob("*model.safetensors")
    found = load_file(two / file.name)
    for name, tensor in load_file(file).items():
        assert torch.allclose(found[name], tensor, rtol=0, atol=1e-3), name
    assert (two / "best" / "tagger.json").is_file()
    assert json.loads((two / "run.json").read_text("utf-8"))["processes"] == 2
