"""Selectors in folders: made from a backbone, loaded, exported.

In: a folder or Hub id of a selector, an adapter or a whole model, or of a decoder to begin from.
Out: model, tokenizer and settings. An adapter finds its base by itself or is given one. An export
is a whole model with its code, for those who have transformers and not this package; it keeps the
tokenizer and ``selector.json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import cached_file

from llmner_hf.core.errors import SettingError
from llmner_hf.selector.modeling import (
    HEAD,
    EntityValidityConfig,
    EntityValidityModel,
    GLMForEntityValidity,
)
from llmner_hf.settings import SELECTOR_FILE, SelectorSettings

ADAPTER_FILE = "adapter_config.json"


def beside(place: str | Path, name: str) -> str | None:
    """A file of a folder or of a Hub repository; None where it has none."""
    found = cached_file(str(place), name, _raise_exceptions_for_missing_entries=False)
    return str(found) if found else None


def from_backbone(place: str, head_dropout: float = 0.0, **options: Any) -> EntityValidityModel:
    """A decoder's weights under a classification layer that is not trained yet.

    Args:
        place: folder or Hub id of the decoder; a config alone gives random weights.
        head_dropout: before the classification layer.
        **options: of ``from_pretrained``, as ``dtype`` or ``quantization_config``.
    """
    revision = {"revision": options["revision"]} if "revision" in options else {}
    backbone = AutoConfig.from_pretrained(place, **revision)
    config = EntityValidityConfig(text_config=backbone, head_dropout=head_dropout)
    kind = GLMForEntityValidity if backbone.model_type == "glm" else EntityValidityModel
    if Path(place).is_dir() and not any(Path(place).glob("*.safetensors*")):
        model = kind(config)
    else:
        model = kind.from_pretrained(place, config=config, **options)
    getattr(model, HEAD).float()  # untrained, it got the dtype of the checkpoint
    model.name_or_path = place  # where an adapter will look for it
    return model


def make_room(model: EntityValidityModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Let the embedding grow where the tokenizer has more tokens than it has rows."""
    embedding: Any = model.get_input_embeddings()
    if len(tokenizer) > embedding.weight.shape[0]:
        model.resize_token_embeddings(len(tokenizer), mean_resizing=False)


def base_of(place: str | Path) -> str:
    """Where the base of an adapter lies; ``..`` is the model in whose folder it travels.

    Raises:
        SettingError: no adapter lies there.
    """
    file = beside(place, ADAPTER_FILE)
    if file is None:
        raise SettingError(f"{place}: no {ADAPTER_FILE}; this is not an adapter")
    config = json.loads(Path(file).read_text(encoding="utf-8"))
    named = str(config["base_model_name_or_path"])
    return str(Path(place).parent) if named == ".." else named


def load(
    place: str | Path, base: str | None = None, **options: Any
) -> tuple[Any, PreTrainedTokenizerBase, SelectorSettings]:
    """A selector that was trained: the model, ready to judge, its tokenizer and its settings.

    Args:
        place: folder or Hub id.
        base: of an adapter, where it is not at the place that the adapter names.
        **options: of ``from_pretrained``.

    Raises:
        SettingError: no selector lies there.
    """
    settings_file = beside(place, SELECTOR_FILE)
    if settings_file is None:
        raise SettingError(f"{place}: no {SELECTOR_FILE}; make a selector: llmner train-selector")
    settings = SelectorSettings.load(settings_file)
    if beside(place, ADAPTER_FILE) is None:
        model: Any = EntityValidityModel.from_pretrained(place, **options)
        return model.eval(), AutoTokenizer.from_pretrained(place), settings
    from peft import PeftModel  # only here: it is slow to import

    base = base or base_of(place)
    # A tokenizer lies beside an adapter unless its markers are tokens that the base has.
    own = place if beside(place, "tokenizer_config.json") else base
    tokenizer = AutoTokenizer.from_pretrained(own)
    model = from_backbone(base, **options)
    make_room(model, tokenizer)
    return PeftModel.from_pretrained(model, place).eval(), tokenizer, settings


def export(place: str | Path, out: str | Path, base: str | None = None) -> None:
    """Write a selector as a whole model with its code; ``trust_remote_code`` loads it elsewhere.

    Args:
        place: folder or Hub id of the selector.
        out: folder to write.
        base: see ``load``.
    """
    model, tokenizer, settings = load(place, base, dtype=torch.float32)
    whole = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
    whole.save_pretrained(out)
    tokenizer.save_pretrained(out)
    settings.save(out)
