"""``llmner report``: the paper's tables and figures from run folders, beside its own numbers."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "report"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("runs", type=Path, help="a run folder, or a folder of them at any depth")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--samples", type=int, default=1000, help="of the bootstrap")


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner report``."""
    from llmner_hf.paper.book import write
    from llmner_hf.paper.results import measure
    from llmner_hf.paper.runs import runs

    found = runs(given.runs)
    page = write(found, measure(found, given.samples), given.samples, given.out)
    print(f"{page}: Tables II to VIII and Figures 4 to 6 from {len(found)} runs")
