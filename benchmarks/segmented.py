"""Attention over lines apart: what `llmner_hf.segmented` saves of a training step, within one run.

In: tagged datasets. Out: seconds of forward and backward passes of the embedded model, compiled and
bf16, over the same batches of lines apart: with a mask for every pair of tokens (``sdpa``), and
segment by segment. The losses are the same but for rounding, or the run fails.

    OMP_NUM_THREADS=2 python benchmarks/segmented.py --data data
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from datasets import load_dataset
from training import timed
from transformers import AutoModelForCausalLM, AutoTokenizer

from llmner_hf.corpora.rows import to_example
from llmner_hf.pipelines.local import EMBEDDED
from llmner_hf.settings import TAGGER_FILE, TaggerSettings
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.tagger.losses import add_losses
from llmner_hf.training.tagger.preparation import Preparation
from llmner_hf.training.tagger.segmented import SEGMENTED
from llmner_hf.training.tagger.trainer import Collator

CORPORA = ("bc5cdr_chemical", "genia", "cmeee_v2")  # one type, five and nine
WAYS = ("sdpa", SEGMENTED)
SAME = 1e-2  # how far the losses may lie apart, relatively: bf16


def tagger(attention: str) -> Any:
    """The embedded model, which gives losses."""
    model: Any = AutoModelForCausalLM.from_pretrained(
        EMBEDDED, dtype=torch.float32, attn_implementation=attention
    ).train()
    add_losses(model, 1.0, partial(torch.compile, dynamic=True))
    return model


def epoch(model: Any, batches: Sequence[Mapping[str, torch.Tensor]]) -> float:
    """Forward and backward over all batches; the mean loss of a completion token."""
    total, tokens = 0.0, 0
    for batch in batches:
        with torch.autocast("cpu", torch.bfloat16):
            losses = model(**batch, completion_losses=True)
        losses.sum().backward()
        total, tokens = total + losses.sum().item(), tokens + len(losses)
    model.zero_grad()
    return total / tokens


def batches_of(name: str, data: Path, texts: int, rows: int) -> list[dict[str, torch.Tensor]]:
    """Batches of a dataset's first training texts, the longest rows first."""
    tokens = Tokens(AutoTokenizer.from_pretrained(EMBEDDED))
    settings = TaggerSettings.load(EMBEDDED / TAGGER_FILE)
    preparation = Preparation(tokens, settings.schema(name), settings, 1536)
    examples = map(to_example, load_dataset(str(data / name), split="train").select(range(texts)))
    made = sorted(map(asdict, preparation.rows(examples)), key=lambda row: -len(row["ids"]))
    collator = Collator(tokens.stop, with_allowed=True)
    return [collator(made[begin : begin + rows]) for begin in range(0, len(made), rows)]


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--texts", type=int, default=64, help="of each corpus")
    parser.add_argument("--rows", type=int, default=16, help="of a batch")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(argv)
    models = {way: tagger(way) for way in WAYS}
    print("| corpus | lines | sdpa, s | segmented, s | ratio | loss, sdpa | loss, segmented |")
    print("|---|---|---|---|---|---|---|")
    for name in CORPORA:
        batches = batches_of(name, given.data, given.texts, given.rows)
        runs = {way: partial(epoch, model, batches) for way, model in models.items()}
        seconds, losses = timed(runs, given.repeats)
        (dense, ours), (wanted, found) = ([each[way] for way in WAYS] for each in (seconds, losses))
        if abs(found - wanted) > SAME * wanted:
            raise SystemExit(f"the losses differ, so the speeds say nothing: {losses}")
        lines = int(max(batch["segments"].max() for batch in batches))
        print(
            f"| {name} | {lines} | {dense:.2f} | {ours:.2f} | {dense / ours:.2f} | {wanted:.5f} | "
            f"{found:.5f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
