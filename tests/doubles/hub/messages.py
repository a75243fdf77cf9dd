"""A request as the routes see it, and the answers they give."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from tests.doubles.hub.server import Hub
    from tests.doubles.hub.store import Commit, Repository

KINDS = ("model", "dataset", "space")


@dataclass
class Answer:
    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Refusal(Exception):
    """An error as the Hub words it: status, code for the client, message for the reader."""

    def __init__(self, status: int, message: str, code: str = "", **headers: str) -> None:
        super().__init__(message)
        said = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        said |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.answer = Answer({"error": message}, status, said)


@dataclass(frozen=True)
class Request:
    hub: Hub
    method: str
    path: str
    query: str
    headers: Message
    body: bytes
    found: Mapping[str, str] = field(default_factory=dict)

    def option(self, name: str, default: str = "") -> str:
        return parse_qs(self.query).get(name, [default])[0]

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"{}")

    @property
    def authenticated(self) -> bool:
        """Whether it bears the token; a wrong one is refused at once, as the Hub does."""
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if given and given != self.hub.token:
            raise Refusal(401, "Invalid credentials in Authorization header")
        return bool(given)

    def require_writer(self, name: str) -> None:
        """Refuse whoever may not write to the namespace of ``name``."""
        if not self.authenticated:
            raise Refusal(401, "Invalid username or password.")
        if name.partition("/")[0] not in self.hub.namespaces:
            raise Refusal(403, f"You don't have the rights to write to {name}")

    @property
    def kind(self) -> str:
        return (self.found.get("kind") or "models").rstrip("/").removesuffix("s")

    def repository(self, write: bool = False) -> Repository:
        """The repository that the path names, where whoever asks may see it."""
        name = self.found["id"]
        repository = self.hub.repositories.get((self.kind, name))
        seen = repository and (not repository.private or self.authenticated)
        if not seen:
            status = 404 if self.authenticated else 401
            raise Refusal(status, "Repository not found", "RepoNotFound")
        if write:
            self.require_writer(name)
        return repository

    def commit(self, repository: Repository) -> Commit:
        """The commit that the path names; the default branch where it names none."""
        revision = self.found.get("revision") or "main"
        commit = repository.find(revision)
        if commit is None:
            raise Refusal(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit
