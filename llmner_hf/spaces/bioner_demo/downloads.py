"""The files that a visitor can take home: JSON lines, PubTator, and brat as an archive.

In: documents, and a folder. Out: a path for each format, in the order of ``NAMES``; None where the
documents cannot be written in it (an id that cannot be the name of a file, say).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from llmner_hf.core.entities import Entity, Example, Link, Prediction
from llmner_hf.core.errors import UnrepresentableError
from llmner_hf.readers import brat, json_lines, pubtator
from llmner_hf.rendering import Document

Linked = Mapping[str, Mapping[Entity, tuple[Link, ...]]]

NAMES = ("JSON", "PubTator", "brat")


def write(documents: Sequence[Document], folder: str) -> tuple[str | None, ...]:
    """Write the documents in every format; scores are in the JSON lines alone, links in all."""
    path = Path(folder)
    rows = (json_lines.predicted_row(d.text, Prediction(d.id, d.scored)) for d in documents)
    json_lines.write(path / "entities.jsonl", rows)
    examples = [Example(d.id, d.text, d.entities, "", d.language) for d in documents]
    links = {d.id: {one.entity: one.links for one in d.scored if one.links} for d in documents}
    return (
        str(path / "entities.jsonl"),
        _pubtator(examples, links, path),
        _brat(examples, links, path),
    )


def _pubtator(examples: Sequence[Example], links: Linked, folder: Path) -> str | None:
    path = folder / "entities.pubtator"
    try:
        pubtator.write(path, examples, links=links)
    except UnrepresentableError:
        return None
    return str(path)


def _brat(examples: Sequence[Example], links: Linked, folder: Path) -> str | None:
    try:
        brat.write(folder / "brat", examples, links)
    except UnrepresentableError:
        return None
    return shutil.make_archive(str(folder / "entities.brat"), "zip", folder / "brat")
