"""What the runs of taggers and selectors have in common, from the recipe to what a run leaves.

In: the recipe's parts, datasets, a trainer. Out: the model's place and its tokenizer; the run
begun, and gone on with from its last whole checkpoint; and for its reader ``run.json``, the record
of everything that it depended on, ``loss.csv`` and ``loss.png``. No token or other secret is in
them. Of several processes each computes its share, and the first one writes.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset, DatasetDict
from transformers import (
    AutoTokenizer,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
    set_seed,
)
from trl import ModelConfig, get_peft_config

from llmner_hf.core.errors import RunError, SettingError
from llmner_hf.settings.origin import Origin
from llmner_hf.training.checkpoints import clear, newest
from llmner_hf.training.lending import Lending
from llmner_hf.training.recipe import SelectorTrainingSettings, TrainingSettings

RECORD_FILE = "run.json"
PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "trl",
    "peft",
    "accelerate",
    "bitsandbytes",
    "datasets",
    "numpy",
    "llmner_hf",
)
# Keys under which TRL and transformers take a token of the Hub, also within `model_init_kwargs`.
SECRETS = frozenset({"token", "hub_token", "push_to_hub_token", "use_auth_token"})


def model_path(model: ModelConfig) -> str:
    """Where the model to tune lies: a folder, a Hub id, or the embedded model by that name.

    Raises:
        SettingError: the recipe names none.
    """
    if not model.model_name_or_path:
        raise SettingError("the recipe names no model; set model_name_or_path")
    return Origin.of(model.model_name_or_path).name


def prepared(
    arguments: TrainingArguments, model: ModelConfig
) -> tuple[Path, PreTrainedTokenizerBase]:
    """The run folder, made, and the tokenizer with a padding token; randomness is seeded.

    Before the model is loaded: its random weights, if it has any, are part of the run.

    Raises:
        SettingError: the recipe names no model.
        InputError: there is none of that name.
    """
    place, folder = model_path(model), Path(str(arguments.output_dir))
    if not Path(place).is_dir():
        Origin(place, model.model_revision).pinned()  # one line where there is none
    folder.mkdir(parents=True, exist_ok=True)
    set_seed(arguments.seed)
    tokenizer = AutoTokenizer.from_pretrained(place, revision=model.model_revision)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return folder, tokenizer


def adapter_of(model: ModelConfig) -> Any:
    """The adapter that a recipe asks for, on the base of its revision; None for none."""
    adapter: Any = get_peft_config(model)
    if adapter is not None:
        adapter.revision = model.model_revision  # PEFT does not record it
    return adapter


def in_fp32(model: torch.nn.Module) -> None:
    """Make everything that is trained fp32.

    TRL casts adapters to bf16 and PEFT reloads them as fp32, so a resumed run would differ.
    """
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def gone_on(trainer: Trainer, folder: Path) -> None:
    """Train, from the run's last whole checkpoint if there is one.

    Raises:
        RunError: the weights are not finite at the end.
    """
    if trainer.args.should_save:
        clear(folder)
    trainer.accelerator.wait_for_everyone()
    if trainer.args.should_save:  # of a run that was finished and is damaged since
        (folder / RECORD_FILE).unlink(missing_ok=True)
    trainer.train(resume_from_checkpoint=newest(folder))
    for name, parameter in trainer.model_wrapped.named_parameters():
        if parameter.requires_grad and not torch.isfinite(parameter).all():
            raise RunError(f"{name} is not finite after the last step; lower learning_rate")


def record_of(
    settings: TrainingSettings | SelectorTrainingSettings,
    arguments: TrainingArguments,
    model: ModelConfig,
    datasets: Mapping[str, DatasetDict],
    reports: Mapping[str, Any],
    lending: Lending | None = None,
) -> dict[str, Any]:
    """What is needed to make the run again: versions, data, settings with the seeds."""
    auxiliary = lending.auxiliary if lending else ()
    return {
        "versions": {"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
        "hardware": hardware_of(arguments),
        "processes": arguments.world_size,
        "settings": asdict(settings),
        "model": without_secrets(asdict(model)),
        "optimisation": without_secrets(
            {f.name: getattr(arguments, f.name) for f in fields(arguments) if f.init}
        ),
        "data": {name: data_of(splits) for name, splits in datasets.items()},
        Lending.KEY: list(map(data_of, auxiliary)),
        **reports,
    }


def leave(trainer: Trainer, record: dict[str, Any], folder: Path, score: str) -> None:
    """Write ``run.json`` with the history, ``loss.csv`` and ``loss.png``."""
    record["history"] = trainer.state.log_history
    if trainer.args.should_save:
        text = json.dumps(record, ensure_ascii=False, indent=2, default=str)
        (folder / RECORD_FILE).write_text(text + "\n", encoding="utf-8")
        draw_loss(trainer.state.log_history, folder, score)


def data_of(splits: DatasetDict) -> dict[str, dict[str, Any]]:
    """The size and the fingerprint of each split."""
    return {split: {"rows": len(d), "sha256": fingerprint(d)} for split, d in splits.items()}


def hardware_of(arguments: TrainingArguments) -> str:
    """What the run computes on; nothing that names the machine."""
    if arguments.device.type == "cuda":
        return f"{arguments.world_size} x {torch.cuda.get_device_name(arguments.device)}"
    return f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def without_secrets(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings without the tokens that may stand among them.

    >>> without_secrets({"seed": 0, "hub_token": "hf_x", "model_init_kwargs": {"token": "hf_x"}})
    {'seed': 0, 'model_init_kwargs': {}}
    """
    return {
        name: without_secrets(value) if isinstance(value, Mapping) else value
        for name, value in settings.items()
        if name not in SECRETS
    }


def fingerprint(dataset: Dataset) -> str:
    """SHA-256 over ids, texts and entities, so that two runs can be seen to share their data."""
    digest = hashlib.sha256()
    for row in dataset.select_columns(["id", "text", "entities"]):
        digest.update(json.dumps(row, ensure_ascii=False, sort_keys=True).encode())
    return digest.hexdigest()


def draw_loss(history: Sequence[Mapping[str, float]], folder: Path, score: str) -> None:
    """``loss.csv`` and ``loss.png``: training loss and a score in [0, 1] over steps."""
    from matplotlib.figure import Figure  # only here: it is slow to import

    losses = [(entry["step"], entry["loss"]) for entry in history if "loss" in entry]
    scores = [(entry["step"], entry[score]) for entry in history if score in entry]
    rows = [("loss", *row) for row in losses] + [(score, *row) for row in scores]
    with (folder / "loss.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("curve", "step", "value"), *rows])
    figure = Figure(figsize=(7, 4), layout="constrained")
    left = figure.subplots()
    left.plot(*zip(*losses, strict=True), color="#0072B2", label="training loss")
    left.set(xlabel="step", ylabel="loss")
    if scores:
        name, right = score.replace("_", " "), left.twinx()
        right.plot(*zip(*scores, strict=True), color="#D55E00", marker="o", label=name)
        right.set(ylabel=name, ylim=(0, 1))
    if losses or scores:  # a run may be shorter than the steps between two logs
        figure.legend(loc="outside upper center", ncols=2)
    figure.savefig(folder / "loss.png", dpi=120)
