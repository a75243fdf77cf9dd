"""The command line: ``llmner build | train | merge | annotate | evaluate``.

Exit codes: 0 done, 1 failed, 2 bad input, with one line on standard error that names it. Heavy
libraries are imported by the command that needs them, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity, Example, Language
from llmner_hf.core.errors import InputError, LlmnerError, SettingError
from llmner_hf.core.prompting import Strategy, Style
from llmner_hf.core.scoring import bootstrap, paired_bootstrap, score, token_spans
from llmner_hf.rendering.scores import comparison_line, interval_line, score_row, score_table


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    parser = _parser()
    given, rest = parser.parse_known_args(argv)
    if rest and given.run is not train:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    try:
        given.run(given, rest)
    except InputError as error:
        print(f"llmner: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"llmner: {error}", file=sys.stderr)
        return 2
    except LlmnerError as error:
        print(f"llmner: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="llmner", description=sys.modules["llmner_hf"].__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(run: Callable[..., None], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(run.__name__, help=text, description=text)
        added.set_defaults(run=run)
        return added

    _build_arguments(command(build, "corpus files -> tagged dataset (parquet, card, report)"))
    recipe = command(train, "tune a model by a recipe; every key of it is an option, --KEY VALUE")
    recipe.add_argument("recipe", type=Path, help="a YAML file, as in recipes/")
    recipe.add_argument("--dry-run", action="store_true", help="print what the run will be")
    merging = command(merge, "adapter -> whole model, merged into its unquantised base")
    merging.add_argument("adapter", help="folder or Hub id of a tuned adapter")
    merging.add_argument("-o", "--out", type=Path, required=True, help="folder to write")
    _annotate_arguments(command(annotate, "texts -> entities, as JSON lines, a table and a page"))
    _evaluate_arguments(command(evaluate, "strict scores with intervals, error classes, per type"))
    return parser


def _build_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", choices=list(CORPORA), metavar="NAME", help=", ".join(CORPORA))
    parser.add_argument("--source", type=Path, required=True, help="folder of the corpus's files")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--against", type=Path, help="folder of the other corpora (leakage)")
    parser.add_argument("--no-drop-leaks", action="store_true", help="the paper's protocol")
    parser.add_argument("--strategy", choices=get_args(Strategy), default="symbolic")
    parser.add_argument("--style", choices=get_args(Style), default="prefix")


def _annotate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", type=Path, help="plain text, JSON lines, PubTator, BioC, ...")
    parser.add_argument("-o", "--out", type=Path, required=True, help="JSON lines to write")
    parser.add_argument("--html", type=Path, help="page to write, with nested entities drawn")
    parser.add_argument("--format", help="of the input; guessed if absent")
    parser.add_argument("--model", help="folder or Hub id; the embedded model if absent")
    parser.add_argument("--dataset", help="annotate by the types of this dataset")
    parser.add_argument("--types", nargs="+", metavar="NAME", help="annotate by these types")
    parser.add_argument("--language", choices=get_args(Language), help="guessed if absent")
    parser.add_argument("--whole", action="store_true", help="do not split texts at sentences")
    parser.add_argument(
        "--engine", choices=("constrained", "reference", "free"), default="constrained"
    )
    parser.add_argument("--batch-size", type=int, default=16)


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--gold", type=Path, required=True, help="any format with entities")
    parser.add_argument("--predicted", type=Path, required=True, help="any format with entities")
    parser.add_argument(
        "--against", type=Path, help="predictions of another system to compare with"
    )
    parser.add_argument("--samples", type=int, default=1000, help="of the bootstrap; 0 for none")
    parser.add_argument("--json", type=Path, help="also write the scores as JSON")


def build(given: argparse.Namespace, _: list[str]) -> None:
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


def train(given: argparse.Namespace, rest: list[str]) -> None:
    """``llmner train``."""
    if not given.recipe.is_file():
        raise InputError(f"{given.recipe}: no such recipe")
    from datasets import load_dataset
    from trl import ModelConfig, SFTConfig, TrlParser

    from llmner_hf.evaluation import validator
    from llmner_hf.settings import TrainingSettings
    from llmner_hf.training.run import train as tune

    kinds: Any = (TrainingSettings, SFTConfig, ModelConfig)
    parser = TrlParser(kinds)
    try:
        settings, optimisation, model = parser.parse_args_and_config(
            # A plan needs no GPU, where transformers refuses bf16 without one.
            ["--config", str(given.recipe), *rest, *(["--use_cpu", "true"] * given.dry_run)]
        )
    except (ValueError, TypeError) as error:
        raise SettingError(f"{given.recipe}: {error}") from error
    if not settings.datasets:
        raise SettingError(f"{given.recipe}: names no datasets")
    datasets = {Path(place).name: load_dataset(place) for place in settings.datasets}
    if given.dry_run:
        from llmner_hf.training.dry_run import planned

        print(planned(settings, optimisation, model, datasets).as_text(sys.stdout.isatty()))
        return
    record = tune(
        settings, optimisation, model, datasets, validator(datasets, settings.validation_size)
    )
    for name, report in record["preparation"].items():
        print(f"{name}: {report}")
    print(f"validation: {record['validation']}")


def merge(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner merge``."""
    from llmner_hf.training.merging import merge as merge_adapter

    print(f"merged: {merge_adapter(given.adapter, given.out)}")


def annotate(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner annotate``."""
    examples = _read(given.input, given.format, given.dataset or "", given.language)
    from tqdm import tqdm

    from llmner_hf import pipeline
    from llmner_hf.annotation import annotate as annotate_file
    from llmner_hf.readers.json_lines import read_predictions
    from llmner_hf.rendering import Document, page, table

    options: dict[str, Any] = {"sentences": not given.whole}
    if given.types:
        options["entity_types"] = given.types
    ner = pipeline("bioner", model=given.model, engine=given.engine)
    with tqdm(total=len(examples), unit="text", disable=not sys.stderr.isatty()) as bar:
        annotate_file(
            ner, examples, given.out, batch_size=given.batch_size, progress=bar.update, **options
        )
    for kind, number in ner.problems.items():
        print(f"{number} problems: {kind}", file=sys.stderr)
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


def evaluate(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner evaluate``."""
    examples = _read(given.gold)
    gold, predicted = _entities(examples), _entities(_read(given.predicted))
    tokens = {example.id: token_spans(example.text) for example in examples}
    scores = score(gold, predicted, tokens=tokens)
    print(score_table(scores))
    if given.samples and given.against:
        others = _entities(_read(given.against))
        print(comparison_line(paired_bootstrap(gold, predicted, others, samples=given.samples)))
    if given.samples:
        print(interval_line(bootstrap(gold, predicted, samples=given.samples), len(gold)))
    if given.json:
        given.json.write_text(json.dumps(score_row(scores), indent=2) + "\n", encoding="utf-8")


def _entities(examples: Sequence[Example]) -> dict[str, tuple[Entity, ...]]:
    return {example.id: example.entities for example in examples}


def _read(
    path: Path, format: str | None = None, dataset: str = "", language: Language | None = None
) -> tuple[Example, ...]:
    """The examples of a file in any known format; what the reader dropped goes to stderr."""
    from llmner_hf.readers import read_any

    if not path.exists():
        raise InputError(f"{path}: no such file")
    reading = read_any(path, format, dataset=dataset, language=language)
    for reason, number in reading.dropped.items():
        print(f"{path}: dropped {number}: {reason}", file=sys.stderr)
    return reading.examples
