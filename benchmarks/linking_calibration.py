"""Probabilities of links from answers on the development parts, and how well they are calibrated.

In: answers of the linker with a store without learnt names and one with them, by corpus. Out: the
table of `llmner_hf.terminology.scores`, and how far its probabilities are from what is right on a
corpus that had no part in it.

The share of right answers of a kind of evidence is smoothed: so many answers as `WEIGHT` are added
that are right as often as the next broader kind: the evidence in all types, then its first word,
then all answers. A kind with fewer than `LEAST` answers is left to the broader one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from llmner_hf.terminology import scores

WEIGHT = 5
LEAST = 10
BINS = 10

Table = dict[str, dict[str, float]]


def fitted(told: Iterable[Any]) -> Table:
    """Evidence -> type -> probability; the type "" is all."""
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for one in told:
        if one.answered and not scores.is_elsewhere(one.evidence):
            keys = {(one.evidence, one.of_type), (one.evidence, "")}
            for key in keys | {(scores.kind_of(one.evidence), ""), ("", "")}:
                counts[key][0] += one.right
                counts[key][1] += 1
    table: Table = defaultdict(dict)
    # From broad to narrow, so that what a kind is smoothed to is there.
    for evidence, of_type in sorted(counts, key=lambda key: (len(key[0].split()), key)):
        right, number = counts[evidence, of_type]
        if number >= LEAST or not evidence:
            broader = scores.looked_up(table, evidence, of_type) if evidence else 0.5
            share = (right + WEIGHT * broader) / (number + WEIGHT)
            table[evidence][of_type] = round(share, 3)
    return table


def chosen(told: Sequence[Mapping[str, list[Any]]], without: str = "") -> list[Any]:
    """The answers of which a table is made: learnt ones of the last store, others of the first."""
    return [
        one
        for number, corpora in enumerate(told)
        for corpus, of_corpus in corpora.items()
        for one in of_corpus
        if corpus != without
        and (
            "learnt" in one.evidence
            if number == len(told) - 1 and number
            else number == 0 and "learnt" not in one.evidence
        )
    ]


def report(told: Sequence[Mapping[str, list[Any]]], fit: bool, calibration: bool) -> None:
    """Write the table, and print what it is worth."""
    if calibration:
        print("| store | corpus left out | n | expected calibration error |")
        print("|---|---|---|---|")
        pairs: dict[int, list[tuple[float, bool]]] = defaultdict(list)
        for corpus in told[0]:
            table = fitted(chosen(told, without=corpus))
            for number, corpora in enumerate(told):
                own = [
                    (scores.looked_up(table, one.evidence, one.of_type), one.right)
                    for one in corpora[corpus]
                    if one.answered
                ]
                pairs[number] += own
                print(f"| {number + 1} | {corpus} | {len(own):,} | {error(own):.3f} |")
        for number, own in pairs.items():
            print(f"| {number + 1} | each once | {len(own):,} | {error(own):.3f} |")
            print_reliability(own)
    if fit:
        write(fitted(chosen(told)))


def binned(pairs: Sequence[tuple[float, bool]]) -> list[list[tuple[float, bool]]]:
    """Probabilities with what was right, by tenths."""
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(BINS)]
    for pair in pairs:
        bins[min(int(pair[0] * BINS), BINS - 1)].append(pair)
    return [one for one in bins if one]


def error(pairs: Sequence[tuple[float, bool]]) -> float:
    """The expected calibration error: how far the mean of a tenth is from its share of right."""
    gaps = (abs(sum(p for p, _ in one) - sum(right for _, right in one)) for one in binned(pairs))
    return sum(gaps) / max(len(pairs), 1)


def print_reliability(pairs: Sequence[tuple[float, bool]]) -> None:
    """Tenths of the probability, with the share that is right."""
    print("\n| answers | mean probability | right |\n|---|---|---|")
    for one in binned(pairs):
        mean, right = (sum(each) / len(one) for each in zip(*one, strict=True))
        print(f"| {len(one):,} | {mean:.3f} | {right:.3f} |")
    print()


def write(table: Table, path: Path = Path(scores.__file__)) -> None:
    """Put the table into the module of scores."""
    rows = "".join(
        f'    "{evidence}": {{'
        + ", ".join(f'"{of_type}": {value}' for of_type, value in sorted(of.items()))
        + "},\n"
        for evidence, of in sorted(table.items())
    )
    module = path.read_text(encoding="utf-8")
    start = "_RIGHT: Mapping[str, Mapping[str, float]] = {"
    changed = re.sub(re.escape(start) + r".*?\n?\}\n", f"{start}\n{rows}}}\n", module, flags=re.S)
    path.write_text(changed, encoding="utf-8")
    print(f"{path.name}: {len(table)} kinds of evidence")
