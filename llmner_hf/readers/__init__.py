"""Corpus files to examples: one module a format, all with the same `read`.

``read(path, *, dataset, language) -> Reading`` gives the examples, and beside them counts of what
was dropped and of what is remarkable, so that nothing is lost silently. Labels stay as the file
writes them; offsets are half-open characters; texts are never stripped or normalised. Malformed
input raises FormatError, which names file and line.
"""

from llmner_hf.readers.formats import read_any
from llmner_hf.readers.reading import Reading

__all__ = ["Reading", "read_any"]
