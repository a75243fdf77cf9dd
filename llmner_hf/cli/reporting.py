"""``llmner report``: the paper's tables from the predictions of a run, as Markdown and CSV."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "report"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("table", choices=("selector",), help="selector: Tables III and IV")
    parser.add_argument("run", type=Path, help="folder of DATASET.gold.jsonl, DATASET.SYSTEM.jsonl")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--samples", type=int, default=1000, help="of the bootstrap")


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner report``."""
    from llmner_hf.reports.runs import trials
    from llmner_hf.reports.selectors import results, write

    print(write(results(trials(given.run), given.samples), given.out))
