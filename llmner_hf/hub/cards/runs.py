"""What a run folder tells: base model, data, settings, time, leakage.

In: the folder, whose ``run.json`` may be absent (a merged model has none). Out: Markdown and Hub
ids. Where the record names a folder, only the last part of its path is told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from huggingface_hub.utils import HFValidationError, validate_repo_id

from llmner_hf.settings.origin import EMBEDDED

_NOT_RECORDED = "not recorded"
_OPTIMISATION = {
    "learning_rate": "learning rate",
    "per_device_train_batch_size": "rows a batch and device",
    "gradient_accumulation_steps": "batches a step",
    "num_train_epochs": "epochs asked for",
    "max_steps": "steps asked for (-1: the epochs)",
    "lr_scheduler_type": "schedule",
    "optim": "optimiser",
    "seed": "seed",
}


class Run:
    """A run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.record: Mapping[str, Any] = _read(folder / "run.json")
        self.adapter: Mapping[str, Any] = _read(folder / "adapter_config.json")

    @cached_property
    def base(self) -> str | None:
        """The Hub id of the model that was tuned; None where it was a folder or is not known."""
        named = self.adapter.get("base_model_name_or_path")
        return self.hub_id(named or self.record.get("model", {}).get("model_name_or_path") or "")

    @property
    def datasets(self) -> list[str]:
        """The datasets as the recipe names them."""
        return list(self.record.get("settings", {}).get("datasets", []))

    @property
    def dataset_ids(self) -> list[str]:
        """Those of them that are on the Hub."""
        return [found for named in self.datasets if (found := self.hub_id(named))]

    def hub_id(self, named: str) -> str | None:
        """The name if it is a Hub id; None for a folder, seen from here or from above the run."""
        above = (Path(), *self.folder.resolve().parents)
        if named in ("", EMBEDDED.name) or any((root / named).exists() for root in above):
            return None
        try:
            validate_repo_id(named)
        except HFValidationError:
            return None
        return named

    def training(self) -> str:
        """What it was trained on and how, as Markdown."""
        if not self.record:
            return "Not recorded: there is no `run.json` beside the model."
        lines = ["| what | value |", "|---|---|", *(f"| {k} | {v} |" for k, v in self._facts())]
        return "\n".join(lines)

    def _facts(self) -> list[tuple[str, object]]:
        record = self.record
        facts: list[tuple[str, object]] = [("tuned", self._kind())]
        facts += [(f"data, {name}", _counted(splits)) for name, splits in self._data().items()]
        optimisation = record.get("optimisation", {})
        facts += [(say, optimisation[k]) for k, say in _OPTIMISATION.items() if k in optimisation]
        last = (record.get("history") or [{}])[-1]
        facts += [(f"{k}s done", f"{last[k]:g}") for k in ("step", "epoch") if k in last]
        seconds = last.get("train_runtime")
        time = f"{seconds / 60:,.0f} minutes" if seconds else _NOT_RECORDED
        facts += [("time of the last start", time), ("hardware", self._hardware())]
        facts += [("CO2", "not measured")]
        versions = record.get("versions", {})
        return [*facts, ("versions", ", ".join(f"{k} {v}" for k, v in versions.items()))]

    def _kind(self) -> str:
        if not self.adapter:
            return "all weights"
        rank, alpha = self.adapter.get("r"), self.adapter.get("lora_alpha")
        quantised = self.record.get("model", {}).get("load_in_4bit")
        return f"a LoRA adapter, r {rank}, alpha {alpha}" + ", base in 4 bit" * bool(quantised)

    def _data(self) -> Mapping[str, Any]:
        """Dataset -> what became of its examples: a tagger's record, or a selector's."""
        return self.record.get("preparation") or self.record.get("candidates") or {}

    def _hardware(self) -> str:
        return str(self.record.get("hardware") or _NOT_RECORDED)

    def leakage(self) -> str:
        """What the reports beside the datasets say, as Markdown."""
        lines = [f"- {Path(named).name}: {self._leaks(named)}" for named in self.datasets]
        return "\n".join(lines) or "Not recorded."

    def _leaks(self, named: str) -> str:
        above = (Path(), *self.folder.resolve().parents)
        found = [root / named / "report.json" for root in above]
        report = next((_read(path) for path in found if path.is_file()), None)
        if report is None:
            return "see the card of the dataset, whose report is not beside this run"
        shared = {name for overlap in report["leakage"] for name in overlap["drop"]}
        what = "dropped" if report["leaks_dropped"] else "KEPT, as in the paper's protocol"
        unchecked = ", ".join(report["unchecked"])
        note = f"; not compared with the test splits of {unchecked}" if unchecked else ""
        return f"{len(shared):,} examples that stand in a test split were {what}{note}"


def _counted(report: Mapping[str, Any]) -> str:
    """The numbers of a report in a line, zeros left out; a selector's has one for each split.

    Nothing but numbers: reports quote the corpus, whose terms may bar publishing it.
    """
    parts = []
    for name, value in report.items():
        if isinstance(value, Mapping):
            parts.append(f"{name}: {_counted(value)}")
        elif value and isinstance(value, int | float):
            parts.append(f"{name.replace('_', ' ')} {value:,}")
    return ", ".join(parts)


def _read(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is no such file."""
    if not path.is_file():
        return {}
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value
