"""How a selector is asked, and what its answers mean: it travels with one as ``selector.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from llmner_hf.core.errors import SettingError
from llmner_hf.core.mentions import Evidence
from llmner_hf.settings.shared import (
    LayoutSettings,
    PromptSettings,
    check_choices,
    check_kinds,
    check_range,
    reading,
    setting,
    stored,
    write,
)

# Ours: validation finds 0.5 to 3; beyond these all probabilities are 0, 1 or 0.5.
TEMPERATURES = 1e-3, 1e3

SELECTOR_FILE = "selector.json"
# The keys that ``selector.json`` begins with.
FIRST = "reading", "style", "definition", "evidence", "lines_apart", "markers"

Reading = Literal["once", "twice"]
Units = Literal["tokens", "words", "characters"]

# What a tagger's gazetteer knows of a candidate's string, as a selector reads it: one token each.
EVIDENCE_SIGNS: Mapping[Evidence, str] = MappingProxyType(
    {"sure": "+", "unsure": "?", "other": "-", "unknown": "="}
)


@dataclass(frozen=True, kw_only=True)
class EvidenceSettings(LayoutSettings):
    """What a selector reads beside text and type, and how; beyond the paper."""

    evidence: bool = setting(
        False,
        "a token behind the candidate says what the tagger's gazetteer knows of its string "
        "(settings.EVIDENCE_SIGNS), unknown where it has none for the types; in training the "
        "gazetteers are learnt without the text",
    )


@dataclass(frozen=True, kw_only=True)
class QuestionSettings(PromptSettings, EvidenceSettings):
    """What a selector reads of a candidate; the fields' help says what each means."""

    reading: Reading = setting(
        "once",
        "once is the paper's input, the type and the marked text (equation 2); twice is a tagger's "
        "prompt and its answer up to the candidate's last token, so that an adapter on a tagger "
        "finds what the tagger was trained on",
    )
    definition: bool = setting(False, "the definition of the type stands behind its name")
    markers: tuple[str, str] = setting(
        ("<|s1|>", "<|s2|>"),
        "the two tokens around the candidate, s1 and s2 of the paper; default two special tokens "
        "that no text can spell, which training adds where the tokenizer has none to spare. Two "
        "tokens of the vocabulary that the view of a text never holds do as well: [ and ]",
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "markers", tuple(self.markers))
        check_choices(self)
        if self.lines_apart and self.reading == "once":
            raise SettingError("lines_apart needs reading twice: a text read once is no copy")
        if len(set(self.markers)) != 2 or not all(m and isinstance(m, str) for m in self.markers):
            raise SettingError(f"markers must be two different tokens, not {self.markers}")


@dataclass(frozen=True, kw_only=True)
class SelectorSettings(QuestionSettings):
    """How a tuned selector is asked, and what its answers mean.

    Attributes:
        threshold: a candidate less probable than this is dropped; None keeps all. Default: 0.5, the
            middle; validation finds a better one.
        thresholds: a dataset's own threshold, by ``Schema.title``, the dataset's name in prompts;
            other datasets, and types that a user made up, have ``threshold``.
        temperature: logits are divided by it. Default: 1, the model's own.
    """

    threshold: float | None = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict, hash=False)
    temperature: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_kinds(self)
        for name, value in {"": self.threshold, **self.thresholds}.items():
            if value is not None and not (isinstance(value, Real) and 0 <= value <= 1):
                which = f"threshold of {name}" if name else "threshold"
                raise SettingError(f"{which} must lie between 0 and 1, not {value}")
        if self.temperature <= 0:
            raise SettingError(f"temperature must lie above 0, not {self.temperature}")
        check_range(self, *TEMPERATURES, "temperature")

    def save(self, folder: str | Path) -> None:
        """Write ``selector.json`` into a model's or adapter's folder."""
        write(Path(folder, SELECTOR_FILE), stored(self, FIRST))

    @classmethod
    def load(cls, path: str | Path) -> SelectorSettings:
        """Read ``selector.json``.

        Raises:
            FormatError: the file is not one that ``save`` wrote.
        """
        with reading(path, "settings of a selector"):
            return cls(**json.loads(Path(path).read_text(encoding="utf-8")))
