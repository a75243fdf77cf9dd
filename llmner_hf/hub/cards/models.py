"""The card of a tuned tagger or selector, adapter or whole.

In: its folder, with test scores if there are any. Out: the text of its ``README.md``. Refused: a
folder with neither ``tagger.json`` nor ``selector.json``.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCardData

from llmner_hf.core.errors import SettingError
from llmner_hf.hub.cards.runs import Run
from llmner_hf.hub.cards.scores import METRICS, TestScore, error_table, score_table, test_scores
from llmner_hf.rendering.cards import cell, filled
from llmner_hf.settings import (
    EVIDENCE_SIGNS,
    SELECTOR_FILE,
    TAGGER_FILE,
    SelectorSettings,
    TaggerSettings,
)

NAME = "FOLDER_OR_REPOSITORY"
RELIABILITY = "reliability.png"

_TEXTS = {
    "en": "The IL-2 gene promoter binds NF-kappa B in T cells.",
    "zh": "患者有高血压，服用阿司匹林。",
}
_SIGNS = (
    "Behind each input stands what the gazetteer of the tagger knows of the candidate's string: "
    f"`{EVIDENCE_SIGNS['sure']}` a mention of that type, `{EVIDENCE_SIGNS['unsure']}` one that "
    f"mostly is no entity, `{EVIDENCE_SIGNS['other']}` one of another type, "
    f"`{EVIDENCE_SIGNS['unknown']}` none. Without a gazetteer all are unknown."
)
_TAGS = ["biomedical", "named-entity-recognition", "llmner_hf"]


def model_card(folder: str | os.PathLike[str], name: str = NAME) -> str:
    """The card of a model.

    Args:
        folder: of the model or adapter; its test files are in ``scores`` (`hub.cards.scores`).
        name: its repository, as the code in the card names it.

    Raises:
        SettingError: it is the folder of neither a tagger nor a selector.
        InputError: a test file is missing or malformed.
    """
    path = Path(folder)
    found = test_scores(path / "scores")
    if (path / SELECTOR_FILE).is_file():
        return _selector(path, name, found)
    if (path / TAGGER_FILE).is_file():
        return _tagger(path, name, found)
    raise SettingError(
        f"{path}: neither {TAGGER_FILE} nor {SELECTOR_FILE} is in it; name the folder of a tuned "
        "model"
    )


def _metadata(run: Run, name: str, task: str, languages: list[str], **more: Any) -> ModelCardData:
    """The front matter; what is not known is left out."""
    return ModelCardData(
        language=languages or None,
        license="other",
        license_name="terms-of-the-base-model-and-the-corpora",
        base_model=run.base,
        library_name="peft" if run.adapter else "transformers",
        pipeline_tag=task,
        datasets=run.dataset_ids or None,
        tags=_TAGS,
        model_name=name.rpartition("/")[2],
        **more,
    )


def _tagger(folder: Path, name: str, found: tuple[TestScore, ...]) -> str:
    run, settings = Run(folder), TaggerSettings.load(folder / TAGGER_FILE)
    schemas = settings.schemas
    languages = sorted({schema.language for schema in schemas.values()})
    asked = next(iter(schemas), "genia")
    metadata = _metadata(
        run,
        name,
        "token-classification",
        list(languages),
        metrics=list(METRICS),
        eval_results=[result for one in found for result in one.results] or None,
    )
    return filled(
        "tagger.md",
        metadata,
        title=name.rpartition("/")[2],
        name=name,
        base=run.base or "a model in a folder, which the record does not name",
        strategy=settings.strategy,
        style=settings.style,
        dataset=asked,
        text=_TEXTS[schemas[asked].language if schemas else "en"],
        types="\n".join(
            f"| {key} | {cell(schema.title)} | {cell(', '.join(schema.labels.names))} |"
            for key, schema in schemas.items()
        ),
        scores=_scores(found, list(schemas)),
        training=run.training(),
        validation=_validation(run),
        leakage=run.leakage(),
    )


def _selector(folder: Path, name: str, found: tuple[TestScore, ...]) -> str:
    run, settings = Run(folder), SelectorSettings.load(folder / SELECTOR_FILE)
    plot = "![Reliability diagram](reliability.png)" if (folder / RELIABILITY).is_file() else ""
    return filled(
        "selector.md",
        _metadata(run, name, "text-classification", ["en", "zh"]),
        title=name.rpartition("/")[2],
        name=name,
        base=run.base or "a model in a folder, which the record does not name",
        evidence=f" {_SIGNS}" if settings.evidence else "",
        threshold=_thresholds(settings),
        temperature=f"{settings.temperature:g}",
        plot=plot or "No reliability diagram was drawn.",
        scores=_scores(found, [Path(named).name for named in run.datasets]),
        training=run.training(),
        validation=_validation(run),
        leakage=run.leakage(),
    )


def _thresholds(settings: SelectorSettings) -> str:
    """That of all, and those of datasets that have their own."""
    every = "none, all are kept" if settings.threshold is None else f"{settings.threshold:g}"
    own = ", ".join(f"{title} {value:g}" for title, value in settings.thresholds.items())
    return f"{every} ({own})" if own else every


def _scores(found: tuple[TestScore, ...], trained_on: list[str]) -> str:
    if not found:
        return "Not measured on test splits."
    return f"{score_table(found, trained_on)}\n\nErrors:\n\n{error_table(found)}"


def _validation(run: Run) -> str:
    """The last validation, as a list."""
    last = run.record.get("validation")
    if not isinstance(last, dict):
        return "Not run."
    return "\n".join(
        f"- {name}: "
        + (
            ", ".join(f"{k} {v:.4g}" for k, v in value.items())
            if isinstance(value, dict)
            else f"{value:.4g}"
        )
        for name, value in last.items()
    )
