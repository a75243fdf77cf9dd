"""What lies beside a model, and what is done to one that was loaded.

In: a model and its tokenizer, from a folder or the Hub. Out: the files that travel with them, and
adapters made part of the weights.
"""

from __future__ import annotations

import logging
from typing import Any

import torch
from transformers.utils import cached_file

from llmner_hf.settings import TAGGER_FILE, TaggerSettings

logger = logging.getLogger(__name__)


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


def beside(model: Any, tokenizer: Any, name: str) -> str | None:
    """A file beside a model: in its adapter's folder, its own, or its tokenizer's."""
    places = [getattr(tokenizer, "name_or_path", ""), getattr(model, "name_or_path", "")]
    for place in filter(None, places):
        path = cached_file(place, name, _raise_exceptions_for_missing_entries=False)
        if path:
            return str(path)
    return None


def settings_of(model: Any, tokenizer: Any) -> TaggerSettings:
    """The settings beside a model.

    A model without them is asked with the defaults, zero-shot.
    """
    path = beside(model, tokenizer, TAGGER_FILE)
    if path:
        return TaggerSettings.load(path)
    logger.warning(
        "no %s beside the model: asking it zero-shot, with the default prompt", TAGGER_FILE
    )
    return TaggerSettings()
