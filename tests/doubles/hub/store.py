"""Repositories as values: a commit is a whole mapping of paths to files, never half of one."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import yaml

DATE = "2026-01-01T00:00:00.000Z"
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class File:
    """A file of a commit; ``xet`` is its hash there, where it came by that way."""

    data: bytes
    lfs: bool = False
    xet: str | None = None

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    @property
    def pointer(self) -> bytes:
        """What git holds of a large file."""
        version = "version https://git-lfs.github.com/spec/v1"
        return f"{version}\noid sha256:{self.sha256}\nsize {len(self.data)}\n".encode()

    @cached_property
    def oid(self) -> str:
        """The name that git gives the file, or its pointer."""
        stored = self.pointer if self.lfs else self.data
        return hashlib.sha1(b"blob %d\0" % len(stored) + stored).hexdigest()


@dataclass(frozen=True)
class Commit:
    oid: str
    parents: tuple[str, ...]
    title: str
    message: str
    files: Mapping[str, File]


@dataclass
class Repository:
    kind: str
    id: str
    private: bool = False
    sdk: str | None = None
    branches: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        attributes = File(b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n")
        self.commit("main", "initial commit", "", {".gitattributes": attributes})

    @property
    def prefix(self) -> str:
        return "" if self.kind == "model" else f"{self.kind}s/"

    def find(self, revision: str) -> Commit | None:
        """The commit of a branch, a tag or a name."""
        known = self.branches | self.tags
        return self.commits.get(known.get(revision, revision))

    def commit(
        self, branch: str, title: str, message: str, changes: Mapping[str, File | None]
    ) -> Commit:
        """One more commit; None removes a file, or a folder where the path ends in a slash."""
        head = self.find(branch)
        files = dict(head.files) if head else {}
        for path, file in changes.items():
            if file is not None:
                files[path] = file
            else:
                files = {
                    p: f for p, f in files.items() if p != path and not p.startswith(f"{path}/")
                }
        oid = hashlib.sha1(f"{self.kind} {self.id} {next(_NUMBERS)}".encode()).hexdigest()
        made = Commit(oid, (head.oid,) if head else (), title, message, files)
        self.commits[oid] = made
        self.branches[branch] = oid
        return made

    def history(self, revision: str) -> list[Commit]:
        """The commits of a revision, newest first."""
        found, head = [], self.find(revision)
        while head:
            found.append(head)
            head = self.commits[head.parents[0]] if head.parents else None
        return found


def front_matter(text: str) -> dict:
    """The metadata of a card.

    Raises:
        yaml.YAMLError: it is not YAML.
    """
    if not text.startswith("---\n"):
        return {}
    return yaml.safe_load(text.split("\n---", 1)[0][4:]) or {}
