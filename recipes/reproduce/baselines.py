"""Baselines that anyone can run, each as a run folder of `llmner_hf.paper.runs`.

In: the test splits of tagged datasets. Out: gold and predicted JSON lines, and ``system.json``.

``dictionary`` is the longest match of the corpus's own training and validation mentions, kept when
at least half of their occurrences are entities (for CMeEE-V2, all).

``endpoint`` asks any model behind an OpenAI-style URL, zero-shot. Every answer is kept in the run
folder, and the predictions are made from these: a run that was stopped or killed goes on, with what
it has cost so far. The key is read from LLMNER_API_KEY and written nowhere.

``predictions`` takes those of another tool, in any format of `llmner_hf.readers`, about the test
rows or about the documents whose sentences these are.

    python recipes/reproduce/baselines.py dictionary --data data -o runs/baselines/dictionary
    python recipes/reproduce/baselines.py endpoint --url https://HOST/v1 --model NAME \
        -o runs/baselines/NAME
    python recipes/reproduce/baselines.py predictions --dataset biored --title AIONER \
        --file biored.pubtator --types CHEMICAL=Chemical -o runs/baselines/aioner
"""

import argparse
import os
import shlex
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import get_args

from datasets import load_dataset
from tqdm import tqdm

import llmner_hf
from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity, Example, Prediction, ScoredEntity, ordered
from llmner_hf.core.errors import InputError, LlmnerError
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.offsets import inside
from llmner_hf.core.prompting import Strategy
from llmner_hf.core.scoring import score
from llmner_hf.corpora.rows import load, to_example
from llmner_hf.corpora.sources import named
from llmner_hf.decoding.remote.server import Usage
from llmner_hf.paper.runs import GOLD, SYSTEM_FILE, TAGGER, Cost, System
from llmner_hf.pipelines.files import prediction
from llmner_hf.readers import read_any
from llmner_hf.readers.json_lines import gold_row, predicted_row, write
from llmner_hf.settings import TaggerSettings

BY_SENTENCES = ("ccks2019_as",)  # its records are longer than what models are tuned on
NO_FILTER = ("cmeee_v2",)  # a string is an entity in one sentence, part of a longer one in the next
KEY = "LLMNER_API_KEY"
LOST = "entity that no row holds whole, dropped"
NO_DOCUMENT = "row of no document, nothing predicted in it"
OTHER_DOCUMENT = "document that is not of this test set"


def examples_of(data: Path, name: str) -> list[Example]:
    """The rows of a test set."""
    return list(map(to_example, load(data / name, "test")))


def keep(out: Path, name: str, test: Sequence[Example], found: Iterable[Prediction]) -> None:
    """Write gold and predictions of a test set, and print their strict scores."""
    texts = {example.id: example.text for example in test}
    found = tuple(found)
    write(out / f"{name}.{GOLD}.jsonl", map(gold_row, test))
    write(out / f"{name}.{TAGGER}.jsonl", (predicted_row(texts[p.id], p) for p in found))
    gold = {example.id: example.entities for example in test}
    counts = score(gold, {p.id: p.entities for p in found}).strict
    scores = " ".join(f"{100 * n:.2f}" for n in (counts.precision, counts.recall, counts.f1))
    print(f"{CORPORA[name].title}: {len(test)} texts, P R F1 {scores}", flush=True)


def certain(identifier: str, entities: Iterable[Entity]) -> Prediction:
    """A prediction of entities that have no score."""
    return Prediction(identifier, tuple(ScoredEntity(entity, 1.0) for entity in entities))


def begin(out: Path, system: System, names: Iterable[str]) -> System:
    """Write what a run folder holds; returns it with the rows of the test sets not run now.

    Raises:
        InputError: it holds another system's predictions.
    """
    out.mkdir(parents=True, exist_ok=True)
    if (out / SYSTEM_FILE).exists():
        before = System.load(out)
        for one in ("title", "backbone", "strategy"):
            if getattr(before, one) != getattr(system, one):
                raise InputError(f"{out}: holds {before.title!r} already; name another folder")
        kept = {name: rows for name, rows in before.rows.items() if name not in names}
        system = replace(system, rows=kept | system.rows)
    system.save(out)
    return system


def dictionary(given: argparse.Namespace) -> None:
    """The longest match of training mentions, on every test set."""
    begin(given.out, System("dictionary", "dictionary", None, None, given.command), given.only)
    for name in given.only:
        test = examples_of(given.data, name)
        splits = load_dataset(str(given.data / name))
        known = [to_example(row) for part in splits if part != "test" for row in splits[part]]
        made = Dictionary.learn(known, 0.0 if name in NO_FILTER else 0.5)
        keep(given.out, name, test, (certain(e.id, made.annotate(e.text)) for e in test))


def endpoint(given: argparse.Namespace) -> None:
    """What a model behind a URL finds, asked zero-shot, and what that took."""
    whole = {name: examples_of(given.data, name) for name in given.only}
    tests = {name: test[: given.rows] for name, test in whole.items()}
    rows = {name: len(test) for name, test in tests.items() if len(test) < len(whole[name])}
    ner = llmner_hf.pipeline(
        "bioner",
        model=given.model,
        endpoint=given.url,
        api_key=os.environ.get(KEY),
        settings=TaggerSettings(strategy=given.strategy),
        answers=given.out / "answers.jsonl",
    )
    ner.decoder.most_tokens = given.most_tokens
    answers, prices = ner.decoder.server, (given.price_in, given.price_out)
    cost = cost_of(answers.usage, *prices)
    title = given.title or given.model
    system = System(title, given.model, given.strategy, "zero-shot", given.command, rows, cost)
    # Not before the pipeline has looked at the URL: one that holds a key must not be written.
    system = begin(given.out, system, given.only)
    for name, test in tests.items():
        with tqdm(test, desc=name, unit="text", disable=not sys.stderr.isatty()) as bar:
            options = {"dataset": name, "sentences": name in BY_SENTENCES, "repeats": False}
            found = ner((e.text for e in bar), batch_size=given.batch_size, **options)
            keep(given.out, name, test, map(prediction, (e.id for e in test), found))
        cost = replace(cost_of(answers.usage, *prices), refused=answers.refused)
        replace(system, cost=cost).save(given.out)
    tell(ner.problems | {"request that the server refused": answers.refused})
    print(cost)


def cost_of(usage: Usage, price_in: float, price_out: float) -> Cost:
    """What the answers in a folder took; prices are of a million tokens, 0 where none is known."""
    price = (usage.prompt_tokens * price_in + usage.completion_tokens * price_out) / 1e6
    counts = (usage.requests, usage.prompt_tokens, usage.completion_tokens)
    return Cost(*counts, price=round(price, 6) if price_in or price_out else None)


def predictions(given: argparse.Namespace) -> None:
    """The predictions of another tool, cut to the rows of the test set."""
    name = given.dataset
    facts = CORPORA[name]
    reading = read_any(given.file, given.format, dataset=name, language=facts.language)
    reading = named(reading, replace(facts, source_names=types_of(name, given.types)))
    test = examples_of(given.data, name)
    found, counts = cut(reading.examples, test, given.file)
    if not found:
        raise InputError(
            f"{given.file}: none of its {len(reading.examples)} documents is in the test set of "
            f"{facts.title}, whose rows are called as {test[0].id!r}; give its texts these ids, or "
            "those of the documents they come from"
        )
    begin(given.out, System(given.title, given.title, None, None, given.command), [name])
    keep(given.out, name, test, (certain(e.id, found.get(e.id, ())) for e in test))
    tell(reading.dropped + reading.remarks + counts)


def types_of(name: str, pairs: Sequence[str]) -> dict[str, str]:
    """Type in the file -> type here: as given, else our own names and those of the corpus's files.

    Raises:
        InputError: there is no such type here.
    """
    facts = CORPORA[name]
    given = dict(pair.split("=", 1) if "=" in pair else (pair, "") for pair in pairs)
    for theirs, ours in given.items():
        if ours not in facts.labels:
            raise InputError(
                f"--types {theirs}={ours}: {facts.title} has no type {ours!r}; its types are "
                f"{', '.join(facts.labels.names)}"
            )
    return {**facts.source_names, **{own: own for own in facts.labels.names}, **given}


def cut(
    documents: Sequence[Example], test: Sequence[Example], path: Path
) -> tuple[Mapping[str, tuple[Entity, ...]], Counter[str]]:
    """The entities of each row that a document covers, and what was lost or is missing.

    Raises:
        InputError: a document has another text than its rows.
    """
    rows = rows_of(test)
    found: dict[str, list[Entity]] = {}
    counts: Counter[str] = Counter()
    for document in documents:
        counts[OTHER_DOCUMENT] += document.id not in rows
        for start, row in rows.get(document.id, ()):
            require_text(document, start, row, path)
            held = inside((start, start + len(row.text)), document.entities)
            found.setdefault(row.id, []).extend(held)
            counts[LOST] -= len(held)
        counts[LOST] += len(document.entities) if document.id in rows else 0
    counts[NO_DOCUMENT] = len(test) - len(found)
    return {name: ordered(entities) for name, entities in found.items()}, +counts


def rows_of(test: Sequence[Example]) -> Mapping[str, Sequence[tuple[int, Example]]]:
    """Document -> its rows, each with the character of the document at which it begins.

    A row is a document of its own name; and, where `corpora.sources.by_sentences` made it, a
    sentence of the document that stands in its id: DATASET-DOCUMENT-START.
    """
    found: dict[str, list[tuple[int, Example]]] = defaultdict(list)
    for row in test:
        found[row.id].append((0, row))
        document, _, start = row.id.removeprefix(f"{row.dataset}-").rpartition("-")
        if start.isdecimal():
            found[document].append((int(start), row))
    return dict(found)


def require_text(document: Example, start: int, row: Example, path: Path) -> None:
    """Raise InputError where a document has another text than a row of it; blanks are all one.

    Formats write a line break or a tab as a blank; what follows the last row does not matter.
    """
    theirs = document.text[start : start + len(row.text)]
    for place, (own, other) in enumerate(zip_longest(row.text, theirs, fillvalue=""), start):
        if own != other and not (own.isspace() and other.isspace()):
            raise InputError(
                f"{path}: document {document.id!r} has {other!r} at character {place}, where row "
                f"{row.id!r} of the test set has {own!r}; annotate the text of the test set"
            )


def tell(counts: Mapping[str, int]) -> None:
    """Print what was counted."""
    for what, number in sorted(counts.items()):
        if number:
            print(f"{number}: {what}")


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    added = parser.add_subparsers(required=True, metavar="BASELINE")
    for run in (dictionary, endpoint, predictions):
        sub = added.add_parser(run.__name__, help=run.__doc__)
        sub.set_defaults(run=run)
        sub.add_argument("--data", type=Path, default=Path("data"), help="the tagged datasets")
        sub.add_argument("-o", "--out", type=Path, required=True, help="the run folder")
        if run is not predictions:
            sub.add_argument("--only", nargs="+", choices=CORPORA, default=list(CORPORA))
    asked, read = added.choices["endpoint"], added.choices["predictions"]
    asked.add_argument("--url", required=True, help=f"up to /v1; its key: {KEY}")
    asked.add_argument("--model", required=True, help="the name under which it is served")
    asked.add_argument("--title", help="in the tables; the model's name if absent")
    asked.add_argument("--strategy", choices=get_args(Strategy), default=TaggerSettings().strategy)
    asked.add_argument("--rows", type=int, help="the first rows of each test set; all if absent")
    asked.add_argument("--batch-size", type=int, default=16, help="texts at a time")
    asked.add_argument("--most-tokens", type=int, default=1024, help="of an answer, thoughts too")
    asked.add_argument("--price-in", type=float, default=0.0, help="of a million prompt tokens")
    asked.add_argument("--price-out", type=float, default=0.0, help="of a million tokens answered")
    read.add_argument("--file", type=Path, required=True, help="file, or folder of brat files")
    read.add_argument("--format", help="of the file; guessed if absent")
    read.add_argument("--dataset", choices=CORPORA, required=True, help="whose test set")
    read.add_argument("--title", required=True, help="of the tool, in the tables")
    read.add_argument("--types", nargs="*", default=[], metavar="THEIRS=OURS")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a baseline; returns the exit code, 0 done, 1 failed, 2 bad input."""
    argv = sys.argv[1:] if argv is None else argv
    parser = arguments()
    given = parser.parse_args(argv)
    given.command = shlex.join(["python", "recipes/reproduce/baselines.py", *argv])
    try:
        given.run(given)
    except LlmnerError as error:
        print(f"baselines: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
