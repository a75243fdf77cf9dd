"""A chat server on loopback that answers, or fails, as a test tells it to."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def completion(text, finish="stop", **usage):
    """The body of an answer as OpenAI's servers write it."""
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return json.dumps({"choices": [choice], "usage": usage}).encode()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.asked.append((self.path, self.headers.get("Authorization"), body))
            fault = server.faults.pop(0) if server.faults else None
            server.busy += 1
            server.most_busy = max(server.most_busy, server.busy)
        try:
            self._send(*(fault or (200, completion(*server.answer(body)), {})))
        finally:
            with server.lock:
                server.busy -= 1

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Authorization"), None))
        self._send(200, b"{}", {})

    def _send(self, status, body, headers):
        if status == "drop":
            self.connection.close()
            return
        self.send_response(status)
        for name, value in ({"Content-Length": len(body)} | headers).items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def chat_server(answer, faults=()):
    """A server.

    Args:
        answer: body of a request -> text and finish reason of the answer.
        faults: what the first requests get instead: (status or "drop", body, headers), or None.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.answer, server.faults, server.asked = answer, list(faults), []
    server.handle_error = lambda *_: None  # a client that went away
    server.busy, server.most_busy, server.lock = 0, 0, threading.Lock()
    server.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
