"""Run folders written for the tests: texts of our own, systems whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from llmner_hf.core.entities import Entity, Example, Prediction, ScoredEntity
from llmner_hf.paper.runs import System
from llmner_hf.readers.json_lines import gold_row, predicted_row, write

TEXT = "IL-2 gene and IL-4 gene [in] T_cells"
SPANS = [
    *(Entity(0, 9, "DNA"), Entity(0, 4, "protein"), Entity(14, 18, "protein")),
    *(Entity(5, 9, "DNA"), Entity(10, 13, "DNA"), Entity(29, 36, "protein")),
]

Keep = Callable[[Entity], bool]
EVERYTHING: Keep = lambda entity: True  # noqa: E731
RIGHT: Keep = lambda entity: entity in SPANS[:3]  # noqa: E731
LONG: Keep = lambda entity: entity.end - entity.start > 4  # noqa: E731


def examples(dataset: str, number: int = 12) -> list[Example]:
    """Texts with none to three of the first three entities."""
    language = "zh" if dataset in ("cmeee_v2", "ccks2019_as") else "en"
    return [
        Example(f"{dataset}-{n}", f"{TEXT} {n}", tuple(SPANS[: n % 4]), dataset, language)
        for n in range(number)
    ]


def found(example: Example, keep: Keep) -> Prediction:
    """The entities of the text that a system keeps, each with the same score."""
    return Prediction(example.id, tuple(ScoredEntity(e, 0.5) for e in SPANS if keep(e)))


def system(backbone="tiny", strategy="symbolic", training="joint", **rest) -> System:
    """A system with a command of two lines."""
    title = rest.pop("title", f"{backbone}, {training}")
    return System(title, backbone, strategy, training, "llmner train a | b\nllmner `c`", **rest)


def write_run(
    folder: Path,
    described: System,
    datasets: Sequence[str],
    systems: Mapping[str, Keep],
    number: int = 12,
) -> Path:
    """A run folder; the systems are named as its files."""
    folder.mkdir(parents=True)
    described.save(folder)
    for dataset in datasets:
        texts = examples(dataset, number)
        write(folder / f"{dataset}.gold.jsonl", map(gold_row, texts))
        for name, keep in systems.items():
            rows = (predicted_row(example.text, found(example, keep)) for example in texts)
            write(folder / f"{dataset}.{name}.jsonl", rows)
    return folder
