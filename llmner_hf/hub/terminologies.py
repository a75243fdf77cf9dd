"""What a push takes of a terminology: its store, its names as a table, and a card.

In: a store that ``llmner terminology build`` wrote. Out: the contents of a dataset on the Hub.
Refused: a store whose licence nobody has told.
"""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import DatasetCardData

from llmner_hf.core.errors import SettingError
from llmner_hf.hub.contents import CARD, Contents
from llmner_hf.rendering.cards import cell, filled
from llmner_hf.terminology.store import FILE, Terminology

TABLE = "names.parquet"
_COLUMNS = ("id", "name", "type", "synonyms", "parents", "same")


def contents_of_store(path: Path, repository: str) -> Contents:
    """What goes to the Hub.

    Args:
        path: a store.
        repository: where it goes, for its card.

    Raises:
        FormatError: it is no store.
        SettingError: it does not say its licence.
    """
    store = Terminology.load(path)
    if not store.about.licence:
        raise SettingError(
            f"{path}: it does not say its licence, so it is not published; build it with --licence"
        )
    concepts = list(store.concepts())
    columns = {name: [getattr(one, name) for one in concepts] for name in _COLUMNS}
    table = io.BytesIO()
    pq.write_table(pa.table(columns), table)
    card = _card(store, repository).encode()
    return Contents("dataset", {FILE: path, TABLE: table.getvalue(), CARD: card})


def _card(store: Terminology, repository: str) -> str:
    about = store.about
    counts = Counter(store.type(number) for number in range(len(store)))
    # Terms of a terminology are seldom one of the Hub's own names of licences.
    data = DatasetCardData(
        license="other",
        license_name=about.licence,
        pretty_name=about.name,
        tags=["biology", "medical", "terminology", "entity-linking"],
        configs=[{"config_name": "default", "data_files": TABLE}],
    )
    title = f"{about.name} {about.version}".strip()
    types = "\n".join(f"| {cell(name)} | {number:,} |" for name, number in sorted(counts.items()))
    return filled(
        "terminology.md",
        data,
        title=cell(title),
        concepts=f"{len(store):,}",
        names=f"{store.names:,}",
        types=types,
        attribution=cell(about.attribution or f"Licence: {about.licence}."),
        sources=cell(", ".join(about.sources) or "files of the user's own"),
    ).replace("FOLDER_OR_REPOSITORY", repository)
