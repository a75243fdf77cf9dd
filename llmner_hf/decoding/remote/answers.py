"""A server's answers, kept in a file as they come: none is asked for, and paid for, twice.

In: a server and a file of JSON lines. Out: its answers: from the file where the same model was
asked the same before, else from the server, and then the file has them first. A run that was killed
goes on behind the last whole line; what was on its way is asked again. What the lines took is added
up over all runs. The file copies what was annotated and has its licence; a key is never in it.

A server that filters contents refuses a few texts: these are counted, hold no entity, and the next
run asks for them again. One that refuses many has another reason, which is an error.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from threading import Lock

from llmner_hf.core.errors import FormatError
from llmner_hf.core.prompting import Message
from llmner_hf.decoding.remote.server import Answer, RefusedError, Server, Usage

# More than these, and more than one for twenty answers, is no filter of contents.
MOST_REFUSED = 16


class Answers:
    """A server whose answers are kept.

    Args:
        server: it is asked for what the file does not have.
        path: the file; made where it is missing.

    Attributes:
        usage: of all answers in the file.
        refused: how many requests the server has refused since this was made.

    Raises:
        FormatError: the file holds something else.
    """

    def __init__(self, server: Server, path: Path) -> None:
        self.server = server
        self.path = path
        self.usage = Usage()
        self.refused = 0
        self._known: dict[str, Answer] = {}
        self._lock = Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._read()

    def __repr__(self) -> str:
        return f"Answers({self.server!r}, {str(self.path)!r})"

    def complete(self, messages: Sequence[Message], most_tokens: int) -> Answer:
        """The greedy completion of a chat; empty where the server refuses this one.

        Raises:
            RunError: the server fails, or refuses too many.
        """
        key = self._key(messages, most_tokens)
        if key in self._known:
            return self._known[key]
        try:
            answer = self.server.complete(messages, most_tokens)
        except RefusedError:
            with self._lock:
                self.refused += 1
                if self.refused > max(MOST_REFUSED, len(self._known) // 20):
                    raise
            return Answer("", False, 0, 0)
        with self._lock:
            self._keep(key, answer)
            with self.path.open("a", encoding="utf-8") as file:
                row = {"request": key, **asdict(answer)}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        return answer

    def _key(self, messages: Sequence[Message], most_tokens: int) -> str:
        """What tells a request from all others; not the URL, since a server may move."""
        asked = [self.server.model, most_tokens, *(asdict(message) for message in messages)]
        return sha256(json.dumps(asked, ensure_ascii=False).encode()).hexdigest()

    def _keep(self, key: str, answer: Answer) -> None:
        # Two texts that are equal may have been on their way at once: both were paid for.
        self._known[key] = answer
        self.usage += answer.usage

    def _read(self) -> None:
        """Take what the file holds; a line that a killed run could not finish is cut off."""
        if not self.path.exists():
            return
        raw = self.path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) < len(raw):
            self.path.write_bytes(whole)
        for number, line in enumerate(whole.decode("utf-8").split("\n")[:-1], 1):
            try:
                row = json.loads(line)
                self._keep(row.pop("request"), Answer(**row))
            except (ValueError, KeyError, TypeError, AttributeError):
                raise FormatError(
                    self.path, number, "no answer of a server; name another file"
                ) from None
