"""What the readers' tests share: files made on the spot, and the corpora where they are at hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Writes a file of that name and gives its path; text goes out as UTF-8, untranslated."""

    def written(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        return path

    return written


@pytest.fixture(scope="session")
def corpora() -> Path:
    """The folder of the original corpus files."""
    shared = Path(os.environ.get("LLMNER_SHARED", REPOSITORY.parent / "shared"))
    if not (shared / "corpora").is_dir():
        pytest.skip(f"no corpora in {shared}: their licences bar redistribution; set LLMNER_SHARED")
    return shared / "corpora"
