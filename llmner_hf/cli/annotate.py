"""``llmner annotate``: texts -> entities, as JSON lines, a table and a page."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, get_args

from llmner_hf.cli.reading import read
from llmner_hf.core.entities import Language

NAME = "annotate"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("input", type=Path, help="plain text, JSON lines, PubTator, BioC, ...")
    parser.add_argument("-o", "--out", type=Path, required=True, help="JSON lines to write")
    parser.add_argument("--html", type=Path, help="page to write, with nested entities drawn")
    parser.add_argument("--format", help="of the input; guessed if absent")
    parser.add_argument("--model", help="folder or Hub id; the embedded model if absent")
    parser.add_argument("--revision", help="branch, tag or commit of --model on the Hub")
    parser.add_argument(
        "--endpoint", metavar="URL", help="ask --model on this server; its key: LLMNER_API_KEY"
    )
    judged = parser.add_mutually_exclusive_group()
    judged.add_argument("--selector", help="folder or Hub id; the one beside the model if absent")
    judged.add_argument("--no-selector", action="store_true", help="the tagger alone")
    parser.add_argument("--threshold", type=float, help="in place of all of the selector's own")
    parser.add_argument("--dataset", help="annotate by the types of this dataset")
    parser.add_argument("--types", nargs="+", metavar="NAME", help="annotate by these types")
    parser.add_argument("--language", choices=get_args(Language), help="guessed if absent")
    parser.add_argument("--whole", action="store_true", help="do not split texts at sentences")
    parser.add_argument(
        "--no-repeats",
        action="store_true",
        help="do not look for what one sentence of a text has in its others",
    )
    parser.add_argument(
        "--engine", choices=("constrained", "reference", "free"), default="constrained"
    )
    parser.add_argument("--batch-size", type=int, default=16)


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner annotate``."""
    examples = read(given.input, given.format, given.dataset or "", given.language)
    from tqdm import tqdm

    from llmner_hf import pipeline
    from llmner_hf.pipelines.files import annotate as annotate_file
    from llmner_hf.readers.json_lines import read_predictions
    from llmner_hf.rendering import Document, page, table

    options: dict[str, Any] = {"sentences": not given.whole, "repeats": not given.no_repeats}
    if given.types:
        options["entity_types"] = given.types
    chosen: dict[str, Any] = {"selector": None} if given.no_selector else {}
    if given.selector:
        chosen["selector"] = given.selector
    if given.endpoint:
        chosen |= {"endpoint": given.endpoint, "api_key": os.environ.get("LLMNER_API_KEY")}
    else:
        chosen |= {"engine": given.engine, "revision": given.revision}
    chosen["threshold"] = given.threshold
    ner: Any = pipeline("bioner", model=given.model, **chosen)
    with tqdm(total=len(examples), unit="text", disable=not sys.stderr.isatty()) as bar:
        annotate_file(
            ner, examples, given.out, batch_size=given.batch_size, progress=bar.update, **options
        )
    for kind, number in ner.problems.items():
        print(f"{number} problems: {kind}", file=sys.stderr)
    if given.endpoint:
        print(ner.decoder.usage, file=sys.stderr)
    if ner.selector:
        print(f"{ner.dropped} entities dropped by the selector", file=sys.stderr)
    texts = {example.id: example.text for example in examples}
    documents = [Document(p.id, texts[p.id], p.scored) for p in read_predictions(given.out)]
    if len(documents) <= 50:
        print(table(documents))
    print(
        f"{sum(len(d.scored) for d in documents)} entities in {len(documents)} texts: {given.out}"
    )
    if given.html:
        given.html.parent.mkdir(parents=True, exist_ok=True)
        given.html.write_text(page(documents, given.input.name), encoding="utf-8")
        print(f"page: {given.html}")
