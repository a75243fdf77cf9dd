"""How much a tagger minds being asked otherwise: order, definitions, choice and names of types.

In: the test splits of four corpora and a model with its selector. Out: in a folder, gold and what
was found for every way of asking, and the table in Markdown: F1 of each way, and how much it
changes against the way it is tuned, with 95 % intervals by bootstrap over texts.
Files that are there already are not made again.

- Label order: the types shuffled, in three orders that count together; the spread is beside.
- Definitions and names of types: `robustness/wording.yaml` says each in other words. What is found
  under another name counts as the type that it stands for; the selector is asked by it too.
- Types dropped: asked for every other type, then for the rest; both together count.

A corpus of one type has no order, and none to drop.

    python recipes/embedded/robustness.py --data data --rows 300 -o runs/embedded/robustness
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import yaml

import llmner_hf
from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity, Example, LabelSet
from llmner_hf.core.errors import InputError
from llmner_hf.core.scoring import bootstrap, paired_bootstrap, score
from llmner_hf.corpora.rows import load, to_example
from llmner_hf.paper.results import per_cent
from llmner_hf.paper.tables import Cell, Column, Table
from llmner_hf.pipelines.files import annotate
from llmner_hf.readers.json_lines import gold_row, read_predictions, write

TRAINED_ON = ("bc5cdr_chemical", "genia", "biored", "cmeee_v2")
WORDING = Path(__file__).with_suffix("") / "wording.yaml"
ORDERS = (0, 1, 2)  # seeds
COLUMNS = (
    Column("corpus"),
    Column("asked"),
    Column("F1", ".1f", limits=True),
    Column("lowest", ".1f"),
    Column("highest", ".1f"),
    Column("F1 changed", "+.1f", limits=True),
)
BRIEF = (
    "The model is asked in the style brief, which shows it the names of the types alone: other "
    "definitions change nothing, by construction."
)

Types = Mapping[str, str]  # name -> definition, in the order in which they are asked
Found = Mapping[str, Sequence[Entity]]


@dataclass(frozen=True, slots=True)
class Variation:
    """A way of asking for the types of a corpus.

    Attributes:
        title: in the table.
        runs: each is what is asked in turn, and counts as one; several runs are of one kind.
        meant: name that is asked -> the corpus's own, where it is another.
    """

    title: str
    runs: Sequence[Sequence[Types]]
    meant: Types = field(default_factory=dict)


def variations(labels: LabelSet, wording: Mapping[str, Types]) -> Iterator[Variation]:
    """The ways of asking for these types; the first is as they are tuned."""
    own = {t.name: t.definition for t in labels}
    names = {own_name: words["name"] for own_name, words in wording.items()}
    yield Variation("as tuned", [[own]])
    if len(own) > 1:
        yield Variation("label order shuffled", [[shuffled(own, seed)] for seed in ORDERS])
    definitions = {name: wording[name]["definition"] for name in own}
    yield Variation("definitions in other words", [[definitions]])
    if len(own) > 1:
        halves = [dict(list(own.items())[place::2]) for place in (0, 1)]
        yield Variation("half of the types at a time", [halves])
    renamed = {names[name]: definition for name, definition in own.items()}
    meant = {names[name]: name for name in own}
    yield Variation("names in other words", [[renamed]], meant)


def shuffled(types: Types, seed: int) -> Types:
    """The types in another order."""
    pairs = list(types.items())
    Random(seed).shuffle(pairs)
    return dict(pairs)


@dataclass(frozen=True, slots=True)
class Asking:
    """A model, the texts of one corpus, and the folder of what is found in them."""

    ner: llmner_hf.BioNerPipeline
    name: str
    test: Sequence[Example]
    folder: Path
    batch_size: int

    def found(self, variation: Variation) -> list[Found]:
        """What is found, for each run of a variation."""
        return [
            self._together(variation, f"{variation.title.replace(' ', '_')}-{number}", asks)
            for number, asks in enumerate(variation.runs)
        ]

    def _together(self, variation: Variation, title: str, asks: Sequence[Types]) -> Found:
        """What is found by all that is asked in turn, under the corpus's own names."""
        found: dict[str, list[Entity]] = {example.id: [] for example in self.test}
        for part, types in enumerate(asks):
            for name, entities in self._asked(f"{title}-{part}", types).items():
                found[name] += [
                    replace(e, label=variation.meant.get(e.label, e.label)) for e in entities
                ]
        return found

    def _asked(self, title: str, types: Types) -> Found:
        """What is found by asking for these types, unless the file has it already."""
        path = self.folder / f"{self.name}.{title}.jsonl"
        if not path.exists():
            options = {"dataset": self.name, "entity_types": types, "sentences": False}
            annotate(self.ner, self.test, path, batch_size=self.batch_size, **options)
            print(path, flush=True)
        found = {p.id: p.entities for p in read_predictions(path)}
        if found.keys() != {example.id for example in self.test}:
            raise InputError(f"{path}: is about other texts; name another folder, or delete it")
        return found


def rows_of(asking: Asking, wording: Mapping[str, Types], samples: int) -> Iterator[list[Cell]]:
    """The lines of a corpus."""
    gold = {example.id: example.entities for example in asking.test}
    first, *others = variations(CORPORA[asking.name].labels, wording)
    (tuned,) = asking.found(first)
    corpus = CORPORA[asking.name].title
    f1 = per_cent(bootstrap(gold, tuned, samples=samples).f1)
    yield [corpus, first.title, f1, None, None, None]
    for variation in others:
        found = asking.found(variation)
        golds, references = pooled([gold] * len(found)), pooled([tuned] * len(found))
        f1 = per_cent(bootstrap(golds, pooled(found), samples=samples).f1)
        each = [100 * score(gold, run).strict.f1 for run in found]
        spread = (min(each), max(each)) if len(each) > 1 else (None, None)
        changed = paired_bootstrap(golds, pooled(found), references, samples=samples).difference
        yield [corpus, variation.title, f1, *spread, per_cent(changed)]


def pooled(runs: Sequence[Found]) -> Found:
    """Several runs as one: texts stay what a bootstrap draws, and labels tell the runs apart.

    >>> pooled([{"a": [Entity(0, 4, "DNA")]}, {"a": []}])
    {'a': [Entity(start=0, end=4, label='DNA 0')]}
    """
    return {
        name: [
            replace(e, label=f"{e.label} {number}")
            for number, run in enumerate(runs)
            for e in run[name]
        ]
        for name in runs[0]
    }


def caption_of(style: str) -> str:
    """What the table shows."""
    return (
        "Strict F1 of one model asked in several ways, and the change against the way it is tuned "
        "(95 % intervals by bootstrap over texts, of the change by paired bootstrap). "
        + (BRIEF if style == "brief" else "")
    ).strip()


def main(argv: Sequence[str] | None = None) -> None:
    """Ask in every way, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--model", help="the embedded model if absent")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=TRAINED_ON, default=TRAINED_ON)
    parser.add_argument("--rows", type=int, help="the first rows of each test set; all if absent")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--samples", type=int, default=1000, help="of the bootstrap")
    given = parser.parse_args(argv)
    given.out.mkdir(parents=True, exist_ok=True)
    wording = yaml.safe_load(WORDING.read_text(encoding="utf-8"))
    ner = llmner_hf.pipeline("bioner", model=given.model)
    # Unknown types are asked for too: what that is worth is to be seen.
    ner.annotator.settings = replace(ner.settings, schemas={})
    lines = []
    for name in given.only:
        test = [to_example(row) for row in load(given.data / name, "test")][: given.rows]
        write(given.out / f"{name}.gold.jsonl", map(gold_row, test))
        asking = Asking(ner, name, test, given.out, given.batch_size)
        lines += rows_of(asking, wording[name], given.samples)
    caption = caption_of(ner.settings.style)
    table = Table("robustness", "Robustness", caption, COLUMNS, lines)
    table.write(given.out)
    text = f"{caption}\n\n{table.markdown()}\n"
    (given.out / "robustness.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
