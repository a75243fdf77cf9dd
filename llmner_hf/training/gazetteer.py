"""A gazetteer for a tagger: the mentions of its training texts, and the weights they have.

In: a tagger and the tagged datasets it was trained on. Out: the texts to learn from and those to
weigh by (`training.weighing`), and the tagger with the mentions. Refused: datasets without
validation texts, and mentions without weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from datasets import DatasetDict

from llmner_hf.core.entities import Example
from llmner_hf.core.errors import SettingError
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.schema import Schema
from llmner_hf.corpora.rows import to_example
from llmner_hf.settings import Gazetteer, TaggerSettings, Weights
from llmner_hf.tagger.tagger import Tagger
from llmner_hf.training.lending import ALONE, Lending, but_test


def parts(splits: DatasetDict, rows: int) -> tuple[list[Example], list[Example]]:
    """The texts to learn from, and those to weigh by.

    Args:
        splits: a tagged dataset.
        rows: how many validation rows are weighed by, from the beginning; the rest is learnt from.

    Raises:
        SettingError: there is no validation split.
    """
    validation = splits.get("validation")
    if validation is None or not len(validation):
        raise SettingError("no validation split to weigh by; llmner build makes one")
    examples = list(map(to_example, validation))
    known = [*map(to_example, splits["train"]), *examples[rows:]]
    return known, examples[:rows]


def learnt(
    settings: TaggerSettings, known: Mapping[str, Sequence[Example]], lending: Lending = ALONE
) -> dict[str, Dictionary]:
    """The dictionary of each dataset, hashed.

    Datasets of one language lend each other the mentions of types of the same name.
    """
    return lending.gazetteers({name: settings.schema(name) for name in known}, known)


def relearnt(
    tagger: Tagger, datasets: Mapping[str, DatasetDict], lending: Lending = ALONE
) -> Tagger:
    """The tagger with the mentions of all rows that are no test, and the weights they have.

    The last step: on validation rows the tagger is better than elsewhere from then on.

    Raises:
        SettingError: one of them was not weighed.
    """
    known = {}
    for name, splits in datasets.items():
        if name not in tagger.settings.weights:
            raise SettingError(f"{name}: no weights for it; run without --all-rows first")
        known[name] = but_test(splits)
    return tagger.with_settings(_with(tagger.settings, learnt(tagger.settings, known, lending)))


def weighted(
    settings: TaggerSettings, dictionaries: Mapping[str, Dictionary], weights: Weights
) -> TaggerSettings:
    """The settings with these gazetteers and weights; other datasets stay as they are."""
    schemas: dict[str, Schema] = {name: settings.schema(name) for name in dictionaries}
    return replace(
        _with(settings, dictionaries),
        weights={**settings.weights, **dict.fromkeys(dictionaries, weights)},
        schemas={**schemas, **settings.schemas},
    )


def _with(settings: TaggerSettings, dictionaries: Mapping[str, Dictionary]) -> TaggerSettings:
    """The settings with the mentions of these datasets."""
    known = dict(settings.gazetteer.dictionaries) if settings.gazetteer else {}
    known |= {settings.schema(name).title: found for name, found in dictionaries.items()}
    return replace(settings, gazetteer=Gazetteer(known))
