"""A server that answers chats in OpenAI's way: vLLM, `transformers serve`, or a hosted model.

In: messages. Out: the answer, whether it was cut off, and its tokens. What may pass is tried again,
with growing pauses or those that the server asks for: no connection, a broken answer, 408, 429,
5xx. What will not pass (a wrong key, a wrong name of the model, contents that it filters) is an
error at once. The key is in no message and no `repr`, and no redirection is followed: it would
carry the key elsewhere.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from llmner_hf.core.errors import RunError, SettingError
from llmner_hf.core.prompting import Message
from llmner_hf.core.sums import Summed

PASSING = frozenset((408, 425, 429, 500, 502, 503, 504))
REFUSALS = frozenset((400, 413, 422))  # of this request; another one may be answered
LONGEST_PAUSE = 60.0  # seconds, also where a server asks for more
_ADVICE = {
    401: "give its key as api_key (the command line reads LLMNER_API_KEY)",
    403: "give a key that may use this model",
    404: "check the name of the model, and that the URL ends in /v1",
}


@dataclass(frozen=True, slots=True)
class Usage(Summed):
    """Requests, and their tokens as the server counts and bills them; 0 if it does not say.

    >>> Usage() + Usage(1, 40, 12)
    Usage(requests=1, prompt_tokens=40, completion_tokens=12)
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answers to a chat.

    Attributes:
        text: the completion.
        truncated: whether it reached the longest completion.
        prompt_tokens: of the messages, as the server counts and bills them; 0 if it does not say.
        completion_tokens: of the answer, likewise.
    """

    text: str
    truncated: bool
    prompt_tokens: int
    completion_tokens: int

    @property
    def usage(self) -> Usage:
        """What this answer took."""
        return Usage(1, self.prompt_tokens, self.completion_tokens)


class RefusedError(RunError):
    """The server does not answer this request, and may well answer another."""


class _Stay(HTTPRedirectHandler):
    """Follows no redirection."""

    def redirect_request(self, *_: Any) -> None:
        """None: the answer 3xx becomes an error."""


_OPENER = build_opener(_Stay)


@dataclass(frozen=True)
class Server:
    """A server and the model on it.

    Attributes:
        url: up to ``/v1``, as ``http://127.0.0.1:8000/v1``.
        model: the name under which it serves the model.
        api_key: its key, if it wants one.
        timeout: seconds to wait for an answer. Default: ours; a busy server queues.
        attempts: how often a request is tried. Default: ours, half a minute in all.
        pause: seconds before the second attempt; doubled before every further one.

    Raises:
        SettingError: the URL is none of a server, or holds a name or a key.
    """

    url: str
    model: str
    api_key: str | None = field(default=None, repr=False)
    timeout: float = 120.0
    attempts: int = 6
    pause: float = 1.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if "@" in parts.netloc:
            raise SettingError("the URL of the endpoint holds a password: give it as api_key")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingError(f"endpoint {self.url!r}: a URL begins with http:// or https://")

    def complete(self, messages: Sequence[Message], most_tokens: int) -> Answer:
        """The greedy completion of a chat.

        Raises:
            RefusedError: it does not answer this request.
            RunError: it cannot be reached, refuses, or does not answer as OpenAI's do.
        """
        body = {
            "model": self.model,
            "messages": [asdict(message) for message in messages],
            "max_tokens": most_tokens,
            "temperature": 0,
            "stream": False,
        }
        return self._answer(self._post("chat/completions", json.dumps(body).encode()))

    def _post(self, path: str, body: bytes) -> bytes:
        """The body of the answer; tries again what may pass."""
        request = Request(f"{self.url.rstrip('/')}/{path}", body)
        request.add_header("Content-Type", "application/json")
        if self.api_key:
            request.add_unredirected_header("Authorization", f"Bearer {self.api_key}")
        attempt = 1
        while True:
            asked = 0.0
            try:
                with _OPENER.open(request, timeout=self.timeout) as response:
                    return bytes(response.read())
            except HTTPError as error:
                if error.code not in PASSING or attempt >= self.attempts:
                    raise self._refused(error, attempt) from None
                asked = _seconds(error.headers.get("Retry-After"))
            except (OSError, HTTPException) as error:
                if attempt >= self.attempts:
                    raise self._unreachable(error) from None
            time.sleep(min(max(asked, self.pause * 2 ** (attempt - 1)), LONGEST_PAUSE))
            attempt += 1

    def _refused(self, error: HTTPError, attempt: int) -> RunError:
        """What the server said, in one line, and what to do."""
        said = " ".join(self._hidden(error.read().decode("utf-8", "replace")).split())
        advice = _ADVICE.get(error.code, "see the log of the server")
        times = f" after {attempt} attempts" if attempt > 1 else ""
        kind = RefusedError if error.code in REFUSALS else RunError
        return kind(
            f"{self.url}: {error.code} {error.reason}{times}: {said[:200] or 'no reason'}; {advice}"
        )

    def _unreachable(self, error: Exception) -> RunError:
        reason = getattr(error, "reason", error)
        return RunError(
            f"{self.url}: no answer after {self.attempts} attempts: {reason!s:.200}; start the "
            "server, or name another endpoint"
        )

    def _hidden(self, text: str) -> str:
        """A text without the key: servers repeat the one that they refuse."""
        return text.replace(self.api_key, "…") if self.api_key else text

    def _answer(self, raw: bytes) -> Answer:
        """The answer in a body.

        Raises:
            RunError: the body is no chat completion.
        """
        try:
            value = json.loads(raw)
            choice = value["choices"][0]
            text, usage = choice["message"].get("content"), value.get("usage") or {}
            if not isinstance(text, str | None) or not isinstance(usage, Mapping):
                raise TypeError
            return Answer(
                text or "",  # null where all that came was thought
                choice.get("finish_reason") == "length",
                int(usage.get("prompt_tokens") or 0),
                int(usage.get("completion_tokens") or 0),
            )
        except (ValueError, LookupError, TypeError, AttributeError):
            shown = self._hidden(raw[:80].decode("utf-8", "replace"))
            raise RunError(
                f"{self.url}: {shown!r} is no chat completion; is this an OpenAI-style URL that "
                "ends in /v1?"
            ) from None


def _seconds(header: str | None) -> float:
    """The seconds of a ``Retry-After``; 0 for none, and for a date.

    >>> _seconds("7"), _seconds("Wed, 21 Oct 2026 07:28:00 GMT"), _seconds(None)
    (7.0, 0.0, 0.0)
    """
    return float(header) if header and header.isascii() and header.isdigit() else 0.0
