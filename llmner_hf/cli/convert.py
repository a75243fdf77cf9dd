"""``llmner convert``: a file with entities -> the same in another format."""

from __future__ import annotations

import argparse
import sys
from typing import get_args

from llmner_hf.cli.reading import (
    BARE,
    input_options,
    is_stream,
    options_of,
    reading,
    writable,
    write,
)
from llmner_hf.core.entities import Language

NAME = "convert"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("input", help="any format; - is standard input")
    parser.add_argument("out", help="its suffix names the format; - is standard output")
    parser.add_argument("--to", metavar="FORMAT", help="to write, where no suffix names it")
    parser.add_argument(
        "--skip-bad", action="store_true", help="drop and count mentions that do not fit their text"
    )
    parser.add_argument("--language", choices=get_args(Language), help="guessed if absent")
    input_options(parser)


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner convert``."""
    to = writable(given.out, given.to)
    found = reading(
        given.input,
        language=given.language,
        skip_bad=given.skip_bad,
        unsaid=(BARE,),
        **options_of(given),
    )
    from llmner_hf.readers.entries import entries_of

    write(given.out, entries_of(found), to)
    number = sum(len(example.entities) for example in found.examples)
    print(
        f"{number} entities in {len(found.examples)} texts: {given.out}",
        file=sys.stderr if is_stream(given.out) else sys.stdout,
    )
