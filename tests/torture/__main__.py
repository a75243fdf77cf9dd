"""``python -m tests.torture``: prints a table of what became of everything, for the manual."""

import argparse
import tempfile
from pathlib import Path

from tests.torture import demo, inputs, processes


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    for name, usual in (("files", 10_000), ("models", 200), ("kills", 20), ("train-kills", 12)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--writers", type=int, default=5)
    parser.add_argument("--formats", nargs="+", metavar="NAME", help="as a.csv; all if absent")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print("| what | what became of it |\n|---|---|")
    bad = False
    with tempfile.TemporaryDirectory() as scratch:
        for name, counted in rows(given, Path(scratch)):
            told = ", ".join(f"{kind} {number:,}" for kind, number in sorted(counted.items()))
            print(f"| {name} | {told} |", flush=True)
            bad = bad or any(word in kind for kind in counted for word in BAD)
    raise SystemExit(int(bad))


# Of what must not become of anything.
BAD = ("traceback", "hang", "several", "otherwise", "lines", "cut", "miscounted", "too much")


def rows(given, scratch):
    """What was tried, with what became of it, as it is done."""
    folders = [scratch / name for name in "abcde"]
    for folder in folders:
        folder.mkdir()
    yield from inputs.files(folders[0], given.files, given.seed, given.formats)
    yield "model folders", inputs.models(folders[1], given.models, given.seed)
    kills = processes.kills_of_annotate(folders[2], given.kills, given.seed)
    yield "kill -9 of annotate", kills
    yield "two writers of one file", processes.two_writers(folders[3], given.writers)
    yield "no room on the disk", processes.no_room(folders[3])
    yield "llmner demo after two texts of 20,000 characters", demo.memory()
    base(folders[4] / "base")
    kills = processes.kills_of_train(folders[4], given.train_kills, given.seed)
    yield "kill -9 of train", kills


def base(folder):
    """A small model to train, with a tokenizer of the package's own."""
    from transformers import AutoTokenizer

    from llmner_hf.settings.origin import EMBEDDED
    from tests.doubles.tuning import save_base

    save_base(folder, AutoTokenizer.from_pretrained(EMBEDDED))


if __name__ == "__main__":
    main()
