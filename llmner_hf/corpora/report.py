"""What a build read, dropped and wrote, in words and as JSON.

In: counts. Out: the text that `llmner build` prints and the card quotes, with the sizes beside the
paper's Table I and the reason for each difference, and the same as a JSON object.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from llmner_hf.core.catalogue import CORPORA, corpus
from llmner_hf.core.leakage import Leakage
from llmner_hf.corpora.sources import Count, File
from llmner_hf.readers.reading import Reading


@dataclass(frozen=True, slots=True)
class FileCount:
    """What a file holds, beside what the distributed one holds.

    Attributes:
        file: the file, with the numbers of the distributed one.
        found: what was read.
        dropped: what the reading left out -> its number.
        remarks: what it kept and differs from the rule -> its number.
    """

    file: File
    found: Count
    dropped: Counter[str]
    remarks: Counter[str]

    @classmethod
    def of(cls, file: File, reading: Reading) -> FileCount:
        """The count check of a file that has been read."""
        return cls(file, Count.of(reading), reading.dropped, reading.remarks)

    def as_text(self) -> str:
        """One line."""
        file, found = self.file, self.found
        held = f"{file.name}: {found.texts:,} texts with {found.mentions:,} mentions"
        if file.texts is None:
            return f"{held}."
        same = found.texts == file.texts and file.mentions in (None, found.mentions)
        known = f"{file.texts:,} texts" + (f" with {file.mentions:,}" if file.mentions else "")
        verdict = "as distributed" if same else f"NOT as distributed, which is {known}"
        return f"{held}, {verdict}."

    def as_json(self) -> dict[str, object]:
        """The same as a JSON object."""
        return {
            "name": self.file.name,
            "found": asdict(self.found),
            "distributed": {"texts": self.file.texts, "mentions": self.file.mentions},
            "dropped": self.dropped,
            "remarks": self.remarks,
        }


@dataclass(slots=True)
class BuildReport:
    """What a build read, dropped and wrote.

    Attributes:
        name: the corpus.
        files: the count check of every file.
        read: split -> its count before any example was dropped for leakage.
        written: split -> its count in the dataset.
        dropped: what was left out of which split -> its number.
        remarks: what was kept in which split and differs from the rule -> its number.
        leakage: what training and validation hold of the six test splits.
        leaks_dropped: whether these examples were dropped.
        unchecked: the corpora whose test splits were not to be had.
    """

    name: str
    files: list[FileCount] = field(default_factory=list)
    read: dict[str, Count] = field(default_factory=dict)
    written: dict[str, Count] = field(default_factory=dict)
    dropped: Counter[str] = field(default_factory=Counter)
    remarks: Counter[str] = field(default_factory=Counter)
    leakage: Leakage = field(default_factory=lambda: Leakage(()))
    leaks_dropped: bool = True
    unchecked: list[str] = field(default_factory=list)

    def sizes(self) -> str:
        """The sizes beside Table I, whose train is train and validation here, as Markdown.

        Nothing for a corpus that is not in it.
        """
        if self.name not in CORPORA:
            return ""
        facts = corpus(self.name)
        printed = facts.printed
        training = self.read.get("train", Count()) + self.read.get("validation", Count())
        test = self.read.get("test", Count())
        return "\n".join(
            (
                "| | train + validation | their entities | test | its entities |",
                "|---|---:|---:|---:|---:|",
                f"| Table I | {printed.train:,} | {printed.entities:,} | {printed.test:,} | |",
                f"| these files | {training.texts:,} | {training.mentions:,} | {test.texts:,} "
                f"| {test.mentions:,} |",
                "",
                self._difference(training, test),
            )
        )

    def _difference(self, training: Count, test: Count) -> str:
        """Why these files hold other numbers than Table I, if they do."""
        facts = corpus(self.name)
        if (training, test.texts) == (
            Count(facts.printed.train, facts.printed.entities),
            facts.printed.test,
        ):
            return "The sizes are equal."
        if facts.remark == "equal":
            return "The distributed files have the sizes of Table I; these are others."
        return f"The difference: {facts.remark}."

    def splits(self) -> str:
        """What was written, as Markdown."""
        rows = [f"| {name} | {c.texts:,} | {c.mentions:,} |" for name, c in self.written.items()]
        return "\n".join(["| split | examples | entities |", "|---|---:|---:|", *rows])

    def changes(self) -> str:
        """What was dropped and what is remarkable, by file and then by split, as a list."""
        lines: list[str] = []
        for file in self.files:
            lines += _listed(f"{file.file.name}: dropped", file.dropped)
            lines += _listed(f"{file.file.name}: remarked", file.remarks)
        lines += [*_listed("dropped", self.dropped), *_listed("remarked", self.remarks)]
        return "\n".join(lines) or "Nothing was dropped."

    def leaks(self) -> str:
        """The leakage report as Markdown."""
        verdict = "are dropped" if self.leaks_dropped else "are KEPT, as in the paper's protocol"
        training = self.read.get("train", Count()) + self.read.get("validation", Count())
        found = len(self.leakage.drop_from(self.name))
        lines = [
            f"{found:,} of the {training.texts:,} examples of train and validation stand in a test "
            f"split, by their article or their sentence, and {verdict}.",
            *(f"NOT checked, its files are absent: {name}." for name in self.unchecked),
        ]
        return "\n".join(lines) + "\n\n" + self.leakage.as_markdown().strip()

    def as_text(self) -> str:
        """The report as `llmner build` prints it."""
        files = "\n".join(file.as_text() for file in self.files)
        parts = (files, self.sizes(), self.splits(), self.changes(), self.leaks())
        return "\n\n".join(part for part in parts if part)

    def as_json(self) -> str:
        """The report as a JSON object."""
        value = {
            "name": self.name,
            "files": [file.as_json() for file in self.files],
            "read": {name: asdict(count) for name, count in self.read.items()},
            "written": {name: asdict(count) for name, count in self.written.items()},
            "dropped": self.dropped,
            "remarks": self.remarks,
            "leaks_dropped": self.leaks_dropped,
            "leakage": [
                {**asdict(overlap), "drop": sorted(overlap.drop)}
                for overlap in self.leakage.overlaps
            ],
            "unchecked": self.unchecked,
        }
        return json.dumps(value, ensure_ascii=False, indent=1)


def _listed(title: str, counts: Counter[str]) -> Iterator[str]:
    """A line for each count that is not zero, the greatest first."""
    return (f"- {title}, {why}: {number:,}" for why, number in counts.most_common() if number)
