"""Training speed, as ratios within one run: one prefix for many sentences, against TRL's own ways.

In: a tagged dataset in English and one in Chinese, and the tokenizer of a backbone. Out: examples a
second of forward and backward passes over the same examples, in batches of the same number, with a
GLM of a few layers and random weights. The loss is the same in all (TRL's, over the vocabulary),
and is compared. With a prefix of P tokens, a rest of S and k examples a pack the limit against
packing without a shared prefix is (P + S) / (S + P / k).

    python benchmarks/training.py --data data --tokenizer FOLDER
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from datasets import Dataset, load_dataset
from decoding import random_glm
from trl import SFTConfig, SFTTrainer

from llmner_hf.data import to_example
from llmner_hf.tokens import Tokens
from llmner_hf.training.preparation import Preparation
from llmner_hf.training.trainer import IGNORED, Collator, TaggerTrainer

CORPORA = ("genia", "cmeee_v2")


def arguments(folder: str, **given: Any) -> SFTConfig:
    """Settings without which TRL would cut, log or save."""
    return SFTConfig(
        output_dir=folder,
        use_cpu=not torch.cuda.is_available(),
        bf16=torch.cuda.is_available(),
        activation_checkpointing=False,
        report_to="none",
        remove_unused_columns=False,
        **given,
    )


def ours(model: Any, tokenizer: Any, rows: list[dict[str, Any]], pack: int, folder: str) -> Any:
    """A trainer of ours, and its batches of ``pack`` rows."""
    trainer = TaggerTrainer(
        model=model,
        args=arguments(folder, max_length=None, dataset_kwargs={"skip_prepare_dataset": True}),
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(rows),
        data_collator=Collator(tokenizer.pad_token_id, pack=pack),
    )
    batches = [rows[begin : begin + pack] for begin in range(0, len(rows), pack)]
    return trainer, [trainer.data_collator(batch) for batch in batches]


def trl(
    model: Any, tokenizer: Any, rows: list[dict[str, Any]], batch: int, packing: bool, folder: str
) -> Any:
    """TRL's trainer, and its batches: padded rows, or packs as long as ours."""
    plain = [
        {
            "input_ids": row["ids"],
            "labels": [IGNORED] * row["start"] + row["ids"][row["start"] :],
        }
        for row in rows
    ]
    longest = max(len(row["ids"]) for row in rows)
    usual = sum(len(row["ids"]) for row in rows) * batch // len(rows)
    trainer = SFTTrainer(
        model=model,
        args=arguments(
            folder,
            max_length=max(longest, usual) if packing else None,
            packing=packing,
            per_device_train_batch_size=1 if packing else batch,
        ),
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(plain),
    )
    return trainer, list(trainer.get_train_dataloader())


def epoch(trainer: Any, batches: list[Any]) -> float:
    """Forward and backward over all batches; the mean loss of a completion token."""
    model = trainer.model
    model.train()
    items = sum(int((batch["labels"] != IGNORED).sum()) for batch in batches)
    total = 0.0
    for batch in batches:
        moved = {k: v.to(model.device) if hasattr(v, "to") else v for k, v in batch.items()}
        loss = trainer.compute_loss(model, moved, num_items_in_batch=torch.tensor(items))
        loss.backward()
        total += loss.item()
    model.zero_grad()
    return total


def timed(runs: dict[str, Callable[[], float]], repeats: int) -> Iterator[tuple[str, float, float]]:
    """Name, median seconds and loss of each; the runs take turns."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    losses: dict[str, float] = {}
    for _ in range(repeats):
        for name, run in runs.items():
            started = perf_counter()
            losses[name] = run()
            times[name].append(perf_counter() - started)
    for name, found in times.items():
        yield name, median(found), losses[name]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--tokenizer", required=True, help="a folder")
    parser.add_argument("--texts", type=int, default=48, help="of each corpus")
    parser.add_argument("--pack", type=int, default=6, help="examples a batch; the paper's is 6")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    model, tokenizer, settings = random_glm(given.tokenizer, given.layers, given.hidden)
    tokens = Tokens(tokenizer)
    print("| corpus | batches | examples/s | times TRL padded | times TRL packed | loss |")
    print("|---|---|---|---|---|---|")
    for name in CORPORA:
        rows_of = load_dataset(str(given.data / name), split="train").select(range(given.texts))
        preparation = Preparation(tokens, settings.schema(name), settings, 100_000)
        rows = [asdict(row) for row in preparation.rows(map(to_example, rows_of))]
        with tempfile.TemporaryDirectory() as folder:
            made = {
                "TRL, padded": trl(model, tokenizer, rows, given.pack, False, folder),
                "TRL, packed": trl(model, tokenizer, rows, given.pack, True, folder),
                "ours, one prefix each": ours(model, tokenizer, rows, 1, folder),
                "ours, shared prefix": ours(model, tokenizer, rows, given.pack, folder),
            }
            runs = {
                key: lambda trainer=trainer, batches=batches: epoch(trainer, batches)
                for key, (trainer, batches) in made.items()
            }
            found = list(timed(runs, given.repeats))
        seconds = {key: taken for key, taken, _ in found}
        for key, taken, loss in found:
            print(
                f"| {name} | {key} | {len(rows) / taken:.2f} | "
                f"{seconds['TRL, padded'] / taken:.2f} | {seconds['TRL, packed'] / taken:.2f} | "
                f"{loss:.5f} |",
                flush=True,
            )
        prefix = rows[0]["prefix"]
        rest = sum(len(row["ids"]) for row in rows) / len(rows) - prefix
        limit = (prefix + rest) / (rest + prefix / given.pack)
        print(
            f"\n{name}: prefix {prefix} tokens, rest {rest:.0f}, {given.pack} a pack: "
            f"limit {limit:.2f} times packing without a shared prefix\n"
        )


if __name__ == "__main__":
    main()
