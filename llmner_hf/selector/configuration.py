"""The config of a selector: that of its backbone, and what the classification layer adds."""

from __future__ import annotations

from typing import Any

from transformers import CONFIG_MAPPING, AutoConfig, PreTrainedConfig


class EntityValidityConfig(PreTrainedConfig):
    """The config of a backbone, and what the classification layer adds.

    Attributes:
        text_config: of the backbone.
        head_dropout: before the classification layer.
    """

    model_type = "entity_validity"
    sub_configs = {"text_config": AutoConfig}  # noqa: RUF012  the name is transformers'

    text_config: dict[str, Any] | PreTrainedConfig | None = None
    head_dropout: float = 0.05

    def __post_init__(self, **kwargs: Any) -> None:
        if isinstance(self.text_config, dict):
            given = dict(self.text_config)
            self.text_config = CONFIG_MAPPING[given.pop("model_type")](**given)
        super().__post_init__(**kwargs)


AutoConfig.register(EntityValidityConfig.model_type, EntityValidityConfig, exist_ok=True)
EntityValidityConfig.register_for_auto_class()
