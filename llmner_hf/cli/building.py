"""``llmner build``: corpus files -> tagged dataset (parquet, card, report)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.prompting import Strategy, Style

NAME = "build"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("name", choices=list(CORPORA), metavar="NAME", help=", ".join(CORPORA))
    parser.add_argument("--source", type=Path, required=True, help="folder of the corpus's files")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--against", type=Path, help="folder of the other corpora (leakage)")
    parser.add_argument("--no-drop-leaks", action="store_true", help="the paper's protocol")
    parser.add_argument("--strategy", choices=get_args(Strategy), default="symbolic")
    parser.add_argument("--style", choices=get_args(Style), default="prefix")


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner build``."""
    from llmner_hf.corpora import build as build_corpus

    report = build_corpus(
        given.name,
        given.source,
        given.out,
        strategy=given.strategy,
        style=given.style,
        drop_leaks=not given.no_drop_leaks,
        against=given.against or "",
    )
    print(report.as_text())
