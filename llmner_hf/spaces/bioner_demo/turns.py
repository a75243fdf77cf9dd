"""What stands before the page: no request of any size, and no more visitors than can wait.

In: the requests of browsers and programs, as an ASGI application gets them. Out: those that the
page can hold, unchanged. Refused: a request without its size (411) or larger than a text or a file
can be (413). Where the queue is full, Gradio answers 503, as if the page were broken; that becomes
a 429 with the seconds to wait.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from llmner_hf.spaces.bioner_demo.inputs import MOST_BYTES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# The longest text needs 240 kB where every character is escaped as two of six; a file comes within
# a form.
MOST_REQUESTED = MOST_BYTES + 100_000
# Seconds, after which a place in the queue is likely free. Ours: the embedded model answers a queue
# of abstracts in that time.
WAIT = 30


class Turns:
    """An application behind these rules.

    Args:
        app: the page's.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        size = dict(scope["headers"]).get(b"content-length", b"")
        if not size.isdigit():
            await _answer(send, 411, "say the size of the request in Content-Length")
        elif int(size) > MOST_REQUESTED:
            await _answer(send, 413, f"a request holds at most {MOST_REQUESTED:,} bytes")
        else:
            await self.app(scope, receive, _Busy(send))


class _Busy:
    """Sends what an application answers, a 503 as a 429."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._refused = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == 503:
            self._refused = True
            told = f"too many are waiting; ask again in {WAIT} seconds"
            await _answer(self._send, 429, told, (b"retry-after", str(WAIT).encode()))
        elif not self._refused:
            await self._send(message)


async def _answer(send: Send, status: int, detail: str, *headers: tuple[bytes, bytes]) -> None:
    body = json.dumps({"detail": detail}).encode()
    own = (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    await send({"type": "http.response.body", "body": body})
