"""The comparison of selectors: thresholds come from validation, and act on the test set."""

import importlib.util

import pytest

from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet, Prediction, ScoredEntity
from llmner_hf.readers.json_lines import gold_row, write
from llmner_hf.reports.runs import trials
from llmner_hf.selector.candidates import Candidate
from llmner_hf.settings import Schema
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


def part(comparing, folder, scores):
    """Texts that each hold one gold entity, which has the first score, and a wrong one."""
    folder.mkdir(exist_ok=True)
    examples = [Example(str(i), f"{TEXT} {i}", (GOLD,), "ours", "en") for i in range(len(scores))]
    made = comparing.Part("ours", examples, SCHEMA, folder)
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
    row = comparing.apply("predicted", [validation], [test], "")
    (trial,) = trials(tmp_path / "run")
    assert trial.found["own_probability"] == {"0": (GOLD, WRONG), "1": (), "2": (GOLD,)}
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
    known = comparing.Known(test.scores("doubtful", "judged"))
    texts = [Candidate(test.examples[0].text, entity, SCHEMA) for entity in judged.entities]
    assert known.logits(texts) == pytest.approx([-5.0, -5.0])
