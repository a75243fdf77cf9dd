"""Plain text: the whole file is one document, its name is the id, and it has no entities.

Line ends stay as they are, so that offsets point into the file as its author sees it; only a byte
order mark at its head is no part of the text.
"""

from __future__ import annotations

import os

from llmner_hf.core.entities import Language
from llmner_hf.readers.files import Place, stem, whole
from llmner_hf.readers.reading import Gathering, Reading


def read(path: str | os.PathLike[str], *, dataset: str, language: Language | None) -> Reading:
    """The text of a file as one example; None guesses its language."""
    gathering = Gathering(dataset, language)
    gathering.add(Place(path), stem(path), whole(path), ())
    return gathering.reading()
