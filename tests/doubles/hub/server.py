"""The threaded server: requests in, the routes of all concerns, answers and faults out."""

from __future__ import annotations

import re
import socket
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from tests.doubles.hub import accounts, commits, curated, large_files, reading, repositories, xet
from tests.doubles.hub.faults import Fault, Faults
from tests.doubles.hub.messages import Answer, Refusal, Request
from tests.doubles.hub.store import Repository

_NAME = "[^/]+(?:/[^/]+)?"
_PARTS = {
    "kind": "models|datasets|spaces",
    "prefix": "(?P<kind>datasets/|spaces/)?",
    "id": _NAME,
    "slug": _NAME,
    "path": ".+",
}


def _pattern(template: str) -> re.Pattern[str]:
    """A template of a path as a regular expression; a part is one segment unless told above."""
    for name in re.findall(r"{(\w+)}", template):
        expression = _PARTS.get(name, "[^/]+")
        group = expression if name == "prefix" else f"(?P<{name}>{expression})"
        template = template.replace(f"{{{name}}}", group)
    return re.compile(template)


# A repository alone stands last among its routes: its name is one or two segments.
_ROUTES = [
    (method, _pattern(template), answer)
    for method, template, answer in (
        *accounts.ROUTES,
        *commits.ROUTES,
        *large_files.ROUTES,
        *curated.ROUTES,
        *xet.ROUTES,
        *repositories.ROUTES,
        *reading.ROUTES,
    )
]


class Hub:
    """A Hub for the length of a ``with``.

    Attributes:
        url: what HF_ENDPOINT is to be.
        token: the one token that may write.
        namespaces: the user, then its organisations.
        requests: method and path of every request so far.
        page_size: entries of a page of a tree.
        part_size: bytes above which a large file comes in parts.
    """

    def __init__(self, port: int = 0) -> None:
        self.token = "hf_" + "LoopbackOnly" * 3
        self.namespaces = ("tester", "team")
        # What `folders.adapter` names as its base is there from the beginning.
        base = Repository("model", "tester/base")
        self.repositories: dict[tuple[str, str], Repository] = {("model", base.id): base}
        self.collections: dict[str, Any] = {}
        self.objects: dict[str, bytes] = {}
        self.parts: dict[tuple[str, int], bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.faults = Faults()
        self.page_size = 1000
        self.part_size = 100 * 2**20
        self.lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="loopback-hub-")
        self.cas = Path(self._folder.name)
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _Handler)
        self._server.hub = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Hub:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()

    def answer(self, request: Request) -> Answer:
        """What the first fitting route says."""
        for method, pattern, answer in _ROUTES:
            found = pattern.fullmatch(request.path)
            if found and method == ("GET" if request.method == "HEAD" else request.method):
                parts = {name: unquote(text) for name, text in found.groupdict().items() if text}
                try:
                    return answer(Request(**{**vars(request), "found": parts}))
                except Refusal as refusal:
                    return refusal.answer
        return Refusal(404, f"Sorry, we can't find {request.path}").answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body in one packet: apart, each answer waits 40 ms for the client's acknowledgement.
    wbufsize = -1

    def _serve(self) -> None:
        hub: Hub = self.server.hub
        path, _, query = self.path.partition("?")
        body = self._body()
        # Before the answer, or a test that looks at the list would race with the client.
        hub.requests.append((self.command, path))
        fault = hub.faults.take(self.command, path) or Fault("", "", "")
        halved = fault.kind == "truncate"
        if fault.kind == "drop" or (halved and self.command == "POST"):
            return self._hang_up()
        if fault.kind == "error":
            return self._send(Refusal(fault.status, "a fault of the server").answer)
        if fault.kind == "slow":
            time.sleep(fault.seconds)
        if halved:
            body = body[: len(body) // 2]
        answer = hub.answer(Request(hub, self.command, path, query, self.headers, body))
        if fault.kind == "lost":
            return self._hang_up()
        return self._send(answer, broken=halved and self.command == "GET")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _serve

    def _body(self) -> bytes:
        # The whole body, refused or not: the connection goes on with what follows it.
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, answer: Answer, broken: bool = False) -> None:
        content = answer.content
        self.send_response(answer.status)
        kind = {} if isinstance(answer.body, bytes) else {"Content-Type": "application/json"}
        length = {"Content-Length": str(len(content))}
        for name, value in (*answer.headers.items(), *kind.items(), *length.items()):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[: len(content) // 2] if broken else content)
        if broken:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: Any) -> None:
        """Nothing: the list of requests says it."""
