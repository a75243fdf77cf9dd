"""What the checkpoints of a run folder are made by, so that a run goes on as it was begun or not.

In: recipe, datasets and run folder, before any weights are read. Out: ``begun.json`` in the folder:
everything that weights depend on, with digests of data and base model; and whether the run is
finished. Refused: a folder with checkpoints or weights that were made by another recipe or of other
data, or of which nothing says by what.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from hashlib import sha256
from pathlib import Path
from typing import Any

from datasets import DatasetDict
from transformers import TrainingArguments
from trl import ModelConfig

from llmner_hf.core.errors import SettingError
from llmner_hf.corpora.rows import schema_of
from llmner_hf.settings.origin import Origin
from llmner_hf.training.checkpoints import PREFIX, fault, numbered
from llmner_hf.training.lending import Lending
from llmner_hf.training.outcome import RECORD_FILE, data_of, model_path, without_secrets
from llmner_hf.training.recipe import SelectorTrainingSettings, TrainingSettings

logger = logging.getLogger(__name__)

BEGUN_FILE = "begun.json"
# Of transformers' arguments, those that change what is told, kept or how fast it is computed, and
# no weight. ``eval_`` decides when validation looks, which leaves the training as it is.
APART = (
    *("output_dir", "run_name", "report_to", "project", "trackio_", "disable_tqdm", "debug"),
    *("log_", "logging_", "save_", "eval_", "do_", "hub_", "push_to_hub", "include_", "ddp_"),
    *("dataloader_num", "dataloader_persistent", "dataloader_pin", "dataloader_prefetch"),
    *("dataloader_multi", "per_device_eval", "resume_from", "skip_memory", "use_cpu", "local_rank"),
    *("restore_callback", "enable_jit", "bf16_full_eval", "fp16_full_eval", "torch_empty_cache"),
)
# Of ours: places whose content counts instead, and when validation looks.
PLACES = ("datasets", "lenders", "mined", "validation_size")

# How long a run is; more may be asked for later where the schedule does not depend on it.
LENGTHS = ("max_steps", "num_train_epochs")
STEADY = ("constant", "constant_with_warmup")

Begun = Mapping[str, Any]


def begun_by(
    settings: TrainingSettings | SelectorTrainingSettings,
    arguments: TrainingArguments,
    model: ModelConfig,
    datasets: Mapping[str, DatasetDict],
    lending: Lending,
) -> Begun:
    """Everything that the weights of a run depend on: name -> a value, as JSON holds it."""
    own = {name: value for name, value in asdict(settings).items() if name not in PLACES}
    if isinstance(settings, TrainingSettings) and settings.join_validation:
        own["validation_size"] = settings.validation_size  # the rest is trained on
    theirs = {
        each.name: getattr(arguments, each.name)
        for each in fields(arguments)
        if each.init and not each.name.startswith(APART)
    }
    base = {"model_name_or_path": Origin(model_path(model), model.model_revision).identity()}
    parts = {
        "recipe": own | without_secrets(theirs) | without_secrets(asdict(model)) | base,
        "data": {name: [data_of(d), asdict(schema_of(d["train"]))] for name, d in datasets.items()},
        "lenders": list(map(data_of, lending.auxiliary)),
        "mined": {name: _digest(path) for name, path in getattr(settings, "mined", {}).items()},
    }
    plain: Begun = json.loads(json.dumps(parts, default=str))
    return plain


def once(
    tuned: Callable[..., dict[str, Any]],
    settings: TrainingSettings | SelectorTrainingSettings,
    arguments: TrainingArguments,
    model: ModelConfig,
    datasets: Mapping[str, DatasetDict],
    lending: Lending,
) -> dict[str, Any]:
    """The record of a run, which is made unless it is finished.

    Raises:
        SettingError: what lies in the folder is made by something else.
    """
    folder = Path(str(arguments.output_dir))
    begun = begun_by(settings, arguments, model, datasets, lending)
    if record := finished(folder, begun, arguments.should_save):
        logger.warning("%s: this run is finished; there is nothing to do", folder)
        return record
    return tuned(settings, arguments, model, datasets, lending)


def finished(folder: Path, begun: Begun, writes: bool) -> dict[str, Any] | None:
    """The record of a run that is finished, of which nothing is left to do; else None.

    Args:
        folder: of the run; what it is made by is written into it.
        begun: what `begun_by` gave.
        writes: whether this process writes for all.

    Raises:
        SettingError: what lies in the folder is made by something else.
    """
    made = [*folder.glob(f"{PREFIX}*"), *folder.glob("*.safetensors")]
    if made:
        longer = _longer(folder, begun)
        newest, record = numbered(folder)[:1], _read(folder / RECORD_FILE)
        whole = any(folder.glob("*.safetensors")) and not any(map(fault, newest))
        if record and whole and not longer:
            return record
    if writes:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(begun, ensure_ascii=False, indent=1)
        (folder / BEGUN_FILE).write_text(text + "\n", encoding="utf-8")
    return None


def _longer(folder: Path, begun: Begun) -> bool:
    """Whether a run is asked to go on for more steps than it was begun with.

    Raises:
        SettingError: anything else differs.
    """
    before = _read(folder / BEGUN_FILE)
    way = "name another output_dir, or remove the folder to begin anew"
    if before is None:
        raise SettingError(f"{folder}: holds weights, and no {BEGUN_FILE} says what by; {way}")
    old, new = before.get("recipe", {}), begun["recipe"]
    keys = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    longer = [n for n in keys if n in LENGTHS and (old.get(n) or 0) < new[n]]
    if str(new.get("lr_scheduler_type")).removeprefix("SchedulerType.").lower() in STEADY:
        keys = [name for name in keys if name not in longer]
    differing = [f"{n} (was {_short(old.get(n))}, now {_short(new.get(n))})" for n in keys]
    data = {**before.get("data", {}), **begun["data"]}
    other = [n for n in data if before.get("data", {}).get(n) != begun["data"].get(n)]
    differing += [f"dataset {name}" for name in other]
    differing += [n for n in ("lenders", "mined") if before.get(n) != begun[n]]
    if differing:
        raise SettingError(f"{folder}: was begun with other {'; '.join(differing)}; {way}")
    return bool(longer)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _read(path: Path) -> dict[str, Any] | None:
    """A file of JSON; None where there is none that is whole."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return values if isinstance(values, dict) else None


def _digest(path: str) -> str:
    return sha256(Path(path).read_bytes()).hexdigest()
