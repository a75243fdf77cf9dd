"""Put tagger, gazetteer and selector into the one folder that travels.

In: the run folders of `llmner train` (with `llmner gazetteer`) and of `llmner train-selector`, the
base of which is that tagger. Out: a folder as `llmner_hf/embedded`: the weights in one type, the
selector's adapter in `selector`, with the model around it as its base. `llmner calibrate` sets its
thresholds. Datasets that only helped the training can be left out: what the tagger knows of them.

    python recipes/embedded/assemble.py --tagger runs/embedded/apart \
        --selector runs/selector/embedded -o llmner_hf/embedded
"""

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from llmner_hf.settings import TAGGER_FILE, Gazetteer, TaggerSettings

WEIGHTS, ADAPTER = "model.safetensors", "adapter_config.json"
TAGGER = (
    *("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"),
    "chat_template.jinja",
)
SELECTOR = ("adapter_model.safetensors", "selector.json")


def main() -> None:
    """Write the folder; what else lies in it stays."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tagger", type=Path, required=True)
    parser.add_argument("--selector", type=Path, required=True)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--without", nargs="+", default=[], metavar="DATASET")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    given = parser.parse_args()
    (given.out / "selector").mkdir(parents=True, exist_ok=True)
    for name in TAGGER:
        shutil.copyfile(given.tagger / name, given.out / name)
    settings = TaggerSettings.load(given.tagger / TAGGER_FILE)
    if unknown := sorted({*given.without} - settings.schemas.keys()):
        parser.error(f"the tagger knows nothing of {', '.join(unknown)}")
    without(settings, given.without).save(given.out)
    weights = load_file(given.tagger / WEIGHTS)
    cast = {name: tensor.to(getattr(torch, given.dtype)) for name, tensor in weights.items()}
    save_file(cast, given.out / WEIGHTS, metadata={"format": "pt"})
    config = json.loads((given.out / "config.json").read_text(encoding="utf-8"))
    config["dtype"] = given.dtype
    _write(given.out / "config.json", config)
    for name in SELECTOR:
        shutil.copyfile(given.selector / name, given.out / "selector" / name)
    adapter = json.loads((given.selector / ADAPTER).read_text(encoding="utf-8"))
    _write(given.out / "selector" / ADAPTER, adapter | {"base_model_name_or_path": ".."})
    size = sum(path.stat().st_size for path in given.out.rglob("*") if path.is_file())
    print(f"{given.out}: {size / 1e6:.1f} MB")


def without(settings: TaggerSettings, names: Sequence[str]) -> TaggerSettings:
    """The settings without these datasets."""
    schemas = {name: schema for name, schema in settings.schemas.items() if name not in names}
    known = settings.gazetteer.dictionaries if settings.gazetteer else {}
    titles = {schema.title for schema in schemas.values()}
    return replace(
        settings,
        schemas=schemas,
        weights={name: own for name, own in settings.weights.items() if name in schemas},
        gazetteer=Gazetteer({title: own for title, own in known.items() if title in titles}),
    )


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
