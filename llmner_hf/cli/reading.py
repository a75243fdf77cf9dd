"""Files that commands read: any known format, with what was dropped told on standard error."""

from __future__ import annotations

import sys
from pathlib import Path

from llmner_hf.core.entities import Example, Language
from llmner_hf.core.errors import InputError


def read(
    path: Path, format: str | None = None, dataset: str = "", language: Language | None = None
) -> tuple[Example, ...]:
    """The examples of a file in any known format; what the reader dropped goes to stderr."""
    from llmner_hf.readers import read_any

    if not path.exists():
        raise InputError(f"{path}: no such file")
    reading = read_any(path, format, dataset=dataset, language=language)
    for reason, number in reading.dropped.items():
        print(f"{path}: dropped {number}: {reason}", file=sys.stderr)
    return reading.examples
