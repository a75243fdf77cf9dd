"""BioC, XML or JSON: documents of passages, each with its offset, and annotations.

Offsets count characters of the whole document; an annotation gives a start and a length. The text
is put together from the passages, or from their sentences where a passage has no text of its own,
at their offsets (`passages`). The type is the infon with the key "type", a score the one with the
key "score", and concepts the one with the key "identifier" or a terminology's name, as "MESH" or
"NCBI Gene" (`core.linking.identifiers` tells how ids are read). Dropped and counted: annotations
with several locations (discontinuous) between which more than blanks lies, and those with none
(about the document as a whole). Relations are not entities. Refused: passages that overlap, a
surface form that is not in the text.

Written: concepts as "identifier", a passage for the title, where it is known, and one for the rest.
"""

from __future__ import annotations

import os

from llmner_hf.core.entities import Language
from llmner_hf.readers import bioc_json, bioc_xml
from llmner_hf.readers.files import head
from llmner_hf.readers.reading import Gathering, Reading


def read(
    path: str | os.PathLike[str],
    *,
    dataset: str,
    language: Language | None,
    skip_bad: bool = False,
) -> Reading:
    """The documents of a BioC file; None guesses each text's language.

    Raises:
        FormatError: it is not BioC, or a mention is not in its text and not to be skipped.
    """
    gathering = Gathering(dataset, language, skip_bad)
    is_xml = head(path).lstrip().startswith("<")
    for document in (bioc_xml if is_xml else bioc_json).documents(path, gathering):
        document.add_to(gathering)
    return gathering.reading()
