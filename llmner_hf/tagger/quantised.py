"""What a model with weights of 4 bit needs besides."""

from __future__ import annotations

import torch


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
