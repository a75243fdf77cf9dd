"""What lies beside a model, and what is done to one that was loaded.

In: a model and its tokenizer, from a folder or the Hub. Out: the files that travel with them, and
adapters made part of the weights.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from transformers.utils import cached_file

from llmner_hf.settings import GAZETTEER_FILE, SELECTOR_FILE, TAGGER_FILE, TaggerSettings

logger = logging.getLogger(__name__)

SELECTOR_FOLDER = "selector"
ADAPTER_FILES = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
)


def merge_adapters(model: Any) -> None:
    """Add the adapters that were loaded with a model to its weights, where these are not quantised.

    Merged into 4 bit, the small steps of an adapter would be rounded away.
    """
    from peft.tuners.tuners_utils import BaseTunerLayer

    for module in model.modules():
        if isinstance(module, BaseTunerLayer):
            weight = module.get_base_layer().weight
            if isinstance(weight, torch.Tensor) and weight.is_floating_point():
                module.merge()


def adapter_tokenizer(place: str) -> str | None:
    """Where the tokenizer of an adapter lies, if it is one and brings its own.

    transformers takes that of its base, and with it would miss whatever lies beside the adapter.
    """
    found = (
        cached_file(place, name, _raise_exceptions_for_missing_entries=False)
        for name in ("adapter_config.json", "tokenizer_config.json")
    )
    return place if all(found) else None


def beside(model: Any, tokenizer: Any, name: str) -> str | None:
    """A file beside a model: in its adapter's folder, its own, or its tokenizer's."""
    places = [getattr(tokenizer, "name_or_path", ""), getattr(model, "name_or_path", "")]
    for place in filter(None, places):
        path = cached_file(place, name, _raise_exceptions_for_missing_entries=False)
        if path:
            return str(path)
    return None


def selector_beside(model: Any, tokenizer: Any) -> str | None:
    """The folder of the selector that travels with a model, an adapter on it; None without one.

    One beside the base of a tagger's adapter was made for another tagger, the base.
    """
    name = f"{SELECTOR_FOLDER}/{SELECTOR_FILE}"
    settings = beside(model, tokenizer, name)
    adapted = getattr(model, "_hf_peft_config_loaded", False)
    if settings is None or (adapted and settings == beside(model, None, name)):
        return None
    for name in ADAPTER_FILES:  # from the Hub they come one by one
        beside(model, tokenizer, f"{SELECTOR_FOLDER}/{name}")
    return str(Path(settings).parent)


def settings_of(model: Any, tokenizer: Any) -> TaggerSettings:
    """The settings beside a model.

    A model without them is asked with the defaults, zero-shot.
    """
    beside(model, tokenizer, GAZETTEER_FILE)  # from the Hub they come one by one
    path = beside(model, tokenizer, TAGGER_FILE)
    if path:
        return TaggerSettings.load(path)
    logger.warning(
        "no %s beside the model or its tokenizer: asking it zero-shot, with the default prompt",
        TAGGER_FILE,
    )
    return TaggerSettings()


def keep_layout(model: torch.nn.Module) -> None:
    """Never lay the weights out anew for evaluation.

    On CPUs with AVX512-BF16 bitsandbytes does so at the first evaluation, in place: afterwards no
    gradient passes a layer (0.50.2, ``matmul_4bit``), the scales come back inexactly, and layers
    whose width is no multiple of the block fail. Validation in a run would spoil what follows.
    """
    from bitsandbytes.nn import Linear4bit  # only where there is such a model: slow to import

    for layer in model.modules():
        if isinstance(layer, Linear4bit):
            layer.support_avx512bf16_for_cpu = False
