"""A run folder: a system, its predictions on test sets, and the gold entities.

In: a folder of JSON lines, ``DATASET.gold.jsonl`` beside ``DATASET.SYSTEM.jsonl`` for every system.
The system ``predicted`` is the tagger or baseline alone, every other name is the tagger with that
selector; ``system.json`` says what the tagger is. Out: a `Run` of one `Trial` for each dataset.
Refused: a folder without gold files; predictions that leave out a text of the gold file, since an
unfinished run would pass for one of low recall; a file that has another number of rows than
``system.json`` says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import InputError
from llmner_hf.core.prompting import Strategy
from llmner_hf.core.scoring import Comparison, Scores, paired_bootstrap, score
from llmner_hf.core.writing import word_spans
from llmner_hf.readers import json_lines
from llmner_hf.readers.files import Place
from llmner_hf.readers.records import Record, as_record, one_value

GOLD, TAGGER, SYSTEM_FILE = "gold", "predicted", "system.json"

Entities = Mapping[str, tuple[Entity, ...]]
Training = Literal["single", "joint", "zero-shot"]


@dataclass(frozen=True, slots=True)
class Cost:
    """The calls, refusals and price of an endpoint; the price is None where it is not known."""

    requests: int
    prompt_tokens: int
    completion_tokens: int
    price: float | None = None
    refused: int = 0


@dataclass(frozen=True, slots=True)
class System:
    """The maker of a run's predictions.

    Attributes:
        title: for people.
        backbone: the model that was tuned or asked; of runs that differ in it, rows differ.
        strategy: of tagging; None for what is no language model.
        training: on one corpus, on all, on none; None for what is no language model.
        command: that made the run.
        rows: dataset -> how many first rows of its test set were annotated; absent: all.
        cost: of an endpoint.
    """

    title: str
    backbone: str
    strategy: Strategy | None
    training: Training | None
    command: str
    rows: Mapping[str, int] = field(default_factory=dict)
    cost: Cost | None = None

    def save(self, folder: Path) -> None:
        """Write ``system.json`` into a run folder."""
        row = {key: value for key, value in asdict(self).items() if key not in ("rows", "cost")}
        row |= {"rows": dict(self.rows)} if self.rows else {}
        row |= {"cost": asdict(self.cost)} if self.cost else {}
        text = json.dumps(row, ensure_ascii=False, indent=2) + "\n"
        (folder / SYSTEM_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> System:
        """Read it from a run folder.

        Raises:
            FormatError: the file is not such a record.
        """
        path = folder / SYSTEM_FILE
        record = as_record(Place(path), one_value(path))
        rows = as_record(record.place, record.fields.get("rows") or {})
        return cls(
            title=record.text("title"),
            backbone=record.text("backbone"),
            strategy=_one_of(record, "strategy", get_args(Strategy)),  # type: ignore[arg-type]
            training=_one_of(record, "training", get_args(Training)),  # type: ignore[arg-type]
            command=record.text("command"),
            rows={name: rows.whole_number(name) for name in sorted(rows.fields)},
            cost=_cost(record) if "cost" in record else None,
        )


def _one_of(record: Record, name: str, known: tuple[str, ...]) -> str | None:
    value = record.fields.get(name)
    for one in known:
        if value == one:
            return one
    if value is None:
        return None
    raise record.place.error(f"{name} {value!r} is not one of {', '.join(known)}, null")


def _cost(record: Record) -> Cost:
    found = as_record(record.place, record.fields["cost"])
    price = found.fields.get("price")
    if price is not None and (isinstance(price, bool) or not isinstance(price, int | float)):
        raise record.place.error(f"price {price!r} is not a number")
    return Cost(
        requests=found.whole_number("requests"),
        prompt_tokens=found.whole_number("prompt_tokens"),
        completion_tokens=found.whole_number("completion_tokens"),
        price=None if price is None else float(price),
        refused=found.whole_number("refused") if "refused" in found else 0,
    )


@dataclass(frozen=True, slots=True)
class Trial:
    """One test set and what each system found in it: document id -> entities.

    Attributes:
        name: of the dataset.
        examples: its texts and gold entities, in the order of the file.
        found: of each system, by its name; the tagger alone comes first, then by name.
    """

    name: str
    examples: tuple[Example, ...]
    found: Mapping[str, Entities]

    @property
    def title(self) -> str:
        """The corpus's own name, or that of the dataset."""
        return CORPORA[self.name].title if self.name in CORPORA else self.name

    @property
    def gold(self) -> Entities:
        """Document id -> gold entities."""
        return {example.id: example.entities for example in self.examples}

    @property
    def fingerprint(self) -> str:
        """SHA-256 over ids, texts and entities, in order: equal only where the test sets are."""
        digest = hashlib.sha256()
        for example in self.examples:
            entities = [[e.start, e.end, e.label] for e in example.entities]
            row = json.dumps([example.id, example.text, entities], ensure_ascii=False)
            digest.update(row.encode("utf-8") + b"\n")
        return digest.hexdigest()

    def scores(self, system: str) -> Scores:
        """All scores of a system, with the boundary deviations in tokens."""
        tokens = {example.id: word_spans(example.text) for example in self.examples}
        return score(self.gold, self.found[system], tokens=tokens)

    def against_tagger(self, system: str, samples: int) -> Comparison:
        """F1 of a system less that of the tagger alone, with interval and p-value."""
        return paired_bootstrap(self.gold, self.found[system], self.found[TAGGER], samples=samples)


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder, by its place below the folder that was asked for."""

    name: str
    system: System
    trials: tuple[Trial, ...]


def runs(folder: Path) -> list[Run]:
    """The run folders at or below a folder, by name.

    Raises:
        InputError: there is none, or one that is not complete.
    """
    places = [path.parent for path in folder.rglob(SYSTEM_FILE)]
    if not places:
        raise InputError(f"{folder}: no run folder, which has a {SYSTEM_FILE}, is there or below")
    names = {place.relative_to(folder).as_posix(): place for place in places}
    return [_run(place, name) for name, place in sorted(names.items())]


def _run(folder: Path, name: str) -> Run:
    system, found = System.load(folder), trials(folder)
    for trial in found:
        if (stated := system.rows.get(trial.name, len(trial.examples))) != len(trial.examples):
            raise InputError(
                f"{folder / SYSTEM_FILE}: {stated} rows of {trial.name}, whose gold file holds "
                f"{len(trial.examples)}; state those that were annotated"
            )
    return Run(folder.resolve().name if name == "." else name, system, tuple(found))


def trials(folder: Path) -> list[Trial]:
    """The test sets of a run folder, in the order of the catalogue.

    Raises:
        InputError: there is no gold file, or one without the predictions of all its texts.
    """
    names = sorted(path.name.removesuffix(f".{GOLD}.jsonl") for path in folder.glob("*.gold.jsonl"))
    if not names:
        raise InputError(f"{folder}: no DATASET.gold.jsonl; see recipes/embedded/evaluate.py")
    known = list(CORPORA)
    names.sort(key=lambda name: known.index(name) if name in known else len(known))
    return [_trial(folder, name) for name in names]


def _trial(folder: Path, name: str) -> Trial:
    gold = json_lines.read(folder / f"{name}.{GOLD}.jsonl", dataset=name, language=None).examples
    found = {
        path.name.removeprefix(f"{name}.").removesuffix(".jsonl"): _entities(path, gold)
        for path in sorted(folder.glob(f"{name}.*.jsonl"))
        if path.name != f"{name}.{GOLD}.jsonl"
    }
    if TAGGER not in found:
        raise InputError(f"{folder}: no {name}.{TAGGER}.jsonl beside its gold file")
    return Trial(name, gold, {TAGGER: found.pop(TAGGER)} | found)


def _entities(path: Path, gold: tuple[Example, ...]) -> Entities:
    found = {prediction.id: prediction.entities for prediction in json_lines.read_predictions(path)}
    absent = [example.id for example in gold if example.id not in found]
    if absent:
        raise InputError(
            f"{path}: {len(absent)} of {len(gold)} texts are not there, as {absent[0]!r}; finish "
            "the run, and give a text without entities an empty list"
        )
    return found
