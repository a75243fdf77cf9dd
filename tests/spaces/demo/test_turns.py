"""The demo under many visitors, long requests and large ones."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from llmner_hf.spaces.bioner_demo import app, inputs, service, turns

CLIENTS = 50
TEXT = "Two patients took aspirin for pain."


@pytest.fixture(scope="module")
def client(demo):
    with httpx.Client(base_url=f"{demo}gradio_api", timeout=60) as made:
        yield made


def asked(client, text=TEXT):
    return client.post("/call/annotate", json={"data": [text, "biored", None]})


def answer(client, response):
    stream = client.get(f"/call/annotate/{response.json()['event_id']}")
    assert stream.status_code == 200
    return stream.text


def test_fifty_clients_get_an_answer_or_a_time_to_wait(client, monkeypatch):
    gate, real = threading.Event(), service.annotate

    def held(*given):
        assert gate.wait(60)
        return real(*given)

    monkeypatch.setattr(service, "annotate", held)
    with ThreadPoolExecutor(CLIENTS) as pool:
        responses = list(pool.map(lambda _: asked(client), range(CLIENTS)))
        gate.set()
        counted = Counter(response.status_code for response in responses)
        assert counted.keys() == {200, 429}
        assert counted[200] in (app.MOST_WAITING, app.MOST_WAITING + 1)  # and the one that is asked
        for response in responses:
            if response.status_code == 429:
                assert response.headers["retry-after"] == str(turns.WAIT)
                assert f"ask again in {turns.WAIT} seconds" in response.json()["detail"]
        taken = [response for response in responses if response.status_code == 200]
        for told in pool.map(lambda one: answer(client, one), taken):
            assert "event: complete" in told
            assert '"aspirin"' not in told  # offsets, no surfaces
            assert '"type": "Chemical"' in told
    assert asked(client).status_code == 200


def test_there_is_no_way_past_the_queue(client):
    for path in ("/run/annotate", "/api/annotate"):
        assert client.post(path, json={"data": [TEXT, "", None]}).status_code == 404


def test_a_request_has_a_size_and_a_bound(client):
    large = client.post("/call/annotate", content=b"x" * (turns.MOST_REQUESTED + 1))
    assert (large.status_code, large.json()["detail"][:22]) == (413, "a request holds at mos")
    unsaid = client.post("/call/annotate", content=iter([b"{}"]))
    assert unsaid.status_code == 411
    upload = {"files": ("a.txt", b"x" * (inputs.MOST_BYTES - 1))}
    assert client.post("/upload", files=upload).status_code == 200
    upload = {"files": ("a.txt", b"x" * (inputs.MOST_BYTES + 1))}
    assert client.post("/upload", files=upload).status_code == 413


def test_the_longest_request_has_room():
    form = len('{"data": ["", "", "", 0]}') + 2 * 12 * inputs.MOST_CHARACTERS
    assert form + 6 * inputs.MOST_DEFINED < turns.MOST_REQUESTED


def test_a_request_has_so_much_time(ner, client, monkeypatch):
    monkeypatch.setattr(service, "MOST_SECONDS", -1)
    findings, _ = service.Service(ner).annotate_text(TEXT, "", "", 0.0, lambda *_, **__: None)
    assert "0 of 1 sentences took -1 seconds; send less text" in findings.refusal
    assert "event: error" in answer(client, asked(client))


def test_a_file_is_read_outside_the_model_s_queue(served):
    queues = {fn.name: (fn.concurrency_id, fn.concurrency_limit) for fn in served[0].fns.values()}
    model = {"annotate_text", "annotate_given", "entities"}
    assert {queues[name] for name in model} == {("model", 1)}
    assert queues["read_file"][0] != "model"
    assert queues["read_file"][1] == 4


def test_a_file_is_read_by_the_rules_of_a_text(tmp_path, ner):
    def given(content):
        path = tmp_path / "a.txt"
        path.write_text(content, encoding="utf-8")
        return service.read_file(str(path))

    def shown(read):
        return service.Service(ner).annotate_given(read, "biored", "", 0.0, lambda *_, **__: None)

    findings, _ = shown(given(TEXT))
    words = [e.surface(d.text) for d in findings.documents for e in d.entities]
    assert words == [e["word"] for e in ner(TEXT, dataset="biored")] != []
    assert "longer than 20,000" in shown(given("x" * 20_001))[0].refusal
    assert "no text" in shown(given(" "))[0].refusal
    rows = tmp_path / "a.jsonl"
    rows.write_text("".join(f'{{"id": "{n}", "text": "a"}}\n' for n in range(501)), "utf-8")
    assert "501 texts" in shown(service.read_file(str(rows)))[0].refusal
