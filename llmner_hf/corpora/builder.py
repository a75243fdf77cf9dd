"""The common base of the six builders: files to splits, splits to rows.

In: the folder of a corpus's files. Out: splits, as any `datasets` builder gives them after
``Builder(data_dir=..., cache_dir=...)``; nothing is downloaded. Added are a count check of every
file and a leakage report. Training examples that stand in a test split of any of the six corpora
are dropped. Differs from the paper, whose joint training mixes corpora that share abstracts
(section III-A); ``drop_leaks=False`` is its protocol. Refused: files that are missing or malformed.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import datasets

from llmner_hf.core.catalogue import CORPORA, Corpus, corpus
from llmner_hf.core.entities import Example
from llmner_hf.core.errors import InputError, UnrepresentableError
from llmner_hf.core.leakage import Passage
from llmner_hf.core.leakage import report as leakage_of
from llmner_hf.core.prompting import Strategy, Style
from llmner_hf.core.schema import Schema
from llmner_hf.corpora.report import BuildReport, FileCount
from llmner_hf.corpora.rows import FEATURES, Row, check, entity_rows, to_row
from llmner_hf.corpora.sources import Count, File, Files, locate, merged, named
from llmner_hf.readers.reading import Reading
from llmner_hf.settings import TaggerSettings

Parts = dict[str, Reading]
_DEFAULTS = TaggerSettings()


@dataclass
class CorpusConfig(datasets.BuilderConfig):
    """What a builder takes beside ``data_dir``, the folder of the distributed files.

    Attributes:
        strategy: the tagging strategy of the completions.
        style: the style of the prompts.
        drop_leaks: whether training examples that stand in a test split are dropped.
        against: the folder with the folders of the other corpora; by default that of ``data_dir``.
    """

    strategy: Strategy = _DEFAULTS.strategy
    style: Style = _DEFAULTS.style
    drop_leaks: bool = True
    against: str = ""


class CorpusBuilder(datasets.GeneratorBasedBuilder):
    """The base of the six builders.

    A subclass names the files, and says how splits are made of them where the files are not the
    splits. As with any builder, the cache does not notice changed files; `build` uses no cache.

    Attributes:
        NAME: the key of `CORPORA`.
        FOLDERS: what the folder of its files may be called beside ``NAME``.
        FILES: split -> its files.
        TESTED: the keys of ``FILES`` from which the test split comes.
        ARTICLES: whose numbers the articles have; GENIA's are not PubMed's.
        report: what was read, dropped and written, once prepared.
    """

    BUILDER_CONFIG_CLASS = CorpusConfig
    NAME: ClassVar[str]
    FOLDERS: ClassVar[Sequence[str]] = ()
    FILES: ClassVar[Files]
    TESTED: ClassVar[Sequence[str]] = ("test",)
    ARTICLES: ClassVar[str] = ""
    report: BuildReport

    @classmethod
    def facts(cls) -> Corpus:
        """What is known about the corpus."""
        return corpus(cls.NAME)

    @classmethod
    def files(cls, source: Path) -> Files:
        """The files to read from a folder."""
        return cls.FILES

    @classmethod
    def divide(cls, parts: Parts, source: Path) -> Parts:
        """The splits, from what the files of each key of ``FILES`` hold."""
        return parts

    @classmethod
    def read(cls, source: Path, tested: bool = False) -> tuple[Parts, list[FileCount]]:
        """The splits in a folder, and the count check of every file that was read.

        Args:
            source: the folder of the distributed files.
            tested: read only what the test split needs.

        Raises:
            InputError: a file is missing.
            FormatError: a file is malformed.
        """
        parts: Parts = {}
        counts: list[FileCount] = []
        for key, files in cls.files(source).items():
            if tested and key not in cls.TESTED:
                continue
            found = [(file, reading) for file in files for reading in cls._reading(source, file)]
            counts += [FileCount.of(file, reading) for file, reading in found]
            if found:
                parts[key] = merged([reading for _, reading in found], cls.ARTICLES)
        return cls.divide(parts, source), counts

    @classmethod
    def _reading(cls, source: Path, file: File) -> Iterator[Reading]:
        """The content of a file with our names; nothing when it is absent and optional."""
        path, facts = locate(source, file.name), cls.facts()
        if path:
            yield named(file.read(path, dataset=cls.NAME, language=facts.language), facts)
        elif not file.optional:
            raise InputError(
                f"{source}: {file.name} is not there, neither plain nor as .xz or .gz; name the "
                f"folder with the distributed files of {facts.title}"
            )

    def _info(self) -> datasets.DatasetInfo:
        facts = self.facts()
        return datasets.DatasetInfo(
            description=facts.title, features=FEATURES, citation=facts.citation
        )

    def _split_generators(self, dl_manager: object) -> list[datasets.SplitGenerator]:
        rows = self._prepared(Path(self.config.data_dir or "."))
        # A list in a tuple: `datasets` takes a bare list for shards, which it may divide.
        return [
            datasets.SplitGenerator(name=name, gen_kwargs={"rows": (written,)})
            for name, written in rows.items()
        ]

    def _generate_examples(self, rows: tuple[list[Row]]) -> Iterator[tuple[int, Row]]:
        yield from enumerate(rows[0])

    def _prepared(self, source: Path) -> dict[str, list[Row]]:
        """The checked rows of every split; fills the report."""
        parts, counts = self.read(source)
        self.report = report = BuildReport(self.NAME, counts, leaks_dropped=self.config.drop_leaks)
        for name, reading in parts.items():
            report.read[name] = Count.of(reading)
            report.remarks.update({f"{name}: {why}": n for why, n in reading.remarks.items()})
        self._find_leaks(parts, source)
        if self.config.drop_leaks:
            parts = {name: self._without_leaks(name, reading) for name, reading in parts.items()}
        rows = {name: self._rows(name, reading.examples) for name, reading in parts.items()}
        check(row for written in rows.values() for row in written)
        for name, written in rows.items():
            report.written[name] = Count(len(written), sum(len(r["entities"]) for r in written))
        return rows

    def _find_leaks(self, parts: Parts, source: Path) -> None:
        """Compare training and validation with the test splits of the six corpora."""
        beside = Path(self.config.against) if self.config.against else source.resolve().parent
        tests = {self.NAME: list(passages(parts["test"]))}
        for name in CORPORA:
            test = None if name == self.NAME else builder(name).test_beside(beside)
            if test:
                tests[name] = list(passages(test))
            elif name != self.NAME:
                self.report.unchecked.append(name)
        training = [p for name in parts if name != "test" for p in passages(parts[name])]
        self.report.leakage = leakage_of(tests, {self.NAME: training})

    @classmethod
    def test_beside(cls, beside: Path) -> Reading | None:
        """The test split from the corpus's folder in a folder of corpora; None when it is absent.

        Raises:
            FormatError: a file is malformed.
        """
        for folder in (beside / name for name in (cls.NAME, *cls.FOLDERS)):
            needed = [f for key in cls.TESTED for f in cls.files(folder).get(key, ())]
            if needed and all(locate(folder, file.name) for file in needed):
                return cls.read(folder, tested=True)[0]["test"]
        return None

    def _without_leaks(self, name: str, reading: Reading) -> Reading:
        """A split without the examples that stand in a test split, counted; test stays whole."""
        if name == "test":
            return reading
        leaked = self.report.leakage.drop_from(self.NAME)
        examples = tuple(e for e in reading.examples if e.id not in leaked)
        kept = replace(reading, examples=examples)
        lost = Count.of(reading) - Count.of(kept)
        self.report.dropped[f"{name}: example that stands in a test split"] += lost.texts
        self.report.dropped[f"{name}: mention in such an example"] += lost.mentions
        return kept

    def _rows(self, name: str, examples: Sequence[Example]) -> list[Row]:
        """The rows of a split.

        An example that the strategy cannot write is dropped from training. In the test split it
        stays, without a completion: leaving it out would change what is scored.
        """
        rows = []
        for example in examples:
            try:
                rows.append(self._row(example))
            except UnrepresentableError:
                why = f"{name}: example that {self.config.strategy} tagging cannot write"
                if name != "test":
                    self.report.dropped[why] += 1
                    self.report.dropped[f"{why}, its mentions"] += len(example.entities)
                    continue
                self.report.remarks[f"{why}, kept without a completion"] += 1
                empty = self._row(replace(example, entities=()))
                rows.append({**empty, "entities": entity_rows(example), "completion": None})
        return rows

    def _row(self, example: Example) -> Row:
        facts, config = self.facts(), self.config
        schema = Schema(facts.title, facts.language, facts.labels)
        return to_row(example, schema, style=config.style, strategy=config.strategy)


def passages(reading: Reading) -> Iterator[Passage]:
    """What leakage compares: the article of each example, and its text as a whole.

    Not the sentences of hospital records: 94 of the 1,000 of CCKS2019 share a stock sentence with
    one of its test records, and none is such a record.
    """
    return ((e.id, reading.groups.get(e.id), e.text) for e in reading.examples)


def builder(name: str) -> type[CorpusBuilder]:
    """The builder class of a corpus.

    Raises:
        InputError: there is no corpus of that name.
    """
    module: Any = importlib.import_module(f"llmner_hf.dataset_scripts.{corpus(name).name}")
    found: type[CorpusBuilder] = module.Builder
    return found
