"""An adapter merged into its base, for servers that take whole models alone.

In: an adapter that training wrote. Out: a folder with the merged weights as safetensors, the
tokenizer and ``tagger.json``, which loads as any causal language model does. The base is loaded
anew without quantisation, also where the adapter was trained on a quantised one (QLoRA, paper
III-A): merged into 4 bit, the small steps of an adapter would be rounded away, and the folder would
hold 4-bit weights. Refused: a base that is stored quantised, an adapter without ``tagger.json``, a
folder that holds something.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from peft import PeftConfig, PeftModel
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils.hub import cached_file

from llmner_hf.core.errors import InputError, RunError, SettingError
from llmner_hf.settings import GAZETTEER_FILE, TAGGER_FILE, TaggerSettings

ADAPTER_FILE = "adapter_config.json"


def merge(adapter: str, out: Path, dtype: torch.dtype | None = None) -> Path:
    """Merge an adapter into its base; returns the folder.

    Args:
        adapter: folder or Hub id of the adapter.
        out: the folder to write; it appears when all is in it.
        dtype: of the base and of the merged weights. Default: bf16, as the backbones are published.

    Raises:
        InputError: ``out`` is a file, or holds something.
        SettingError: there is no adapter of a tagger, or its base is stored quantised.
        RunError: the merged weights are not finite.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"{out}: is there already; name another folder, or remove it first")
    _stored(adapter, ADAPTER_FILE)
    cached_file(adapter, GAZETTEER_FILE, _raise_exceptions_for_missing_entries=False)
    settings = TaggerSettings.load(_stored(adapter, TAGGER_FILE))
    tokenizer = AutoTokenizer.from_pretrained(adapter)
    model = _merged(adapter, dtype or torch.bfloat16)
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that it can be renamed: half a model is never found under its name.
    with TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        folder = Path(scratch, out.name)
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        settings.save(folder)
        if out.exists():
            out.rmdir()
        folder.rename(out)
    return out


def _stored(adapter: str, name: str) -> Path:
    """Where a file of the adapter lies, fetched where it is on the Hub."""
    path, reason = Path(adapter, name), ""
    if not Path(adapter).is_dir():
        try:
            path = Path(str(cached_file(adapter, name)))
        except OSError as error:
            reason = f" ({str(error).splitlines()[0]})"
    if not path.is_file():
        raise SettingError(
            f"{adapter}: no {name} there{reason}; give the folder or the Hub id of an adapter"
        )
    return path


def _merged(adapter: str, dtype: torch.dtype) -> Any:
    """The model with the adapter in its weights."""
    config = PeftConfig.from_pretrained(adapter)
    base, revision = str(config.base_model_name_or_path), config.revision or "main"
    stored = AutoConfig.from_pretrained(base, revision=revision)
    if stored.to_dict().get("quantization_config"):
        raise SettingError(
            f"{adapter}: its base {base} is stored quantised; let base_model_name_or_path in "
            f"{ADAPTER_FILE} name the model that it was quantised from"
        )
    model = AutoModelForCausalLM.from_pretrained(base, revision=revision, dtype=dtype)
    tuned: Any = PeftModel.from_pretrained(model, adapter)
    try:
        return tuned.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise RunError(f"{adapter}: {error}") from error
