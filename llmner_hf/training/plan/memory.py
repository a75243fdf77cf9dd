"""The peak memory of one GPU, from the shapes of a model alone.

In: settings, and the widest batch. Out: an itemised estimate in bytes. The model is built from its
config on the meta device, where parameters have shapes and no storage, so a 9B model needs no
memory. The memory is arithmetic over those shapes (docs/training.md has the formulas): the share of
one process that holds the whole model, without the CUDA context and the allocator's gaps.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from peft import get_peft_model
from peft.tuners.lora import LoraLayer
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM
from trl import ModelConfig, SFTConfig, get_peft_config

from llmner_hf.core.errors import SettingError
from llmner_hf.training.outcome import model_path
from llmner_hf.training.plan.schedule import Batch
from llmner_hf.training.recipe import TrainingSettings
from llmner_hf.training.tagger.losses import FULL_TOKENS

# bitsandbytes: weights that share one scale, and scales that share one where they are nested.
BLOCK, NESTED_BLOCK = 64, 256


@dataclass(frozen=True, slots=True)
class Memory:
    """The peak of one GPU by what fills it, in bytes.

    Attributes:
        weights: frozen weights.
        trained: trained weights, fp32.
        gradients: theirs.
        optimiser: AdamW's two moments.
        casts: copies of fp32 matrices that autocast makes.
        kept: activations kept for the backward pass.
        layer: gradients and copies while one layer is passed backward; with checkpointing its
            recomputed activations too.
        loss: logits, their gradients and rows of the head.
    """

    weights: int
    trained: int
    gradients: int
    optimiser: int
    casts: int
    kept: int
    layer: int
    loss: int

    @property
    def peak(self) -> int:
        """Layer and loss never stand in memory together: the larger one counts."""
        lasting = self.weights + self.trained + self.gradients + self.optimiser
        return lasting + self.casts + self.kept + max(self.layer, self.loss)


@dataclass(frozen=True)
class Skeleton:
    """The model to train, adapter included, on the meta device.

    Attributes:
        model: everything that is trained is fp32, as `training.tagger.run.make_trainer` has it.
        architecture: the class of the model below the adapter.
        base_parameters: parameters of that model.
        quantised: ids of the weights that bitsandbytes replaces: linear layers but the head.
        dtype: of the weights as they are loaded.
    """

    model: Any
    architecture: str
    base_parameters: int
    quantised: frozenset[int]
    dtype: torch.dtype

    @property
    def trainable(self) -> int:
        """How many parameters are trained."""
        return count(p for p in self.model.parameters() if p.requires_grad)

    @classmethod
    def of(cls, settings: ModelConfig) -> Skeleton:
        """Built from the config; no file of weights is looked for."""
        path = model_path(settings)
        config = AutoConfig.from_pretrained(path, revision=settings.model_revision)
        named = settings.dtype if settings.dtype not in (None, "auto") else config.dtype
        dtype = getattr(torch, named) if isinstance(named, str) else named or torch.float32
        with torch.device("meta"):
            model: Any = AutoModelForCausalLM.from_config(config, dtype=dtype)
            size, head = count(model.parameters()), model.get_output_embeddings()
            quantised = {id(m.weight) for m in linear_layers(model) if m is not head}
            if not (settings.load_in_4bit or settings.load_in_8bit):
                quantised = set()
            architecture = type(model).__name__
            if settings.use_peft:
                model = cls._adapted(model, settings)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
        return cls(model, architecture, size, frozenset(quantised), dtype)

    @staticmethod
    def _adapted(model: Any, settings: ModelConfig) -> Any:
        adapter: Any = get_peft_config(settings)
        try:
            return get_peft_model(model, adapter)
        except ValueError as error:
            raise SettingError(f"{model_path(settings)}: the adapter: {error}") from error


def count(parameters: Iterable[torch.Tensor]) -> int:
    """How many numbers parameters hold."""
    return sum(parameter.numel() for parameter in parameters)


def linear_layers(model: nn.Module) -> list[nn.Linear]:
    """All linear layers, those of adapters included."""
    return [module for module in model.modules() if isinstance(module, nn.Linear)]


@dataclass(frozen=True)
class Estimate:
    """The memory of a run, by the formulas of docs/training.md; "a token" is a padded one."""

    skeleton: Skeleton
    settings: TrainingSettings
    optimisation: SFTConfig
    model_settings: ModelConfig

    def memory(self, batch: Batch, *, checkpointing: bool) -> Memory:
        """The peak for this batch."""
        parameters, trained = self.skeleton.model.parameters(), self.skeleton.trainable
        layers, a_layer = self._config.num_hidden_layers, self.kept_by_layer(batch.width)
        tokens = batch.packs * batch.width
        # Outside the layers: the input of the final norm, and that in fp32.
        kept = self._hidden + 4 * self._config.hidden_size
        kept += layers * (self._hidden if checkpointing else a_layer)
        return Memory(
            weights=sum(self.stored_bytes(p) for p in parameters if not p.requires_grad),
            trained=4 * trained,
            gradients=4 * trained,
            optimiser=(2 if "8bit" in self.optimisation.optim else 8) * trained,
            casts=self._casts(),
            kept=tokens * kept,
            layer=tokens * (self._work() + (a_layer if checkpointing else 0)) + self._buffer(),
            loss=self._loss(batch),
        )

    def stored_bytes(self, weight: nn.Parameter) -> int:
        """The bytes of a frozen weight, with the scales of its quantisation."""
        numbers = weight.numel()
        if id(weight) not in self.skeleton.quantised:
            return numbers * weight.element_size()
        if self.model_settings.load_in_8bit:
            return numbers + 4 * weight.shape[0]  # a scale for each row
        blocks = math.ceil(numbers / BLOCK)
        if self.model_settings.use_bnb_nested_quant:
            return math.ceil(numbers / 2) + blocks + 4 * math.ceil(blocks / NESTED_BLOCK)
        return math.ceil(numbers / 2) + 4 * blocks

    def kept_by_layer(self, row: int) -> int:
        """Bytes a token that one decoder layer keeps for its backward pass.

        Args:
            row: tokens of a padded row or pack.
        """
        config, kept = self._config, 0
        heads = config.num_attention_heads
        width = heads * getattr(config, "head_dim", config.hidden_size // heads)
        # Query, key, value and output of attention, its normaliser, and the mask, which every
        # layer turns into numbers anew. A padded batch has one, and so keys and values are repeated
        # for all heads.
        kept += (4 * width + row) * self._compute + 4 * heads
        # Gate, up, and the activated gate; their product is kept by who needs it.
        kept += 3 * config.intermediate_size * self._compute
        for module in self._layer().modules():
            if isinstance(module, nn.Linear) and module.weight.requires_grad:
                kept += module.in_features * self._compute_of(module.weight)
            elif isinstance(module, LoraLayer) and self.model_settings.lora_dropout:
                kept += module.in_features  # the mask
            elif type(module).__name__.endswith("RMSNorm"):
                weight: Any = module.weight
                # The input and its scale, in fp32; a trained weight keeps what it multiplies.
                kept += 4 * weight.numel() * (1 + weight.requires_grad) + 4
        return int(kept)

    @property
    def _config(self) -> Any:
        return self.skeleton.model.config.get_text_config()

    @property
    def _autocast(self) -> bool:
        return bool(self.optimisation.bf16 or self.optimisation.fp16)

    @property
    def _compute(self) -> int:
        """Bytes of a number inside a layer."""
        return 2 if self._autocast else self.skeleton.dtype.itemsize

    def _compute_of(self, weight: torch.Tensor) -> int:
        return 2 if self._autocast else weight.element_size()

    @property
    def _hidden(self) -> int:
        """Bytes a token between layers, where numbers have the type of the embeddings."""
        embeddings = self.skeleton.model.get_input_embeddings().weight
        return int(self._config.hidden_size * embeddings.element_size())

    def _layer(self) -> nn.Module:
        """The first decoder layer; the others are like it."""
        number = self._config.num_hidden_layers
        for module in self.skeleton.model.modules():
            if isinstance(module, nn.ModuleList) and len(module) == number:
                return module[0]
        raise SettingError(f"{self.skeleton.architecture}: no list of {number} decoder layers")

    def _casts(self) -> int:
        weights = (layer.weight for layer in linear_layers(self.skeleton.model))
        casts = (w for w in weights if w.dtype == torch.float32 and self._is_cast(w))
        return 2 * count(casts)

    def _is_cast(self, weight: torch.Tensor) -> bool:
        return self._autocast and id(weight) not in self.skeleton.quantised

    def _work(self) -> int:
        """Bytes a token of gradients in the widest part of a layer, the feed-forward network."""
        inner = self._config.intermediate_size
        # LoRA on weights that are not quantised sees its input in fp32, once more after dropout.
        copies = self.model_settings.use_peft and not self.skeleton.quantised
        return int(inner * (5 * self._compute + 8 * copies))

    def _buffer(self) -> int:
        """The largest quantised weight, written out for a product."""
        weights = self.skeleton.model.parameters()
        sizes = [w.numel() for w in weights if id(w) in self.skeleton.quantised]
        return max(sizes, default=0) * self.skeleton.dtype.itemsize

    def _loss(self, batch: Batch) -> int:
        head = self.skeleton.model.get_output_embeddings().weight
        vocabulary, width = head.shape
        size, share = head.element_size(), self.settings.allowed_share
        used = batch.answers * width * (size + 4)  # states that bear loss, their gradient
        if head.requires_grad:
            used += 4 * head.numel()
        if share:
            used += batch.answers * batch.allowed * width * size
        # Logits in fp32, their gradient in fp32, and that gradient in the head's type.
        full = min(batch.answers, FULL_TOKENS) * (share < 1)
        return int(used + full * vocabulary * (8 + (size if size < 4 else 0)))
