"""Generation by a server: what is asked, what is read, what is tried again, what is an error."""

import socket
import time

import pytest

from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import RunError, SettingError
from llmner_hf.core.prompting import messages
from llmner_hf.core.tagging import symbolic
from llmner_hf.decoding.remote.decoder import RemoteDecoder, Usage
from llmner_hf.decoding.remote.server import LONGEST_PAUSE, PASSING, Server
from llmner_hf.decoding.request import Request
from llmner_hf.settings import TaggerSettings
from tests.doubles.models import SCHEMA
from tests.doubles.servers import chat_server, completion

TEXT = "CD28 binds IL-2"
GOLD = (Entity(0, 4, "protein"), Entity(11, 15, "protein"))
KEY = "sk-very-secret"


def right(_):
    return symbolic.encode(TEXT, GOLD, SCHEMA.labels), "stop"


def decoder(server, **options):
    options = {"pause": 0.01, "timeout": 5.0} | options
    return RemoteDecoder(Server(server.url, "tiny", **options), TaggerSettings())


def requests(number=1):
    return [Request(str(index), TEXT, SCHEMA) for index in range(number)]


def test_the_answer_is_aligned_and_its_tokens_are_counted():
    answer = completion(right(None)[0], prompt_tokens=40, completion_tokens=12)
    with chat_server(right, [(200, answer, {})]) as server:
        remote = decoder(server, api_key=KEY)
        (found,) = remote.decode(requests())
    assert found.entities == GOLD
    assert found.problems == ()
    assert remote.usage == Usage(1, 40, 12)
    ((path, authorization, body),) = server.asked
    assert path == "/v1/chat/completions"
    assert authorization == f"Bearer {KEY}"
    asked = messages(TEXT, SCHEMA)
    assert body["messages"] == [{"role": m.role, "content": m.content} for m in asked]
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("tiny", 0, 1024)


def test_drift_is_placed_and_a_cut_answer_is_a_problem():
    with chat_server(lambda _: ("Sure!\nprotein: cd28 binds [il-2]", "length")) as server:
        (found,) = decoder(server).decode(requests())
    assert found.entities == GOLD[1:]
    assert "truncated" in {problem.kind for problem in found.problems}


def test_an_answer_of_thoughts_alone_holds_nothing():
    with chat_server(lambda _: (None, "length")) as server:
        (found,) = decoder(server).decode(requests())
    assert found.entities == ()
    assert [problem.kind for problem in found.problems] == ["truncated"]


def test_answers_keep_the_order_and_no_more_are_asked_at_once_than_allowed():
    def slow(body):
        time.sleep(0.02)
        number = body["messages"][-1]["content"].rsplit("T", 1)[1]
        return f"protein: [T{number}]", "stop"

    texts = [Request(str(i), f"T{i}", SCHEMA) for i in range(12)]
    with chat_server(slow) as server:
        found = decoder(server).decode(texts, batch_size=3)
        assert 1 < server.most_busy <= 3
    assert [p.id for p in found] == [r.id for r in texts]
    assert [p.entities for p in found] == [(Entity(0, len(r.text), "protein"),) for r in texts]


def cut(body=b'{"choices": ['):
    return 200, body, {"Content-Length": 500}


@pytest.mark.parametrize(
    "fault",
    [*((status, b"busy", {}) for status in sorted(PASSING)), ("drop", b"", {}), cut()],
    ids=lambda fault: str(fault[0]),
)
def test_what_may_pass_is_tried_again(fault):
    with chat_server(right, [fault, fault]) as server:
        (found,) = decoder(server).decode(requests())
    assert found.entities == GOLD
    assert len(server.asked) == 3


def test_a_server_that_asks_for_a_pause_gets_it():
    with chat_server(right, [(429, b"", {"Retry-After": 1})]) as server:
        begun = time.monotonic()
        decoder(server).decode(requests())
    assert 1 <= time.monotonic() - begun < LONGEST_PAUSE


@pytest.mark.parametrize(
    ("faults", "times", "message"),
    [
        ([(401, f"no such key {KEY}".encode(), {})], 1, "401 .*: no such key …; give its key"),
        ([(404, b"no model", {})], 1, "404 Not Found: no model; check the name of the model"),
        ([(400, b"", {})], 1, "400 Bad Request: no reason; see the log"),
        ([(503, b"down", {})] * 3, 3, "503 Service Unavailable after 3 attempts: down"),
        ([("drop", b"", {})] * 3, 3, "no answer after 3 attempts: .*; start the server"),
        ([(200, b"<html>Welcome", {})], 1, "'<html>Welcome' is no chat completion"),
        ([(200, b'{"choices": []}', {})], 1, "is no chat completion"),
        ([(200, b'{"choices": [{"message": {"content": 7}}]}', {})], 1, "is no chat completion"),
        ([(307, b"", {"Location": "/elsewhere"})], 1, "307 "),
        ([(302, b"", {"Location": "/elsewhere"})], 1, "302 "),
    ],
)
def test_an_error_names_the_place_and_what_to_do(faults, times, message):
    with chat_server(right, faults) as server, pytest.raises(RunError, match=message) as raised:
        decoder(server, api_key=KEY, attempts=3).decode(requests())
    assert server.url in str(raised.value)
    assert KEY not in str(raised.value)
    assert len(server.asked) == times
    assert "\n" not in str(raised.value)


def test_a_server_that_is_not_there():
    with socket.socket() as taken:  # bound and not listening: nobody answers on it
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        remote = RemoteDecoder(Server(url, "m", attempts=2, pause=0.01), TaggerSettings())
        with pytest.raises(RunError, match=f"{url}: no answer after 2 attempts: .*refused"):
            remote.decode(requests(3))
    assert remote.usage == Usage()


def test_a_server_that_does_not_answer_in_time():
    with chat_server(lambda _: (time.sleep(0.6), "stop")) as server:
        remote = decoder(server, timeout=0.1, attempts=1)
        with pytest.raises(RunError, match=r"no answer after 1 attempts: .*timed out"):
            remote.decode(requests())


@pytest.mark.parametrize(
    ("url", "message"),
    [("localhost:8000/v1", "begins with http"), ("http:///v1", "begins with http")],
)
def test_what_is_no_url_is_refused(url, message):
    with pytest.raises(SettingError, match=message):
        Server(url, "m")


def test_no_key_is_shown():
    with pytest.raises(SettingError) as raised:
        Server(f"http://me:{KEY}@host/v1", "m")
    assert KEY not in str(raised.value)
    assert KEY not in repr(Server("http://host/v1", "m", KEY))


def test_the_length_is_an_upper_bound(tokens):
    remote = RemoteDecoder(Server("http://host/v1", "m"), TaggerSettings(), most_tokens=8)
    (request,) = requests()
    exact = tokens.prompt(TEXT, SCHEMA)
    assert remote.length(request) >= len(exact.ids) + 8
