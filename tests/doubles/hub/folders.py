"""Small folders of the kinds that are pushed."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

from llmner_hf.settings import TaggerSettings

CARD = """\
---
language: en
license: {licence}
pretty_name: {name}, tagged
tags: [biomedical]
configs:
  - config_name: {name}
    default: true
    data_files:
      - split: train
        path: [{name}-train.parquet]
---
# {name}
"""


def dataset(folder: Path, name: str = "genia", licence: str = "cc-by-3.0") -> Path:
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(CARD.format(name=name, licence=licence), encoding="utf-8")
    (folder / f"{name}-train.parquet").write_bytes(b"PAR1" + name.encode() * 50)
    (folder / "report.json").write_text("{}")
    return folder


def adapter(folder: Path, base: str = "tester/base") -> Path:
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("---\nlibrary_name: peft\n---\n# A tagger\n")
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    (folder / "adapter_model.safetensors").write_bytes(bytes(range(256)) * 4)
    (folder / "tagger.json").write_text(json.dumps({"schemas": {"cmeee_v2": SCHEMA}}))
    return folder


SCHEMA = {"title": "CMeEE-V2", "language": "zh", "labels": {"types": [{"name": "疾病"}]}}


def space(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("---\ntitle: T\nsdk: gradio\n---\n# T\n")
    (folder / "app.py").write_text("print('hello')\n")
    return folder


def on_disk(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def finding(tagger: Path, folder: Path) -> Path:
    """A copy of a tagger of random weights, made to find something."""
    shutil.copytree(tagger, folder)
    settings = TaggerSettings.load(folder / "tagger.json")
    replace(settings, every_type=True, bracket_bias=5.0).save(folder)
    return folder
