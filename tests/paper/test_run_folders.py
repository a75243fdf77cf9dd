"""Run folders: what they say survives writing and reading, and what is not whole is refused."""

import hashlib
import json
from dataclasses import replace

import pytest

from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import InputError
from llmner_hf.paper.results import measure
from llmner_hf.paper.runs import SYSTEM_FILE, Cost, System, runs, trials
from tests.doubles.runs import EVERYTHING, LONG, RIGHT, TEXT, examples, system, write_run


@pytest.mark.parametrize(
    "one",
    [
        system(),
        system("gpt", "json_list", "zero-shot", cost=Cost(3, 200, 40, 0.5), rows={"genia": 3}),
        system("gpt", "html", "zero-shot", cost=Cost(3, 200, 40)),
        System("词典", "dictionary", None, None, "python a.py"),
    ],
)
def test_a_system_is_read_as_it_was_written(one, tmp_path):
    one.save(tmp_path)
    assert System.load(tmp_path) == one
    row = json.loads((tmp_path / SYSTEM_FILE).read_text(encoding="utf-8"))
    assert ("rows" in row, "cost" in row) == (bool(one.rows), bool(one.cost))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"title": None}, "field 'title' is None; it has to be a string"),
        ({"strategy": "xml"}, "strategy 'xml' is not one of symbolic, html, json_list, null"),
        ({"training": "none"}, "training 'none' is not one of single, joint, zero-shot, null"),
        ({"rows": {"genia": "all"}}, "field 'genia' is 'all'; it has to be a whole number"),
        ({"rows": [3]}, "expected a JSON object"),
        ({"cost": {"requests": 1}}, "field 'prompt_tokens' is missing"),
        (
            {"cost": {"requests": 1, "prompt_tokens": 1, "completion_tokens": 1, "price": "1"}},
            "price '1' is not a number",
        ),
    ],
)
def test_a_wrong_record_is_refused_with_its_file(change, reason, tmp_path):
    system().save(tmp_path)
    path = tmp_path / SYSTEM_FILE
    row = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(row | change), encoding="utf-8")
    with pytest.raises(InputError) as raised:
        System.load(tmp_path)
    assert str(path) in str(raised.value)
    assert reason in str(raised.value)


def test_runs_are_found_at_any_depth_and_by_name(tmp_path):
    for name in ("b", "a/deep/er", "a/2"):
        write_run(tmp_path / name, system(), ["genia"], {"predicted": RIGHT})
    (tmp_path / "b" / "validation").mkdir()
    (tmp_path / "b" / "validation" / "genia.gold.jsonl").write_text("", encoding="utf-8")
    assert [run.name for run in runs(tmp_path)] == ["a/2", "a/deep/er", "b"]
    assert [run.name for run in runs(tmp_path / "b")] == ["b"]


def test_test_sets_come_in_the_order_of_the_catalogue(tmp_path):
    write_run(tmp_path / "run", system(), ["ours", "genia", "cmeee_v2"], {"predicted": RIGHT})
    (run,) = runs(tmp_path)
    assert [trial.title for trial in run.trials] == ["CMeEE-V2", "GENIA", "ours"]


def test_what_is_not_whole_is_refused(tmp_path):
    with pytest.raises(InputError, match="no run folder"):
        runs(tmp_path)
    with pytest.raises(InputError, match="no run folder"):
        runs(tmp_path / "nowhere")
    run = write_run(tmp_path / "run", system(), ["genia"], {"predicted": RIGHT, "llm_cls": RIGHT})
    predicted = run / "genia.predicted.jsonl"
    lines = predicted.read_text(encoding="utf-8").splitlines(keepends=True)
    predicted.write_text("".join(lines[:7]), encoding="utf-8")
    with pytest.raises(InputError, match=r"predicted\.jsonl: 5 of 12 texts .* 'genia-7'; finish"):
        runs(tmp_path)
    predicted.unlink()
    with pytest.raises(InputError, match=r"no genia\.predicted\.jsonl"):
        trials(run)
    (run / "genia.gold.jsonl").unlink()
    with pytest.raises(InputError, match=r"no DATASET\.gold\.jsonl"):
        trials(run)


def test_stated_rows_are_those_of_the_file(tmp_path):
    part = system(rows={"genia": 5})
    write_run(tmp_path / "run", part, ["genia"], {"predicted": RIGHT}, number=5)
    assert len(runs(tmp_path)[0].trials[0].examples) == 5
    replace(part, rows={"genia": 300}).save(tmp_path / "run")
    with pytest.raises(InputError, match="300 rows of genia, whose gold file holds 5"):
        runs(tmp_path)


def test_the_fingerprint_is_of_ids_texts_and_entities_in_order(tmp_path):
    run = write_run(tmp_path / "run", system(), ["genia"], {"predicted": RIGHT}, number=2)
    (trial,) = trials(run)
    lines = f'["genia-0", "{TEXT} 0", []]\n["genia-1", "{TEXT} 1", [[0, 9, "DNA"]]]\n'
    assert trial.fingerprint == hashlib.sha256(lines.encode()).hexdigest()
    zero, one = trial.examples
    for changed in (
        (one, zero),
        (zero,),
        (zero, replace(one, entities=(Entity(0, 4, "DNA"),))),
        (zero, replace(one, text=one.text + ".")),
        (replace(zero, id="genia-00"), one),
    ):
        assert replace(trial, examples=changed).fingerprint != trial.fingerprint


def test_two_runs_of_one_cell_must_agree(tmp_path):
    """The second may bring more of the same setup, or the same once more, and nothing else."""
    write_run(tmp_path / "a", system(), ["genia"], {"predicted": EVERYTHING})
    write_run(
        tmp_path / "b", system(), ["biored", "genia"], {"predicted": EVERYTHING, "llm_cls": RIGHT}
    )
    together = measure(runs(tmp_path), samples=5)
    assert [(r.trial.name, r.selector) for r in together.all] == [
        *(("genia", "predicted"), ("genia", "llm_cls")),
        *(("biored", "predicted"), ("biored", "llm_cls")),
    ]
    write_run(tmp_path / "c", system(), ["genia"], {"predicted": LONG})
    with pytest.raises(InputError, match=r"a and c are both 'tiny, joint' .* genia\.predicted"):
        measure(runs(tmp_path), samples=5)
    replace(system(), backbone="other").save(tmp_path / "c")
    assert len(measure(runs(tmp_path), samples=5).all) == 5


def test_one_cell_on_two_parts_of_a_test_set_is_refused(tmp_path):
    write_run(tmp_path / "a", system(), ["genia"], {"predicted": RIGHT})
    part = system(rows={"genia": 6})
    write_run(tmp_path / "b", part, ["genia"], {"predicted": RIGHT}, number=6)
    with pytest.raises(InputError, match="name another backbone"):
        measure(runs(tmp_path), samples=5)


def test_texts_of_the_fixture_differ():
    assert len({example.text for example in examples("genia")}) == 12
