"""Memory of decoding: the peak against ``generate`` at the same batch, and growth over many texts.

In: tagged datasets; the embedded model. Out: the peak resident memory of three processes that do
nothing, annotate by ``generate`` and annotate by ours; then resident memory after every thousand
texts of a long run.

    python benchmarks/memory.py --data data
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from datasets import load_dataset
from decoding import Case, embedded

from llmner_hf.corpora.rows import to_example
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.decoding.request import Request

CORPORA = ("genia", "bc5cdr_chemical", "cmeee_v2")


def mebibytes() -> float:
    """Resident memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak() -> float:
    """The most resident memory so far; of this process alone, which `getrusage` does not give."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 2**10


def run_one(kind: str, data: Path, batch: int) -> None:
    """What a process of its own does: print the peak."""
    split = load_dataset(str(data / "genia"), split="test").select(range(2 * batch))
    case = Case(*embedded(), {"genia": list(map(to_example, split))}, None, False)
    before = peak()
    if kind == "generate":
        case.generate(batch, constrained=True)()
    elif kind == "ours":
        case.ours(batch)()
    print(f"{peak() - before:.0f}")


def growth(data: Path, texts: int, batch: int) -> None:
    """Print resident memory while many texts are annotated, no text twice."""
    model, tokenizer, settings = embedded()
    decoder = ConstrainedDecoder(model, tokenizer, settings)
    done, waiting = 0, []
    for name in CORPORA:
        schema = settings.schema(name)
        for row in load_dataset(str(data / name), split="train"):
            waiting.append(Request(row["id"], row["text"], schema))
            if len(waiting) == 500 and done < texts:
                decoder.decode(waiting, batch)
                done += len(waiting)
                waiting = []
                print(f"| {done} | {mebibytes():.0f} |", flush=True)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--kind", choices=("nothing", "generate", "ours"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.kind:
        run_one(given.kind, given.data, given.batch)
        return
    print("| what | MiB above the finished reference |\n|---|---|")
    for kind in ("nothing", "generate", "ours"):
        command = [sys.executable, __file__, "--data", given.data, "--batch", str(given.batch)]
        found = subprocess.run(
            [*map(str, command), "--kind", kind], check=True, capture_output=True, text=True
        )
        print(f"| {kind} | {found.stdout.split()[-1]} |", flush=True)
    print("\n| texts | resident MiB |\n|---|---|")
    growth(given.data, given.texts, given.batch)


if __name__ == "__main__":
    main()
