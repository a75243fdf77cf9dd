"""Full tuning of a small pretrained LLM on a CPU: ours beside TRL's own trainer, in one run.

In: tagged datasets in English, and a model's folder. Out: how fast products are in fp32 and in
bf16, which says what ``bf16`` a recipe should have on this machine; then for each way of training
the tokens of examples that pass forward and backward in a CPU second, and the peak memory above the
loaded model. Each way runs in a process of its own, over the same rows, and all have one loss.

Why TRL takes longer and more memory than `llmner train --dry-run` said: its loss folds logits in
tiles of up to 4,096 tokens x 32,768 words. Where Triton is missing, as on a CPU, it scores every
position of the padded batch, prompts included, in plain PyTorch, with up to eight fp32 copies of a
tile in memory at once: 0.5 GiB each when it is full. Ours writes the logits of completion tokens
alone, 512 at a time. The last column is what the dry run says of ours.

    OMP_NUM_THREADS=1 python benchmarks/smollm2.py --data data --model FOLDER
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from time import process_time
from typing import Any

import torch
from datasets import load_dataset
from memory import mebibytes, peak
from training import IGNORED, SAME, arguments, epoch, ours, trl
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import ModelConfig

from llmner_hf.corpora.rows import to_example
from llmner_hf.settings import TaggerSettings
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.plan.memory import Estimate, Skeleton
from llmner_hf.training.plan.schedule import Batch
from llmner_hf.training.recipe import TrainingSettings
from llmner_hf.training.tagger.preparation import Preparation

CORPORA = ("genia", "biored", "bc5cdr_chemical")
LONGEST = TrainingSettings().max_tokens
WAYS = ("TRL, padded", "TRL, packed", "ours")


def products(dtype: torch.dtype, repeats: int = 20) -> float:
    """Billions of operations in a CPU second, for the feed-forward layer of SmolLM2-135M."""
    tokens, weight = torch.randn(1024, 576, dtype=dtype), torch.randn(1536, 576, dtype=dtype)
    tokens @ weight.T
    started = process_time()
    for _ in range(repeats):
        tokens @ weight.T
    return 2 * tokens.numel() * len(weight) * repeats / (process_time() - started) / 1e9


def rows_of(data: Path, tokenizer: Any, texts: int) -> list[dict[str, Any]]:
    """Prepared rows, as many of each corpus, one corpus behind the other."""
    settings = TaggerSettings()

    def prepared(name: str) -> Iterator[Any]:
        split = load_dataset(str(data / name), split="train").shuffle(0).select(range(texts))
        preparation = Preparation(Tokens(tokenizer), settings.schema(name), settings, LONGEST)
        return preparation.rows(map(to_example, split))

    return [asdict(row) for row in chain.from_iterable(map(prepared, CORPORA))]


def run_one(way: str, model: Path, data: Path, texts: int, pack: int) -> dict[str, float]:
    """What one way takes: tokens of examples, CPU seconds, loss and memory in MiB."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    rows = rows_of(data, tokenizer, texts)
    loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    with tempfile.TemporaryDirectory() as folder:
        if way == "ours":
            trainer, batches = ours(loaded, tokenizer, rows, pack, folder)
        else:
            trainer, batches = trl(loaded, tokenizer, rows, pack, way == "TRL, packed", folder)
        before = mebibytes()
        started = process_time()
        loss = epoch(trainer, batches)
    found = {"tokens": sum(len(row["ids"]) for row in rows), "seconds": process_time() - started}
    found |= {"loss": loss, "memory": peak() - before}
    return found | ({"estimate": estimated(model, batches)} if way == "ours" else {})


def estimated(model: Path, batches: list[dict[str, torch.Tensor]]) -> float:
    """What the dry run says of the largest batch, without weights and optimiser, in MiB."""
    given = ModelConfig(model_name_or_path=str(model), dtype="float32")
    estimate = Estimate(Skeleton.of(given), TrainingSettings(), arguments("unused"), given)
    shapes = (
        Batch(packs, width, int((batch["labels"] != IGNORED).sum()), 0)
        for batch in batches
        for packs, width in [batch["input_ids"].shape]
    )
    sizes = (estimate.memory(shape, checkpointing=False) for shape in shapes)
    return max(size.gradients + size.kept + max(size.layer, size.loss) for size in sizes) / 2**20


def main(options: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--model", type=Path, required=True, help="a folder")
    parser.add_argument("--texts", type=int, default=4, help="of each corpus")
    parser.add_argument("--pack", type=int, default=4, help="examples a batch")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args(options)
    if given.way:
        print(json.dumps(run_one(given.way, given.model, given.data, given.texts, given.pack)))
        return
    speeds = {name: products(getattr(torch, name)) for name in ("float32", "bfloat16")}
    print(", ".join(f"{name}: {speed:.0f} GFLOP/s" for name, speed in speeds.items()), end="\n\n")
    print("| way | tokens a CPU second | times padded | loss | peak, MiB | dry run, MiB |")
    print("|---|---|---|---|---|---|")
    found = dict[str, dict[str, float]]()
    for way in WAYS:
        command = [sys.executable, __file__, "--way", way, "--data", given.data]
        command += ["--model", given.model, "--texts", given.texts, "--pack", given.pack]
        answer = subprocess.run([*map(str, command)], check=True, stdout=subprocess.PIPE, text=True)
        one = found[way] = json.loads(answer.stdout.splitlines()[-1])
        times = found[WAYS[0]]["seconds"] / one["seconds"]
        estimate = f"{one['estimate']:.0f}" if "estimate" in one else ""
        print(
            f"| {way} | {one['tokens'] / one['seconds']:.1f} | {times:.2f} | {one['loss']:.5f} | "
            f"{one['memory']:.0f} | {estimate} |",
            flush=True,
        )
    losses = [one["loss"] for one in found.values()]
    if max(losses) - min(losses) > SAME * max(losses):
        raise SystemExit(f"the losses differ, so the speeds say nothing: {losses}")


if __name__ == "__main__":
    main()
