"""A corpus of one's own: files in any format of `readers` to a builder like those of the six.

In: a folder with ``train``, ``validation`` and ``test``, each a file or a brat folder; or one file
or brat folder, from whose end a tenth each becomes validation and test. Out: a builder for `build`.
The types are those that the user names; mentions of others are dropped and counted. Without names
they are all types in the files, the most frequent first. Articles are split into sentences, the
unit that models are tuned on; CoNLL files have sentences already. Refused: names that cannot be
written, a folder without training files, files without a mention.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from llmner_hf.core.catalogue import CORPORA, Corpus, Size
from llmner_hf.core.entities import EntityType, LabelSet, Language
from llmner_hf.core.errors import InputError
from llmner_hf.corpora.builder import CorpusBuilder, Parts
from llmner_hf.corpora.report import FileCount
from llmner_hf.corpora.sources import File, chosen, named, own_sentences
from llmner_hf.readers.files import stem
from llmner_hf.readers.formats import read_any
from llmner_hf.readers.reading import Reading

_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "devel", "development"),
    "test": ("test",),
}
_SPLIT_OF = {name: split for split, names in _NAMES.items() for name in names}
_HELP = (
    "a corpus of your own is a folder with train.*, validation.* and test.* (the last two are cut "
    f"from train where they are absent), one file, or a brat folder; known by name are "
    f"{', '.join(CORPORA)}"
)


def own_corpus(
    name: str,
    source: Path,
    *,
    types: Mapping[str, str] | None = None,
    meant: Mapping[str, str] | None = None,
    language: Language | None = None,
    how: Mapping[str, Any] = MappingProxyType({}),
) -> type[CorpusBuilder]:
    """The builder of a corpus of one's own, whose files are read here.

    Args:
        name: the name of the dataset to be.
        source: the folder, or the file.
        types: name -> definition, in the order of the lines of a completion; those of the files,
            without definitions, if absent.
        meant: label in the files -> the type that it means; those of the types if absent.
        language: of the texts and the definitions; that of most texts if absent.
        how: the options of `readers.read_any`, as format and skip_bad.

    Raises:
        InputError: the name or the folder does not fit, or the files hold no mention.
        FormatError: a file is malformed.
        LabelError: a type's name cannot be written.
    """
    if not re.fullmatch(r"[A-Za-z0-9]\w*", name, re.ASCII):
        raise InputError(f"name {name!r}: letters, digits and _ alone, as it names files")
    paths = _paths(source)
    readings = {
        split: read_any(path, dataset=name, language=language, **how)
        for split, path in paths.items()
    }
    kinds = {split: reading.format for split, reading in readings.items()}
    known = _facts(name, source, readings, types, meant, language)
    # Of all formats CoNLL alone has sentences.
    in_sentences = {split for split, kind in kinds.items() if kind == "conll"}
    readings = {s: _ours(s, one, known, s in in_sentences) for s, one in readings.items()}
    files = {split: File(path.name, read_any, None, None) for split, path in paths.items()}
    counts = [FileCount.of(files[split], reading) for split, reading in readings.items()]
    return _builder(known, _split(readings, source, in_sentences), counts)


def _builder(known: Corpus, parts: Parts, counts: list[FileCount]) -> type[CorpusBuilder]:
    """The builder of what was read: the types had to be known before."""

    class Own(CorpusBuilder):
        """Files of one's own, in sentences."""

        NAME = known.name

        @classmethod
        def facts(cls) -> Corpus:
            """What the files told."""
            return known

        @classmethod
        def read(cls, source: Path, tested: bool = False) -> tuple[Parts, list[FileCount]]:
            """What was read before."""
            return parts, counts

    return Own


def _paths(source: Path) -> dict[str, Path]:
    """Split -> its file or brat folder; the whole as "train" where nothing is named as a split."""
    if not source.is_dir():
        return {"train": source}
    found: dict[str, Path] = {}
    for path in sorted(source.iterdir()):
        split = _SPLIT_OF.get(stem(path).lower())
        if split in found:
            raise InputError(f"{source}: {found[split].name} and {path.name}: which is {split}?")
        if split:
            found[split] = path
    if "train" in found:
        return found
    if found or not any(source.glob("*.ann*")):
        raise InputError(f"{source}: no train.* in it; {_HELP}")
    return {"train": source}


def _facts(
    name: str,
    source: Path,
    readings: Mapping[str, Reading],
    types: Mapping[str, str] | None,
    meant: Mapping[str, str] | None,
    language: Language | None,
) -> Corpus:
    """What the files tell about the corpus."""
    examples = [example for reading in readings.values() for example in reading.examples]
    counted = Counter(entity.label for example in examples for entity in example.entities)
    if not counted:
        raise InputError(f"{source}: no mention in its files, so there is nothing to learn")
    defined = types or dict.fromkeys((label for label, _ in counted.most_common()), "")
    spoken = Counter(example.language for example in examples).most_common(1)[0][0]
    return Corpus(
        name=name,
        title=name,
        language=language or spoken,
        labels=LabelSet(tuple(EntityType(*pair) for pair in defined.items())),
        source_names=meant or {label: label for label in defined},
        nested=any(
            one.overlaps(two)
            for example in examples
            for one, two in zip(example.entities, example.entities[1:], strict=False)
        ),
        licence="not recorded",
        redistributable=False,
        printed=Size(0, 0, 0),
        remark="not in Table I",
        citation="Not recorded.",
    )


def _ours(split: str, reading: Reading, facts: Corpus, numbered: bool) -> Reading:
    """The reading in one language; its ids name the split, as those that a reader numbers do."""
    reading = named(reading, facts)
    examples = [replace(example, language=facts.language) for example in reading.examples]
    if numbered:
        return replace(reading, examples=tuple(examples))
    groups = {f"{split}-{e.id}": reading.groups.get(e.id, f"{split}/{e.id}") for e in examples}
    together = tuple(replace(example, id=f"{split}-{example.id}") for example in examples)
    return replace(reading, examples=together, groups=groups)


def _with_all_splits(readings: Mapping[str, Reading], source: Path) -> Parts:
    """The three splits; a missing one is a tenth of train, from its end: neighbours are alike."""
    # What reading them dropped stands in the counts of the files.
    parts = {split: chosen(one, range(len(one.examples))) for split, one in readings.items()}
    whole = parts["train"]
    tenth = max(1, len(whole.examples) // 10)
    end = len(whole.examples)
    for split in ("test", "validation"):
        if split not in parts:
            parts[split] = chosen(whole, range(max(end - tenth, 0), end))
            parts[split].remarks[f"text from the end of train, as there is no {split}.*"] += tenth
            end -= tenth
    if end < 1:
        raise InputError(f"{source}: {len(whole.examples)} texts are too few for three splits")
    parts["train"] = chosen(whole, range(end))
    return {split: parts[split] for split in _NAMES}


def _split(readings: Mapping[str, Reading], source: Path, in_sentences: Collection[str]) -> Parts:
    """The three splits in sentences; one that no file gives is taken from train."""
    return {
        split: reading
        if (split if split in readings else "train") in in_sentences
        else _sentences(reading)
        for split, reading in _with_all_splits(readings, source).items()
    }


def _sentences(reading: Reading) -> Reading:
    """The reading in sentences, with the remarks of both."""
    found = own_sentences(reading)
    return replace(found, remarks=reading.remarks + found.remarks)
