"""Annotations that are stopped, begun twice or otherwise, or sent to a wrong place."""

import json
import os
import stat
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from llmner_hf import pipeline
from llmner_hf.cli import annotate as command
from llmner_hf.cli import main
from llmner_hf.core.entities import EntityType, Example, LabelSet, Prediction, Problem, ProblemKind
from llmner_hf.core.errors import InputError
from llmner_hf.core.schema import Schema
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.decoding.request import Request
from llmner_hf.pipelines import job
from llmner_hf.pipelines.files import annotate
from llmner_hf.pipelines.journal import Journal

EXAMPLES = [Example(str(i), f"IL-{i} binds.", (), "", "en") for i in range(6)]


class Stop(Exception):
    pass


def stop(finished):
    if finished:
        raise Stop


@pytest.fixture(scope="module")
def ner(tagger_folder):
    return pipeline("bioner", model=str(tagger_folder))


@pytest.fixture
def out(ner, tmp_path):
    """The name of a file of which two texts of six are finished."""
    with pytest.raises(Stop):
        annotate(ner, EXAMPLES, tmp_path / "out.jsonl", batch_size=2, progress=stop)
    return tmp_path / "out.jsonl"


def begun(out):
    return {path.name: path.read_bytes() for path in out.parent.iterdir()}


def test_what_is_done_is_written_beside_the_part(ner, out):
    assert sorted(begun(out)) == ["out.jsonl.part", "out.jsonl.part.json"]
    record = json.loads((out.parent / "out.jsonl.part.json").read_text("utf-8"))
    assert {"model", "settings", "selector", "engine", "input", "entity_types", "threshold"} <= {
        *record
    }
    assert str(out.parent) not in json.dumps(record)
    assert annotate(ner, EXAMPLES, out) == 2
    assert sorted(begun(out)) == ["out.jsonl"]


OTHERS = {
    "another entity_types": {"entity_types": ["gene"]},
    "another dataset": {"dataset": "genia"},
    "another sentences": {"sentences": False},
    "another repeats": {"repeats": False},
    "on another input": {"fields": {"0": {"year": 1999}}},
}


@pytest.mark.parametrize("message", OTHERS)
def test_other_options_are_refused_and_nothing_is_touched(ner, out, message):
    before = begun(out)
    with pytest.raises(InputError, match=message) as raised:
        annotate(ner, EXAMPLES, out, **OTHERS[message])
    assert "--restart" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert begun(out) == before
    assert annotate(ner, EXAMPLES, out, restart=True, **OTHERS[message]) == 0
    assert len(out.read_text("utf-8").splitlines()) == len(EXAMPLES)


def test_so_are_another_engine_and_another_model(ner, out, tagger_folder, tmp_path_factory):
    other = pipeline("bioner", model=str(tagger_folder), engine="reference")
    with pytest.raises(InputError, match=r'another engine \("Constrained.*, now "Reference'):
        annotate(other, EXAMPLES, out)
    with pytest.raises(InputError, match=r"another model .*another settings"):
        annotate(pipeline("bioner"), EXAMPLES, out)
    biased = replace(ner.settings, bracket_bias=1.0)
    with pytest.raises(InputError, match="begun with another settings; go on"):
        annotate(pipeline("bioner", model=str(tagger_folder), settings=biased), EXAMPLES, out)
    again = pipeline("bioner", model=os.path.relpath(tagger_folder))  # the same by another path
    assert annotate(again, EXAMPLES, out) == 2


@pytest.mark.parametrize("kept", ["", "{", "[]"])
def test_a_part_of_which_nothing_is_known_is_refused(ner, out, kept):
    (out.parent / "out.jsonl.part.json").write_text(kept)
    with pytest.raises(InputError, match=r"how it was begun; .*--restart"):
        annotate(ner, EXAMPLES, out)


def test_a_part_that_was_changed_is_refused(ner, out):
    part = out.parent / "out.jsonl.part"
    lines = part.read_bytes()
    part.write_bytes(lines.replace(b"IL-1", b"IL-9"))
    with pytest.raises(InputError, match="part:2: is not text '1' of the input"):
        annotate(ner, EXAMPLES, out)
    part.write_bytes(b"{\n")
    with pytest.raises(InputError, match="part:1: is not text '0'"):
        annotate(ner, EXAMPLES, out)


@pytest.mark.skipif(job.fcntl is None, reason="no locks on this system")
def test_two_writers_of_one_file(ner, tmp_path):
    out = tmp_path / "out.jsonl"

    def second(finished):
        with pytest.raises(InputError, match=r"out.jsonl.part: another process is writing it"):
            annotate(ner, EXAMPLES, out)
        with pytest.raises(InputError, match="another process"):
            annotate(ner, EXAMPLES, out, restart=True)

    annotate(ner, EXAMPLES, out, batch_size=2, progress=second)
    assert len(out.read_text("utf-8").splitlines()) == len(EXAMPLES)
    assert sorted(begun(out)) == ["out.jsonl"]


def test_a_long_text_tells_its_sentences(ner, tmp_path):
    told = []
    text = "IL-2 binds CD28 here. " * 1000
    annotate(
        ner,
        [Example("1", text, (), "", "en")],
        tmp_path / "out.jsonl",
        sentences_done=lambda done, total: told.append((done, total)),
    )
    assert told[0] == (0, 1000)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert len(told) > 10


@pytest.fixture
def texts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("IL-2 binds.")
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.jsonl").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "folder.jsonl", "--to", "json_lines"], "folder.jsonl: a folder; "),
        (["-o", "file/out.jsonl"], "file/out.jsonl: no file can be written in "),
        (["-o", "/proc/no/out.jsonl"], "/proc/no/out.jsonl: no file can be written in /proc"),
        (["-o", "out.jsonl", "--html", "folder.jsonl"], "folder.jsonl: a folder; name a file"),
        (["-o", "out.jsonl", "--batch-size", "-3"], "--batch-size -3: at least one text"),
    ],
)
def test_wrong_places_are_refused_before_any_work(texts, monkeypatch, capsys, arguments, message):
    monkeypatch.setattr(command, "_pipeline", lambda given: pytest.fail("a model was loaded"))
    before = sorted(path.name for path in texts.rglob("*"))
    assert main(["annotate", "a.txt", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"llmner: {message}")
    assert said.count("\n") == 1
    assert sorted(path.name for path in texts.rglob("*")) == before


def test_a_pipe_is_written_into_and_not_replaced(texts, tagger_folder):
    os.mkfifo("pipe.jsonl")
    reader = os.open("pipe.jsonl", os.O_RDONLY | os.O_NONBLOCK)
    given = ["annotate", "a.txt", "-o", "pipe.jsonl", "--model", str(tagger_folder)]
    assert main(given) == 0
    assert json.loads(os.read(reader, 9999))["text"] == "IL-2 binds."
    os.close(reader)
    assert stat.S_ISFIFO(os.stat("pipe.jsonl").st_mode)


def test_restart_on_the_command_line(texts, tagger_folder, capsys):
    (texts / "out.jsonl.part").write_text('{"id": "x"}\n')
    given = ["annotate", "a.txt", "-o", "out.jsonl", "--model", str(tagger_folder)]
    assert main(given) == 2
    assert "--restart" in capsys.readouterr().err
    assert main([*given, "--restart"]) == 0
    assert len((texts / "out.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("given", "way"),
    [
        (["annotate", "a.txt", "-o", "o.jsonl"], "the same command goes on where it was"),
        (["convert", "a.txt", "o.jsonl"], "the same command begins anew"),
    ],
)
def test_ctrl_c_is_one_line(texts, monkeypatch, capsys, given, way):
    from llmner_hf.cli import convert

    def interrupted(*_):
        raise KeyboardInterrupt

    for each in (command, convert):
        monkeypatch.setattr(each, "run", interrupted)
    assert main(given) == 130
    assert capsys.readouterr().err == f"llmner: {given[0]} was stopped; {way}\n"


# More characters than a batch may have before its sentences are kept.
LONG_TEXT = "".join(f"IL-{n} binds CD{n} in T cells, and aspirin {n} helps. " for n in range(600))


def steps_of(out):
    journal = out.parent / f"{out.name}.part.sentences"
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def test_a_run_killed_inside_a_document_goes_on_there(ner, tagger_folder, tmp_path, monkeypatch):
    place, out = tmp_path / "long.txt", tmp_path / "out.jsonl"
    place.write_text(LONG_TEXT, encoding="utf-8")
    own = ["annotate", str(place), "--model", str(tagger_folder), "-o"]
    assert main([*own, str(tmp_path / "whole.jsonl")]) == 0
    command = [sys.executable, "-m", "llmner_hf", *own, str(out)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while steps_of(out) < 3 and process.poll() is None:
        time.sleep(0.01)
    process.kill()
    process.wait()
    kept = steps_of(out)
    assert kept >= 3
    with (tmp_path / "out.jsonl.part.sentences").open("ab") as file:
        file.write(b'["half a st')
    asked = []
    decode = ConstrainedDecoder.decode

    def counting(self, requests, *rest):
        asked.append(len(requests))
        return decode(self, requests, *rest)

    monkeypatch.setattr(ConstrainedDecoder, "decode", counting)
    assert main([*own, str(out)]) == 0
    assert sum(asked) == 600 - 16 * kept
    assert entities_in(out) == entities_in(tmp_path / "whole.jsonl")
    assert sorted(begun(out)) == ["long.txt", "out.jsonl", "whole.jsonl"]


def entities_in(path):
    """The lines of a file; of scores but for the last digits.

    Which rows go through the model together hangs on how fast it was when it was measured, and with
    it the rounding of sums.
    """
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        for entity in row["entities"]:
            entity["score"] = pytest.approx(entity["score"], rel=1e-4)
    return rows


def test_sentences_of_another_run_are_not_taken(ner, tmp_path):
    example, out = Example("1", LONG_TEXT, (), "", "en"), tmp_path / "out.jsonl"

    def stop_within(done, total):
        if done:
            raise Stop

    def stopped(**options):
        with pytest.raises(Stop):
            annotate(ner, [example], out, sentences_done=stop_within, **options)

    stopped()
    assert steps_of(out) == 1
    with pytest.raises(InputError, match="another entity_types"):
        annotate(ner, [example], out, entity_types=["DNA"])
    stopped(entity_types=["DNA"], restart=True)
    assert steps_of(out) == 1
    journal = tmp_path / "out.jsonl.part.sentences"
    journal.write_text(journal.read_text("utf-8").replace('[["', '[[3, "'), "utf-8")
    with pytest.raises(InputError, match=r"sentences:1: is no step of a run .*--restart"):
        annotate(ner, [example], out, entity_types=["DNA"])


def test_problems_of_kept_sentences_are_counted(tmp_path):
    found = Prediction("", (), (Problem(ProblemKind.UNCLOSED, 3, "x"),))
    request = Request("", "IL-2", Schema("", "en", LabelSet((EntityType("DNA"),))))
    Journal(tmp_path / "a").step([request], lambda: [found])
    assert Journal(tmp_path / "a").step([request], lambda: pytest.fail("decoded anew")) == [found]
