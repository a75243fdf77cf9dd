"""Several tagged datasets as one repository: ``load_dataset("ns/bioner")``, or "en", or "genia".

In: the contents of several dataset folders. Out: one. Each dataset keeps its files and its own card
in a folder of its name, and is a configuration. Beside it stand the joint ones: ``all``, which is
the default, and one for each language, ``en`` and ``zh``; the column ``dataset`` says from which
corpus a row is. A language names the files of its corpora. ``all`` does so too where there is one
language; otherwise it has files of its own, in which the languages take turns as in training
(`training.tagger.mixing`): shuffled within each, the smaller one first, until it is used up.
Refused: what is no dataset, two of one name, datasets of different columns.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from itertools import zip_longest
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
from huggingface_hub import DatasetCardData
from pyarrow import parquet

from llmner_hf.core.errors import InputError
from llmner_hf.hub.contents import CARD, Contents
from llmner_hf.rendering.cards import cell, filled

ALL = "all"
_LANGUAGES = {"en": "English", "zh": "Chinese"}
_NAMES = (ALL, *_LANGUAGES)
# Rows that are read at once: as many as `datasets` writes together by default.
_ROW_GROUP = 1000

Files = Mapping[str, Path | bytes]
Splits = dict[str, list[str]]


def joined(parts: Sequence[Contents]) -> Contents:
    """Several datasets as one.

    Raises:
        InputError: one of them is no dataset, two have a configuration of the same name, a name
            is that of a joint configuration, or their columns differ.
    """
    files: dict[str, Path | bytes] = {}
    cards: dict[str, dict[str, Any]] = {}
    corpora: dict[str, Splits] = {}
    for part in parts:
        name = _name(part)
        if name in cards:
            raise InputError(f"two of the datasets are called {name}; push one of them")
        cards[name] = part.metadata
        files |= {f"{name}/{path}": file for path, file in part.files.items()}
        corpora[name] = _splits(name, part.metadata)
    spoken = {
        language: [name for name, card in cards.items() if _listed(card, "language") == [language]]
        for language in _united(cards, "language")
        if language in _LANGUAGES
    }
    own = _in_turn_files(corpora, files) if len(spoken) > 1 else {}
    files |= own
    joint = {
        language: _together(corpora[name] for name in names) for language, names in spoken.items()
    }
    configs = {ALL: _named(own) if own else _together(corpora.values()), **joint, **corpora}
    files[CARD] = _card(cards, configs, sum(map(len, own.values()))).encode()
    left_out = tuple(name for part in parts for name in part.left_out)
    restricted = tuple(name for part in parts for name in part.restricted)
    return Contents("dataset", files, left_out, restricted)


def _name(part: Contents) -> str:
    """The name of a dataset's configuration."""
    if part.kind != "dataset":
        raise InputError(f"a {part.kind} cannot be joined with others; push it alone")
    configs = part.metadata.get("configs")
    if not configs:
        raise InputError("a dataset's card names no configuration; push it alone")
    if len(configs) > 1:
        raise InputError(
            f"a dataset has {len(configs)} configurations; join datasets of one each, or push it "
            "alone"
        )
    name = str(configs[0]["config_name"])
    if name in _NAMES:
        raise InputError(
            f"a dataset is called {name}, which is the name of a joint configuration; build it "
            "under another name"
        )
    return name


def _splits(name: str, card: Mapping[str, Any]) -> Splits:
    """Split -> its files, with the paths that they have below the folder of the dataset's name."""
    splits = {}
    for entry in card["configs"][0]["data_files"]:
        paths = [entry["path"]] if isinstance(entry["path"], str) else entry["path"]
        splits[entry["split"]] = [f"{name}/{path}" for path in paths]
    return splits


def _together(several: Iterable[Splits]) -> Splits:
    """Split -> the files of all."""
    found: dict[str, list[str]] = defaultdict(list)
    for splits in several:
        for split, paths in splits.items():
            found[split] += paths
    return dict(found)


def _in_turn_files(corpora: Mapping[str, Splits], files: Files) -> dict[str, bytes]:
    """The files of ``all``: every row of every corpus, the languages in turn.

    Each has a part of its digest in its name, as `corpora.publishing.name_by_content` explains.
    """
    made = {}
    for split, paths in _together(corpora.values()).items():
        try:
            table = pa.concat_tables(
                parquet.read_table(BytesIO(file) if isinstance(file, bytes) else file)
                for file in (files[path] for path in paths)
            )
        except pa.ArrowInvalid:
            raise InputError(
                f"{', '.join(corpora)}: their {split} rows have not the same columns; build them "
                "anew with one version of llmner build"
            ) from None
        order = in_turn(table["language"].to_pylist())
        written = BytesIO()
        parquet.write_table(table.take(order), written, row_group_size=_ROW_GROUP)
        content = written.getvalue()
        made[f"{ALL}/{split}-{hashlib.sha256(content).hexdigest()[:8]}.parquet"] = content
    return made


def in_turn(languages: Sequence[str]) -> list[int]:
    """The indices of rows, from 0, in an order in which their languages take turns.

    >>> [["zh", "en", "en", "en"][index] for index in in_turn(["zh", "en", "en", "en"])]
    ['zh', 'en', 'en', 'en']
    """
    sides: dict[str, list[int]] = defaultdict(list)
    for index, language in enumerate(languages):
        sides[language].append(index)
    random = Random(0)  # the same rows, the same order: a second push has nothing to change
    for side in sides.values():
        random.shuffle(side)
    turns = zip_longest(*sorted(sides.values(), key=len))
    return [index for turn in turns for index in turn if index is not None]


def _named(files: Iterable[str]) -> Splits:
    """Split -> its file in the folder of ``all``."""
    return {Path(path).name.rpartition("-")[0]: [path] for path in files}


def _card(cards: Mapping[str, Mapping[str, Any]], configs: Mapping[str, Splits], own: int) -> str:
    """The card over the cards; ``own`` are the bytes that ``all`` has besides."""
    metadata = DatasetCardData(
        language=_united(cards, "language"),
        license=_united(cards, "license"),
        task_categories=_united(cards, "task_categories"),
        pretty_name="Biomedical named entities, tagged",
        tags=_united(cards, "tags"),
        configs=[
            {
                "config_name": name,
                **({"default": True} if name == ALL else {}),
                "data_files": [{"split": s, "path": paths} for s, paths in splits.items()],
            }
            for name, splits in configs.items()
        ],
    )
    joint = [
        f"- `{name}`: the {_LANGUAGES[name]} corpora" for name in configs if name in _LANGUAGES
    ]
    turns = (
        f";\n  the rows of the languages take turns, in files of its own, {own / 1e6:.1f} MB more"
    )
    rows = (
        f"| `{name}` | [{cell(card.get('pretty_name', name))}]({name}/{CARD}) | "
        f"{', '.join(_listed(card, 'language'))} | {', '.join(_listed(card, 'license'))} |"
        for name, card in cards.items()
    )
    return filled(
        "datasets.md",
        metadata,
        joint="\n".join([f"- `{ALL}`, the default: every corpus{turns if own else ''}", *joint]),
        rows="\n".join(rows),
        one=next(iter(cards)),
    )


def _listed(card: Mapping[str, Any], key: str) -> list[str]:
    """The values of a key, of which a card may give one without a list."""
    value = card.get(key) or []
    return [value] if isinstance(value, str) else list(value)


def _united(cards: Mapping[str, Mapping[str, Any]], key: str) -> list[str]:
    """All values of a key, each once, in their order."""
    return list(dict.fromkeys(value for card in cards.values() for value in _listed(card, key)))
