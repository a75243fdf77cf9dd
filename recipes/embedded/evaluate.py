"""The table of the embedded model: strict scores on six test sets, beside others.

In: the tagged datasets and a model. Out: a run folder of `llmner_hf.reports.runs`, with what the
tagger alone finds (``predicted``, scored by its selector) and what the selector leaves
(``llm_cls``), and the table in Markdown; the dictionary's column comes from its own run folder.
NCBI-Disease and CCKS2019-AS are unseen by the model. The records of the latter and all longer texts
are annotated sentence by sentence, each by itself, the rows of the other corpora whole, as they
were trained on. Predictions that are there already are not made again.

With ``--articles`` the sentences of an article are one text, as a user would give it, so that what
is found in one is looked for in the others; three corpora are of articles.

    python recipes/reproduce/baselines.py dictionary --data data -o runs/baselines/dictionary
    python recipes/embedded/evaluate.py --data data -o runs/embedded/scores
    python recipes/embedded/evaluate.py --data data -o runs/embedded/articles --articles
"""

import argparse
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

import llmner_hf
from llmner_hf.core.articles import articles
from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Example, Prediction
from llmner_hf.core.scoring import bootstrap
from llmner_hf.corpora.rows import load, to_example
from llmner_hf.paper.printed import SEEN, TABLE_VI, TABLE_VII, UNSEEN
from llmner_hf.paper.runs import System
from llmner_hf.pipelines.files import annotate
from llmner_hf.readers.json_lines import gold_row, predicted_row, read_predictions, write
from llmner_hf.selector.filtering import Selector

# A record is longer than what the model was tuned on.
BY_SENTENCES = ("ccks2019_as",)
ARTICLES = ("bc5cdr_chemical", "biored", "ncbi_disease")
HEAD = (
    *("corpus", "texts", "entities", "precision", "recall", "F1", "**F1 with selector**"),
    *("dictionary", "GPT-4 zero-shot", "the paper, 9B"),
)


def per_cent(interval) -> str:
    """A score with its interval.

    >>> from llmner_hf.core.scoring import Interval
    >>> per_cent(Interval(0.5, 0.45, 0.55))
    '50.0 (45.0-55.0)'
    """
    return f"{100 * interval.value:.1f} ({100 * interval.low:.1f}-{100 * interval.high:.1f})"


def printed(name: str) -> tuple[str, str]:
    """The paper's F1 of GPT-4, zero-shot, and of its own model."""
    if name in SEEN:
        found = (TABLE_VI[row][SEEN.index(name)] for row in ("GPT-4 zero-shot", "the paper"))
    else:
        found = (TABLE_VII[name, row][2] for row in ("GPT-4", "the paper"))
    first, second = found
    return f"{first:.1f}", f"{second:.1f}"


def found_by(
    name: str, ner: llmner_hf.BioNerPipeline, test: list[Example], given: argparse.Namespace
) -> tuple[Prediction, ...]:
    """What the tagger finds in the test texts of a corpus; kept in a file, and read from it."""
    predicted = given.out / f"{name}.predicted.jsonl"
    if not predicted.exists():
        with tqdm(total=len(test), desc=name, unit="text") as bar:
            options = {
                "dataset": name,
                "sentences": given.articles or name in BY_SENTENCES,
                "repeats": given.articles,
                "batch_size": given.batch_size,
            }
            annotate(ner, test, predicted, progress=bar.update, **options)
    return read_predictions(predicted)


def row(
    name: str, ner: llmner_hf.BioNerPipeline, selector: Selector | None, given: argparse.Namespace
) -> str:
    """The row of one corpus."""
    test = list(map(to_example, load(given.data / name, "test")))[: given.rows or None]
    if given.articles:
        test = articles(test)
    write(given.out / f"{name}.gold.jsonl", map(gold_row, test))
    predictions = found_by(name, ner, test, given)
    gold = {example.id: example.entities for example in test}
    found = bootstrap(gold, {p.id: p.entities for p in predictions})
    kept = found
    if selector:
        schema = ner.settings.schema(name)
        left = [
            Prediction(p.id, tuple(s for s in p.scored if selector.keeps(s, schema)), p.problems)
            for p in predictions
        ]
        pairs = zip(test, left, strict=True)
        write(given.out / f"{name}.llm_cls.jsonl", (predicted_row(e.text, p) for e, p in pairs))
        kept = bootstrap(gold, {p.id: p.entities for p in left})
    listed = read_predictions(given.dictionary / f"{name}.predicted.jsonl")
    known = {p.id: p.entities for p in listed if p.id in gold}
    dictionary = per_cent(bootstrap(gold, known).f1) if known else "–"
    entities = sum(map(len, gold.values()))
    unseen = " (unseen)" if name in UNSEEN else ""
    cells = (
        *(f"{CORPORA[name].title}{unseen}", f"{len(test):,}", f"{entities:,}"),
        *map(per_cent, (found.precision, found.recall, found.f1)),
        *(f"**{per_cent(kept.f1)}**", dictionary, *printed(name)),
    )
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--model", help="the embedded model if absent")
    parser.add_argument("--title", default="embedded, as shipped", help="what reports call it")
    parser.add_argument("--dictionary", type=Path, default=Path("runs/baselines/dictionary"))
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rows", type=int, default=0, help="first test rows; all if absent")
    parser.add_argument("--only", nargs="+", help="corpora; all if absent")
    parser.add_argument("--articles", action="store_true", help="sentences put together")
    parser.add_argument("--no-selector", action="store_true", help="the tagger alone")
    parser.add_argument("--no-gazetteer", action="store_true", help="the network alone")
    given = parser.parse_args()
    everything = ARTICLES if given.articles else (*reversed(SEEN), *reversed(UNSEEN))
    given.only = given.only or everything
    for name in given.only:  # said now, and not behind minutes of work
        if not (given.dictionary / f"{name}.predicted.jsonl").is_file():
            parser.error(
                f"{given.dictionary} lacks {name}: run recipes/reproduce/baselines.py first"
            )
    given.out.mkdir(parents=True, exist_ok=True)
    ner = llmner_hf.pipeline("bioner", model=given.model)
    if given.no_gazetteer:
        settings = replace(ner.settings, gazetteer=None)
        ner = llmner_hf.pipeline("bioner", model=given.model, settings=settings)
    # Unknown types are asked for too: what that is worth is to be seen.
    ner.annotator.settings = replace(ner.settings, schemas={})
    selector = None if given.no_selector else ner.selector
    ner.annotator.selector = selector and selector.cut_at(None)
    rows = dict.fromkeys(given.only, given.rows) if given.rows else {}
    command = shlex.join(["python", "recipes/embedded/evaluate.py", *sys.argv[1:]])
    System(given.title, given.title, "symbolic", "joint", command, rows).save(given.out)
    lines = ["| " + " | ".join(HEAD) + " |", "|---" * len(HEAD) + "|"]
    for name in given.only:
        lines.append(row(name, ner, selector, given))
        print(lines[-1], flush=True)
    (given.out / "table.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
