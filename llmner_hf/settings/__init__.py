"""Every default of tagging, training and selection, once, with its source."""

from llmner_hf.settings.gazetteer import GAZETTEER_FILE, Gazetteer
from llmner_hf.settings.schema import Schema
from llmner_hf.settings.selection import (
    SELECTOR_FILE,
    SelectorSettings,
    SelectorTrainingSettings,
    Units,
)
from llmner_hf.settings.tagging import (
    TAGGER_FILE,
    TaggerSettings,
    TrainingSettings,
    Weights,
)

__all__ = [
    "GAZETTEER_FILE",
    "SELECTOR_FILE",
    "TAGGER_FILE",
    "Gazetteer",
    "Schema",
    "SelectorSettings",
    "SelectorTrainingSettings",
    "TaggerSettings",
    "TrainingSettings",
    "Units",
    "Weights",
]
