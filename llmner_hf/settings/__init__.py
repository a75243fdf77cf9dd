"""Every default of tagging, training and selection, once, with its source."""

from llmner_hf.settings.selection import (
    SELECTOR_FILE,
    SelectorSettings,
    SelectorTrainingSettings,
    Units,
)
from llmner_hf.settings.tagging import (
    MENTIONS_FILE,
    TAGGER_FILE,
    Schema,
    TaggerSettings,
    TrainingSettings,
)

__all__ = [
    "MENTIONS_FILE",
    "SELECTOR_FILE",
    "TAGGER_FILE",
    "Schema",
    "SelectorSettings",
    "SelectorTrainingSettings",
    "TaggerSettings",
    "TrainingSettings",
    "Units",
]
