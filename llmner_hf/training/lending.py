"""Gazetteers of training texts, with what auxiliary sources lend them, for training and decoding.

In: the examples of each dataset, and tagged datasets that only lend mentions. Out: for each dataset
a dictionary of its own and the lent mentions; or for each example one that was learnt without the
example's fold (cross-fitting), since a dictionary knows less of new texts than of the texts that it
was learnt from. Datasets of one language that share names of types lend to each other as well. A
text that is held out lends nothing, in whichever dataset it stands.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from datasets import Dataset, DatasetDict, load_dataset
from datasets.exceptions import DatasetsError

from llmner_hf.core.entities import Example
from llmner_hf.core.errors import InputError
from llmner_hf.core.mentions import Dictionary, Lender
from llmner_hf.core.schema import Schema
from llmner_hf.corpora.rows import FEATURES, schema_of, to_example
from llmner_hf.settings import MENTION_SHARE
from llmner_hf.training.recipe import SelectorTrainingSettings, TrainingSettings

# Ours: when a fifth of the training texts is judged, the mentions of four fifths are known, nearly
# as many as a tagger's gazetteer has.
FOLDS = 5

# Document id -> the mentions that are known without that document.
Known = Mapping[str, Dictionary]


@dataclass(frozen=True, slots=True)
class Lending:
    """Who lends mentions to whom.

    Attributes:
        auxiliary: tagged datasets that only lend, all rows but the test.
    """

    KEY: ClassVar[str] = "lenders"  # of the record of a run

    auxiliary: Sequence[DatasetDict] = ()

    @classmethod
    def load(cls, places: Iterable[str]) -> Lending:
        """Auxiliary sources from folders or the Hub."""
        return cls([load_splits(place) for place in places])

    def to(
        self, schemas: Mapping[str, Schema], known: Mapping[str, Sequence[Example]]
    ) -> dict[str, list[Lender]]:
        """For each dataset who lends it mentions: the datasets of its language that share types.

        Args:
            schemas: of each dataset.
            known: the examples that each learns from, and lends from.
        """
        own = [(name, schemas[name], examples) for name, examples in known.items()]
        others = [("", schema_of(each["train"]), but_test(each)) for each in self.auxiliary]
        return {
            name: [
                (examples, labels)
                for other, theirs, examples in [*own, *others]
                if other != name and (labels := schemas[name].shared(theirs))
            ]
            for name in known
        }

    def gazetteers(
        self, schemas: Mapping[str, Schema], known: Mapping[str, Sequence[Example]]
    ) -> dict[str, Dictionary]:
        """The dictionary of each dataset, hashed; arguments as in `to`."""
        lent = self.to(schemas, known)
        return {
            name: Dictionary.learn(examples, MENTION_SHARE, lent[name]).digested()
            for name, examples in known.items()
        }

    def known(self, datasets: Mapping[str, DatasetDict]) -> dict[str, dict[str, Known]]:
        """For each dataset and split the mentions that are known when its texts are judged."""
        schemas = {name: schema_of(splits["train"]) for name, splits in datasets.items()}
        lent = self.to(schemas, {name: but_test(splits) for name, splits in datasets.items()})
        return {name: known_mentions(splits, lent[name]) for name, splits in datasets.items()}


ALONE = Lending()  # without auxiliary sources


def loaded(
    settings: TrainingSettings | SelectorTrainingSettings,
) -> tuple[dict[str, DatasetDict], Lending]:
    """The tagged datasets of a recipe by name, and its auxiliary sources."""
    return load_named(settings.datasets), Lending.load(settings.lenders)


def load_named(places: Sequence[str]) -> dict[str, DatasetDict]:
    """Tagged datasets by the last part of their places.

    Raises:
        InputError: two have one name, or a place holds no tagged dataset.
    """
    by_name: dict[str, str] = {}
    for place in places:
        name = Path(place).name
        if name in by_name:
            raise InputError(
                f"datasets: {by_name[name]} and {place} are both named {name!r}; rename one folder"
            )
        by_name[name] = place
    return {name: load_splits(place) for name, place in by_name.items()}


def load_splits(place: str) -> DatasetDict:
    """The splits of a tagged dataset in a folder or on the Hub.

    Raises:
        InputError: there is none, it has no rows to train on, or other columns.
    """
    try:
        splits = load_dataset(place)
    except (DatasetsError, OSError, ValueError, TypeError) as error:
        told = " ".join(str(error).split())
        raise InputError(f"{place}: no tagged dataset with rows: {told}") from None
    if "train" not in splits or not len(splits["train"]):
        raise InputError(f"{place}: no rows in a split train; splits are {', '.join(splits)}")
    for split, rows in splits.items():
        if missing := sorted(FEATURES.keys() - set(rows.column_names)):
            raise InputError(
                f"{place}, split {split}: no column {', '.join(missing)}; make the dataset with "
                "llmner build"
            )
    return splits


def but_test(splits: DatasetDict) -> list[Example]:
    """The examples of all splits but the test."""
    return [to_example(row) for part in splits if part != "test" for row in splits[part]]


def cross_fitted(
    examples: Sequence[Example], folds: int, lenders: Sequence[Lender] = ()
) -> list[Dictionary]:
    """For each example a dictionary that was learnt without its fold.

    Args:
        examples: the training examples.
        folds: how many; each is contiguous, since neighbours come from one document.
        lenders: as in ``Dictionary.learn``; a text of the fold is not learnt from, were it theirs
            too.
    """
    dictionaries = []
    for fold in contiguous(len(examples), folds):
        others = [*examples[: fold.start], *examples[fold.stop :]]
        held = {example.text for example in examples[fold.start : fold.stop]}
        known = Dictionary.learn(others, MENTION_SHARE, apart(lenders, held))
        dictionaries += [known] * len(fold)
    return dictionaries


def known_mentions(
    splits: Mapping[str, Dataset], lenders: Sequence[Lender] = ()
) -> dict[str, Known]:
    """For each split the mentions that are known when its texts are judged.

    The gazetteer of a training text is learnt from the other folds, the gazetteer of any other text
    from all training texts: no text is known by its own mentions alone.
    """
    examples = [to_example(row) for row in splits["train"]]
    folds = cross_fitted(examples, FOLDS, lenders)
    known: dict[str, Known] = {
        "train": {e.id: fold for e, fold in zip(examples, folds, strict=True)}
    }
    for split, rows in splits.items():
        if split != "train":
            lent = apart(lenders, {*rows["text"]})
            whole = Dictionary.learn(examples, MENTION_SHARE, lent)
            known[split] = dict.fromkeys(rows["id"], whole)
    return known


def apart(lenders: Iterable[Lender], held: Container[str]) -> list[Lender]:
    """Who lends, without the texts that are held out."""
    return [([e for e in theirs if e.text not in held], types) for theirs, types in lenders]


def contiguous(rows: int, folds: int) -> list[range]:
    """The rows of each fold, contiguous and as alike in size as can be.

    >>> contiguous(7, 3)
    [range(0, 2), range(2, 4), range(4, 7)]
    """
    return [range(rows * fold // folds, rows * (fold + 1) // folds) for fold in range(folds)]
