"""Training speed, as ratios within one run: one prefix for many sentences, against TRL's own ways.

In: a tagged dataset in English and one in Chinese, and the tokenizer of a backbone. Out: examples a
second of forward and backward passes over the same examples, with a GLM of few layers and random
weights. The rivals are TRL's padded batches of ``--pack`` rows, and TRL's packing into rows of
``max_tokens``, its default. The loss is the same in all, or the run fails.

With a prefix of P tokens, a rest of S and k examples a pack the limit against packing without a
shared prefix is (P + S) / (S + P / k). A model small enough for a CPU would spend most of its time
in a head of 151,552 rows, which a 9B model does not. So the tokens that occur are numbered anew:
lengths stay those of the real tokenizer, and the head has a row for each of these tokens alone. The
shares of head and attention scores in the work are printed beside those of the 9B model.

    OMP_NUM_THREADS=1 python benchmarks/training.py --data data --tokenizer FOLDER
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import torch
from datasets import Dataset, load_dataset
from decoding_gpu import GLM_4_9B
from transformers import AutoTokenizer, GlmConfig, GlmForCausalLM
from trl import SFTConfig, SFTTrainer

from llmner_hf.corpora.rows import to_example
from llmner_hf.settings import TaggerSettings
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.recipe import TrainingSettings
from llmner_hf.training.tagger.preparation import Preparation
from llmner_hf.training.tagger.trainer import IGNORED, Collator, TaggerTrainer

CORPORA = ("genia", "cmeee_v2")
LONGEST = TrainingSettings().max_tokens
SAME = 1e-4  # how far the losses may lie apart, relatively: fp32 sums in different orders


def small(hidden: int, layers: int, vocabulary: int) -> dict[str, int]:
    """The 9B shape made small: its ratio of widths, and attention narrow, as its scores are there.

    The work of attention scores grows with the length of a row, which stays real; at the 9B model's
    ratio of heads they would be a third of the work of a narrow model, and are 4 % of its own.
    """
    return GLM_4_9B | {
        "hidden_size": hidden,
        "intermediate_size": hidden * GLM_4_9B["intermediate_size"] // GLM_4_9B["hidden_size"],
        "num_hidden_layers": layers,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": hidden // 16,
        "vocab_size": vocabulary,
    }


def work(shape: Mapping[str, int], tokens: int, row: int, answers: int) -> dict[str, float]:
    """Floating-point operations of a forward pass, by what needs them.

    Args:
        shape: of the model.
        tokens: that pass through it.
        row: tokens of the row or pack that each of them stands in: scores are computed for all.
        answers: tokens of completions, for which alone the head is computed.
    """
    heads = shape["num_attention_heads"] * shape["head_dim"]
    keys = shape["num_key_value_heads"] * shape["head_dim"]
    layer = shape["hidden_size"] * (2 * heads + 2 * keys + 3 * shape["intermediate_size"])
    return {
        "matrices": 2 * tokens * shape["num_hidden_layers"] * layer,
        "scores": 4 * tokens * shape["num_hidden_layers"] * row * heads,
        "head": 2 * answers * shape["hidden_size"] * shape["vocab_size"],
    }


def arguments(folder: str, **given: Any) -> SFTConfig:
    """Settings without which TRL would cut, log or save."""
    return SFTConfig(
        output_dir=folder,
        use_cpu=not torch.cuda.is_available(),
        bf16=False,
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


def plain(rows: Sequence[Mapping[str, Any]]) -> Dataset:
    """Rows as TRL reads them: tokens, and labels for the completion alone."""
    return Dataset.from_list(
        [
            {
                "input_ids": row["ids"],
                "labels": [IGNORED] * row["start"] + row["ids"][row["start"] :],
            }
            for row in rows
        ]
    )


def trl(
    model: Any, tokenizer: Any, rows: list[dict[str, Any]], batch: int, packing: bool, folder: str
) -> Any:
    """TRL's trainer, and its batches: padded rows, or one pack at a time."""
    trainer = SFTTrainer(
        model=model,
        args=arguments(
            folder,
            max_length=LONGEST,
            packing=packing,
            per_device_train_batch_size=1 if packing else batch,
        ),
        processing_class=tokenizer,
        train_dataset=plain(rows),
    )
    return trainer, list(trainer.get_train_dataloader())


def renumber(batches: list[Any], used: torch.Tensor) -> None:
    """Tokens by their places among the used ones."""
    for batch in batches:
        labels = batch["labels"]
        batch["input_ids"] = torch.searchsorted(used, batch["input_ids"])
        batch["labels"] = torch.where(labels == IGNORED, IGNORED, torch.searchsorted(used, labels))


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


def timed(
    runs: Mapping[str, Callable[[], float]], repeats: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Median seconds and the loss of each; the runs take turns, after one that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    losses: dict[str, float] = {}
    for turn in range(repeats + 1):
        for name, run in runs.items():
            started = perf_counter()
            losses[name] = run()
            if turn:
                times[name].append(perf_counter() - started)
    return {name: median(found) for name, found in times.items()}, losses


def measured(
    tokenizer: Any, rows: list[dict[str, Any]], pack: int, hidden: int, layers: int, repeats: int
) -> tuple[dict[str, float], dict[str, float], dict[str, int]]:
    """Seconds and loss of each way, and the shape of the model."""
    used = torch.tensor(sorted({tokenizer.pad_token_id}.union(*(row["ids"] for row in rows))))
    shape = small(hidden, layers, len(used))
    torch.manual_seed(0)
    model = GlmForCausalLM(GlmConfig(**shape, pad_token_id=0, eos_token_id=0))
    with tempfile.TemporaryDirectory() as folder:
        made = {
            "TRL, padded": trl(model, tokenizer, rows, pack, False, folder),
            "TRL, packed": trl(model, tokenizer, rows, pack, True, folder),
            "one prefix": ours(model, tokenizer, rows, pack, folder),
        }
        for _, batches in made.values():
            renumber(batches, used)
        seconds, losses = timed({k: partial(epoch, *v) for k, v in made.items()}, repeats)
    if max(losses.values()) - min(losses.values()) > SAME * max(losses.values()):
        raise SystemExit(f"the losses differ, so the speeds say nothing: {losses}")
    return seconds, losses, shape


def shares(shape: Mapping[str, int], tokens: int, row: int, answers: int) -> str:
    """How much of the work is the head's and the scores'."""
    parts = work(shape, tokens, row, answers)
    whole = sum(parts.values())
    return f"head {parts['head'] / whole:.1%}, scores {parts['scores'] / whole:.1%}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--tokenizer", required=True, help="a folder")
    parser.add_argument("--texts", type=int, default=36, help="of each corpus")
    parser.add_argument("--pack", type=int, default=6, help="examples a batch; the paper's is 6")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(given.tokenizer)
    settings = TaggerSettings()
    notes = []
    print("| corpus | batches | examples/s | times padded | times packed | of the limit | loss |")
    print("|---|---|---|---|---|---|---|")
    for name in CORPORA:
        texts = load_dataset(str(given.data / name), split="train").shuffle(0)
        preparation = Preparation(Tokens(tokenizer), settings.schema(name), settings, LONGEST)
        examples = map(to_example, texts.select(range(given.texts)))
        rows = [asdict(row) for row in preparation.rows(examples)]
        seconds, losses, shape = measured(
            tokenizer, rows, given.pack, given.hidden, given.layers, given.repeats
        )
        prefix, tokens = rows[0]["prefix"], sum(len(row["ids"]) for row in rows) / len(rows)
        rest = tokens - prefix
        limit = tokens / (rest + prefix / given.pack)
        for way, taken in seconds.items():
            padded, packed = (seconds[rival] / taken for rival in ("TRL, padded", "TRL, packed"))
            of_limit = f"{packed / limit:.0%}" if way == "one prefix" else ""
            print(
                f"| {name} | {way} | {len(rows) / taken:.2f} | {padded:.2f} | {packed:.2f} | "
                f"{of_limit} | {losses[way]:.5f} |",
                flush=True,
            )
        answers = sum(len(row["ids"]) - row["start"] for row in rows)
        computed = round(len(rows) * (rest + prefix / given.pack))
        row = round(prefix + given.pack * rest)
        here, there = (shares(each, computed, row, answers) for each in (shape, GLM_4_9B))
        notes.append(
            f"{name}: {len(rows)} rows, P {prefix}, S {rest:.0f}, k {given.pack}: limit {limit:.2f}"
            f"; with one prefix {here} of the work (9B: {there})"
        )
    print("", *notes, sep="\n")


if __name__ == "__main__":
    main()
