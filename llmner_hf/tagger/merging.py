"""An adapter merged into its base, for servers that take whole models alone.

In: an adapter that training wrote. Out: a folder with the merged weights as safetensors, the
tokenizer and ``tagger.json``, which loads as any causal language model does. The base is loaded
anew without quantisation, also where the adapter was trained on a quantised one (QLoRA, paper
III-A): merged into 4 bit, the small steps of an adapter would be rounded away, and the folder would
hold 4-bit weights. A selector's adapter becomes a whole selector. Refused: a base that is stored
quantised, an adapter of neither, a folder that holds something.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from llmner_hf.core.errors import InputError, RunError, SettingError
from llmner_hf.selector.storage import ADAPTER_FILE, ADAPTER_WEIGHTS, base_of, export, fetched
from llmner_hf.settings import SELECTOR_FILE, TAGGER_FILE
from llmner_hf.settings.origin import Origin
from llmner_hf.tagger.folder import settings_of, tokenizer_of


def merge(adapter: str | Origin, out: Path, dtype: torch.dtype | None = None) -> Path:
    """Merge an adapter into its base; returns the folder.

    Args:
        adapter: folder or Hub id of the adapter, or an origin with its revision and token.
        out: the folder to write; it appears when all is in it.
        dtype: of a tagger's base and merged weights. Default: bf16, as the backbones are published;
            a selector is fp32.

    Raises:
        InputError: ``out`` is a file, or holds something, or there is no such adapter.
        SettingError: it is the adapter of neither, or its base is stored quantised.
        RunError: the merged weights are not finite.
    """
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"{out}: is there already; name another folder, or remove it first")
    origin = Origin.of(adapter).pinned()
    selector = origin.file(SELECTOR_FILE) is not None
    for name in (ADAPTER_FILE, *([] if selector else [TAGGER_FILE])):
        if origin.file(name) is None:
            raise SettingError(
                f"{origin.name}: no {name} there; give the folder or the Hub id of an adapter"
            )
    out.parent.mkdir(parents=True, exist_ok=True)
    # Beside its place, so that it can be renamed: half a model is never found under its name.
    with TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        folder = Path(scratch, out.name)
        if selector:
            export(origin, folder)
        else:
            model = merged_model(origin, dtype or torch.bfloat16)
            model.save_pretrained(folder)
            tokenizer_of(origin).save_pretrained(folder)
            settings_of(origin).save(folder)
        if out.exists():
            out.rmdir()
        folder.rename(out)
    return out


def merged_model(adapter: Origin, dtype: torch.dtype) -> Any:
    """The base of an adapter with the adapter in its weights.

    Raises:
        SettingError: the base is stored quantised.
        RunError: the merged weights are not finite.
    """
    from peft import PeftModel  # only here: slow to import, and a whole tagger does without

    base = base_of(adapter)
    stored = AutoConfig.from_pretrained(base.name, **base.loading)
    if stored.to_dict().get("quantization_config"):
        raise SettingError(
            f"{adapter.name}: its base {base.name} is stored quantised; let "
            f"base_model_name_or_path in {ADAPTER_FILE} name the model that it was quantised from"
        )
    model = AutoModelForCausalLM.from_pretrained(base.name, **base.loading, dtype=dtype)
    folder = fetched(adapter, (ADAPTER_FILE, ADAPTER_WEIGHTS))
    tuned: Any = PeftModel.from_pretrained(model, str(folder))
    try:
        return tuned.merge_and_unload(safe_merge=True)
    except ValueError as error:
        raise RunError(f"{adapter.name}: {error}") from error
