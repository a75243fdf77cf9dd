"""``pipeline("bioner", endpoint=URL)``: as a user calls it, and against a real server."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from urllib.request import urlopen

import pytest
import torch

from llmner_hf.core.entities import Entity, EntityType, LabelSet
from llmner_hf.core.errors import InputError, LabelError, RunError, SettingError
from llmner_hf.core.prompting import messages
from llmner_hf.core.schema import Schema
from llmner_hf.core.tagging import symbolic
from llmner_hf.core.writing import language_of
from llmner_hf.pipelines.endpoint import EndpointPipeline
from tests.doubles.models import tiny
from tests.doubles.servers import chat_server

TEXTS = [
    "The CD28 receptor binds IL-2. CD28 is a surface protein.",
    "",
    "CD28\tand\nCD28",
    "No entity stands here.",
]


def tag(body):
    """The text with brackets around every CD28; the line that was asked for, if it is there."""
    text = body["messages"][-1]["content"].rsplit("\n", 1)[1]
    return ("protein: " + text.replace("CD28", "[CD28]") if "CD28" in text else ""), "stop"


@pytest.fixture(scope="module")
def server():
    with chat_server(tag) as running:
        yield running


@pytest.fixture
def ner(server):
    return EndpointPipeline(server.url, model="m", entity_types=["protein"])


def spans(entities):
    return [(e["start"], e["end"]) for e in entities]


def test_the_same_dictionaries_as_any_other_model(ner):
    first = ner(TEXTS[0])
    assert first[0] == {
        "entity_group": "protein",
        "score": 1.0,
        "word": "CD28",
        "start": 4,
        "end": 8,
    }
    assert spans(first) == [(4, 8), (30, 34)]
    assert list(map(spans, ner(TEXTS))) == [[(4, 8), (30, 34)], [], [(0, 4), (9, 13)], []]
    assert ner.decoder.usage.requests == 2 + 5  # one a sentence, none for the empty text


def test_lists_give_lists_and_iterators_come_one_by_one(ner, server):
    def endless():
        while True:
            yield TEXTS[0]

    found = ner(endless(), batch_size=2)
    assert spans(next(found)) == [(4, 8), (30, 34)]
    assert ner(TEXTS, batch_size=1) == ner(tuple(TEXTS)) == list(ner(iter(TEXTS)))
    assert ner([]) == []


def test_whole_texts_are_one_request(ner):
    assert spans(ner(TEXTS[0], sentences=False)) == [(4, 8), (30, 34)]
    assert ner("", sentences=False) == []
    assert ner.decoder.usage.requests == 1


def test_what_a_call_says_goes_before_what_it_was_made_with(server):
    heard = []
    ner = EndpointPipeline(server.url, model="m", entity_types=["protein"], repeats=False)
    ner(TEXTS[0], repeats=True, progress=lambda *done: heard.append(done))
    assert heard == [(0, 2)]
    with pytest.raises(InputError, match="unknown argument nonsense"):
        ner(iter(TEXTS), nonsense=1)  # before anything is asked for


def test_types_of_the_call_go_before_those_it_was_made_with(ner, server):
    ner(TEXTS[0], entity_types={"RNA": "a transcript"})
    assert "- RNA: a transcript" in server.asked[-1][2]["messages"][-1]["content"]
    with pytest.raises(LabelError, match="must be a list of names"):
        ner("x", entity_types="RNA")
    with pytest.raises(InputError, match="unknown argument entity_type "):
        ner("x", entity_type=["RNA"])


def test_a_server_without_types_or_model(server):
    with pytest.raises(SettingError, match="no default types"):
        EndpointPipeline(server.url, model="m")("x")
    with pytest.raises(SettingError, match="model=NAME"):
        EndpointPipeline(server.url)


def test_what_it_shows_of_itself_holds_no_key(server):
    shown = repr(EndpointPipeline(server.url, model="m", api_key="sk-secret"))
    assert server.url in shown
    assert "sk-secret" not in shown


def test_files_are_annotated_by_it_too(ner, tmp_path):
    from llmner_hf.core.entities import Example
    from llmner_hf.pipelines.files import annotate
    from llmner_hf.readers.json_lines import read_predictions

    examples = [Example(str(i), text, (), "", "en") for i, text in enumerate(TEXTS)]
    annotate(ner, examples, tmp_path / "out.jsonl", batch_size=3)
    found = read_predictions(tmp_path / "out.jsonl")
    assert [len(prediction.entities) for prediction in found] == [2, 0, 2, 0]


LEARNT = {
    "the CD28 surface receptor of T cells": [(4, 25), (4, 8)],
    "monocytes have no name here": [],
    "患者有高血压和糖尿病": [(3, 6), (7, 10)],
}


@pytest.fixture(scope="module")
def memorised(tokenizer, tmp_path_factory):
    """A tiny GLM that knows three texts by heart, asked as a server asks: by its chat template."""
    labels = LabelSet((EntityType("protein"), EntityType("疾病")))
    model = tiny("glm", tokenizer, initializer_range=0.02, max_position_embeddings=1024)
    rows = []
    for text, found in LEARNT.items():
        label = "疾病" if language_of(text) == "zh" else "protein"
        answer = symbolic.encode(text, [Entity(*span, label) for span in found], labels)
        chat = [asdict(turn) for turn in messages(text, Schema("", language_of(text), labels))]
        prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True)["input_ids"]
        rows.append((prompt, [*tokenizer(answer)["input_ids"], tokenizer.eos_token_id]))
    width = max(len(prompt) + len(end) for prompt, end in rows)
    ids, gold = (
        torch.tensor([(head + end + [fill] * width)[:width] for head, end in pairs])
        for fill, pairs in (
            (tokenizer.pad_token_id, rows),
            (-100, [([-100] * len(prompt), end) for prompt, end in rows]),
        )
    )
    optimiser = torch.optim.AdamW(model.parameters(), 5e-3)
    for _ in range(120):
        model(input_ids=ids, labels=gold).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    folder = tmp_path_factory.mktemp("memorised")
    for part in (model, tokenizer):
        part.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def transformers_serve(memorised, tmp_path_factory):
    """``transformers serve`` with that model."""
    pytest.importorskip("openai", reason="transformers serve is not installed: pip install .[dev]")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["from transformers.cli.transformers import main; main()", "serve", str(memorised)]
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    log = tmp_path_factory.mktemp("serve") / "log"
    with log.open("w") as out:
        running = subprocess.Popen(
            [sys.executable, "-c", *command, *options],
            stdout=out,
            stderr=out,
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
        )
    try:
        wait_for(running, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        running.terminate()
        running.wait(20)


def wait_for(running, url, log):
    for _ in range(600):
        assert running.poll() is None, log.read_text()
        try:
            return urlopen(url, timeout=5).close()
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer: {log.read_text()}")


def test_a_real_server_gives_what_its_model_has_learnt(transformers_serve, memorised):
    ner = EndpointPipeline(
        transformers_serve, model=str(memorised), entity_types=["protein", "疾病"]
    )
    ner.decoder.most_tokens = 80
    assert [spans(found) for found in ner(list(LEARNT), batch_size=2)] == list(LEARNT.values())
    assert ner.decoder.usage.requests == len(LEARNT)
    assert ner.decoder.usage.prompt_tokens > ner.decoder.usage.completion_tokens > 20


def test_a_model_that_a_real_server_does_not_have(transformers_serve):
    ner = EndpointPipeline(transformers_serve, model="nobody/nothing", entity_types=["protein"])
    with pytest.raises(RunError, match=f"{transformers_serve}: 4.*nobody/nothing"):
        ner("IL-2")
