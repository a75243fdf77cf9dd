"""``llmner merge``: adapter of a tagger or selector -> whole model, merged into its base."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "merge"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("adapter", help="folder or Hub id of a tuned adapter")
    parser.add_argument("--revision", help="branch, tag or commit of the adapter on the Hub")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder to write")


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner merge``."""
    from llmner_hf.settings.origin import Origin
    from llmner_hf.tagger.merging import merge as merge_adapter

    print(f"merged: {merge_adapter(Origin.of(given.adapter, given.revision), given.out)}")
