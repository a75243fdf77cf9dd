"""Plain text: the whole file is one document, or every line is one. It has no entities.

The id of the whole is the file's name. Line ends stay as they are in it, so that offsets point into
the file as its author sees it; only a byte order mark at its head is no part of the text. Neither
form can fail to fit: ``skip_bad`` changes nothing.
"""

from __future__ import annotations

import os

from llmner_hf.core.entities import Language
from llmner_hf.readers.files import Place, lines, stem, whole
from llmner_hf.readers.reading import Gathering, Reading, numbered_id


def read(
    path: str | os.PathLike[str],
    *,
    dataset: str,
    language: Language | None,
    skip_bad: bool = False,
) -> Reading:
    """The text of a file as one example; None guesses its language."""
    gathering = Gathering(dataset, language, skip_bad)
    gathering.add(Place(path), stem(path), whole(path), ())
    return gathering.reading()


def read_lines(
    path: str | os.PathLike[str],
    *,
    dataset: str,
    language: Language | None,
    skip_bad: bool = False,
) -> Reading:
    """Every line that is not blank as an example; ids number them from 0."""
    gathering, file = Gathering(dataset, language, skip_bad, numbered=True), stem(path)
    for place, line in lines(path):
        if line.strip():
            identifier = numbered_id(dataset, file, len(gathering.examples))
            gathering.add(place, identifier, line, ())
        else:
            gathering.remarks["blank line"] += 1
    return gathering.reading()
