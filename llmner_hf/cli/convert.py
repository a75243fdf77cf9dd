"""``llmner convert``: a file with entities -> the same in another format."""

from __future__ import annotations

import argparse
import sys
from typing import get_args

from llmner_hf.cli.reading import (
    BARE,
    file_to_file,
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
    file_to_file(parser)
    parser.add_argument("--language", choices=get_args(Language), help="guessed if absent")


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
