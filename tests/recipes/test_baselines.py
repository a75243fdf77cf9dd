"""The baselines: what they find, what they cost, and that nothing is asked or lost twice."""

import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace

import pytest
from datasets import Dataset

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import FormatError, InputError, RunError
from llmner_hf.core.offsets import within
from llmner_hf.core.prompting import Message
from llmner_hf.core.schema import Schema
from llmner_hf.core.sentences import split
from llmner_hf.core.tagging import symbolic
from llmner_hf.corpora import builder
from llmner_hf.corpora.rows import FEATURES, to_row
from llmner_hf.decoding.remote.answers import MOST_REFUSED, Answers
from llmner_hf.decoding.remote.server import Server, Usage
from llmner_hf.paper.runs import Cost, System, trials
from llmner_hf.readers import bioc, brat, json_lines, pubtator
from tests.conftest import ROOT
from tests.doubles.servers import chat_server, completion

SCRIPT = ROOT / "recipes" / "reproduce" / "baselines.py"
KEY = "sk-very-secret"


@pytest.fixture(scope="module")
def baselines():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("baselines", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def found(text, *mentions, name="biored", identifier="1"):
    """An example with these (surface, label), each where the text first has it."""
    entities = tuple(
        Entity(text.index(surface), text.index(surface) + len(surface), label)
        for surface, label in mentions
    )
    return Example(identifier, text, entities, name, CORPORA[name].language)


ARTICLES = (
    found(
        "Aspirin and fever. We gave aspirin to mice [n = 3].\tNo fever was seen in mice.",
        *(("Aspirin", "Chemical"), ("fever", "Disease"), ("mice", "Species")),
        identifier="101",
    ),
    found(
        "BRCA1 in breast cancer. BRCA1 was mutated.",
        *(("BRCA1", "Gene"), ("breast cancer", "Disease")),
        identifier="PMC-7",
    ),
)
RECORDS = tuple(
    found(
        f"患者{number}有高血压，服用阿司匹林。",
        ("高血压", "疾病"),
        ("阿司匹林", "药物"),
        name="cmeee_v2",
    )
    for number in range(24)
)


def sentences(article):
    """The rows of an article, as builds make them."""
    return [
        Example(
            f"biored-{article.id}-{start:05d}",
            article.text[start:end],
            within((start, end), article.entities),
            "biored",
            "en",
        )
        for start, end in split(article.text, "en")
    ]


ROWS = {
    "biored": [row for article in ARTICLES for row in sentences(article)],
    "cmeee_v2": [replace(e, id=f"cmeee_v2-own-{i:05d}") for i, e in enumerate(RECORDS)],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two tagged datasets; the training texts are the test texts."""
    folder = tmp_path_factory.mktemp("data")
    for name, rows in ROWS.items():
        (folder / name).mkdir()
        how = {"style": "brief", "strategy": "symbolic"}
        for part in ("train", "test"):
            made = [to_row(row, Schema.of_corpus(name), **how) for row in rows]
            Dataset.from_list(made, features=FEATURES).to_parquet(folder / name / f"{part}.parquet")
    return folder


def scores(run):
    return {trial.name: trial.scores("predicted").strict for trial in trials(run)}


def test_rows_are_sentences_of_the_articles():
    assert len(ROWS["biored"]) == 5
    assert sum(len(row.entities) for row in ROWS["biored"]) == 5


def test_the_dictionary_finds_what_training_texts_name(baselines, data, tmp_path, capsys):
    options = ["--data", str(data), "-o", str(tmp_path), "--only", "biored", "cmeee_v2"]
    assert baselines.main(["dictionary", *options]) == 0
    assert System.load(tmp_path).title == "dictionary"
    assert System.load(tmp_path).training is None
    assert "python recipes/reproduce/baselines.py dictionary" in System.load(tmp_path).command
    measured = scores(tmp_path)
    assert measured["cmeee_v2"].f1 == 1.0
    # What gold has once in an article, the dictionary finds wherever it stands.
    assert measured["biored"].correct == 5
    assert measured["biored"].predicted > 5
    assert "BioRED: 5 texts" in capsys.readouterr().out


# Endpoints.


def right(body):
    """A record of 24, tagged as it should be."""
    text = body["messages"][-1]["content"].rsplit("\n", 1)[1]
    (row,) = [row for row in ROWS["cmeee_v2"] if row.text == text]
    return symbolic.encode(row.text, row.entities, CORPORA["cmeee_v2"].labels), "stop"


def billed(body):
    """The same with 100 tokens asked and 10 answered."""
    return 200, completion(right(body)[0], prompt_tokens=100, completion_tokens=10), {}


class Billing(list):
    """Faults of a server that are no faults: every answer has its bill."""

    def __init__(self, server):
        super().__init__([None])
        self.server = server

    def pop(self, _):
        return billed(self.server.asked[-1][2])


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("LLMNER_API_KEY", KEY)
    with chat_server(right) as running:
        running.faults = Billing(running)
        yield running


def asking(server, data, out, *more):
    where = ["--url", server.url, "--model", "big", "--data", str(data), "-o", str(out)]
    return ["endpoint", *where, "--only", "cmeee_v2", *more]


def texts_of(server):
    """How often each text was asked for."""
    return Counter(b["messages"][-1]["content"].rsplit("\n", 1)[1] for _, _, b in server.asked)


def test_an_endpoint_is_asked_zero_shot_and_its_cost_is_kept(
    baselines, server, data, tmp_path, capsys
):
    prices = ("--price-in", "2.5", "--price-out", "10", "--title", "Big", "--rows", "6")
    assert baselines.main(asking(server, data, tmp_path, *prices)) == 0
    system = System.load(tmp_path)
    assert (system.title, system.backbone, system.training) == ("Big", "big", "zero-shot")
    assert system.rows == {"cmeee_v2": 6}
    assert system.cost == Cost(6, 600, 60, price=0.0021)  # 600 at 2.5 and 60 at 10 a million
    assert scores(tmp_path)["cmeee_v2"].f1 == 1.0
    ((_, authorization, body), *_) = server.asked
    assert authorization == f"Bearer {KEY}"
    assert "病原体及其分类名称" in body["messages"][-1]["content"]  # a definition
    shown = capsys.readouterr()
    written = "".join(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())
    assert KEY not in shown.out + shown.err + written


def test_what_has_an_answer_is_not_asked_again_and_costs_add_up(baselines, server, data, tmp_path):
    assert baselines.main(asking(server, data, tmp_path, "--rows", "6")) == 0
    assert baselines.main(asking(server, data, tmp_path)) == 0
    assert baselines.main(asking(server, data, tmp_path)) == 0
    assert set(texts_of(server).values()) == {1}
    assert System.load(tmp_path).cost == Cost(24, 2400, 240)
    assert System.load(tmp_path).rows == {}
    assert scores(tmp_path)["cmeee_v2"].f1 == 1.0


def test_a_killed_run_goes_on(baselines, server, data, tmp_path):
    """Of the first sixteen texts eight are answered, the others wait; then it is killed."""
    released, answered = threading.Event(), threading.Semaphore(8)

    class Slow(Billing):
        def pop(self, _):
            body = self.server.asked[-1][2]
            return None if not answered.acquire(blocking=False) else billed(body)

    def waiting(body):
        released.wait(60)
        return right(body)

    server.faults, server.answer = Slow(server), waiting
    kept = tmp_path / "answers.jsonl"
    run = subprocess.Popen(
        [sys.executable, SCRIPT, *asking(server, data, tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(1200):
            if kept.exists() and kept.read_bytes().count(b"\n") == 8 == server.busy:
                break
            assert run.poll() is None
            time.sleep(0.05)
    finally:
        run.kill()
        run.wait(20)
    assert kept.read_bytes().count(b"\n") == 8
    assert not list(tmp_path.glob("*.predicted.jsonl"))
    before = texts_of(server)
    server.faults = Billing(server)
    released.set()
    assert baselines.main(asking(server, data, tmp_path)) == 0
    again = texts_of(server) - before
    assert len(again) == 24 - 8
    assert set(again.values()) == {1}
    assert System.load(tmp_path).cost == Cost(24, 2400, 240)
    assert scores(tmp_path)["cmeee_v2"].f1 == 1.0


def test_a_run_folder_holds_one_system(baselines, server, data, tmp_path, capsys):
    assert baselines.main(asking(server, data, tmp_path, "--rows", "1")) == 0
    options = ["--data", str(data), "-o", str(tmp_path), "--only", "biored"]
    assert baselines.main(["dictionary", *options]) == 2
    assert "holds 'big' already; name another folder" in capsys.readouterr().err


def test_a_server_that_fails_is_one_line(baselines, server, data, tmp_path, capsys):
    server.faults = [(401, b"no such key", {})] * 40
    assert baselines.main(asking(server, data, tmp_path)) == 1
    assert "401" in capsys.readouterr().err


def test_a_url_with_a_key_is_written_nowhere(baselines, data, tmp_path, capsys):
    out = tmp_path / "run"
    where = ["--url", f"http://me:{KEY}@host/v1", "--model", "m", "--data", str(data)]
    assert baselines.main(["endpoint", *where, "-o", str(out), "--only", "cmeee_v2"]) == 2
    assert "holds a password" in (error := capsys.readouterr().err)
    assert KEY not in error
    assert not out.exists()


MESSAGES = [[Message("user", f"text {number}")] for number in range(40)]


def answers(server, path):
    return Answers(Server(server.url, "m", KEY, pause=0.01), path)


def test_a_torn_line_is_cut_off_and_another_model_is_asked(tmp_path):
    path = tmp_path / "answers.jsonl"
    with chat_server(lambda _: ("yes", "stop")) as server:
        first = answers(server, path).complete(MESSAGES[0], 8)
        whole = path.read_bytes()
        path.write_bytes(whole + whole[:20])
        again = answers(server, path)
        assert path.read_bytes() == whole
        assert again.complete(MESSAGES[0], 8) == first
        assert again.usage == Usage(1, 0, 0)
        assert len(server.asked) == 1
        again.complete(MESSAGES[0], 9)
        Answers(Server(server.url, "other"), path).complete(MESSAGES[0], 8)
        assert len(server.asked) == 3
    assert KEY not in repr(again) + path.read_text(encoding="utf-8")


def test_another_file_is_refused(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_text('{"id": "1", "text": "no answer"}\n', encoding="utf-8")
    with pytest.raises(FormatError, match=r"answers.jsonl:1: no answer of a server"):
        Answers(Server("http://host/v1", "m"), path)


def test_a_refused_text_is_counted_and_asked_again_later(tmp_path):
    path = tmp_path / "answers.jsonl"
    with chat_server(lambda _: ("yes", "stop"), [(400, b"filtered", {})]) as server:
        made = answers(server, path)
        assert [made.complete(one, 8).text for one in MESSAGES[:2]] == ["", "yes"]
        assert (made.refused, made.usage.requests) == (1, 1)
        assert answers(server, path).complete(MESSAGES[0], 8).text == "yes"


def test_many_refusals_are_an_error(tmp_path):
    with chat_server(lambda _: ("yes", "stop"), [(400, b"no such option", {})] * 99) as server:
        made = answers(server, tmp_path / "answers.jsonl")
        with pytest.raises(RunError, match="400 Bad Request: no such option"):
            list(map(made.complete, MESSAGES, [8] * len(MESSAGES)))
    assert made.refused == MOST_REFUSED + 1


# Predictions of other tools.


def write_bioc(path, examples):
    """Title and abstract as passages of BioC JSON, each with its annotations."""
    documents = []
    for example in examples:
        cut = example.text.find(". ") + 2 or len(example.text)
        parts = [(start, end) for start, end in ((0, cut), (cut, len(example.text))) if start < end]
        passages = [
            {
                "offset": start,
                "text": example.text[start:end],
                "annotations": [
                    {
                        "infons": {"type": e.label},
                        "text": e.surface(example.text),
                        "locations": [{"offset": e.start, "length": e.end - e.start}],
                    }
                    for e in example.entities
                    if start <= e.start < end
                ],
            }
            for start, end in parts
        ]
        documents.append({"id": example.id, "passages": passages})
    path.write_text(json.dumps({"documents": documents}), encoding="utf-8")


WRITERS = {
    "pubtator": pubtator.write,
    "bioc": write_bioc,
    "brat": brat.write,
    "json_lines": lambda path, examples: json_lines.write(path, map(json_lines.gold_row, examples)),
}


def reading(data, out, path, *more, name="biored"):
    where = ["--dataset", name, "--file", str(path), "--data", str(data), "-o", str(out)]
    return ["predictions", "--title", "Tool", *where, *more]


@pytest.mark.parametrize("given", [*ROWS, "articles"])
@pytest.mark.parametrize("form", WRITERS)
def test_gold_written_and_read_back_is_right(baselines, data, tmp_path, capsys, form, given):
    name = "biored" if given == "articles" else given
    examples = ARTICLES if given == "articles" else ROWS[given]
    path = tmp_path / "file"
    WRITERS[form](path, examples)
    out = tmp_path / "run"
    assert baselines.main(reading(data, out, path, "--format", form, name=name)) == 0
    measured = scores(out)[name]
    assert (measured.f1, measured.correct) == (1.0, sum(len(row.entities) for row in ROWS[name]))
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in shown if "composite" not in line] == shown[:1]  # nothing was lost
    assert System.load(out).backbone == "Tool"


def test_what_is_lost_on_the_way_is_counted(baselines, data, tmp_path, capsys):
    """An entity across two rows, one document left out, one of another corpus."""
    first, _ = ARTICLES
    crossing = Entity(12, 25, "Disease")
    assert (0, 18) in split(first.text, "en")
    path = tmp_path / "file.jsonl"
    other = found("Nothing of ours.", identifier="999")
    changed = replace(first, entities=(*first.entities, crossing, Entity(27, 34, "Thing")))
    WRITERS["json_lines"](path, [changed, other])
    assert baselines.main(reading(data, tmp_path / "run", path)) == 0
    shown = capsys.readouterr().out.splitlines()
    assert set(shown[1:]) == {
        f"1: {baselines.LOST}",
        f"2: {baselines.NO_DOCUMENT}",
        f"1: {baselines.OTHER_DOCUMENT}",
        "1: mention of another type: Thing",
    }
    measured = scores(tmp_path / "run")["biored"]
    assert (measured.correct, measured.predicted, measured.gold) == (3, 3, 5)


def test_types_have_other_names(baselines, data, tmp_path):
    """Names as given, of the corpus's own files, and ours."""
    theirs = {"Gene": "GeneOrGeneProduct", "Disease": "DISO"}
    examples = [
        replace(
            article,
            entities=tuple(
                replace(e, label=theirs.get(e.label, e.label)) for e in article.entities
            ),
        )
        for article in ARTICLES
    ]
    path = tmp_path / "file.pubtator"
    pubtator.write(path, examples)
    more = ("--types", "DISO=Disease")
    assert baselines.main(reading(data, tmp_path / "run", path, *more)) == 0
    assert scores(tmp_path / "run")["biored"].f1 == 1.0


def test_another_text_is_an_error_that_says_where(baselines, data, tmp_path, capsys):
    first, second = ARTICLES
    place = second.text.index("mutated")
    path = tmp_path / "file.jsonl"
    changed = replace(second, text=second.text.replace("mutated", "Mutated"))
    WRITERS["json_lines"](path, [first, changed])
    assert baselines.main(reading(data, tmp_path / "run", path)) == 2
    error = capsys.readouterr().err
    assert f"{path}: document 'PMC-7' has 'M' at character {place}, where row" in error
    assert "'biored-PMC-7-00024' of the test set has 'm'" in error


def test_a_text_that_ends_early_is_another_text(baselines):
    first, _ = ARTICLES
    short = replace(first, text=first.text[:30], entities=())
    with pytest.raises(InputError, match=r"has '' at character 30, where row 'biored-101-00019'"):
        baselines.cut([short], ROWS["biored"], "file")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--types", "X=Genes"), "BioRED has no type 'Genes'; its types are Gene, Disease"),
        (("--types", "Gene"), "BioRED has no type ''"),
    ],
)
def test_a_mapping_to_no_type_is_refused(baselines, data, tmp_path, capsys, more, message):
    path = tmp_path / "file.jsonl"
    WRITERS["json_lines"](path, ARTICLES)
    assert baselines.main(reading(data, tmp_path / "run", path, *more)) == 2
    assert message in capsys.readouterr().err


def test_a_file_about_other_texts_is_refused(baselines, data, tmp_path, capsys):
    path = tmp_path / "file.jsonl"
    WRITERS["json_lines"](path, [found("Nothing of ours.", identifier="999")])
    assert baselines.main(reading(data, tmp_path / "run", path)) == 2
    assert "none of its 1 documents is in the test set of BioRED" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "folder", "file", "read"),
    [
        ("biored", "biored", "Test.PubTator.xz", pubtator.read),
        ("biored", "biored", "Test.BioC.XML.xz", bioc.read),
        ("ncbi_disease", "ncbi_disease", "NCBItestset_corpus.txt.xz", pubtator.read),
        ("bc5cdr_chemical", "bc5cdr", "CDR_TestSet.PubTator.txt.xz", pubtator.read),
    ],
)
def test_the_real_documents_are_cut_to_the_real_rows(baselines, shared, name, folder, file, read):
    source = shared / "corpora" / folder
    rows = builder(name).read(source, tested=True)[0]["test"].examples
    documents = read(source / file, dataset=name, language="en")
    documents = baselines.named(
        documents, replace(CORPORA[name], source_names=baselines.types_of(name, []))
    )
    got, counts = baselines.cut(documents.examples, rows, source / file)
    assert got == {row.id: row.entities for row in rows}
    assert counts == {}
