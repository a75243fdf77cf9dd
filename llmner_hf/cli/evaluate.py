"""``llmner evaluate``: strict scores with intervals, error classes, per type, and of concepts."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from llmner_hf.cli.reading import reading
from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import InputError, SettingError
from llmner_hf.core.scoring import (
    LinkScores,
    bootstrap,
    intervals,
    link_scores,
    paired_bootstrap,
    score,
)
from llmner_hf.core.writing import word_spans
from llmner_hf.rendering.scores import (
    LINKS,
    comparison_line,
    interval_line,
    link_row,
    link_table,
    score_row,
    score_table,
)

if TYPE_CHECKING:
    from llmner_hf.readers import Reading

NAME = "evaluate"

# Document id -> entity -> ids of its concepts, None where nobody says.
Entities = dict[str, dict[Entity, frozenset[str] | None]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--gold", type=Path, required=True, help="any format with entities")
    parser.add_argument("--predicted", type=Path, required=True, help="any format with entities")
    parser.add_argument(
        "--against", type=Path, help="predictions of another system to compare with"
    )
    parser.add_argument(
        "--map",
        nargs="+",
        action="extend",
        default=[],
        metavar="A=B",
        help="read the type A as B on every side",
    )
    parser.add_argument(
        "--only-common", action="store_true", help="leave out documents that a side lacks"
    )
    parser.add_argument(
        "--links", action="store_true", help="also score the concepts that entities are linked to"
    )
    parser.add_argument("--samples", type=int, default=1000, help="of the bootstrap; 0 for none")
    parser.add_argument("--json", type=Path, help="also write the scores as JSON")


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner evaluate``."""
    names = _names(given.map)
    gold = reading(given.gold)
    if given.links and not gold.links:
        raise InputError(f"{given.gold}: no entity has links to concepts; leave --links out")
    examples = {example.id: example for example in gold.examples}
    others = [given.predicted, *([given.against] if given.against else [])]
    sides = [_paired(gold, examples, reading(path), path) for path in others]
    if given.only_common:
        examples, sides = _common(given.gold, examples, sides)
    gold_entities, predicted, *rest = _renamed([_entities(examples, gold), *sides], names)
    tokens = {name: word_spans(example.text) for name, example in examples.items()}
    scores = score(gold_entities, predicted, tokens=tokens)
    _tell_absent(given.predicted, examples, predicted)
    print(score_table(scores))
    if given.samples and rest:
        compared = paired_bootstrap(gold_entities, predicted, rest[0], samples=given.samples)
        print(comparison_line(compared))
    if given.samples:
        sampled = bootstrap(gold_entities, predicted, samples=given.samples)
        print(interval_line(sampled, len(gold_entities)))
    row = score_row(scores)
    if given.links:
        row["links"] = _tell_links(given, gold_entities, predicted)
    if given.json:
        given.json.write_text(json.dumps(row, indent=2) + "\n", encoding="utf-8")


def _tell_links(
    given: argparse.Namespace, gold: Entities, predicted: Entities
) -> dict[str, object]:
    """Print the scores of concepts with their intervals; the same as plain numbers."""
    if not any(ids for found in predicted.values() for ids in found.values()):
        print(f"{given.predicted}: no entity has links to concepts", file=sys.stderr)
    documents = link_scores(gold, predicted)
    scores = sum(documents.values(), LinkScores())
    print(link_table(scores))
    for name, attribute in LINKS.items() if given.samples else ():
        counts = [getattr(found, attribute) for found in documents.values()]
        sampled = intervals(counts, samples=given.samples)
        print(f"{name}: {interval_line(sampled, len(documents))}")
    return link_row(scores)


def _entities(examples: Mapping[str, Example], told: Reading) -> Entities:
    """The entities of documents, with their concepts where the file that they are of has some."""
    return {
        name: {entity: _ids(told, example, entity) for entity in example.entities}
        for name, example in examples.items()
    }


def _ids(told: Reading, example: Example, entity: Entity) -> frozenset[str] | None:
    links = told.links.get(example.id, {}).get(entity)
    return None if links is None else frozenset(link.id for link in links)


def _paired(gold: Reading, golds: Mapping[str, Example], other: Reading, path: Path) -> Entities:
    """The entities of another side, by the ids of gold.

    Where a file has no ids and a reader numbered its documents, documents are paired by their
    order, since those ids hang on the name of the file.

    Raises:
        InputError: a document has another text than in gold.
    """
    found = {example.id: example for example in other.examples}
    numbered = gold.numbered or other.numbered
    if numbered and found.keys() != golds.keys() and len(found) == len(golds):
        found = dict(zip(golds, other.examples, strict=True))
    for name, example in found.items():
        if name in golds and example.text != golds[name].text:
            raise InputError(
                f"{path}: document {name!r} has another text than in gold; offsets refer to the "
                "text, so give both sides the same"
            )
    return _entities(found, other)


def _common(
    path: Path, golds: Mapping[str, Example], sides: Sequence[Entities]
) -> tuple[dict[str, Example], list[Entities]]:
    """What all sides have; what is left out goes to stderr.

    Raises:
        InputError: they have no document in common.
    """
    common = {name for name in golds if all(name in side for side in sides)}
    if not common:
        raise InputError(f"{path}: none of its documents is on the other side; compare their ids")
    left = [len(side) - len(common) for side in (golds, *sides)]
    counted = ", ".join(map(str, left))
    print(
        f"{len(common)} documents in common; left out of gold and of each other side: {counted}",
        file=sys.stderr,
    )
    examples = {name: example for name, example in golds.items() if name in common}
    return examples, [{n: e for n, e in side.items() if n in common} for side in sides]


def _tell_absent(path: Path, golds: Iterable[str], predicted: Entities) -> None:
    """Say on stderr how many documents of gold have no prediction: they count as missed."""
    absent = [name for name in golds if name not in predicted]
    if absent:
        print(
            f"{path}: lacks {len(absent)} documents of gold, as {absent[0]!r}; what they hold "
            "counts as missed, or leave them out, --only-common",
            file=sys.stderr,
        )


def _names(pairs: Sequence[str]) -> dict[str, str]:
    """The mapping A=B of types.

    Raises:
        SettingError: a pair is none, or a type is mapped twice.
    """
    names: dict[str, str] = {}
    for pair in pairs:
        name, _, meant = (part.strip() for part in pair.partition("="))
        if not name or not meant or name in names:
            raise SettingError(f"--map {pair!r}: write A=B, each A once")
        names[name] = meant
    return names


def _renamed(sides: Sequence[Entities], names: Mapping[str, str]) -> list[Entities]:
    """The sides with types mapped, and without blanks at the ends of a type.

    Raises:
        SettingError: a type that is mapped is on no side.
    """
    labels = {e.label.strip() for side in sides for found in side.values() for e in found}
    for name in names.keys() - labels:
        known = ", ".join(sorted(labels)) or "none"
        raise SettingError(f"--map: no entity has the type {name!r}; types are {known}")

    def meant(entity: Entity) -> Entity:
        label = entity.label.strip()
        return replace(entity, label=names.get(label, label) or entity.label)

    return [{name: _united(found, meant) for name, found in side.items()} for side in sides]


def _united(
    found: Mapping[Entity, frozenset[str] | None], meant: Callable[[Entity], Entity]
) -> dict[Entity, frozenset[str] | None]:
    """Entities as they are meant; of two that mean one, the concepts of both."""
    after: dict[Entity, frozenset[str] | None] = {}
    for entity, ids in found.items():
        before = after.get(meant(entity))
        both = (before or frozenset()) | (ids or frozenset())
        after[meant(entity)] = None if before is None and ids is None else both
    return after
