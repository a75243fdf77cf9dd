"""How a selector is trained and asked.

``SelectorTrainingSettings`` is what a recipe says beside transformers' ``TrainingArguments`` and
TRL's ``ModelConfig``; ``SelectorSettings`` travels with a tuned selector as ``selector.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from llmner_hf.core.errors import FormatError, InputError, SettingError
from llmner_hf.core.mentions import Evidence
from llmner_hf.core.prompting import Style

SELECTOR_FILE = "selector.json"

Reading = Literal["once", "twice"]
Units = Literal["tokens", "words", "characters"]

# What a tagger's gazetteer knows of a candidate's string, as a selector reads it: one token each.
EVIDENCE_SIGNS: Mapping[Evidence, str] = MappingProxyType(
    {"sure": "+", "unsure": "?", "other": "-", "unknown": "="}
)


@dataclass(frozen=True, slots=True)
class SelectorSettings:
    """How a tuned selector is asked, and what its answers mean.

    Attributes:
        reading: ``once`` is the paper's input, the type and the marked text (equation 2). ``twice``
            is a tagger's prompt and its answer up to the candidate's last token: what follows it is
            then known when it is read, and an adapter on a tagger finds what it was trained on.
        style: the style of that prompt.
        definition: whether the definition of the type stands behind its name.
        evidence: whether a token behind the candidate says what the tagger's gazetteer knows of its
            string, by ``EVIDENCE_SIGNS``; it is unknown where the tagger has no gazetteer for the
            types. Beyond the paper.
        lines_apart: see ``TaggerSettings``; as the tagger was trained.
        markers: the two tokens around the candidate, s1 and s2 of the paper. Default: two special
            tokens that no text can spell, which training adds where the tokenizer has none to
            spare; see `selector.inputs`.
        threshold: a candidate less probable than this is dropped; None keeps all. Default: 0.5, the
            middle; validation finds a better one.
        thresholds: those of datasets that have one of their own, by ``Schema.title``, the name that
            prompts give them; other datasets, and types that a user made up, have ``threshold``.
        temperature: logits are divided by it. Default: 1, the model's own.
    """

    reading: Reading = "once"
    style: Style = "prefix"
    definition: bool = False
    evidence: bool = False
    lines_apart: bool = False
    markers: tuple[str, str] = ("<|s1|>", "<|s2|>")
    threshold: float | None = 0.5
    thresholds: Mapping[str, float] = field(default_factory=dict, hash=False)
    temperature: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "markers", tuple(self.markers))
        _choose("reading", self.reading, get_args(Reading))
        if self.lines_apart and self.reading == "once":
            raise SettingError("lines_apart needs reading twice: a text read once is no copy")
        if len(set(self.markers)) != 2:
            raise SettingError(f"markers must be two different tokens, not {self.markers}")
        for name, value in {"": self.threshold, **self.thresholds}.items():
            if value is not None and not 0 <= value <= 1:
                place = f"threshold of {name}" if name else "threshold"
                raise SettingError(f"{place} must lie between 0 and 1, not {value}")
        if self.temperature <= 0:
            raise SettingError(f"temperature must lie above 0, not {self.temperature}")

    def save(self, folder: str | Path) -> None:
        """Write ``selector.json`` into a model's or adapter's folder."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=2)
        Path(folder, SELECTOR_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> SelectorSettings:
        """Read ``selector.json``.

        Raises:
            FormatError: the file is not one that ``save`` wrote.
        """
        try:
            return cls(**json.loads(Path(path).read_text(encoding="utf-8")))
        except (TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise FormatError(path, 0, f"not the settings of a selector: {error!r}") from error


@dataclass
class SelectorTrainingSettings:
    """What a selector's recipe says besides ``TrainingArguments`` and TRL's ``ModelConfig``.

    Attributes:
        datasets: folders or Hub ids of tagged datasets; one selector is trained on all.
        mined: candidates of a tagger that never saw the texts, as ``genia=PREDICTIONS.jsonl``;
            those that are not gold become negatives. Beyond the paper.
        candidates: how many to draw of each dataset's training split (paper II-C: 10,000).
        positive_share: the share of gold ones among them; the paper does not say.
        mined_share: the share of mined ones among the negatives, where there are any.
        found_alone: whether candidates are only those that the tagger of ``mined`` found, right and
            wrong, of either as many as there are up to their share: what a selector will be asked.
        units: what a boundary is shifted by; "tokens" of an unnamed tokenizer in the paper, those
            of the backbone here.
        reading: see ``SelectorSettings``.
        style: see ``SelectorSettings``.
        definition: see ``SelectorSettings``.
        evidence: see ``SelectorSettings``; here of gazetteers that were learnt without the text.
        lenders: folders or Hub ids of tagged datasets that lend these gazetteers mentions, as in
            ``llmner gazetteer``.
        lines_apart: see ``SelectorSettings``.
        markers: see ``SelectorSettings``; two tokens of the vocabulary may be named, as ``[`` and
            ``]``, which the view of a text never holds.
        max_tokens: the longest input; a candidate whose input is longer is left out and counted.
        head_dropout: before the classification layer. The paper's 0.05 is LoRA's; the same here.
        validation_candidates: how many to draw of each dataset's validation split.
    """

    datasets: list[str] = field(default_factory=list)
    mined: list[str] = field(default_factory=list)
    candidates: int = 10_000
    positive_share: float = 0.5
    mined_share: float = 0.5
    found_alone: bool = False
    units: str = "tokens"
    reading: str = "once"
    style: str = "prefix"
    definition: bool = False
    evidence: bool = False
    lenders: list[str] = field(default_factory=list)
    lines_apart: bool = False
    markers: list[str] = field(default_factory=lambda: list(SelectorSettings().markers))
    max_tokens: int = 1024
    head_dropout: float = 0.05
    validation_candidates: int = 1_000

    def __post_init__(self) -> None:
        _choose("units", self.units, get_args(Units))
        if self.found_alone and not self.mined:
            raise SettingError("found_alone needs mined: what a tagger found in the training texts")
        for name in ("positive_share", "mined_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingError(f"{name} must lie between 0 and 1, not {getattr(self, name)}")

    def selector(self) -> SelectorSettings:
        """The settings that travel with the tuned selector."""
        return SelectorSettings(
            reading=self.reading,  # type: ignore[arg-type]
            style=self.style,  # type: ignore[arg-type]
            definition=self.definition,
            evidence=self.evidence,
            lines_apart=self.lines_apart,
            markers=tuple(self.markers),  # type: ignore[arg-type]
        )


def _choose(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SettingError(f"unknown {name} {value!r}; known are {', '.join(known)}")
