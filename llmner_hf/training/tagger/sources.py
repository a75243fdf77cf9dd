"""What a run learns from: tagged datasets -> the settings of a tagger, and rows of all together.

In: the tagged datasets of a recipe, annotated by people or by taggers (silver). Out: the settings
of the tagger, with the schemas of the datasets that people annotated; their gazetteers; and the
training rows. Where the recipe has folds, a row holds what the mentions of other folds say of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from typing import get_args

from datasets import Dataset, DatasetDict, concatenate_datasets

from llmner_hf.core.borders import learn_cuts
from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Example, Language
from llmner_hf.core.errors import SettingError
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.schema import Schema
from llmner_hf.core.tagging.base import view
from llmner_hf.corpora.rows import schema_of, to_example
from llmner_hf.settings import USUAL_WEIGHTS, Gazetteer, TaggerSettings
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.lending import ALONE, Lending, cross_fitted
from llmner_hf.training.recipe import TrainingSettings
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
        raise SettingError("silver names all datasets; the types of a tagger come from the others")
    return own


def check_defaults(settings: TrainingSettings, people: Collection[str]) -> None:
    """Refuse default types that the tagger will not know.

    Raises:
        SettingError: which.
    """
    for language, name in settings.default_datasets.items():
        if language not in get_args(Language):
            known = " or ".join(get_args(Language))
            raise SettingError(f"default_datasets: {language!r} is no language; write {known}")
        if name not in people and name not in CORPORA:
            known = ", ".join(people)
            raise SettingError(
                f"default_datasets: no dataset {name!r} for {language}; name {known}"
            )


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
    check_defaults(settings, people)
    every = examples_of(datasets, settings)
    examples = [example for own in every.values() for example in own]
    depth = max((e.depth(one.entities) for one in examples for e in one.entities), default=0)
    cuts = learn_cuts((view(one.text), one.entities) for name in people for one in every[name])
    return settings.tagger(schemas_of(people), depth, cuts)


def with_gazetteers(
    tagger: TaggerSettings,
    datasets: Mapping[str, DatasetDict],
    settings: TrainingSettings,
    lending: Lending,
) -> TaggerSettings:
    """The settings with the mentions of the training texts, for a model that is trained on them."""
    known = examples_of(of_people(datasets, settings), settings)
    learnt = lending.gazetteers(tagger.schemas, known)
    gazetteer = Gazetteer({tagger.schemas[name].title: own for name, own in learnt.items()})
    return replace(tagger, gazetteer=gazetteer, weights=dict.fromkeys(known, USUAL_WEIGHTS))


def prepare(
    datasets: Mapping[str, DatasetDict],
    tokens: Tokens,
    tagger: TaggerSettings,
    settings: TrainingSettings,
    seed: int = 0,
    lending: Lending = ALONE,
) -> tuple[Dataset, dict[str, PreparationReport]]:
    """The training rows of all datasets together, and what became of their examples."""
    parts, reports = [], {}
    every = examples_of(datasets, settings)
    beside = _gazetteers(every, datasets, tagger, settings, lending)
    for name, examples in every.items():
        schema = schema_of(datasets[name]["train"])
        with_allowed = bool(settings.allowed_share)
        preparation = Preparation(
            tokens, schema, tagger, settings.max_tokens, settings.some_types, seed, with_allowed
        )
        # Not asdict, which copies every token id and takes longer than the tokenisation.
        rows = [
            {each.name: getattr(row, each.name) for each in fields(row)}
            | {"length": len(row.ids), "corpus": name, "language": schema.language}
            for row in preparation.rows(examples, beside.get(name))
        ]
        parts.append(Dataset.from_list(rows))
        reports[name] = preparation.report
    return concatenate_datasets(parts), reports


def require_rows(rows: Dataset, reports: Mapping[str, PreparationReport]) -> None:
    """Refuse to train on nothing.

    Raises:
        SettingError: no example is left, and why.
    """
    if not len(rows):
        why = "; ".join(f"{name}: {report.as_text()}" for name, report in reports.items())
        raise SettingError(f"no rows to train on: every example was left out; {why}")


def _gazetteers(
    every: Mapping[str, Sequence[Example]],
    datasets: Mapping[str, DatasetDict],
    tagger: TaggerSettings,
    settings: TrainingSettings,
    lending: Lending,
) -> dict[str, list[Dictionary]]:
    """For each example the gazetteer it is trained beside: of other folds, of silver an empty one.

    Empty where the recipe has no folds.
    """
    people = of_people(datasets, settings)
    if not settings.gazetteer_folds:
        return {}
    known = {name: every[name] for name in people}
    lent = lending.to(tagger.schemas, known)
    return {
        name: cross_fitted(examples, settings.gazetteer_folds, lent[name])
        if name in known
        else [Dictionary({})] * len(examples)
        for name, examples in every.items()
    }
