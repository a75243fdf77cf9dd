"""Hard negatives: what a tagger finds in texts it never saw, fold by fold.

In: a tagger's recipe and one of its datasets. Out: JSON lines with the candidates for every
training text, found by a tagger that was trained without the text's fold; a selector's recipe takes
them as ``mined: [NAME=OUT/NAME.jsonl]``, and its wrong ones become negatives. Folds are contiguous,
since neighbours come from one document; the other datasets of the recipe are trained on whole. The
validation texts are annotated by the first of these taggers, which do not see them either unless
the recipe joins them. A run that was stopped goes on: finished folds are not trained or annotated
again, an unfinished one from its last checkpoint. Where so many taggers are too many, ``--seen``
takes the candidates of one that saw the texts: its mistakes are fewer than on new ones, and not
wholly of the same kind.

    python recipes/selector/mine.py recipes/embedded/tagger.yaml genia -o runs/mined --folds 5
"""

import argparse
from pathlib import Path

from datasets import DatasetDict, load_dataset
from trl import ModelConfig, SFTConfig, TrlParser

import llmner_hf
from llmner_hf.annotation import annotate
from llmner_hf.data import to_example
from llmner_hf.settings import TrainingSettings
from llmner_hf.training.run import train


def bounds(rows: int, folds: int) -> list[range]:
    """The rows of each fold, contiguous and as alike in size as can be.

    >>> bounds(7, 3)
    [range(0, 2), range(2, 4), range(4, 7)]
    """
    return [range(rows * fold // folds, rows * (fold + 1) // folds) for fold in range(folds)]


def without(splits: DatasetDict, fold: range) -> DatasetDict:
    """The splits without the training rows of a fold."""
    rows = splits["train"]
    rest = [row for row in range(len(rows)) if row not in fold]
    return DatasetDict(splits | {"train": rows.select(rest)})


def parsed(recipe: Path, folder: Path):
    """The recipe with another run folder, never joined with validation texts."""
    options = ["--config", str(recipe), "--output_dir", str(folder), "--join_validation", "false"]
    parser = TrlParser((TrainingSettings, SFTConfig, ModelConfig))
    return parser.parse_args_and_config(options)


def mine(recipe: Path, name: str, out: Path, folds: int) -> Path:
    """Train and annotate all folds; returns the file of all candidates."""
    parts = []
    for number in range(folds):
        folder = out / f"{name}-fold{number}"
        settings, optimisation, model = parsed(recipe, folder)
        datasets = {Path(place).name: load_dataset(place) for place in settings.datasets}
        rows = datasets[name]["train"]
        fold = bounds(len(rows), folds)[number]
        datasets[name] = without(datasets[name], fold)
        if not (folder / "run.json").exists():
            train(settings, optimisation, model, datasets)
        held_out = [to_example(row) for row in rows.select(fold)]
        if number == 0 and "validation" in datasets[name]:
            held_out += [to_example(row) for row in datasets[name]["validation"]]
        parts.append(folder / "candidates.jsonl")
        if not parts[-1].exists():
            tagger = llmner_hf.pipeline("bioner", model=str(folder), selector=None)
            annotate(tagger, held_out, parts[-1], dataset=name, sentences=False)
    whole = out / f"{name}.jsonl"
    whole.write_text("".join(part.read_text(encoding="utf-8") for part in parts), encoding="utf-8")
    return whole


def mine_seen(recipe: Path, name: str, out: Path, tagger: str, texts: int | None = None) -> Path:
    """Annotate the first training texts, or all, by a tagger that saw them; returns the file."""
    settings, _, _ = parsed(recipe, out)
    place = next(place for place in settings.datasets if Path(place).name == name)
    rows = load_dataset(place)["train"]
    examples = [to_example(row) for row in rows.select(range(len(rows))[:texts])]
    ner = llmner_hf.pipeline("bioner", model=tagger, selector=None)
    whole = out / f"{name}.jsonl"
    if not whole.exists():
        annotate(ner, examples, whole, batch_size=64, dataset=name, sentences=False)
    return whole


def main() -> None:
    """Mine one dataset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path, help="of the tagger")
    parser.add_argument("dataset", help="one of the recipe's, by the name of its folder")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seen", metavar="MODEL", help="a tagger that saw the texts: no folds")
    parser.add_argument("--texts", type=int, help="with --seen: so many, from the first; or all")
    given = parser.parse_args()
    if given.seen:
        found = mine_seen(given.recipe, given.dataset, given.out, given.seen, given.texts)
    else:
        found = mine(given.recipe, given.dataset, given.out, given.folds)
    print(f"mined: {found}")


if __name__ == "__main__":
    main()
