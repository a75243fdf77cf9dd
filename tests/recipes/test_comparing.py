"""The comparison of selectors: thresholds come from validation, and act on the test set."""

import importlib.util
from dataclasses import replace

import pytest

from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet, Prediction, ScoredEntity
from llmner_hf.core.errors import InputError
from llmner_hf.core.schema import Schema
from llmner_hf.paper.runs import trials
from llmner_hf.readers.json_lines import gold_row, write
from llmner_hf.selector.candidates import Candidate
from llmner_hf.settings import TaggerSettings
from tests.conftest import ROOT

SCHEMA = Schema("", "en", LabelSet((EntityType("protein"),)))
TEXT = "IL-2 binds CD28 on T cells"
GOLD, WRONG = Entity(0, 4, "protein"), Entity(5, 10, "protein")


@pytest.fixture(scope="module")
def comparing():
    """The script as a module."""
    place = ROOT / "recipes" / "selector" / "compare.py"
    spec = importlib.util.spec_from_file_location("comparing", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def part(comparing, folder, scores, name="ours", schema=SCHEMA):
    """Texts that each hold one gold entity, which has the first score, and a wrong one."""
    folder.mkdir(exist_ok=True)
    examples = [
        Example(f"{name}-{i}", f"{TEXT} {name} {i}", (GOLD,), name, "en")
        for i in range(len(scores))
    ]
    made = comparing.Part(name, examples, schema, folder)
    write(made.file("gold"), map(gold_row, examples))
    predictions = [
        Prediction(e.id, (ScoredEntity(GOLD, right), ScoredEntity(WRONG, wrong)))
        for e, (right, wrong) in zip(examples, scores, strict=True)
    ]
    made.write("predicted", predictions)
    return made


def test_a_threshold_is_chosen_on_validation_and_applied_to_the_test_set(comparing, tmp_path):
    validation = part(comparing, tmp_path / "validation", [(0.9, 0.2), (0.8, 0.3)])
    test = part(comparing, tmp_path / "run", [(0.9, 0.9), (0.1, 0.1), (0.7, 0.2)])
    for known in (validation, test):
        known.write("own_probability", known.found("predicted"), "judged")
    tuning = comparing.tuned("own_probability", [validation])
    row = comparing.apply(tuning, "own_probability", [test])
    (trial,) = trials(tmp_path / "run")
    found = trial.found["own_probability"]
    assert found == {"ours-0": (GOLD, WRONG), "ours-1": (), "ours-2": (GOLD,)}
    assert trial.scores("own_probability").strict.correct == 2
    cells = [cell.strip() for cell in row.strip("| ").split("|")]
    assert cells[:3] == ["own_probability", "4", "0"]
    assert cells[5:7] == ["66.67", "100.00"]  # F1 on validation, before and after
    assert (tmp_path / "run" / "own_probability.png").stat().st_size > 1000


def test_every_candidate_is_judged_once_and_none_is_dropped(comparing, tmp_path):
    class Doubtful:
        """Thinks everything improbable."""

        def logits(self, candidates, batch_size=64):
            return [-5.0] * len(candidates)

    made = []
    test = part(comparing, tmp_path, [(0.9, 0.9)])
    for _ in range(2):  # the second time the file is there
        comparing.judge("doubtful", lambda: made.append(1) or Doubtful(), [test])
    assert made == [1]
    (judged,) = test.found("doubtful", "judged")
    assert judged.entities == (GOLD, WRONG)
    known = comparing.Known(test.scores("doubtful"))
    texts = [Candidate(test.examples[0].text, entity, SCHEMA) for entity in judged.entities]
    assert known.logits(texts) == pytest.approx([-5.0, -5.0])


def test_every_choice_of_a_threshold_is_measured_on_the_test_set(comparing, tmp_path):
    """In one corpus the selector tells right from wrong, in the other half of the time."""
    titled = {name: replace(SCHEMA, title=name) for name in ("one", "two")}
    scores = {"one": [(0.9, 0.3)] * 4, "two": [(0.6, 0.45), (0.45, 0.6)]}
    validation, test = (
        [part(comparing, tmp_path / place, scores[n], n, s) for n, s in titled.items()]
        for place in ("validation", "run")
    )
    for known in (*validation, *test):
        known.write("own_probability", known.found("predicted"), "judged")
    tuning = comparing.tuned("own_probability", validation)
    rows = [
        [cell.strip() for cell in row.strip("| ").split("|")]
        for row in comparing.choices(tuning, "own_probability", test)
    ]
    assert [row[:3] for row in rows] == [
        ["own_probability", "one", "8"],
        ["own_probability", "two", "4"],
    ]
    for row, tuned in zip(rows, tuning.datasets.values(), strict=True):
        expected = (tuning.every.threshold, tuned.best.threshold, tuned.threshold)
        assert [float(cell) for cell in row[3:6]] == pytest.approx(expected, abs=1e-3)
    assert [row[6:] for row in rows] == [
        ["66.67", "100.00", "100.00", "100.00"],
        ["66.67", "50.00", "66.67", "66.67"],
    ]


def test_a_run_folder_is_of_one_tagger(comparing, tmp_path, monkeypatch):
    model = tmp_path / "mine"
    model.mkdir()
    TaggerSettings().save(model)
    command = ["compare.py", "-o", str(tmp_path), "--model", str(model)]
    monkeypatch.setattr("sys.argv", command)
    system = comparing.described(comparing.parsed())
    assert (system.title, system.backbone, system.strategy) == ("mine, joint", "mine", "symbolic")
    system.save(tmp_path)
    comparing.described(comparing.parsed())  # again
    for other in (["--name", "another"], ["--rows", "5"]):
        monkeypatch.setattr("sys.argv", [*command, *other])
        with pytest.raises(InputError, match=r"holds mine, joint.*name another folder"):
            comparing.described(comparing.parsed())
