"""Checkpoints that are whole: what is called ``checkpoint-N`` was written to its last byte.

In: a run folder. Out: its newest checkpoint from which the run can go on. A folder is filled inside
``unfinished/`` and gets its name when all of it lies on the disk, so a run that is killed while it
writes leaves nothing half done under a checkpoint's name. A manifest of all files and their sizes
is written last: where a disk or a copy lost something later, the checkpoint is set aside, not
deleted, the one before is used, and a warning names both.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import Trainer
from transformers.trainer import TRAINING_ARGS_NAME
from transformers.trainer_utils import rotate_checkpoints

from llmner_hf.core.errors import RunError

logger = logging.getLogger(__name__)

PREFIX = "checkpoint-"  # transformers' name
UNFINISHED = "unfinished"
DAMAGED = "damaged-"
MANIFEST = "manifest.json"


def seal(folder: Path) -> None:
    """Write the manifest of a filled folder, when all its files are on the disk."""
    files = _files(folder)
    for file in files:
        _to_disk(folder / file)
    manifest = folder / MANIFEST
    manifest.write_text(json.dumps(files, indent=1) + "\n", encoding="utf-8")
    _to_disk(manifest)
    _to_disk(folder)


def put(filled: Path, place: Path) -> None:
    """Give a folder its name, in place of one that has it; at no moment does a part lie there.

    The folder in which it was filled goes, with the one whose place it took.
    """
    if place.exists():
        place.rename(filled.with_name("old"))
    filled.rename(place)
    _to_disk(place.parent)
    shutil.rmtree(filled.parent, ignore_errors=True)


def discard(run: Path) -> None:
    """Remove what a killed run left half written."""
    shutil.rmtree(run / UNFINISHED, ignore_errors=True)


def fault(checkpoint: Path) -> str | None:
    """What a checkpoint lacks, by its manifest."""
    try:
        files = json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return f"no readable {MANIFEST}"
    found = _files(checkpoint)
    for file, size in files.items():
        if file not in found:
            return f"{file} is missing"
        if found[file] != size:
            return f"{file} has {found[file]:,} bytes and should have {size:,}"
    return None


def numbered(run: Path) -> list[Path]:
    """The checkpoints of a run, the newest first."""
    steps = {path: path.name.removeprefix(PREFIX) for path in run.glob(f"{PREFIX}*")}
    found = [path for path, step in steps.items() if step.isdecimal() and path.is_dir()]
    return sorted(found, key=lambda path: int(steps[path]), reverse=True)


def clear(run: Path) -> None:
    """Make the newest checkpoint of a run one that is whole; one process does it for all."""
    discard(run)
    checkpoints = numbered(run)
    for checkpoint, before in zip(checkpoints, [*checkpoints, None][1:], strict=True):
        reason = fault(checkpoint)
        if reason is None:
            return
        aside = run / f"{DAMAGED}{checkpoint.name}"
        shutil.rmtree(aside, ignore_errors=True)
        checkpoint.rename(aside)
        logger.warning(
            "%s is damaged (%s) and now called %s; %s",
            checkpoint,
            reason,
            aside.name,
            f"{before.name} is tried instead" if before else "the run begins anew",
        )


def newest(run: Path) -> str | None:
    """Where a cleared run goes on."""
    found = numbered(run)
    return str(found[0]) if found else None


def _files(folder: Path) -> dict[str, int]:
    """The files below a folder and their sizes in bytes, without the manifest."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }


def _to_disk(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class WholeCheckpoints(Trainer):
    """A trainer of transformers whose checkpoints are whole; to be inherited from before others.

    A run that goes on from its last step does not take one more, and a loss that is not finite
    stops it: transformers would log the mean of the losses before it instead.
    """

    _unfinished: Path | None = None

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """As in transformers.

        Raises:
            RunError: the loss is not finite.
        """
        loss = super().training_step(*args, **kwargs)
        if not torch.isfinite(loss).all():
            raise RunError(
                f"step {self.state.global_step + 1}: the loss is {loss.item()}; lower "
                "learning_rate, or train in bf16 or fp32; what is saved is the run up to its last "
                "checkpoint"
            )
        return loss

    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        """Nothing where all steps were taken before: transformers would take one more."""
        if self.state.global_step >= self.state.max_steps:
            self.control.should_training_stop = True
            return
        super()._run_epoch(*args, **kwargs)

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """Under another name until every process has written its part."""
        run, main = Path(str(self.args.output_dir)), self.args.should_save
        self._unfinished = run / UNFINISHED
        if main:
            discard(run)
        self.accelerator.wait_for_everyone()
        try:
            super()._save_checkpoint(model, trial)
        finally:
            self._unfinished = None
        self.accelerator.wait_for_everyone()
        if main:
            name = f"{PREFIX}{self.state.global_step}"
            seal(run / UNFINISHED / name)
            put(run / UNFINISHED / name, run / name)
            rotate_checkpoints(str(run), self.args.save_total_limit)
        self.accelerator.wait_for_everyone()

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._unfinished or super()._get_output_dir(trial))

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Without transformers' pickle of the settings: a token of the Hub may be in it."""
        super()._save(output_dir, state_dict)
        Path(output_dir or str(self.args.output_dir), TRAINING_ARGS_NAME).unlink(missing_ok=True)
