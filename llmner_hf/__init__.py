"""Biomedical named entity recognition with large language models, in Chinese and English.

    from llmner_hf import pipeline
    ner = pipeline("bioner")
    ner("IL-2 gene expression requires NF-kappa B.")

The values and the scorer come from the core, which needs nothing but Python; ``pipeline`` is
transformers' own, with the task "bioner" registered, and is loaded on first use.
"""

from typing import TYPE_CHECKING, Any

from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet, Prediction
from llmner_hf.core.scoring import Scores, score

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmner_hf.pipelines import BioNerPipeline

    pipeline: Callable[..., BioNerPipeline]

__all__ = [
    "BioNerPipeline",
    "Entity",
    "EntityType",
    "Example",
    "LabelSet",
    "Prediction",
    "Scores",
    "pipeline",
    "score",
]


def __getattr__(name: str) -> Any:
    """The heavy names, loaded on first use."""
    if name not in ("pipeline", "BioNerPipeline"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from llmner_hf import pipelines

    pipelines.register()
    if name == "pipeline":
        from transformers import pipeline

        return pipeline
    return pipelines.BioNerPipeline
