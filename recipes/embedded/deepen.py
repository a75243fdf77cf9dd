"""Layers for a tagger that has too few: some of its own once more, at first without effect.

In: the folder of a model and the numbers of the layers to double. Out: a folder like it with a copy
behind each of these layers, whose two outputs are zero, so that the new model writes what the old
one wrote until it is trained on (the block expansion of LLaMA Pro, Wu et al., 2024). Beside
the weights everything stays as it was.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Collection
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

# The matrices that write into the residual stream.
OUTPUTS = ("self_attn.o_proj", "mlp.down_proj")
# What of a run is not the model.
OTHERS = "*.safetensors", "checkpoint-*", "best", "run.json", "loss.*", "README.md"


def deepened(model: PreTrainedModel, doubled: Collection[int]) -> PreTrainedModel:
    """A model with more layers that computes the same.

    Args:
        model: a causal language model with the layers of Llama or GLM.
        doubled: the numbers of the layers, from 0, behind which a copy comes.

    Raises:
        ValueError: there is no such layer.
    """
    number = model.config.num_hidden_layers
    if unknown := sorted(set(doubled) - set(range(number))):
        raise ValueError(f"layers are 0 to {number - 1}, not {unknown}")
    # Where each layer of the new model comes from, and whether it is a copy.
    origins = [(n, again) for n in range(number) for again in (False, True)[: 1 + (n in doubled)]]
    changed: dict[str, object] = {"num_hidden_layers": len(origins)}
    if kinds := getattr(model.config, "layer_types", None):
        changed["layer_types"] = [kinds[n] for n, _ in origins]
    config = type(model.config).from_dict(model.config.to_dict() | changed)
    made = type(model)(config).to(model.dtype)
    others = {k: v for k, v in model.state_dict().items() if not k.startswith("model.layers.")}
    made.load_state_dict(others, strict=False)
    for layer, (origin, again) in zip(made.model.layers, origins, strict=True):
        layer.load_state_dict(model.model.layers[origin].state_dict())
        if again:
            for name in OUTPUTS:
                torch.nn.init.zeros_(layer.get_submodule(name).weight)
    return made


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder of the tagger")
    parser.add_argument("--layers", type=int, nargs="+", required=True, help="which to double")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder to write")
    given = parser.parse_args()
    model = AutoModelForCausalLM.from_pretrained(given.model, dtype="auto")
    try:
        made = deepened(model, given.layers)
    except ValueError as error:
        parser.error(str(error))
    ignored = shutil.ignore_patterns(*OTHERS)
    shutil.copytree(given.model, given.out, ignore=ignored, dirs_exist_ok=True)
    made.save_pretrained(given.out)
    print(
        f"{given.out}: {made.config.num_hidden_layers} layers, {made.num_parameters():,} parameters"
    )


if __name__ == "__main__":
    main()
