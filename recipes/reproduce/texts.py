"""The first rows of a split of tagged datasets, as gold files of a run folder.

python -m recipes.reproduce.texts --data data --rows 200 --only genia -o runs/mine
"""

import argparse
from pathlib import Path

from llmner_hf.corpora.rows import load, to_example
from llmner_hf.paper.runs import GOLD
from llmner_hf.readers.json_lines import gold_row, write


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--split", default="test")
    parser.add_argument("--rows", type=int, default=0, help="so many, from the first; 0: all")
    parser.add_argument("--only", nargs="+", required=True, metavar="DATASET")
    parser.add_argument("-o", "--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.only:
        rows = load(given.data / name, given.split)
        first = rows.select(range(min(given.rows or len(rows), len(rows))))
        write(given.out / f"{name}.{GOLD}.jsonl", map(gold_row, map(to_example, first)))
        print(f"{name}, {given.split}: {len(first)} of {len(rows)} rows")


if __name__ == "__main__":
    main()
