"""Tagged examples to the rows that a selector is trained on.

In: the splits of tagged datasets, and optionally what a tagger that never saw them predicted. Out:
rows of token ids with 1 for an entity and 0 for none, drawn as the recipe says, and a report that
counts the kinds of candidates, those there were and those that were drawn.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from datasets import Dataset

from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import InputError, SettingError
from llmner_hf.core.folds import apart, cross_fitted
from llmner_hf.core.mentions import Dictionary, Evidence, Lender
from llmner_hf.core.negatives import Contrast, Kind, mined, negatives, positives, sample
from llmner_hf.core.schema import Schema
from llmner_hf.corpora.rows import schema_of, to_example
from llmner_hf.readers.json_lines import read_predictions
from llmner_hf.selector.candidates import Candidate, units_of
from llmner_hf.selector.inputs import Inputs
from llmner_hf.settings import EVIDENCE_SIGNS, MENTION_SHARE, SelectorTrainingSettings

# Document id -> what a tagger found there, and the mentions that are known without that document.
Predicted = Mapping[str, Sequence[Entity]]
Known = Mapping[str, Dictionary]

# Ours: when a fifth of the training texts is judged, the mentions of four fifths are known, nearly
# as many as a tagger's gazetteer has.
FOLDS = 5


@dataclass(slots=True)
class SelectionReport:
    """What the candidates of one split are, counted.

    Attributes:
        examples: given.
        found: candidates there are, by kind.
        drawn: candidates in the rows, by kind.
        evidence: candidates in the rows, by what is known of their strings, if that is read.
        too_long: drawn ones left out because their input is longer than the limit.
        longest: tokens of the longest row.
        tokens: tokens of all rows.
        sha256: of the rows, so that two runs can be seen to share them.
    """

    examples: int = 0
    found: dict[str, int] = field(default_factory=dict)
    drawn: dict[str, int] = field(default_factory=dict)
    evidence: dict[str, int] = field(default_factory=dict)
    too_long: int = 0
    longest: int = 0
    tokens: int = 0
    sha256: str = ""

    def as_text(self) -> str:
        """One line: the kinds as drawn, and of how many."""
        kinds = ", ".join(f"{self.drawn.get(k, 0)} of {n} {k}" for k, n in self.found.items())
        known = "".join(f"; {said} {n}" for said, n in self.evidence.items())
        return (
            f"{self.examples} examples: {kinds}{known}; {self.too_long} left out as too long; "
            f"{self.tokens} tokens (longest {self.longest})"
        )


def predictions_of(entries: Sequence[str]) -> dict[str, Predicted]:
    """Dataset -> what a tagger found, from entries ``dataset=FILE``.

    Raises:
        SettingError: an entry has another form.
    """
    found: dict[str, Predicted] = {}
    for entry in entries:
        name, equals, path = entry.partition("=")
        if not (name and equals and path):
            raise SettingError(f"mined: {entry!r} is not DATASET=FILE")
        found[name] = {p.id: p.entities for p in read_predictions(path)}
    return found


def known_mentions(
    splits: Mapping[str, Dataset], lenders: Sequence[Lender] = ()
) -> dict[str, Known]:
    """For each split the mentions that are known when its texts are judged.

    A text's own mentions are never known by it alone: of training texts, those of the other folds
    are known, of others, those of all training texts.

    Args:
        splits: of a tagged dataset.
        lenders: who lends it mentions; a text that is judged lends nothing.
    """
    examples = [to_example(row) for row in splits["train"]]
    folds = cross_fitted(examples, FOLDS, MENTION_SHARE, lenders)
    known: dict[str, Known] = {
        "train": {e.id: fold for e, fold in zip(examples, folds, strict=True)}
    }
    for split, rows in splits.items():
        if split != "train":
            lent = apart(lenders, {*rows["text"]})
            whole = Dictionary.learn(examples, MENTION_SHARE, lent)
            known[split] = dict.fromkeys(rows["id"], whole)
    return known


def contrasts(
    examples: Iterable[Example],
    schema: Schema,
    settings: SelectorTrainingSettings,
    inputs: Inputs,
    predicted: Predicted,
) -> Iterator[tuple[Example, Contrast]]:
    """Every candidate of every example, or what a tagger found; a wrong one of its counts as mined.

    Raises:
        InputError: a prediction leaves its text: it belongs to another dataset.
    """
    for example in examples:
        units = units_of(example.text, settings.units, inputs.tokens)  # type: ignore[arg-type]
        hard = mined(example, predicted.get(example.id, ()))
        if any(contrast.entity.end > len(example.text) for contrast in hard):
            raise InputError(
                f"{example.id}: a mined candidate ends behind the text; annotate this dataset anew"
            )
        hard = tuple(c for c in hard if c.entity.label in schema.labels)
        if settings.found_alone:
            right = (c for c in positives(example) if c.entity in predicted.get(example.id, ()))
            yield from ((example, c) for c in (*right, *hard))
            continue
        taken = {contrast.entity for contrast in hard}
        made = negatives(example, schema.labels, units)
        easy = (contrast for contrast in made if contrast.entity not in taken)
        yield from ((example, c) for c in (*positives(example), *hard, *easy))


def counted(candidates: Iterable[tuple[Example, Contrast]]) -> dict[str, int]:
    """How many of each kind."""
    numbers = Counter(contrast.kind for _, contrast in candidates)
    return {kind.value: numbers[kind] for kind in Kind if numbers[kind]}


def prepare(
    split: Dataset,
    settings: SelectorTrainingSettings,
    inputs: Inputs,
    *,
    number: int,
    seed: int,
    predicted: Predicted | None = None,
    known: Known | None = None,
) -> tuple[Dataset, SelectionReport]:
    """The rows of one split, ``input_ids``, ``labels`` and ``length``, and what they are.

    Args:
        split: rows of a tagged dataset.
        settings: the recipe's.
        inputs: how candidates become ids.
        number: how many candidates to draw.
        seed: of the drawing.
        predicted: a tagger's candidates, of which the wrong ones are mined.
        known: what evidence is taken from, for each document; see `known_mentions`.
    """
    schema = schema_of(split)
    examples = [to_example(row) for row in split]
    report = SelectionReport(examples=len(examples))
    pool = list(contrasts(examples, schema, settings, inputs, predicted or {}))
    report.found = counted(pool)
    rows: list[dict[str, Any]] = []
    kept: list[tuple[Example, Contrast]] = []
    said: Counter[Evidence] = Counter()
    for example, contrast in sample(
        pool,
        number,
        positive_share=settings.positive_share,
        mined_share=settings.mined_share,
        seed=seed,
    ):
        dictionary = known[example.id] if known else None
        candidate = Candidate.of(example.text, contrast.entity, schema, dictionary)
        written = inputs.written(candidate)
        ids = list(written.ids)
        if len(ids) > settings.max_tokens:
            report.too_long += 1
            continue
        kept.append((example, contrast))
        said[candidate.evidence] += 1
        row = {"input_ids": ids, "labels": float(contrast.positive), "length": len(ids)}
        rows.append(row | {"position_ids": list(written.positions)})
    report.drawn = counted(kept)
    if settings.evidence:
        report.evidence = {evidence: said[evidence] for evidence in EVIDENCE_SIGNS}
    report.tokens = sum(row["length"] for row in rows)
    report.longest = max((row["length"] for row in rows), default=0)
    report.sha256 = _digest(rows)
    return Dataset.from_list(rows), report


def _digest(rows: Iterable[Mapping[str, Any]]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([row["input_ids"], row["labels"]]).encode())
    return digest.hexdigest()
