"""A plain LoRA adapter over modules that are shared, without PEFT.

In: a validity model, and the folder of an adapter. Out: whether the adapter was put on: its linear
layers then add the product of two thin matrices, rows of its embedding are others, and its
classification layer is the adapter's. Nothing is merged, since the tensors below are another
model's too, and logits are those of PEFT. An adapter of any other kind, or one on layers of any
other kind, is left to PEFT, and the model as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import linear

from llmner_hf.selector.modeling import HEAD
from llmner_hf.selector.storage import ADAPTER_FILE, ADAPTER_WEIGHTS

_BEFORE, _DOWN, _UP = "base_model.model.", ".lora_A.weight", ".lora_B.weight"
_ROWS = ".token_adapter.trainable_tokens_delta"

# What a config may say and be plain: first what is read here, then what is about training, about
# modules, which the names of the tensors tell, or about what is switched on elsewhere.
_READ = {"peft_type", "r", "lora_alpha", "bias", "init_lora_weights", "modules_to_save"}
_READ |= {"trainable_token_indices"}
_TRAINING = {"inference_mode", "lora_dropout", "peft_version", "task_type"}
_MODULES = {"auto_mapping", "base_model_name_or_path", "exclude_modules", "layers_pattern"}
_MODULES |= {"layers_to_transform", "revision", "target_modules"}
_PLAIN = _READ | _TRAINING | _MODULES | {"megatron_core", "qalora_group_size"}


class AdaptedLinear(nn.Module):
    """A linear layer, and the product of two thin matrices beside it."""

    down: torch.Tensor  # (rank, in)
    up: torch.Tensor  # (out, rank)

    def __init__(self, base: nn.Linear, down: torch.Tensor, up: torch.Tensor, scale: float) -> None:
        super().__init__()
        self.base = base
        self.register_buffer("down", down.to(base.weight))
        self.register_buffer("up", up.to(base.weight))
        self.scale = scale

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The sum of both."""
        added = linear(linear(inputs, self.down), self.up)
        return torch.add(self.base(inputs), added, alpha=self.scale)


class AdaptedEmbedding(nn.Module):
    """An embedding of which some rows are others."""

    rows: torch.Tensor  # (tokens, hidden)

    def __init__(self, base: nn.Embedding, tokens: list[int], rows: torch.Tensor) -> None:
        super().__init__()
        self.base = base
        self.tokens = tokens
        self.register_buffer("rows", rows.to(base.weight))

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The rows of these tokens."""
        found: torch.Tensor = self.base(ids)
        for token, row in zip(self.tokens, self.rows, strict=True):
            found = torch.where((ids == token)[..., None], row, found)
        return found


def put_on(model: nn.Module, folder: Path) -> bool:
    """Put the adapter of a folder on a model; False if it is not a plain one."""
    config_file, weights_file = folder / ADAPTER_FILE, folder / ADAPTER_WEIGHTS
    if not (config_file.is_file() and weights_file.is_file()):
        return False
    config = json.loads(config_file.read_text(encoding="utf-8"))
    if not _plain(config):
        return False
    tensors = {n.removeprefix(_BEFORE): part for n, part in load_file(weights_file).items()}
    layer = {name: tensors.pop(f"{HEAD}.{name}", None) for name in ("weight", "bias")}
    linears, embeddings = _linears(model, config, tensors), _embeddings(model, config, tensors)
    lacking = len(embeddings) < len(_tokens(config)) or any(p is None for p in layer.values())
    # There is something in it that is not known here, or something is missing: PEFT says what.
    if tensors or lacking or not _targets(model, config) <= linears.keys():
        return False
    for name, module in (linears | embeddings).items():
        model.set_submodule(name, module)
    model.get_submodule(HEAD).load_state_dict(layer)
    return True


def _plain(config: Mapping[str, Any]) -> bool:
    """Whether it asks for nothing but products of two matrices, rows and the last layer."""
    return (
        config.get("peft_type") == "LORA"
        and config.get("modules_to_save") == [HEAD]
        and config.get("bias", "none") == "none"
        # Others, as "pissa", begin by changing the weights of the base.
        and config.get("init_lora_weights", True) in (True, False, "gaussian")
        and isinstance(_tokens(config), dict)
        and not any(value for name, value in config.items() if name not in _PLAIN)
    )


def _tokens(config: Mapping[str, Any]) -> dict[str, list[int]]:
    """For embeddings, by the end of their names, the tokens whose rows are others."""
    return config.get("trainable_token_indices") or {}


def _linears(
    model: nn.Module, config: Mapping[str, Any], tensors: dict[str, torch.Tensor]
) -> dict[str, nn.Module]:
    """The linear layers with what is added, by name; their tensors are taken out of the others."""
    modules, found = dict(model.named_modules()), dict[str, nn.Module]()
    for name in [n.removesuffix(_DOWN) for n in tensors if n.endswith(_DOWN)]:
        base, fits = modules.get(name), len(tensors[name + _DOWN]) == config["r"]
        if type(base) is nn.Linear and fits and name + _UP in tensors:  # no quantised subclass
            down, up = tensors.pop(name + _DOWN), tensors.pop(name + _UP)
            found[name] = AdaptedLinear(base, down, up, config["lora_alpha"] / config["r"])
    return found


def _targets(model: nn.Module, config: Mapping[str, Any]) -> set[str]:
    """The linear layers that the config names, where it names them one by one."""
    named = config.get("target_modules")
    limited = any(config.get(key) for key in ("exclude_modules", "layers_to_transform"))
    if not isinstance(named, list) or limited:
        return set()
    ends = tuple(f".{name}" for name in named)
    return {
        name
        for name, module in model.named_modules()
        if type(module) is nn.Linear and f".{name}".endswith(ends)
    }


def _embeddings(
    model: nn.Module, config: Mapping[str, Any], tensors: dict[str, torch.Tensor]
) -> dict[str, nn.Module]:
    """The embedding with its other rows, in the same way."""
    modules, found = dict(model.named_modules()), dict[str, nn.Module]()
    for last, tokens in _tokens(config).items():
        for name in [n.removesuffix(_ROWS) for n in tensors if n.endswith(f"{last}{_ROWS}")]:
            base, fits = modules.get(name), len(tensors[name + _ROWS]) == len(tokens)
            if type(base) is nn.Embedding and fits:
                found[name] = AdaptedEmbedding(base, tokens, tensors.pop(name + _ROWS))
    return found
