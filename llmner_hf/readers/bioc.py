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

from llmner_hf.readers import bioc_json, bioc_xml
from llmner_hf.readers.files import AnyPath, head
from llmner_hf.readers.reading import Gathering, reader


@reader
def read(path: AnyPath, gathering: Gathering) -> None:
    """The documents of a BioC file."""
    is_xml = head(path).lstrip().startswith("<")
    for document in (bioc_xml if is_xml else bioc_json).documents(path, gathering):
        document.add_to(gathering)
