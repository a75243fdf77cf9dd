"""`build`: one corpus as a dataset folder, all or nothing.

In: the name of a corpus and the folder of its files. Out: parquet files for each split,
``README.md`` (the card, whose front matter tells `datasets` which file is which split) and
``report.json``. Everything is written into a hidden folder beside the target, which then gets the
target's name, so that a build that fails leaves nothing.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
from datasets.exceptions import DatasetGenerationError
from huggingface_hub import DatasetCardData

from llmner_hf.core.catalogue import CORPORA, Corpus
from llmner_hf.core.errors import InputError, RunError
from llmner_hf.core.prompting import Strategy, Style
from llmner_hf.corpora.builder import CorpusBuilder, CorpusConfig, builder
from llmner_hf.corpora.report import BuildReport
from llmner_hf.rendering.cards import cell, filled

# The Hub's identifiers; what has none of its own is "other", and the card quotes the terms.
_HUB_LICENCES = {"genia": "cc-by-3.0"}
_KEEP_PRIVATE = (
    "These terms do not clearly allow publishing the corpus anew: keep this dataset private unless "
    "its rights holders have agreed."
)
_BESIDE = "Beside the paper's Table I, before leaking examples were dropped:"


def build(
    corpus: str | type[CorpusBuilder],
    source: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    strategy: Strategy = CorpusConfig.strategy,
    style: Style = CorpusConfig.style,
    drop_leaks: bool = CorpusConfig.drop_leaks,
    against: str | os.PathLike[str] = "",
) -> BuildReport:
    """Write a corpus as a dataset folder, all or nothing.

    Args:
        corpus: a key of `CORPORA`, or a builder (`own.own_corpus`).
        source: the folder of its distributed files.
        out: the folder to write; there must be none yet, or an empty one.
        strategy: the tagging strategy of the completions.
        style: the style of the prompts.
        drop_leaks: drop training examples that stand in a test split of the six corpora.
        against: the folder with the folders of the other corpora; by default that of ``source``.

    Raises:
        InputError: a file is missing or malformed, or ``out`` holds something.
        RunError: the folder cannot be written.
    """
    made, target = builder(corpus) if isinstance(corpus, str) else corpus, Path(out)
    if not Path(source).is_dir() and made.NAME in CORPORA:
        raise InputError(f"{source}: no such folder; name that of the files of {made.NAME}")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target}: there is something already; name a new folder")
    options: dict[str, Any] = {"strategy": strategy, "style": style, "drop_leaks": drop_leaks}
    options |= {"data_dir": os.fspath(source), "against": os.fspath(against)}
    try:
        with _all_or_nothing(target) as work:
            cache = os.fspath(work / "cache")
            corpus_builder = made(cache_dir=cache, dataset_name=made.NAME, **options)
            _write(corpus_builder, work / "out")
    except (OSError, DatasetGenerationError) as error:
        raise RunError(f"{target}: cannot be written: {error}") from error
    return corpus_builder.report


@contextmanager
def _all_or_nothing(target: Path) -> Iterator[Path]:
    """A hidden folder beside the target; in the end its folder "out" becomes the target."""
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    try:
        yield work
        (work / "out").replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write(made: CorpusBuilder, folder: Path) -> None:
    """Parquet files, card and report."""
    made.download_and_prepare(output_dir=os.fspath(folder), file_format="parquet")
    # The card says the same, and load_dataset does not read it.
    (folder / datasets.config.DATASET_INFO_FILENAME).unlink()
    name_by_content(folder)
    (folder / "report.json").write_text(made.report.as_json() + "\n", encoding="utf-8")
    names = sorted(path.name for path in folder.glob("*.parquet"))
    (folder / "README.md").write_text(
        card(made.report, made.config, names, type(made)), encoding="utf-8"
    )


def name_by_content(folder: Path) -> None:
    """Give every parquet file the beginning of its SHA-256 as part of its name.

    datasets caches a folder by the folder's name and what its card says, not by its content: with
    equal file names, a corpus that was built anew would be read as it was before.
    """
    for path in folder.glob("*.parquet"):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        path.rename(path.with_stem(f"{path.stem}-{digest[:8]}"))


def card(
    report: BuildReport,
    config: CorpusConfig,
    names: Sequence[str],
    made: type[CorpusBuilder] | None = None,
) -> str:
    """The dataset card of a build; ``names`` are those of its parquet files.

    Args:
        report: of the build.
        config: of the build.
        names: the parquet files.
        made: the builder; that of the corpus of the report's name if absent.
    """
    made = made or builder(report.name)
    facts = made.facts()
    terms = f"{facts.licence[0].upper()}{facts.licence[1:]}."
    if not facts.redistributable:
        terms += f"\n\n{_KEEP_PRIVATE}"
    return filled(
        "dataset.md",
        _metadata(report, facts, names),
        name=report.name,
        title=facts.title,
        terms=terms,
        source=_source(made),
        types="\n".join(f"| {cell(t.name)} | {cell(t.definition)} |" for t in facts.labels),
        nesting="may nest" if facts.nested else "do not nest",
        strategy=config.strategy,
        style=config.style,
        about=inspect.cleandoc(made.__doc__ or ""),
        files="\n".join(f"- {file.as_text()}" for file in report.files),
        sizes=f"{_BESIDE}\n\n{report.sizes()}\n\n" if report.sizes() else "",
        written=report.splits(),
        changes=report.changes(),
        leaks=report.leaks(),
        citation=facts.citation,
    )


def _metadata(report: BuildReport, facts: Corpus, names: Sequence[str]) -> DatasetCardData:
    """The front matter; `datasets` reads from it which file is which split."""
    splits = [
        {"split": split, "path": [n for n in names if n.startswith(f"{report.name}-{split}")]}
        for split in report.written
    ]
    return DatasetCardData(
        language=[facts.language],
        license=_HUB_LICENCES.get(report.name, "other"),
        task_categories=["token-classification"],
        pretty_name=f"{facts.title}, tagged",
        tags=["biomedical", "named-entity-recognition"],
        configs=[{"config_name": report.name, "default": True, "data_files": splits}],
    )


def _source(made: type[CorpusBuilder]) -> str:
    """Where the files come from and what is odd about them: the docstring of a dataset script."""
    if made.NAME not in CORPORA:
        return ""
    told = inspect.getdoc(inspect.getmodule(made)) or ""
    return f"## Source\n\n{told.partition(chr(10) * 2)[2]}\n\n"
