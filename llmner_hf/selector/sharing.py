"""One backbone in memory for a tagger and its selector.

In: a causal model that was loaded, with or without a tagger's adapter in it, and a selector that is
an adapter on the same base. Out: the selector. Tagger and selector are two trees of modules over
the same tensors: the selector's adapter wraps modules of its own tree, so that neither ever sees
the other's adapter, nothing is switched between them, and nothing is merged and taken out again,
which drifts. Alone in memory twice are the selector's adapter and its classification layer.
"""

from __future__ import annotations

import copy
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from llmner_hf.selector.filtering import Selector
from llmner_hf.selector.lora import put_on
from llmner_hf.selector.modeling import (
    EntityValidityConfig,
    EntityValidityForSequenceClassification,
)
from llmner_hf.selector.scoring import validity_scorer
from llmner_hf.selector.soundness import check_adapter, check_answers, in_one_line
from llmner_hf.selector.storage import (
    ADAPTER_FILE,
    ADAPTER_WEIGHTS,
    TOKENIZER_FILES,
    base_of,
    class_for,
    fetched,
    load,
    make_room,
)
from llmner_hf.settings import SELECTOR_FILE, SelectorSettings
from llmner_hf.settings.origin import Origin


def selector_at(place: str | Path | Origin, **options: Any) -> Selector:
    """A selector with a backbone of its own.

    Raises:
        SettingError: no selector lies there.
    """
    return _selector(*load(place, **options), Origin.of(place))


def selector_on(causal: Any, place: str | Path | Origin) -> Selector:
    """A selector that is an adapter on the base of a causal model, over the same tensors.

    Args:
        causal: the model; an adapter in it must not have been merged.
        place: folder or Hub id of the selector, or an origin with its revision and token.
    """
    origin = Origin.of(place)
    folder = fetched(origin, (SELECTOR_FILE, ADAPTER_FILE, ADAPTER_WEIGHTS, *TOKENIZER_FILES))
    settings = SelectorSettings.load(folder / SELECTOR_FILE)
    brought = (folder / TOKENIZER_FILES[0]).is_file()
    with in_one_line(origin.name):
        tokenizer = AutoTokenizer.from_pretrained(folder if brought else causal.name_or_path)
    model: Any = view_of(causal)
    make_room(model, tokenizer)
    with in_one_line(origin.name):
        plain = put_on(model, folder)
    if not plain:
        from peft import PeftModel  # only here: it is slow to import

        with in_one_line(origin.name):
            model = PeftModel.from_pretrained(
                model, str(folder), torch_device=str(causal.device), autocast_adapter_dtype=False
            )
        check_adapter(model, folder / ADAPTER_WEIGHTS, origin.name)
    check_answers(model.eval(), origin.name)
    return _selector(model.eval(), tokenizer, settings, origin)


def can_share(causal: Any, place: str | Path | Origin) -> bool:
    """Whether a selector is an adapter on the base of that model."""
    origin = Origin.of(place)
    if origin.file(ADAPTER_FILE) is None:
        return False
    base, loaded = base_of(origin).name, str(causal.name_or_path)
    same_folder = Path(base).is_dir() and Path(loaded).is_dir() and Path(base).samefile(loaded)
    return base == loaded or same_folder


def view_of(causal: Any) -> EntityValidityForSequenceClassification:
    """A validity model whose backbone has the tensors of a causal model, without its adapters."""
    with torch.device("meta"):  # nothing is allocated for what is replaced
        model = class_for(causal.config)(
            EntityValidityConfig(text_config=causal.config, head_dropout=0.0)
        )
    model.model = _without_adapters(_tree_of(causal.get_decoder()))
    model.fc_cls = nn.Linear(model.fc_cls.in_features, 1, device=causal.device)
    return model


def _tree_of(module: nn.Module) -> Any:
    """A copy of the modules over the same tensors."""
    tensors: list[Any] = list(chain(module.parameters(), module.buffers()))
    # What bitsandbytes needs to read 4-bit weights is no parameter.
    tensors += [state for t in tensors if (state := getattr(t, "quant_state", None)) is not None]
    return copy.deepcopy(module, {id(tensor): tensor for tensor in tensors})


def _without_adapters(module: nn.Module) -> nn.Module:
    for name, child in module.named_children():
        bare = getattr(child, "get_base_layer", lambda child=child: child)()
        setattr(module, name, _without_adapters(bare))
    return module


def _selector(
    model: Any, tokenizer: PreTrainedTokenizerBase, settings: SelectorSettings, origin: Origin
) -> Selector:
    scorer = validity_scorer(model, tokenizer, settings)
    own = settings.threshold, settings.temperature, settings.thresholds
    return Selector(scorer, *own, origin=origin)
