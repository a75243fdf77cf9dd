"""Plain text: the whole file is one document, or every line is one. It has no entities.

The id of the whole is the file's name. Line ends stay as they are in it, so that offsets point into
the file as its author sees it; only a byte order mark at its head is no part of the text. Neither
form can fail to fit: ``skip_bad`` changes nothing.
"""

from __future__ import annotations

from llmner_hf.readers.files import AnyPath, Place, lines, stem, whole
from llmner_hf.readers.reading import Gathering, numbered_id, reader


@reader
def read(path: AnyPath, gathering: Gathering) -> None:
    """The text of a file as one example."""
    gathering.add(Place(path), stem(path), whole(path), ())


@reader
def read_lines(path: AnyPath, gathering: Gathering) -> None:
    """Every line that is not blank as an example; ids number them from 0."""
    gathering.numbered, file = True, stem(path)
    for place, line in lines(path):
        if line.strip():
            identifier = numbered_id(gathering.dataset, file, len(gathering.examples))
            gathering.add(place, identifier, line, ())
        else:
            gathering.remarks["blank line"] += 1
