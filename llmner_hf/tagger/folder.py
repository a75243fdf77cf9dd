"""The folder or repository of a tagger: what lies beside its weights, and how it is read.

In: an origin. Out: the model, with its adapter if it has one, its tokenizer, its settings with
their gazetteer, and the selector in its folder ``selector``. All files come from one commit.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from llmner_hf.core.errors import SettingError
from llmner_hf.selector.filtering import Selector
from llmner_hf.selector.sharing import can_share, selector_at, selector_on
from llmner_hf.selector.soundness import (
    check_adapter,
    check_answers,
    check_context,
    in_one_line,
    loaded,
)
from llmner_hf.selector.storage import (
    ADAPTER_FILE,
    ADAPTER_WEIGHTS,
    SELECTOR_FOLDER,
    TOKENIZER_FILES,
    base_of,
    fetched,
)
from llmner_hf.settings import GAZETTEER_FILE, SELECTOR_FILE, TAGGER_FILE, TaggerSettings
from llmner_hf.settings.origin import Origin
from llmner_hf.tagger.quantised import keep_layout

logger = logging.getLogger(__name__)

BESIDE = "beside"  # the selector in the tagger's own folder, if there is one
_SELECTOR = (SELECTOR_FILE, ADAPTER_FILE, ADAPTER_WEIGHTS, *TOKENIZER_FILES)
_WHOLE = ("config.json", "model.safetensors")


def model_of(origin: Origin, **options: Any) -> Any:
    """The model, on its base and with the adapter in it where an adapter lies there.

    Raises:
        SettingError: it cannot be loaded, or is not whole (`selector.soundness`).
    """
    file = origin.file(ADAPTER_FILE)
    base = origin if file is None else base_of(origin)
    model = loaded(AutoModelForCausalLM, base.name, **base.loading, **options)
    if file is not None:
        # Not by the adapter's name: transformers would look for the base at the adapter's revision.
        folder = fetched(origin, (ADAPTER_FILE, ADAPTER_WEIGHTS))
        with in_one_line(origin.name):
            model.load_adapter(str(folder))
        check_adapter(model, folder / ADAPTER_WEIGHTS, origin.name)
    if getattr(model, "is_loaded_in_4bit", False):
        keep_layout(model)
    check_context(model.config, base.name)
    check_answers(model, origin.name)
    return model


def tokenizer_of(origin: Origin, given: Any = None) -> PreTrainedTokenizerBase:
    """The tokenizer beside a model; beside the base of an adapter that brings none.

    Args:
        origin: of the model.
        given: another one, loaded, or where it lies.
    """
    if given is not None and not isinstance(given, str | Path):
        loaded_before: PreTrainedTokenizerBase = given
        return loaded_before
    place = Origin.of(given) if given and Origin.of(given).name != origin.name else origin
    if place.file(ADAPTER_FILE) and not place.file(TOKENIZER_FILES[0]):
        place = base_of(place)
    with in_one_line(place.name):
        tokenizer: PreTrainedTokenizerBase
        tokenizer = AutoTokenizer.from_pretrained(place.name, **place.loading)
    return tokenizer


def settings_of(origin: Origin) -> TaggerSettings:
    """The settings beside a model, with the gazetteer that they name.

    A model without them is asked with the defaults, zero-shot, and a warning says so.
    """
    origin.file(GAZETTEER_FILE)  # is read beside the settings, and from the Hub comes apart
    path = origin.file(TAGGER_FILE)
    if path is not None:
        return TaggerSettings.load(path)
    logger.warning(
        "%s: no %s there: asking it zero-shot, with the default prompt", origin.name, TAGGER_FILE
    )
    return TaggerSettings()


def selector_of(
    origin: Origin | None, model: Any, given: str | Path | Origin | Selector | None
) -> tuple[Selector | None, bool]:
    """A tagger's selector, if any, and whether it shares the model's tensors.

    Args:
        origin: of the tagger; None for a model that lies nowhere.
        model: the tagger's; an adapter in it must not have been merged.
        given: a selector, where one lies, ``BESIDE``, or None.

    Raises:
        SettingError: no selector lies where one is named.
    """
    if given is None or isinstance(given, Selector):
        return given, False
    if given == BESIDE:
        place = _beside(origin) if origin else None
        if place is None:
            return None, False
        if place.file(ADAPTER_FILE):  # travels with this model, whatever its base was called
            return selector_on(model, place), True
    else:
        place = Origin.of(given)
        if origin and not isinstance(given, Origin):  # the token opens both
            place = replace(origin, name=place.name, revision=None)
        if can_share(model, place):
            return selector_on(model, place), True
    return selector_at(place, device_map=model.device), False


def _beside(origin: Origin) -> Origin | None:
    """The selector in the folder ``selector``, on this computer."""
    names = tuple(f"{SELECTOR_FOLDER}/{name}" for name in _SELECTOR)
    if origin.file(names[0]) is None:
        return None
    folder = fetched(origin, names)
    if not (folder / ADAPTER_FILE).is_file():
        fetched(origin, tuple(f"{SELECTOR_FOLDER}/{name}" for name in _WHOLE))
    return Origin(str(folder))


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


def origin_of(model: Any, tokenizer: Any) -> Origin | None:
    """Where a model in memory came from, as far as it says so; None where it came from nowhere.

    Raises:
        SettingError: an adapter was loaded by transformers, which forgets where it lay.
    """
    named = str(getattr(model, "name_or_path", "") or "")
    commit = getattr(model.config, "_commit_hash", None)
    places = [str(getattr(tokenizer, "name_or_path", "") or ""), named]
    for place in dict.fromkeys(filter(None, places)):
        origin = Origin(place, None if Path(place).is_dir() or place != named else commit)
        if origin.file(TAGGER_FILE):
            return origin
    if getattr(model, "_hf_peft_config_loaded", False):
        raise SettingError(
            f"{named}: an adapter is in it, and no {TAGGER_FILE} beside model or tokenizer; load "
            "adapters by llmner_hf.pipeline, or give tokenizer= the adapter's place"
        )
    return Origin(named, commit) if named else None
