"""``llmner annotate``: texts -> entities in any format, a table and a page."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from llmner_hf.cli.reading import (
    BARE,
    input_options,
    is_stream,
    options_of,
    probe,
    reading,
    writable,
    write,
)
from llmner_hf.core.entities import Language, Prediction
from llmner_hf.core.errors import InputError

if TYPE_CHECKING:
    from llmner_hf.readers import Reading

NAME = "annotate"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("input", help="plain text, JSON lines, PubTator, ...; - is standard input")
    parser.add_argument(
        "-o", "--out", required=True, help="its suffix names the format; - is standard output"
    )
    parser.add_argument("--to", metavar="FORMAT", help="to write, where no suffix names it")
    parser.add_argument("--html", type=Path, help="page to write, with nested entities drawn")
    input_options(parser, tags=False)
    _model_options(parser)
    _asking_options(parser)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument(
        "--restart",
        action="store_true",
        help="begin anew where a run that was stopped left a part of the file",
    )


def _model_options(parser: argparse.ArgumentParser) -> None:
    """What annotates."""
    parser.add_argument("--model", help="folder or Hub id; the embedded model if absent")
    parser.add_argument("--revision", help="branch, tag or commit of --model on the Hub")
    parser.add_argument(
        "--endpoint", metavar="URL", help="ask --model on this server; its key: LLMNER_API_KEY"
    )
    judged = parser.add_mutually_exclusive_group()
    judged.add_argument("--selector", help="folder or Hub id; the one beside the model if absent")
    judged.add_argument("--no-selector", action="store_true", help="the tagger alone")
    parser.add_argument(
        "--threshold",
        nargs="+",
        metavar="P",
        help="in place of all of the selector's own, as 0.7; or of types, as Chemical=0.8",
    )
    parser.add_argument(
        "--terminology", metavar="STORE", help="link entities to its concepts; see `terminology`"
    )
    parser.add_argument(
        "--terms", metavar="FILE", help="names that are known to be entities, as a table"
    )
    parser.add_argument(
        "--trust",
        choices=("sure", "unsure"),
        default="sure",
        help="how far --terms count: unsure for a terminology, whose names mean other things too",
    )
    parser.add_argument(
        "--engine", choices=("constrained", "reference", "free"), default="constrained"
    )


def _asking_options(parser: argparse.ArgumentParser) -> None:
    """What is asked of every text."""
    parser.add_argument("--dataset", help="annotate by the types of this dataset")
    parser.add_argument("--types", nargs="+", metavar="NAME", help="annotate by these types")
    parser.add_argument("--language", choices=get_args(Language), help="guessed if absent")
    parser.add_argument(
        "--both-languages", action="store_true", help="every sentence by the types of both"
    )
    parser.add_argument(
        "--read-html", action="store_true", help="read &alpha; and <sub> as a browser shows them"
    )
    parser.add_argument(
        "--flat", action="store_true", help="of entities that overlap the most probable one alone"
    )
    parser.add_argument("--whole", action="store_true", help="do not split texts at sentences")
    parser.add_argument(
        "--no-repeats",
        action="store_true",
        help="do not look for what one sentence of a text has in its others",
    )


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner annotate``."""
    to = writable(given.out, given.to)
    if given.batch_size < 1:
        raise InputError(f"--batch-size {given.batch_size}: at least one text at a time")
    if given.html:
        probe(given.html)
    found = reading(
        given.input,
        dataset=given.dataset or "",
        language=given.language,
        skip_bad=True,  # gold entities are ignored here, so one that does not fit stops nothing
        unsaid=(BARE,),
        **options_of(given),
    )
    ner = _pipeline(given)
    predictions = _annotated(given, ner, found, to)
    for kind, number in ner.problems.items():
        print(f"{number} problems: {kind}", file=sys.stderr)
    if given.endpoint:
        print(ner.decoder.usage, file=sys.stderr)
    if ner.selector:
        print(f"{ner.dropped} entities dropped by the selector", file=sys.stderr)
    _show(given, found, predictions)


def _pipeline(given: argparse.Namespace) -> Any:
    """The pipeline that the options describe."""
    from llmner_hf import pipeline

    chosen: dict[str, Any] = {"selector": None} if given.no_selector else {}
    if given.selector:
        chosen["selector"] = given.selector
    if given.endpoint and given.terms:
        raise InputError("--terms are for a model that is loaded here, not for --endpoint")
    if given.endpoint:
        chosen |= {"endpoint": given.endpoint, "api_key": os.environ.get("LLMNER_API_KEY")}
    else:
        chosen |= {"engine": given.engine, "revision": given.revision, "terms": given.terms}
        chosen["trust"] = given.trust
    chosen["threshold"] = threshold_of(given.threshold)
    chosen["terminology"] = given.terminology
    return pipeline("bioner", model=given.model, **chosen)


def threshold_of(given: list[str] | None) -> float | dict[str, float] | None:
    """What ``--threshold`` says: a number, or numbers of types.

    Raises:
        InputError: it says neither, or both.
    """
    pairs = [one.rpartition("=") for one in given or ()]
    try:
        numbers = {name: float(number) for name, _, number in pairs}
    except ValueError:
        numbers = {}
    if given and (len(numbers) < len(pairs) or ("" in numbers and len(numbers) > 1)):
        raise InputError(
            f"--threshold {' '.join(given)}: give one number, as 0.7, or numbers of types, as "
            "Chemical=0.8 Disease=0.6"
        )
    return numbers.get("", numbers or None)


def _annotated(
    given: argparse.Namespace, ner: Any, found: Reading, to: str
) -> dict[str, Prediction]:
    """Annotate the texts and write them; id -> what was found."""
    from tqdm import tqdm

    from llmner_hf.pipelines.files import annotate, workplace
    from llmner_hf.readers.entries import annotated
    from llmner_hf.readers.json_lines import read_predictions

    options: dict[str, Any] = {"sentences": not given.whole, "repeats": not given.no_repeats}
    options |= {"html": given.read_html, "flat": given.flat}
    options["languages"] = "both" if given.both_languages else "guessed"
    if given.language:
        options["language"] = given.language
    if given.types:
        options["entity_types"] = given.types
    options |= {"batch_size": given.batch_size, "fields": found.fields, "restart": given.restart}
    with (
        workplace(None if is_stream(given.out) else Path(given.out), to) as work,
        tqdm(total=len(found.examples), unit="text", disable=not sys.stderr.isatty()) as bar,
    ):

        def within(done: int, total: int) -> None:
            bar.set_postfix_str(f"sentence {done} of {total}")

        annotate(ner, found.examples, work, progress=bar.update, sentences_done=within, **options)
        predictions = {prediction.id: prediction for prediction in read_predictions(work)}
        if work != Path(given.out):
            write(given.out, annotated(found, predictions), to)
    return predictions


def _show(given: argparse.Namespace, found: Reading, predictions: Mapping[str, Prediction]) -> None:
    """A table of few texts, the number of entities, and the page."""
    from llmner_hf.rendering import Document, page, table

    documents = [Document(e.id, e.text, predictions[e.id].scored) for e in found.examples]
    told = sys.stderr if is_stream(given.out) else sys.stdout
    if len(documents) <= 50:
        print(table(documents), file=told)
    number = sum(len(document.scored) for document in documents)
    print(f"{number} entities in {len(documents)} texts: {given.out}", file=told)
    if given.html:
        given.html.parent.mkdir(parents=True, exist_ok=True)
        given.html.write_text(page(documents, Path(given.input).name), encoding="utf-8")
        print(f"page: {given.html}", file=told)
