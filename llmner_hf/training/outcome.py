"""What a run leaves for its reader: the record of everything it depended on, and its curves.

In: settings, datasets, reports, the history of losses. Out: the dictionary behind ``run.json``,
``loss.csv`` and ``loss.png``. No token or other secret is in it.
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
from trl import ModelConfig, SFTConfig

from llmner_hf.settings import TrainingSettings
from llmner_hf.training.tagger.preparation import PreparationReport

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


def record_of(
    settings: TrainingSettings,
    optimisation: SFTConfig,
    model_settings: ModelConfig,
    datasets: Mapping[str, DatasetDict],
    reports: Mapping[str, PreparationReport],
    lenders: Sequence[DatasetDict] = (),
) -> dict[str, Any]:
    """What is needed to make the run again: versions, data, settings with the seeds."""
    return {
        "versions": {"python": platform.python_version()} | {p: version(p) for p in PACKAGES},
        "hardware": hardware_of(optimisation),
        "processes": optimisation.world_size,
        "settings": asdict(settings),
        "model": without_secrets(asdict(model_settings)),
        "optimisation": without_secrets(
            {f.name: getattr(optimisation, f.name) for f in fields(optimisation) if f.init}
        ),
        "data": {name: _data(splits) for name, splits in datasets.items()},
        "lenders": list(map(_data, lenders)),
        "preparation": {name: asdict(report) for name, report in reports.items()},
    }


def _data(splits: DatasetDict) -> dict[str, dict[str, Any]]:
    """The size and the fingerprint of each split."""
    return {split: {"rows": len(d), "sha256": fingerprint(d)} for split, d in splits.items()}


def hardware_of(optimisation: SFTConfig) -> str:
    """What the run computes on; nothing that names the machine."""
    if optimisation.device.type == "cuda":
        return f"{optimisation.world_size} x {torch.cuda.get_device_name(optimisation.device)}"
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


def draw_loss(history: Sequence[Mapping[str, float]], folder: Path) -> None:
    """``loss.csv`` and ``loss.png``: training loss and validation F1 over steps."""
    from matplotlib.figure import Figure  # only here: it is slow to import

    losses = [(entry["step"], entry["loss"]) for entry in history if "loss" in entry]
    scores = [
        (entry["step"], entry["validation_f1"]) for entry in history if "validation_f1" in entry
    ]
    rows = [("loss", *row) for row in losses] + [("validation_f1", *row) for row in scores]
    with (folder / "loss.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("curve", "step", "value"), *rows])
    figure = Figure(figsize=(7, 4), layout="constrained")
    left = figure.subplots()
    left.plot(*zip(*losses, strict=True), color="#0072B2", label="training loss")
    left.set(xlabel="step", ylabel="loss")
    if scores:
        right = left.twinx()
        right.plot(*zip(*scores, strict=True), color="#D55E00", marker="o", label="validation F1")
        right.set(ylabel="strict F1", ylim=(0, 1))
    if losses or scores:  # a run may be shorter than the steps between two logs
        figure.legend(loc="outside upper center", ncols=2)
    figure.savefig(folder / "loss.png", dpi=120)
