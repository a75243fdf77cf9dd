"""``llmner link``: a file with entities -> the same with the concepts that they mean."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from llmner_hf.cli.reading import (
    BARE,
    file_to_file,
    is_stream,
    options_of,
    reading,
    writable,
    write,
)
from llmner_hf.core.entities import ScoredEntity
from llmner_hf.core.errors import InputError

if TYPE_CHECKING:
    from llmner_hf.readers import Reading
    from llmner_hf.terminology.linking import Linker

NAME = "link"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    file_to_file(parser)
    parser.add_argument(
        "--terminology",
        required=True,
        metavar="STORE",
        help="a store, a file to make one of, or the name of a store on the Hub",
    )
    parser.add_argument("--revision", help="branch, tag or commit of the store on the Hub")
    parser.add_argument(
        "--threshold", type=float, metavar="P", help="the least probability of a link"
    )


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner link``."""
    from llmner_hf.readers.entries import entries_of
    from llmner_hf.terminology.linking import THRESHOLD, Linker
    from llmner_hf.terminology.opening import terminology_of

    to = writable(given.out, given.to)
    threshold = THRESHOLD if given.threshold is None else given.threshold
    if not 0 <= threshold <= 1:
        raise InputError(f"--threshold {threshold}: a probability is between 0 and 1")
    linker = Linker(terminology_of(given.terminology, given.revision), threshold=threshold)
    options = options_of(given)
    found = reading(given.input, skip_bad=given.skip_bad, unsaid=(BARE,), **options)
    linked = _linked(found, linker)
    write(given.out, entries_of(linked), to)
    replaced = sum(len(own) for own in found.links.values())
    if replaced:
        print(f"{given.input}: {replaced} links that it had were replaced", file=sys.stderr)
    number = sum(len(example.entities) for example in found.examples)
    known = sum(bool(links) for own in linked.links.values() for links in own.values())
    told = sys.stderr if is_stream(given.out) else sys.stdout
    print(f"{known} of {number} entities linked: {given.out}", file=told)


def _linked(found: Reading, linker: Linker) -> Reading:
    """The documents with links in place of those that they had."""
    links = {}
    for example in found.examples:
        scored = [ScoredEntity(entity, 1.0) for entity in example.entities]
        links[example.id] = {
            one.entity: one.links for one in linker.link(example.text, scored) if one.links
        }
    return replace(found, links=links)
