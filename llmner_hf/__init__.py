"""Biomedical named entity recognition with large language models, in Chinese and English.

    from llmner_hf import pipeline
    ner = pipeline("bioner")
    ner("IL-2 gene expression requires NF-kappa B.")

The values and the scorer come from the core, which needs nothing but Python; what needs torch is
loaded on first use.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet, Prediction
from llmner_hf.core.scoring import Scores, score

if TYPE_CHECKING:
    from llmner_hf.pipelines.local import BioNerPipeline

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


def pipeline(
    task: str = "bioner",
    model: "str | Path | Any" = None,
    *,
    endpoint: str | None = None,
    **options: Any,
) -> "BioNerPipeline":
    """Transformers' ``pipeline``, with the task "bioner" registered.

    Args:
        task: "bioner", or any other of transformers'.
        model: folder or Hub id of a model or of an adapter, whose own tokenizer is taken, or a
            model in memory; the embedded model if absent.
        endpoint: URL of a server that has the model of that name; nothing is loaded then.
        **options: of ``BioNerPipeline``, of ``EndpointPipeline``, or of transformers'.
    """
    if endpoint is not None:
        from llmner_hf.pipelines.endpoint import EndpointPipeline

        return EndpointPipeline(endpoint, model=str(model) if model else None, **options)
    import transformers

    from llmner_hf.pipelines import local
    from llmner_hf.tagger.folder import adapter_tokenizer

    local.register()
    if task == local.TASK:
        model = local.EMBEDDED if model is None else model
        # Said, because transformers would take the code that a model brings, and ask to trust it.
        options.setdefault("pipeline_class", local.BioNerPipeline)
    if isinstance(model, str | Path):
        model = str(model)
        options.setdefault("tokenizer", adapter_tokenizer(model))
    make: Any = transformers.pipeline
    made: BioNerPipeline = make(task, model=model, **options)
    return made


def __getattr__(name: str) -> Any:
    """The heavy name, loaded on first use."""
    if name != "BioNerPipeline":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from llmner_hf.pipelines import local

    local.register()
    return local.BioNerPipeline
