"""What travels with a tagger and a selector; every default once, with its source."""

from llmner_hf.settings.gazetteer import GAZETTEER_FILE, MENTION_SHARE, Gazetteer
from llmner_hf.settings.selection import (
    EVIDENCE_SIGNS,
    SELECTOR_FILE,
    SelectorSettings,
    Units,
)
from llmner_hf.settings.tagging import (
    TAGGER_FILE,
    USUAL_WEIGHTS,
    TaggerSettings,
    Weights,
)

__all__ = [
    "EVIDENCE_SIGNS",
    "GAZETTEER_FILE",
    "MENTION_SHARE",
    "SELECTOR_FILE",
    "TAGGER_FILE",
    "USUAL_WEIGHTS",
    "Gazetteer",
    "SelectorSettings",
    "TaggerSettings",
    "Units",
    "Weights",
]
