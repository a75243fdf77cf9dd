"""Speed of what ships, as ratios within one run, and what it takes to hold and to start it.

In: GENIA's test sentences, evenly spread, or the examples where there is no data; the embedded
model or another. Out: two tables. The first compares ``pipeline("bioner")`` with plain greedy
``generate`` on the same prompts and, where an interpreter that has `gliner` is named, with
GLiNER-small (`gliner_small.py` says how that is made); below it stands how often a sentence is made
ready, and what that takes. The second is about the wheel, the first
entity of a fresh process, and the memory and speed of annotating many sentences.

    python benchmarks/embedded.py --data data --gliner PYTHON

One thread is timed by its processor time, which other work on the machine disturbs least; several
by the clock. The first entity is always timed by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import monotonic, perf_counter, process_time
from typing import Any
from unittest.mock import patch

import torch
from datasets import load_dataset

import llmner_hf
from llmner_hf.core.mentions import Dictionary
from llmner_hf.decoding.request import Request
from llmner_hf.readers import read_any
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.tokens.lattice import Lattice

HERE = Path(__file__).parent
DATASET = "genia"
BATCHES = (1, 32)
SENTENCE = "IL-2 gene expression requires NF-kappa B."  # of the README
# No part of the wheel; `build` would bring the modules of an older tree back.
LEFT_OUT = (".*", "data", "runs", "build", "tests", "docs", "__pycache__", "*.egg-info")


def texts_of(data: Path, count: int) -> list[str]:
    """Sentences from the whole test set, or the English examples again and again."""
    if (data / DATASET).is_dir():
        split = load_dataset(str(data / DATASET), split="test")
        return [split[i * len(split) // count]["text"] for i in range(count)]
    print(f"no {data / DATASET}: the English texts of examples/ in its place\n")
    examples = read_any(HERE.parent / "examples" / "texts.jsonl").examples
    return list(islice(cycle(e.text for e in examples if e.language == "en"), count))


class Bench:
    """Ways of annotating the same sentences.

    Args:
        model: folder; the embedded model if absent.
        texts: sentences.
        threads: of the processor.
    """

    def __init__(self, model: str | None, texts: list[str], threads: int) -> None:
        self.model, self.texts, self.threads = model, texts, threads
        self.ner: Any = llmner_hf.pipeline("bioner", model=model)
        self.schema = self.ner.settings.schema(DATASET)
        self.clock = process_time if threads == 1 else perf_counter

    def annotate(self, ner: Any, batch: int) -> None:
        """The pipeline as it is used."""
        ner(self.texts, dataset=DATASET, batch_size=batch)

    @torch.inference_mode()
    def generate(self, longest: dict[str, int], batch: int) -> None:
        """Plain greedy ``generate``, in batches of like lengths; it stops where ours does."""
        decoder, tokenizer = self.ner.decoder, self.ner.tokenizer
        texts = sorted(self.texts, key=len)
        for begin in range(0, len(texts), batch):
            chosen = texts[begin : begin + batch]
            prompts = [decoder.prompt(Request("", text, self.schema)).ids for text in chosen]
            padded = tokenizer.pad({"input_ids": prompts}, padding_side="left", return_tensors="pt")
            most = max(longest[text] for text in chosen)
            self.ner.model.generate(**padded, max_new_tokens=most, do_sample=False)

    def seconds(
        self, works: dict[str, Callable[[int], None]], repeats: int
    ) -> dict[str, dict[int, float]]:
        """The median time of each work at each batch size; they take turns, and meet one noise."""
        times: dict[str, dict[int, list[float]]] = {name: defaultdict(list) for name in works}
        for _ in range(repeats):
            for batch in BATCHES:
                for name, work in works.items():
                    started = self.clock()
                    work(batch)
                    times[name][batch].append(self.clock() - started)
        return {name: {b: median(t) for b, t in own.items()} for name, own in times.items()}

    def lengths(self, ner: Any) -> dict[str, int]:
        """The tokens of what our decoder writes for each text."""
        requests = [Request("", text, self.schema) for text in self.texts]
        records = ner.decoder.write(requests, 32)
        return {r.text: len(record.tokens) for r, record in zip(requests, records, strict=True)}

    def ways(self, repeats: int) -> dict[str, dict[int, float]]:
        """The seconds of ours, with and without its selector, and of ``generate``, once."""
        bare = llmner_hf.pipeline("bioner", model=self.model, selector=None)
        longest = self.lengths(bare)  # which also warms up
        self.annotate(self.ner, 32)
        ours = {
            "pipeline, with selector": partial(self.annotate, self.ner),
            "pipeline, no selector": partial(self.annotate, bare),
        }
        rival = {"`generate`": partial(self.generate, longest)}
        return self.seconds(ours, repeats) | self.seconds(rival, 1)

    def readying(self) -> str:
        """How often prompt and mentions of a sentence are made, and the time of each."""
        bare = llmner_hf.pipeline("bioner", model=self.model, selector=None)
        calls: Counter[str] = Counter()
        spent: Counter[str] = Counter()

        def counted(kind: type, name: str) -> Any:
            usual = getattr(kind, name)

            def run(*given: Any, **options: Any) -> Any:
                calls[name] += 1
                started = process_time()
                found = usual(*given, **options)
                found = iter(list(found)) if isinstance(found, Iterator) else found
                spent[name] += process_time() - started
                return found

            return patch.object(kind, name, run)

        self.annotate(bare, 32)
        with (
            counted(Tokens, "prompt"),
            counted(Dictionary, "matches"),
            counted(Lattice, "__init__"),
        ):
            self.annotate(bare, 32)
        sentences = calls["__init__"]  # one automaton each
        prompts, mentions = (
            f"{calls[name] / sentences:.1f} times, {1e6 * spent[name] / calls[name]:.0f} "
            "microseconds each"
            for name in ("prompt", "matches")
        )
        return f"of a sentence: prompt made {prompts}; mentions looked up {mentions}"

    def rival(self, python: Path, repeats: int) -> dict[str, Any]:
        """GLiNER-small in the environment of that interpreter."""
        given = {
            "texts": self.texts,
            "labels": list(self.schema.labels.names),
            "batches": BATCHES,
            "repeats": repeats,
            "threads": self.threads,
        }
        return answer([python, HERE / "gliner_small.py"], given)


def answer(command: list[Any], given: Any) -> Any:
    """What a script makes of JSON: the last line that it prints."""
    offline = os.environ | {"HF_HUB_OFFLINE": "1"}  # nothing is asked for that is not here
    found = subprocess.run(
        [*map(str, command)],
        input=json.dumps(given),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=offline,
    )
    return json.loads(found.stdout.splitlines()[-1])


def compare(bench: Bench, repeats: int, gliner: Path | None) -> None:
    """Print sentences a second, and how many times those of the rivals these are."""
    found, rivals = bench.ways(repeats), ["`generate`"]
    if gliner:
        rival = bench.rival(gliner, repeats)
        print(
            f"gliner {rival['version']}, transformers {rival['transformers']}, "
            f"{rival['parameters'] / 1e6:.1f} million parameters, {rival['peak_mib']:.0f} MiB\n"
        )
        rivals.append("GLiNER-small")
        found[rivals[-1]] = {int(batch): median(times) for batch, times in rival["seconds"].items()}
    head = ["what", "batch", "sentences/s", *(f"times {name}" for name in rivals)]
    print("| " + " | ".join(head) + " |\n" + "|---" * len(head) + "|")
    for name, times in found.items():
        for batch, taken in times.items():
            ratios = [f"{found[other][batch] / taken:.1f}" for other in rivals]
            row = [name, str(batch), f"{len(bench.texts) / taken:.1f}", *ratios]
            print("| " + " | ".join(row) + " |")
    print(f"\n{bench.readying()}")


def wheel() -> float:
    """The size in MB of a wheel built from this tree."""
    with TemporaryDirectory() as folder:
        tree = shutil.copytree(
            HERE.parent, Path(folder, "tree"), ignore=shutil.ignore_patterns(*LEFT_OUT)
        )
        options = ["--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", folder]
        subprocess.run([sys.executable, "-m", "pip", "wheel", *options, tree], check=True)
        return next(Path(folder).glob("*.whl")).stat().st_size / 1e6


def fresh(model: str | None, texts: list[str], times: int) -> dict[str, float]:
    """The medians of what fresh processes measure; clocks count from the start of the process."""
    command = [sys.executable, HERE / "fresh.py", *([model] if model else [])]
    found: list[dict[str, float]] = []
    for _ in range(times):
        started = monotonic()
        measured = answer(command, texts)
        clocks = {name: measured[name] - started for name in ("loaded", "answered")}
        found.append(measured | clocks)
    return {name: median(one[name] for one in found) for name in found[0]}


def hold(model: str | None, texts: list[str]) -> None:
    """Print what it takes to hold and to start what ships."""
    many = fresh(model, [SENTENCE, *texts], 1)  # what the others read is in memory then
    first = fresh(model, [SENTENCE], 3)
    rows = {
        "wheel": f"{wheel():.1f} MB",
        "first entity, from the start of a process, by the clock": f"{first['answered']:.1f} s",
        "of these, until the pipeline is made": f"{first['loaded']:.1f} s",
        "first entity, processor time": f"{first['busy']:.1f} s",
        f"peak memory, {len(texts):,} sentences, batch 32": f"{many['peak_mib']:.0f} MiB",
        "sentences/s of these": f"{len(texts) / many['seconds']:.1f}",
    }
    print("\n| what | measured |\n|---|---|")
    for name, value in rows.items():
        print(f"| {name} | {value} |")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--model", help="folder of another model than the embedded one")
    parser.add_argument("--gliner", type=Path, help="an interpreter that can import gliner")
    parser.add_argument("--texts", type=int, default=64, help="of the comparison; 0: none")
    parser.add_argument("--many", type=int, default=1000, help="of the second table; 0: none")
    parser.add_argument("--repeats", type=int, default=3, help="of all but generate")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    os.environ["OMP_NUM_THREADS"] = str(given.threads)  # of the processes that are begun
    if given.texts:
        texts = texts_of(given.data, given.texts)
        compare(Bench(given.model, texts, given.threads), given.repeats, given.gliner)
    if given.many:
        hold(given.model, texts_of(given.data, given.many))


if __name__ == "__main__":
    main()
