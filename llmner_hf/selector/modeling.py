"""The model: any decoder, and on its last real token a layer that says how valid a candidate is.

In: token ids of candidates. Out: one logit each, whose sigmoid is the probability that the
candidate is an entity (paper, section II-C): dropout, a fully connected layer in fp32, binary
cross-entropy. What is pooled is found by the attention mask, not by the padding token, so neither
the padding's side nor a padding token inside a text matters. This file and the one with the config
travel with an exported model to those who have transformers and not this package, so one imports
the other by its place and nothing else of the package.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AutoModel, AutoModelForSequenceClassification, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from .configuration import EntityValidityConfig

HEAD = "fc_cls"


class EntityValidityForSequenceClassification(PreTrainedModel):
    """A decoder with a classification layer; its checkpoint, or that of the decoder, loads it."""

    config_class = EntityValidityConfig
    base_model_prefix = "model"
    supports_gradient_checkpointing = True
    # The layer is small and decides alone, so it is never of lower precision, nor quantised.
    _keep_in_fp32_modules_strict = {HEAD}  # noqa: RUF012  the name is transformers'
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    def __init__(self, config: EntityValidityConfig) -> None:
        super().__init__(config)
        backbone: Any = config.text_config
        self.model = AutoModel.from_config(backbone)
        self.dropout = nn.Dropout(config.head_dropout)
        self.fc_cls = nn.Linear(backbone.hidden_size, 1)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """The backbone's."""
        return self.model.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the backbone's."""
        self.model.set_input_embeddings(value)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        pooled: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """The logits of candidates, (candidates, 1), and their loss.

        Args:
            input_ids: (batch, tokens).
            attention_mask: (batch, tokens), 0 for padding; or what the backbone takes besides, as
                (batch, 1, tokens, tokens), and then ``pooled`` is needed.
            position_ids: (batch, tokens); counted over the real tokens if absent.
            labels: 1 for an entity, 0 for none, (candidates,).
            pooled: batch row and place of each candidate's last token, (candidates, 2); the last
                real token of each row if absent.
            **kwargs: the backbone's further arguments.
        """
        if attention_mask is None:
            attention_mask = torch.ones_like(input_ids)
        if position_ids is None and attention_mask.dim() == 2:
            position_ids = (attention_mask.cumsum(1) - 1).clamp(min=0)
        states = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            use_cache=False,
            **kwargs,
        ).last_hidden_state
        rows, places = (last_real(attention_mask) if pooled is None else pooled).unbind(1)
        logits = self.judge(states[rows, places])
        loss = None
        if labels is not None:
            gold = labels.to(logits).view_as(logits)
            loss = nn.functional.binary_cross_entropy_with_logits(logits, gold)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def judge(self, states: torch.Tensor) -> torch.Tensor:
        """The logits, (candidates, 1), of pooled states, (candidates, hidden)."""
        # Under autocast a layer in fp32 would still compute in lower precision.
        with torch.autocast(states.device.type, enabled=False):
            logits: torch.Tensor = self.fc_cls(self.dropout(states.float()))
        return logits


def last_real(attention_mask: torch.Tensor) -> torch.Tensor:
    """Row and place of the last token of each row that is no padding, (batch, 2)."""
    places = torch.arange(attention_mask.shape[1], device=attention_mask.device)
    last = (attention_mask * places).argmax(1)
    return torch.stack([torch.arange(len(last), device=last.device), last], 1)


class GLMForEntityValidity(EntityValidityForSequenceClassification):
    """The paper's LLM-CLS: the same over GLM4-9B-Chat."""


AutoModelForSequenceClassification.register(
    EntityValidityConfig, EntityValidityForSequenceClassification, exist_ok=True
)
EntityValidityForSequenceClassification.register_for_auto_class(
    "AutoModelForSequenceClassification"
)
