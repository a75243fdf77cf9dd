"""The fenced blocks of a page, and the commands in them."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
# Of a block without a language, too.
_SHELL = ("", "bash")


@dataclass(frozen=True)
class Block:
    page: str
    language: str
    content: str

    @property
    def commands(self) -> list[list[str]]:
        """The words of every line for a shell, without its comment."""
        if self.language not in _SHELL:
            return []
        lines = self.content.replace("\\\n", " ").splitlines()
        return [words for line in lines if (words := shlex.split(line, comments=True))]

    @property
    def title(self) -> str:
        """Its first line, by which it is told from others."""
        return self.content.partition("\n")[0]


def pages() -> list[Path]:
    """Every page that has a block."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [page for page in found if any(blocks(page))]


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page in their order.

    Raises:
        ValueError: a fence has no other end.
    """
    text = page.read_text(encoding="utf-8")
    found = _FENCE.findall(text)
    if 2 * len(found) != len(re.findall(r"^ *```", text, re.MULTILINE)):
        raise ValueError(f"{page.name}: a fence is not closed, or not where it was opened")
    for _, language, content in found:
        yield Block(page.name, language, textwrap.dedent(content))
