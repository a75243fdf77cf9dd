"""What a run learns from: tagged datasets -> the settings of a tagger, and rows of all together.

In: the tagged datasets of a recipe, of people and of taggers (silver). Out: the tagger's settings
with the schemas of those of people, their gazetteers, and the training rows, each beside what the
mentions of other folds say of it where the recipe says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace

from datasets import Dataset, DatasetDict, concatenate_datasets

from llmner_hf.core.borders import learn_cuts
from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import SettingError
from llmner_hf.core.folds import cross_fitted
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.schema import Schema
from llmner_hf.core.tagging.base import view
from llmner_hf.corpora.rows import lent_to, schema_of, to_example
from llmner_hf.settings import (
    MENTION_SHARE,
    USUAL_WEIGHTS,
    Gazetteer,
    TaggerSettings,
    TrainingSettings,
)
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.tagger.preparation import Preparation, PreparationReport


def schemas_of(datasets: Mapping[str, DatasetDict]) -> dict[str, Schema]:
    """The schema of each dataset, read from its first training row."""
    return {name: schema_of(splits["train"]) for name, splits in datasets.items()}


def training_split(splits: DatasetDict, settings: TrainingSettings) -> Dataset:
    """The training rows, with those validation rows that are not scored where the recipe says so.

    The scored rows are the first ones: neighbours come from one document, so a contiguous cut
    keeps documents apart.
    """
    validation = splits.get("validation")
    scored = settings.validation_size
    if not settings.join_validation or validation is None or len(validation) <= scored:
        return splits["train"]
    rest = validation.select(range(scored, len(validation)))
    return concatenate_datasets([splits["train"], rest])


def of_people(
    datasets: Mapping[str, DatasetDict], settings: TrainingSettings
) -> dict[str, DatasetDict]:
    """The datasets that people annotated.

    Raises:
        SettingError: one that a tagger is said to have annotated is not trained on, or there are
            no others.
    """
    if unknown := {*settings.silver} - datasets.keys():
        names = ", ".join(sorted(unknown))
        raise SettingError(f"silver names {names}, which is not trained on; see datasets")
    own = {name: splits for name, splits in datasets.items() if name not in settings.silver}
    if not own:
        raise SettingError("silver names all datasets; a tagger's types are those of the others")
    return own


def examples_of(
    datasets: Mapping[str, DatasetDict], settings: TrainingSettings
) -> dict[str, list[Example]]:
    """The training examples of each dataset."""
    return {
        name: list(map(to_example, training_split(splits, settings)))
        for name, splits in datasets.items()
    }


def tagger_of(datasets: Mapping[str, DatasetDict], settings: TrainingSettings) -> TaggerSettings:
    """The settings that travel with a model tuned on these datasets, without gazetteers."""
    people = of_people(datasets, settings)
    every = examples_of(datasets, settings)
    depth = max(nesting(example.entities) for own in every.values() for example in own)
    cuts = learn_cuts((view(one.text), one.entities) for name in people for one in every[name])
    return settings.tagger(schemas_of(people), depth, cuts)


def with_gazetteers(
    tagger: TaggerSettings,
    datasets: Mapping[str, DatasetDict],
    settings: TrainingSettings,
    lenders: Sequence[DatasetDict] = (),
) -> TaggerSettings:
    """The settings with the mentions of the training texts, for a model that is trained on them."""
    known = examples_of(of_people(datasets, settings), settings)
    lent = lent_to(tagger.schemas, known, lenders)
    dictionaries = {
        tagger.schemas[name].title: Dictionary.learn(own, MENTION_SHARE, lent[name]).digested()
        for name, own in known.items()
    }
    weights = dict.fromkeys(known, USUAL_WEIGHTS)
    return replace(tagger, gazetteer=Gazetteer(dictionaries), weights=weights)


def prepare(
    datasets: Mapping[str, DatasetDict],
    tokens: Tokens,
    tagger: TaggerSettings,
    settings: TrainingSettings,
    seed: int = 0,
    lenders: Sequence[DatasetDict] = (),
) -> tuple[Dataset, dict[str, PreparationReport]]:
    """The training rows of all datasets together, and what became of their examples."""
    parts, reports = [], {}
    folds = settings.gazetteer_folds
    every = examples_of(datasets, settings)
    known = {name: every[name] for name in of_people(datasets, settings)}
    lent = lent_to(tagger.schemas, known, lenders) if folds else {}
    for name, examples in every.items():
        schema = schema_of(datasets[name]["train"])
        preparation = Preparation(
            tokens, schema, tagger, settings.max_tokens, settings.some_types, seed
        )
        said = None
        if folds and name in known:
            said = cross_fitted(examples, folds, MENTION_SHARE, lent[name])
        elif folds:
            said = [Dictionary({})] * len(examples)
        rows = [
            asdict(row) | {"length": len(row.ids), "corpus": name, "language": schema.language}
            for row in preparation.rows(examples, said)
        ]
        parts.append(Dataset.from_list(rows))
        reports[name] = preparation.report
    return concatenate_datasets(parts), reports


def nesting(entities: Iterable[Entity]) -> int:
    """How deep entities of one type nest.

    >>> nesting([Entity(0, 4, "protein"), Entity(0, 13, "protein"), Entity(0, 13, "DNA")])
    2
    """
    entities = tuple(entities)
    return max(
        (
            sum(o.label == e.label and o.start <= e.start and e.end <= o.end for o in entities)
            for e in entities
        ),
        default=0,
    )
