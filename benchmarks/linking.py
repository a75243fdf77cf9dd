"""Gold mentions of three corpora linked to a terminology: accuracy, precision, recall and time.

In: stores (``llmner terminology build``) and the shared folder with the corpora. Out: one row for
each store, way, corpus and type. ``acc@1`` is the share of mentions with a concept in gold whose
first answer is right by the rules of `linking_gold`, ``ids`` the same without the rule for OMIM,
``acc@5`` the share whose gold is among the first five; P and R are those of links, from the
threshold of the way on. Intervals are of 1,000 samples of documents. Milliseconds are processor
time of one pass over the texts in their order, a mention; indices are made before.

Rivals (`linking_rivals`) answer over the first store. ``--sample N`` compares all ways, and
rapidfuzz, which is slow, on N distinct mentions of each corpus and type.

    python benchmarks/linking.py --stores plain.safetensors learnt.safetensors --part dev --rivals

``--fit`` writes the table of `llmner_hf.terminology.scores` from the development parts, whatever is
learnt from the last store, all else from the first; ``--calibration`` says how good such a table is
(`linking_calibration`).
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

import linking_calibration as calibration
from linking_gold import FILES, PARTS, Document, Things, documents, judged
from linking_rivals import Dictionary, Fuzzy, Trigrams

from llmner_hf.core.entities import Entity
from llmner_hf.core.linking.types import type_of
from llmner_hf.core.scoring import Counts, intervals
from llmner_hf.terminology.linking import Linker
from llmner_hf.terminology.store import Terminology

HEAD = (
    "| store | way | corpus | type | n | answered | acc@1 | ids | acc@5 | P of links | R of links "
    "| ms |"
)
Kept = set[tuple[str, Entity]]


@dataclass(frozen=True, slots=True)
class Way:
    """A way from mentions to concepts of a store."""

    store_name: str
    name: str
    store: Terminology
    candidates: Callable[[str, Sequence[Entity]], Sequence[Things]]
    threshold: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a way said of one mention, and what came of it."""

    document: str
    of_type: str
    evidence: str
    score: float
    gold: bool
    answered: bool
    right: bool
    same_ids: bool
    in_five: bool


def answers(way: Way, texts: Sequence[Document], kept: Kept | None) -> tuple[list[Answer], float]:
    """What a way says of every mention of which gold knows, and the seconds it took."""
    told: list[Answer] = []
    seconds = 0.0
    for one in texts:
        asked = [e for e in one.entities if kept is None or (one.id, e) in kept]
        start = process_time()
        # All entities of the text explain what some are short for; of a sample few are looked up.
        meant = way.candidates(one.text, one.entities if kept is None else asked)
        seconds += process_time() - start
        for entity, things in zip(asked, meant, strict=True):
            of_type = type_of(entity.label, way.store.types)
            if of_type is None or entity not in one.gold:
                continue
            gold = one.gold[entity]
            verdict = judged(way.store, things, gold)
            told.append(
                Answer(
                    one.id,
                    of_type,
                    things[0][0].evidence if things else "",
                    min((thing[0].score for thing in things), default=0.0),
                    bool(gold),
                    bool(things),
                    verdict.right,
                    verdict.same_ids,
                    verdict.in_five,
                )
            )
    return told, seconds


def counted(told: Sequence[Answer], threshold: float) -> dict[str, list[Counts]]:
    """The counts of every document, by what is measured."""
    counts: dict[str, dict[str, Counts]] = defaultdict(lambda: defaultdict(Counts))
    for one in told:
        linked = one.answered and one.score >= threshold
        for measure, right, given in (
            ("first", one.right, one.answered),
            ("ids", one.same_ids, one.answered),
            ("five", one.in_five, one.answered),
            ("links", one.right and linked, linked),
        ):
            counts[measure][one.document] += Counts(int(right), int(given), int(one.gold))
    return {measure: list(of.values()) for measure, of in counts.items()}


def row(way: Way, corpus: str, of_type: str, told: Sequence[Answer], ms: float) -> dict[str, Any]:
    """The figures of one way, corpus and type."""
    counts = counted(told, way.threshold)
    links = intervals(counts["links"])
    measured = {
        "acc@1": intervals(counts["first"]).recall,
        "ids": intervals(counts["ids"]).recall,
        "acc@5": intervals(counts["five"]).recall,
        "P": links.precision,
        "R": links.recall,
    }
    return {
        "store": way.store_name,
        "way": way.name,
        "corpus": corpus,
        "type": of_type,
        "n": sum(one.gold for one in told),
        "answered": sum(one.answered for one in told) / len(told),
        **{name: [one.value, one.low, one.high] for name, one in measured.items()},
        "ms": ms,
    }


def line(measured: dict[str, Any]) -> str:
    """A row of the table."""

    def with_limits(name: str) -> str:
        value, low, high = measured[name]
        return f"{value:.3f} [{low:.3f}, {high:.3f}]"

    cells = [measured[name] for name in ("store", "way", "corpus", "type")]
    cells += [f"{measured['n']:,}", f"{measured['answered']:.3f}", with_limits("acc@1")]
    cells += [f"{measured['ids'][0]:.3f}", f"{measured['acc@5'][0]:.3f}"]
    cells += [with_limits("P"), with_limits("R"), f"{measured['ms']:.2f}"]
    return f"| {' | '.join(cells)} |"


def warmed(way: Way) -> Way:
    """The way with its indices made: one mention of each type that no form of a name fits."""
    for of_type in way.store.types:
        way.candidates("zzyzx qqvw", [Entity(0, 10, of_type)])
    return way


def ways(
    given: argparse.Namespace, stores: dict[str, Terminology], fuzzy: bool
) -> Iterator[tuple[Way, Linker | None]]:
    """All ways, each with its linker where it is ours."""
    for name, store in stores.items():
        linker = Linker(store)
        yield warmed(Way(name, "ours", store, linker.candidates, linker.threshold)), linker
    name, store = next(iter(stores.items()))
    rivals: list[type[Dictionary]] = [Dictionary, Trigrams] if given.rivals else []
    if fuzzy and find_spec("rapidfuzz"):
        rivals.append(Fuzzy)
    for kind in rivals:
        rival = kind(store)
        yield Way(name, kind.__name__.lower(), store, rival.candidates, kind.threshold), None


def sampled(texts: Sequence[Document], types: Sequence[str], number: int) -> Kept:
    """Of each type so many distinct strings, each where it stands first."""
    first: dict[str, dict[str, tuple[str, Entity]]] = defaultdict(dict)
    for one in texts:
        for entity in one.entities:
            of_type = type_of(entity.label, types)
            if of_type is not None and one.gold.get(entity):
                first[of_type].setdefault(entity.surface(one.text), (one.id, entity))
    return {
        place
        for _, places in sorted(first.items())
        for place in _drawn([places[mention] for mention in sorted(places)], number)
    }


def _drawn(places: list[tuple[str, Entity]], number: int) -> list[tuple[str, Entity]]:
    return Random(0).sample(places, min(number, len(places)))


def measure(
    given: argparse.Namespace, stores: dict[str, Terminology], sample: int | None
) -> Iterator[dict[str, Any]]:
    """The rows of all ways; of a sample of mentions, or of all."""
    corpora = {corpus: documents(given.shared, corpus, given.part) for corpus in FILES}
    for way, _ in ways(given, stores, fuzzy=sample is not None):
        for corpus, texts in corpora.items():
            kept = None if sample is None else sampled(texts, way.store.types, sample)
            told, seconds = answers(way, texts, kept)
            for of_type in sorted({one.of_type for one in told}):
                own = [one for one in told if one.of_type == of_type]
                yield row(way, corpus, of_type, own, 1000 * seconds / len(told))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, fit, or both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stores", nargs="+", type=Path, required=True)
    parser.add_argument("--part", choices=PARTS, default="dev")
    parser.add_argument("--shared", type=Path, default=os.environ.get("LLMNER_SHARED"))
    parser.add_argument("--rivals", action="store_true", help="measure them as well")
    parser.add_argument("--sample", type=int, metavar="N", help="distinct mentions, all ways")
    parser.add_argument("--fit", action="store_true", help="write the table of probabilities")
    parser.add_argument("--calibration", action="store_true", help="leaving one corpus out")
    parser.add_argument("-o", "--out", type=Path, help="for the rows as JSON")
    given = parser.parse_args(arguments)
    stores = {path.stem: Terminology.load(path) for path in given.stores}
    if given.fit or given.calibration:
        told = {}
        for name, store in stores.items():
            linker = Linker(store)
            way = warmed(Way(name, "ours", store, linker.candidates, linker.threshold))
            told[name] = {
                c: answers(way, documents(given.shared, c, "dev"), None)[0] for c in FILES
            }
        calibration.report(list(told.values()), given.fit, given.calibration)
        return
    print(HEAD)
    print("|" + "---|" * (HEAD.count("|") - 1))
    rows = []
    for measured in measure(given, stores, given.sample):
        print(line(measured), flush=True)
        rows.append(measured)
    if given.out:
        given.out.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
