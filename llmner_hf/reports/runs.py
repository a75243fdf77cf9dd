"""A run folder: what systems predicted on test sets, and what is gold.

In: a folder of JSON lines, ``DATASET.gold.jsonl`` beside ``DATASET.SYSTEM.jsonl`` for every system,
of which ``predicted`` is the tagger alone. Out: one `Trial` for each dataset. Refused: a folder
without gold files, predictions about texts that gold does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import InputError
from llmner_hf.core.scoring import Comparison, Scores, paired_bootstrap, score
from llmner_hf.readers.json_lines import read_predictions

GOLD, TAGGER = "gold", "predicted"

Entities = Mapping[str, tuple[Entity, ...]]


@dataclass(frozen=True, slots=True)
class Trial:
    """One test set and what each system found in it: document id -> entities.

    Attributes:
        name: of the dataset.
        gold: its entities.
        found: of each system, by its name; the tagger alone comes first, then by name.
    """

    name: str
    gold: Entities
    found: Mapping[str, Entities]

    @property
    def title(self) -> str:
        """The corpus's own name, or that of the dataset."""
        return CORPORA[self.name].title if self.name in CORPORA else self.name

    def scores(self, system: str) -> Scores:
        """All scores of a system."""
        return score(self.gold, self.found[system])

    def against_tagger(self, system: str, samples: int) -> Comparison:
        """F1 of a system less that of the tagger alone, with interval and p-value."""
        return paired_bootstrap(self.gold, self.found[system], self.found[TAGGER], samples=samples)


def trials(folder: Path) -> list[Trial]:
    """The test sets of a run folder, in the order of the catalogue.

    Raises:
        InputError: there is no gold file, or one without the tagger's predictions.
    """
    names = sorted(path.name.removesuffix(f".{GOLD}.jsonl") for path in folder.glob("*.gold.jsonl"))
    if not names:
        raise InputError(f"{folder}: no DATASET.gold.jsonl; see recipes/embedded/evaluate.py")
    known = list(CORPORA)
    names.sort(key=lambda name: known.index(name) if name in known else len(known))
    return [_trial(folder, name) for name in names]


def _trial(folder: Path, name: str) -> Trial:
    read = {
        path.name.removeprefix(f"{name}.").removesuffix(".jsonl"): _entities(path)
        for path in sorted(folder.glob(f"{name}.*.jsonl"))
    }
    if TAGGER not in read:
        raise InputError(f"{folder}: no {name}.{TAGGER}.jsonl beside its gold file")
    gold, tagger = read.pop(GOLD), read.pop(TAGGER)
    return Trial(name, gold, {TAGGER: tagger} | read)


def _entities(path: Path) -> Entities:
    return {prediction.id: prediction.entities for prediction in read_predictions(path)}
