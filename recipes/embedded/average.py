"""One tagger of several that were trained on from one another: the weighted mean of their weights.

In: the folders of models of one shape and the share of each; equal ones if absent. Out: a folder
like the last one's with the means as weights (model soups, Wortsman et al., 2022). Runs that have a
past in common end so near each other that a point between them is a model too, often a better one;
of models that do not the mean knows nothing.

    python recipes/embedded/average.py --models runs/embedded/again runs/embedded/longer \
        --shares 0.6 0.4 -o runs/embedded/averaged
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

WEIGHTS = "model.safetensors"
# What of a run is not the model.
OTHERS = WEIGHTS, "checkpoint-*", "best", "run.json", "loss.*", "README.md"


def averaged(
    models: Sequence[Mapping[str, torch.Tensor]], shares: Sequence[float]
) -> dict[str, torch.Tensor]:
    """The mean of tensors of the same names, in the types of the last model; fp32 in between.

    Args:
        models: name -> tensor, of each model.
        shares: one for each, positive; what counts is their ratio.

    Raises:
        ValueError: the models do not have the same tensors, or the shares do not fit.
    """
    if len(shares) != len(models) or min(shares) <= 0:
        raise ValueError(f"{len(models)} models need as many shares above 0, not {shares}")
    shapes = [{name: tensor.shape for name, tensor in model.items()} for model in models]
    if any(other != shapes[0] for other in shapes):
        raise ValueError("models of one shape alone have a mean")
    parts = torch.tensor(shares) / sum(shares)
    means = {
        name: torch.stack([model[name].float() for model in models], -1) @ parts
        for name in models[-1]
    }
    return {name: mean.to(models[-1][name].dtype) for name, mean in means.items()}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=Path, nargs="+", required=True, help="their folders")
    parser.add_argument("--shares", type=float, nargs="+", help="of each, in their order")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder to write")
    given = parser.parse_args()
    for folder in given.models:
        if not (folder / WEIGHTS).is_file():
            parser.error(f"{folder}: no {WEIGHTS} in it")
    models = [load_file(folder / WEIGHTS) for folder in given.models]
    try:
        made = averaged(models, given.shares or [1.0] * len(models))
    except ValueError as error:
        parser.error(str(error))
    ignored = shutil.ignore_patterns(*OTHERS)
    shutil.copytree(given.models[-1], given.out, ignore=ignored, dirs_exist_ok=True)
    save_file(made, given.out / WEIGHTS, metadata={"format": "pt"})
    print(f"{given.out}: the mean of {len(models)} models")


if __name__ == "__main__":
    main()
