"""Training a 9B GLM on one GPU by QLoRA: memory, speed and utilisation, against plain TRL.

In: token lengths of real examples (``lengths.json`` beside this file holds those of 96 of GENIA's
and 96 of CMeEE-V2's, numbers alone). Out: a table. Weights and tokens are random, lengths are not:
NF4 with double quantisation, adapters on all linear layers but the head, bf16, as the paper's
recipe has it. Each way trains two epochs on the same rows; the second is timed. Utilisation counts
what tokens and matrices need, forward and for the gradient of their inputs: neither padding, nor
attention scores, nor what checkpointing computes again. The estimate is that of ``llmner train
--dry-run`` for the same batches; it is compared where memory can be measured, which is on a GPU.

    python benchmarks/training_gpu.py -o runs/benchmark         20 GB of disk meanwhile
    python benchmarks/training_gpu.py --tiny -o runs/benchmark  on a CPU: does it run?
    python benchmarks/training_gpu.py --measure --data data --tokenizer FOLDER
"""

from __future__ import annotations

import argparse
import gc
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import torch
from datasets import Dataset, load_dataset
from decoding_gpu import GLM_4_9B, TINY, build, gibibytes
from tokenizers import Tokenizer, models
from torch.utils.data import SequentialSampler
from training import CORPORA, LONGEST, plain, work
from transformers import (
    AutoTokenizer,
    PreTrainedTokenizerFast,
    PrinterCallback,
    TrainerCallback,
)
from trl import ModelConfig, SFTConfig, SFTTrainer, get_peft_config

from llmner_hf.corpora.rows import to_example
from llmner_hf.settings import TaggerSettings
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.plan.memory import Estimate, Skeleton
from llmner_hf.training.plan.schedule import Batch, widths
from llmner_hf.training.recipe import TrainingSettings
from llmner_hf.training.tagger.preparation import Preparation
from llmner_hf.training.tagger.run import load_model
from llmner_hf.training.tagger.trainer import Collator, TaggerTrainer

LENGTHS = Path(__file__).with_name("lengths.json")
WORDS = 4000  # tokens are drawn from so many; the head has all its rows nevertheless
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_up_proj", "down_proj"]
WAYS = ("TRL, padded", "TRL, packed", "ours, padded", "ours, one prefix")
Row = dict[str, Any]


def measure(data: Path, tokenizer: str, texts: int) -> dict[str, Any]:
    """Corpus -> tokens of the prefix; tokens of each row and of its prompt."""
    settings, tokens = TaggerSettings(), Tokens(AutoTokenizer.from_pretrained(tokenizer))
    found = {}
    for name in CORPORA:
        split = load_dataset(str(data / name), split="train").shuffle(0)
        preparation = Preparation(tokens, settings.schema(name), settings, LONGEST)
        rows = list(islice(preparation.rows(map(to_example, split)), texts))
        lengths = [[len(row.ids), row.start] for row in rows]
        found[name] = {"prefix": rows[0].prefix, "rows": lengths}
    return found


def rows_of(name: str, lengths: Mapping[str, Any], most: int) -> list[Row]:
    """Rows of random tokens: one prefix, then what each has of its own."""
    random, prefix = Random(0), lengths["prefix"]
    common = random.choices(range(1, WORDS), k=prefix)
    return [
        {
            "ids": common + random.choices(range(1, WORDS), k=length - prefix),
            "positions": [],
            "lines": [],
            "start": start,
            "prefix": prefix,
            "text_ids": [],
            "allowed": [],
            "length": length,
            "corpus": name,
        }
        for length, start in lengths["rows"][:most]
    ]


def tokenizer_of_nothing() -> PreTrainedTokenizerFast:
    """What the trainers ask for a padding token."""
    backend = Tokenizer(models.WordLevel({"<pad>": 0}, unk_token="<pad>"))
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", eos_token="<pad>")


class InOrder(SequentialSampler):
    """Rows as they come, so that batches are those of the estimate."""

    def set_epoch(self, epoch: int) -> None:
        """In every epoch."""


class Clock(TrainerCallback):
    """Seconds of the last epoch."""

    seconds = 0.0

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start."""
        self._wait()
        self._started = perf_counter()

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop."""
        self._wait()
        self.seconds = perf_counter() - self._started

    @staticmethod
    def _wait() -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()


@dataclass(frozen=True)
class Bench:
    """What all runs share.

    Args:
        shape: of the model.
        model_settings: QLoRA of the folder with its weights.
        tokenizer: for padding.
        batch: rows a step.
        folder: for the weights and what trainers write.
    """

    shape: Mapping[str, int]
    model_settings: ModelConfig
    tokenizer: Any
    batch: int
    folder: Path

    @classmethod
    def of(cls, shape: Mapping[str, int], batch: int, folder: Path, attention: str) -> Bench:
        """With random weights, which are stored first: they are quantised as they are loaded."""
        tokenizer = tokenizer_of_nothing()
        device = "cuda" if torch.cuda.is_available() else "cpu"
        build(tokenizer, shape, device).to(torch.bfloat16).save_pretrained(folder / "weights")
        model_settings = ModelConfig(
            model_name_or_path=str(folder / "weights"),
            dtype="bfloat16",
            attn_implementation=attention,
            load_in_4bit=True,
            use_bnb_nested_quant=True,
            use_peft=True,
            lora_r=64,
            lora_alpha=16,
            lora_dropout=0.05,
            lora_target_modules=LINEAR,
        )
        return cls(shape, model_settings, tokenizer, batch, folder)

    def optimisation(self, checkpointing: bool, **given: Any) -> SFTConfig:
        """The paper's recipe, for two epochs."""
        usual: dict[str, Any] = {
            "output_dir": str(self.folder / "run"),
            "num_train_epochs": 2,
            "per_device_train_batch_size": self.batch,
            "learning_rate": 2e-4,
            "bf16": True,
            "use_cpu": not torch.cuda.is_available(),
            "activation_checkpointing": checkpointing,
            "max_length": LONGEST,
            "report_to": "none",
            "save_strategy": "no",
            "logging_strategy": "no",
            "disable_tqdm": True,
            "remove_unused_columns": False,
        }
        return SFTConfig(**usual | given)

    def ours(self, model: Any, rows: Sequence[Row], pack: int, checkpointing: bool) -> Any:
        """Our trainer, as `training.tagger.run.make_trainer` makes it."""
        trainer = TaggerTrainer(
            sampler=InOrder(rows),
            model=model,
            args=self.optimisation(
                checkpointing, max_length=None, dataset_kwargs={"skip_prepare_dataset": True}
            ),
            train_dataset=Dataset.from_list(rows),
            processing_class=self.tokenizer,
            peft_config=get_peft_config(self.model_settings),
            data_collator=Collator(self.tokenizer.pad_token_id, pack=pack),
        )
        for parameter in trainer.model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.float()
        return trainer

    def trl(self, model: Any, rows: Sequence[Row], packing: bool, checkpointing: bool) -> Any:
        """TRL's trainer; packs of its default length, as many a step as hold a batch."""
        tokens = sum(row["length"] for row in rows) * self.batch / len(rows)
        batch = max(round(tokens / LONGEST), 1) if packing else self.batch
        return SFTTrainer(
            model=model,
            args=self.optimisation(
                checkpointing, packing=packing, per_device_train_batch_size=batch
            ),
            train_dataset=plain(rows),
            processing_class=self.tokenizer,
            peft_config=get_peft_config(self.model_settings),
        )

    def chunks(self, rows: Sequence[Row], pack: int) -> list[tuple[list[int], int]]:
        """Of each batch of ours the tokens of its packs, and those of its completions."""
        found = []
        for begin in range(0, len(rows), self.batch):
            part = rows[begin : begin + self.batch]
            laid = [(r["corpus"], r["prefix"] * (pack > 1), r["length"]) for r in part]
            answers = sum(r["length"] - r["start"] for r in part)
            found.append((widths(laid, pack), answers))
        return found

    def estimate(self, rows: Sequence[Row], pack: int, checkpointing: bool) -> float:
        """GiB, by the formulas of the dry run."""
        chunks = self.chunks(rows, pack)
        packs, width = max(
            ((len(laid), max(laid)) for laid, _ in chunks), key=lambda size: size[0] * size[1]
        )
        batch = Batch(packs, width, max(answers for _, answers in chunks), 0)
        estimate = Estimate(
            Skeleton.of(self.model_settings),
            TrainingSettings(pack=pack),
            self.optimisation(checkpointing),
            self.model_settings,
        )
        return estimate.memory(batch, checkpointing=checkpointing).peak / 2**30

    def runs(self, name: str, rows: Sequence[Row], rate: float) -> Iterator[dict[str, Any]]:
        """A row of the table for each way, without and with checkpointing."""
        base = load_model(self.model_settings)
        packs = {"ours, padded": 1, "ours, one prefix": self.batch}
        for checkpointing, way in product((False, True), WAYS):
            if pack := packs.get(way, 0):
                trainer = self.ours(base, rows, pack, checkpointing)
            else:
                trainer = self.trl(base, rows, way == "TRL, packed", checkpointing)
            seconds, peak = run(trainer)
            # Without its adapter the base is what it was; its 4-bit weights are never changed.
            base = trainer.model.unload()
            del trainer
            yield {
                "corpus": name,
                "checkpointing": checkpointing,
                "batches": way,
                **self.speed(rows, max(pack, 1), seconds, rate),
                "gib": peak or None,
                "estimated_gib": self.estimate(rows, pack, checkpointing) if pack else None,
            }

    def speed(
        self, rows: Sequence[Row], pack: int, seconds: float, rate: float
    ) -> dict[str, float]:
        """Examples, and tokens that pass through the model, a second; the share of the rate."""
        chunks = self.chunks(rows, pack)
        tokens = sum(sum(laid) for laid, _ in chunks)
        parts = work(self.shape, tokens, 0, sum(answers for _, answers in chunks))
        return {
            "examples_per_second": len(rows) / seconds,
            "tokens_per_second": tokens / seconds,
            # Forward, and the gradient of the inputs; frozen weights need none of their own.
            "utilisation": 2 * sum(parts.values()) / seconds / rate,
        }


def run(trainer: Any) -> tuple[float, float]:
    """Seconds of the second epoch, and the peak memory of both in GiB, 0 without a GPU."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    trainer.remove_callback(PrinterCallback)  # it would write between the lines of the table
    trainer.add_callback(clock := Clock())
    trainer.train()
    return clock.seconds, gibibytes()


def line(row: Mapping[str, Any]) -> str:
    """A row of the table; what was not measured is a dash."""
    estimated, peak = row["estimated_gib"], row["gib"]
    return (
        f"| {row['corpus']} | {'yes' if row['checkpointing'] else 'no'} | {row['batches']} | "
        f"{row['examples_per_second']:.2f} | {row['tokens_per_second']:.0f} | "
        f"{row['utilisation']:.1%} | {f'{peak:.2f}' if peak else '–'} | "
        f"{f'{estimated:.2f}' if estimated else '–'} | "
        f"{f'{estimated / peak - 1:+.0%}' if estimated and peak else '–'} |"
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", type=Path, default=LENGTHS)
    parser.add_argument("--measure", action="store_true", help="write the lengths, train nothing")
    parser.add_argument("--data", type=Path, default=Path("data"), help="to measure")
    parser.add_argument("--tokenizer", help="to measure: folder of glm-4-9b-chat-hf's")
    parser.add_argument("--tiny", action="store_true", help="two narrow layers: does it run?")
    parser.add_argument("--attention", default="sdpa", choices=("sdpa", "flex_attention"))
    parser.add_argument("--rows", type=int, default=96, help="of each corpus")
    parser.add_argument("--batch", type=int, default=6, help="rows a step; the paper's is 6")
    parser.add_argument("--rate", type=float, default=989e12, help="operations a second (H200)")
    parser.add_argument("-o", "--out", type=Path, default=Path("runs/benchmark"))
    given = parser.parse_args(argv)
    if given.measure:
        found = measure(given.data, given.tokenizer, given.rows)
        given.lengths.write_text(json.dumps(found) + "\n", encoding="utf-8")
        return
    shape = TINY | {"vocab_size": WORDS} if given.tiny else GLM_4_9B
    given.out.mkdir(parents=True, exist_ok=True)
    lengths = json.loads(given.lengths.read_text(encoding="utf-8"))
    print(
        "| corpus | checkpointing | batches | examples/s | tokens/s | utilisation | peak GiB | "
        "estimate | off by |\n|---|---|---|---|---|---|---|---|---|"
    )
    table = []
    with TemporaryDirectory(dir=given.out) as folder:
        bench = Bench.of(shape, given.batch, Path(folder), given.attention)
        for name, found in lengths.items():
            for row in bench.runs(name, rows_of(name, found, given.rows), given.rate):
                table.append(row)
                print(line(row), flush=True)
    (given.out / "training-gpu.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
