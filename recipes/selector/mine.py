"""Hard negatives: what a tagger finds in texts it never saw, fold by fold.

In: a tagger's recipe. Out: for each of its datasets JSON lines with the candidates of training
texts, found by a tagger that was trained without the fold of the text; a selector's recipe takes
them as ``mined: {NAME: OUT/NAME.jsonl}``, and its wrong ones become negatives. One training a fold
serves all datasets: it misses that fold of each. Folds are contiguous, since neighbours come from
one document. The validation texts are annotated by the first tagger, which does not see them
either. A run that was stopped goes on: finished folds are not trained or annotated again, an
unfinished one from its last checkpoint or its last text. Every key of the recipe is an option, as
of ``llmner train``: short taggers, made from a good start, do.

    python recipes/selector/mine.py recipes/embedded/tagger.yaml -o runs/mined --folds 2 \
        --texts 2000 --model_name_or_path START --max_steps 1500 --save_steps 250

With ``--weights MODEL`` every tagger annotates with a gazetteer, of the mentions of the very texts
that it was trained on, and with the weights that MODEL has for each dataset: its mistakes are those
that are left where a gazetteer helps. Both are kept in the fold's folder. ``--fold 0`` does the
first fold alone: others can be done on other machines, or later.

Where even these are too many, ``--seen`` takes the candidates of a tagger that saw the texts: its
mistakes are fewer than on new ones, and not wholly of the same kind. With ``--weights`` its
gazetteer at least is one that did not: of the other folds, and of the recipe's lenders.
"""

import argparse
import json
import shutil
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from datasets import DatasetDict

import llmner_hf
from llmner_hf.core.entities import Example
from llmner_hf.corpora.rows import to_example
from llmner_hf.pipelines.files import annotate
from llmner_hf.settings import TAGGER_FILE, TaggerSettings
from llmner_hf.training import parsing
from llmner_hf.training.gazetteer import relearnt
from llmner_hf.training.lending import ALONE, Lending, contiguous, loaded
from llmner_hf.training.recipe import TrainingSettings
from llmner_hf.training.tagger.run import train


class Finder:
    """A tagger alone, loaded when it is first asked."""

    def __init__(self, place: str | Path) -> None:
        self.place = place

    @cached_property
    def _pipeline(self) -> llmner_hf.BioNerPipeline:
        return llmner_hf.pipeline("bioner", model=str(self.place), selector=None)

    def find(self, name: str, examples: Sequence[Example], file: Path) -> Path:
        """Annotate texts of a dataset into a file, unless that is there; returns it."""
        if not file.exists():
            options = {"dataset": name, "sentences": False, "batch_size": 64}
            annotate(self._pipeline, examples, file, **options)
            print(f"{file}: {len(examples)} texts", flush=True)
        return file


def without(splits: DatasetDict, fold: range) -> DatasetDict:
    """The splits without the training rows of a fold."""
    rows = splits["train"]
    rest = [row for row in range(len(rows)) if row not in fold]
    return DatasetDict(splits | {"train": rows.select(rest)})


def apart(splits: DatasetDict, texts: Container[str]) -> DatasetDict:
    """Training and validation rows without some texts."""
    return DatasetDict(
        {
            part: rows.select([i for i, text in enumerate(rows["text"]) if text not in texts])
            for part, rows in splits.items()
            if part != "test"
        }
    )


def parsed(recipe: Path, folder: Path, options: Sequence[str] = ()):
    """The recipe with these options and another run folder, without validation texts."""
    given = [*options, "--output_dir", str(folder)]
    given += ["--join_validation", "false", "--validation_size", "0"]
    return parsing.parsed(TrainingSettings, recipe, given)


@dataclass(frozen=True, slots=True)
class Mining:
    """What to mine, and how.

    Attributes:
        recipe: of the tagger.
        out: a folder for the files, with one for each fold; of another run, with other options, it
            must be another.
        folds: how many taggers to train.
        texts: so many, from the first, of each fold and dataset; None for all.
        options: keys of the recipe with other values, as ``--max_steps 1500``.
        weights: folder of a tagger whose weights the gazetteers of the folds have; None for none.
        seen: folder of a tagger that stands for every fold's, though it saw the fold; None for one
            that is trained without it.
        fold: this one alone; None for all.
    """

    recipe: Path
    out: Path
    folds: int
    texts: int | None = None
    options: Sequence[str] = ()
    weights: Path | None = None
    seen: Path | None = None
    fold: int | None = None


def equip(
    folder: Path,
    weights: Path,
    seen: Mapping[str, DatasetDict],
    lending: Lending = ALONE,
) -> None:
    """Give a tagger the mentions of its training texts, and the weights of another tagger.

    Raises:
        SettingError: the other one has no weights for a dataset.
    """
    own = llmner_hf.Tagger.from_pretrained(folder, selector=None)
    weighed = replace(own.settings, weights=TaggerSettings.load(weights / TAGGER_FILE).weights)
    relearnt(own.with_settings(weighed), seen, lending).settings.save(folder)


def mine_fold(number: int, mining: Mining) -> dict[str, Path]:
    """Train without a fold and annotate it; dataset -> the file of its candidates.

    A gazetteer knows of no text that is annotated, in whichever dataset it stands.
    """
    folder = mining.out / f"fold{number}"
    settings, optimisation, model = parsed(mining.recipe, folder, mining.options)
    datasets, lending = loaded(settings)
    folds = {name: contiguous(len(s["train"]), mining.folds) for name, s in datasets.items()}
    seen = {name: without(splits, folds[name][number]) for name, splits in datasets.items()}
    asked = {}
    for name, splits in datasets.items():
        rows = [*splits["train"].select(folds[name][number][: mining.texts])]
        if number == 0 and "validation" in splits:
            rows += splits["validation"].select(range(len(splits["validation"]))[: mining.texts])
        asked[name] = [*map(to_example, rows)]
    texts = {example.text for examples in asked.values() for example in examples}
    lending = Lending([apart(splits, texts) for splits in lending.auxiliary])
    if mining.seen and not folder.exists():
        shutil.copytree(mining.seen, folder, ignore=shutil.ignore_patterns("checkpoint-*"))
    elif not mining.seen and not (folder / "run.json").exists():
        train(settings, optimisation, model, seen, lending)
    if mining.weights:
        known = {n: apart(DatasetDict(train=s["train"]), texts) for n, s in seen.items()}
        equip(folder, mining.weights, known, lending)
    tagger = Finder(folder)
    return {
        name: tagger.find(name, examples, folder / f"{name}.jsonl")
        for name, examples in asked.items()
    }


def mine(mining: Mining) -> list[Path]:
    """Train and annotate the folds; returns the file of all candidates of each dataset."""
    numbers = range(mining.folds) if mining.fold is None else [mining.fold]
    parts = [mine_fold(number, mining) for number in numbers]
    whole = [mining.out / f"{name}.jsonl" for name in parts[0]]
    for name, file in zip(parts[0], whole, strict=True):
        text = "".join(part[name].read_text(encoding="utf-8") for part in parts)
        file.write_text(text, encoding="utf-8")
    return whole


def mine_seen(mining: Mining, place: str) -> list[Path]:
    """Annotate the first training texts, or all, by a tagger that saw them; returns the files."""
    settings, _, _ = parsed(mining.recipe, mining.out, mining.options)
    tagger, found = Finder(place), []
    for name, splits in loaded(settings)[0].items():
        rows = splits["train"].select(range(len(splits["train"]))[: mining.texts])
        found.append(tagger.find(name, [*map(to_example, rows)], mining.out / f"{name}.jsonl"))
    return found


def main() -> None:
    """Mine the datasets of a recipe."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path, help="of the tagger; its keys are options, too")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--fold", type=int, help="this one alone: the first is 0")
    parser.add_argument("--texts", type=int, help="so many of each dataset and fold; or all")
    parser.add_argument("--seen", metavar="MODEL", help="a tagger that saw the texts: no training")
    parser.add_argument(
        "--weights", type=Path, metavar="MODEL", help="with gazetteers, weighed as its"
    )
    given, options = parser.parse_known_args()
    mining = Mining(
        *(given.recipe, given.out, given.folds, given.texts, options),
        weights=given.weights,
        seen=given.seen if given.weights else None,
        fold=given.fold,
    )
    alone = given.seen and not given.weights
    found = mine_seen(mining, given.seen) if alone else mine(mining)
    print(f"--mined '{json.dumps({file.stem: str(file) for file in found}, ensure_ascii=False)}'")


if __name__ == "__main__":
    main()
