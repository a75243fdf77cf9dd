"""Biomedical named entity recognition with large language models, in Chinese and English.

    from llmner_hf import pipeline
    ner = pipeline("bioner")
    ner("IL-2 gene expression requires NF-kappa B.")

Every public name is in the table below, and its module is imported when the name is first used.
Importing the package also makes the task "bioner" known to transformers.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from llmner_hf.pipelines.registration import register

if TYPE_CHECKING:
    from llmner_hf.core.entities import (
        Entity,
        EntityType,
        Example,
        LabelSet,
        Link,
        Prediction,
        ScoredEntity,
    )
    from llmner_hf.core.errors import LlmnerError
    from llmner_hf.core.schema import Schema
    from llmner_hf.core.scoring import Scores, score
    from llmner_hf.corpora import build
    from llmner_hf.hub import push
    from llmner_hf.pipelines.endpoint import EndpointPipeline
    from llmner_hf.pipelines.files import annotate
    from llmner_hf.pipelines.local import BioNerPipeline, pipeline
    from llmner_hf.readers import read_any
    from llmner_hf.selector.filtering import Selector
    from llmner_hf.selector.modeling import (
        EntityValidityConfig,
        EntityValidityForSequenceClassification,
        GLMForEntityValidity,
    )
    from llmner_hf.settings import TaggerSettings
    from llmner_hf.tagger.merging import merge
    from llmner_hf.tagger.tagger import Tagger
    from llmner_hf.terminology.linking import Linker
    from llmner_hf.terminology.store import Terminology

_TABLE = {
    "core.entities": "Entity EntityType Example LabelSet Link Prediction ScoredEntity",
    "core.errors": "LlmnerError",
    "core.schema": "Schema",
    "core.scoring": "Scores score",
    "corpora": "build",
    "hub": "push",
    "pipelines.endpoint": "EndpointPipeline",
    "pipelines.files": "annotate",
    "pipelines.local": "BioNerPipeline pipeline",
    "readers": "read_any",
    "selector.filtering": "Selector",
    "selector.modeling": (
        "EntityValidityConfig EntityValidityForSequenceClassification GLMForEntityValidity"
    ),
    "settings": "TaggerSettings",
    "tagger.merging": "merge",
    "tagger.tagger": "Tagger",
    "terminology.linking": "Linker",
    "terminology.store": "Terminology",
}
_MODULES = {name: module for module, names in _TABLE.items() for name in names.split()}

__all__ = sorted([*_MODULES, "__version__"])

try:
    __version__ = version("llmner_hf")
except PackageNotFoundError:  # the sources alone, as where a model brings its code
    __version__ = "0"


def __getattr__(name: str) -> Any:
    """A public name, loaded on first use."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"llmner_hf.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


register()
