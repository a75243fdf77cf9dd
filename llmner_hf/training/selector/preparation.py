"""Tagged examples to the rows that a selector is trained on.

In: the splits of tagged datasets, and the predictions of a tagger that never saw them, if there are
any. Out: rows of token ids with 1 for an entity and 0 for none, drawn as the recipe says, and a
report that counts the kinds of all candidates and of the drawn ones. Refused: predictions that
leave their text.
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
from llmner_hf.core.errors import InputError
from llmner_hf.core.mentions import Evidence
from llmner_hf.core.negatives import Contrast, Kind, mined, negatives, positives, sample
from llmner_hf.core.schema import Schema
from llmner_hf.corpora.rows import schema_of, to_example
from llmner_hf.readers.json_lines import read_predictions
from llmner_hf.selector.candidates import Candidate, units_of
from llmner_hf.selector.inputs import Inputs, Written
from llmner_hf.settings import EVIDENCE_SIGNS
from llmner_hf.training.lending import Known
from llmner_hf.training.recipe import SelectorTrainingSettings

# Document id -> what a tagger found there.
Predicted = Mapping[str, Sequence[Entity]]
# A drawn candidate: its text, its kind, the evidence of a gazetteer, and the input of the model.
Drawn = tuple[Example, Contrast, Evidence, Written]


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


def predictions_of(files: Mapping[str, str]) -> dict[str, Predicted]:
    """Dataset -> what a tagger found, from the file of each."""
    return {
        name: {found.id: found.entities for found in read_predictions(path)}
        for name, path in files.items()
    }


def contrasts(
    examples: Iterable[Example],
    schema: Schema,
    settings: SelectorTrainingSettings,
    inputs: Inputs,
    predicted: Predicted,
) -> Iterator[tuple[Example, Contrast]]:
    """Every candidate of every example, or a tagger's alone; its wrong candidates count as mined.

    Raises:
        InputError: a prediction leaves its text: it belongs to another dataset.
    """
    for example in examples:
        units = units_of(example.text, settings.units, inputs.tokens)
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
    """The rows of one split, ``input_ids``, ``labels`` and ``length``, and a report of their kinds.

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
    drawn = sample(pool, number, positive_share=settings.positive_share, seed=seed)
    kept: list[Drawn] = []
    for example, contrast in drawn:
        dictionary = known[example.id] if known else None
        candidate = Candidate.of(example.text, contrast.entity, schema, dictionary)
        written = inputs.written(candidate)
        if len(written.ids) <= settings.max_tokens:
            kept.append((example, contrast, candidate.evidence, written))
    report.too_long = len(drawn) - len(kept)
    return _counted_rows(kept, report, settings.evidence), report


def _counted_rows(kept: Sequence[Drawn], report: SelectionReport, evidence: bool) -> Dataset:
    """The rows of written candidates, counted in the report; lengths are tokens of the input."""
    rows = [
        {
            "input_ids": list(written.ids),
            "labels": float(contrast.positive),
            "length": len(written.ids),
            "position_ids": list(written.positions),
        }
        for _, contrast, _, written in kept
    ]
    report.drawn = counted((example, contrast) for example, contrast, _, _ in kept)
    if evidence:
        said = Counter(each for _, _, each, _ in kept)
        report.evidence = {each: said[each] for each in EVIDENCE_SIGNS}
    lengths = [len(written.ids) for *_, written in kept]
    report.tokens, report.longest = sum(lengths), max(lengths, default=0)
    report.sha256 = _digest(rows)
    return Dataset.from_list(rows)


def _digest(rows: Iterable[Mapping[str, Any]]) -> str:
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps([row["input_ids"], row["labels"]]).encode())
    return digest.hexdigest()
