"""What is improbable is dropped, what stays keeps its place and gets a calibrated score; tuning
finds temperature and threshold."""

import json
from dataclasses import replace

import pytest

from llmner_hf.core.calibration import calibration_error, probability, temperature
from llmner_hf.core.entities import Entity, Example, Prediction, Problem, ProblemKind, ScoredEntity
from llmner_hf.core.errors import InputError, SettingError
from llmner_hf.core.scoring import score
from llmner_hf.selector.filtering import Selector, with_threshold
from llmner_hf.selector.tuning import tune
from llmner_hf.settings import SelectorSettings
from tests.doubles.selecting import ENGLISH

TEXT = "IL-2 gene and IL-4 gene"
SCHEMA = ENGLISH


class Fixed:
    """Logits that are known: by the length of the candidate."""

    def __init__(self, logits):
        self.by_length = logits
        self.asked = []

    def logits(self, candidates, batch_size=64):
        self.asked += candidates
        return [self.by_length[c.entity.end - c.entity.start] for c in candidates]


def prediction(name, *spans, problems=()):
    scored = tuple(ScoredEntity(Entity(*span, "DNA"), 0.99) for span in spans)
    return Prediction(name, scored, problems)


def test_what_is_below_the_threshold_goes_and_the_rest_is_calibrated():
    scorer = Fixed({4: 3.0, 9: 0.0, 2: -1.0})
    problem = Problem(ProblemKind.DERAILED)
    first = prediction("a", (0, 4), (0, 9), (5, 7), problems=(problem,))
    selected = Selector(scorer, threshold=0.5, temperature=2.0).select(
        [first, prediction("b")], [TEXT, TEXT], [SCHEMA, SCHEMA]
    )
    assert [p.id for p in selected] == ["a", "b"]
    assert selected[0].problems == (problem,)
    assert [found.entity.span for found in selected[0].scored] == [(0, 9), (0, 4)]
    assert [found.score for found in selected[0].scored] == [0.5, probability(1.5)]
    assert {c.text for c in scorer.asked} == {TEXT}


def test_without_a_threshold_everything_stays():
    selector = Selector(Fixed({4: -9.0}), threshold=None)
    (selected,) = selector.select([prediction("a", (0, 4))], [TEXT], [SCHEMA])
    assert [found.score for found in selected.scored] == [probability(-9.0)]


OTHER = replace(SCHEMA, title="Other")


def test_a_dataset_with_a_threshold_of_its_own_is_cut_there():
    """0.5 and 0.95 are left; made-up types and other datasets have the general threshold."""
    selector = Selector(Fixed({4: 3.0, 9: 0.0}), 0.9, thresholds={SCHEMA.title: 0.4})
    unknown, untitled = OTHER, replace(SCHEMA, title="")
    selected = selector.select(
        [prediction(name, (0, 4), (0, 9)) for name in "abc"],
        [TEXT] * 3,
        [SCHEMA, unknown, untitled],
    )
    assert [[e.span for e in p.entities] for p in selected] == [
        [(0, 9), (0, 4)],
        [(0, 4)],
        [(0, 4)],
    ]


def test_a_threshold_takes_the_place_of_all_of_the_selectors_own():
    selector = Selector(Fixed({4: 3.0, 9: 0.0}), 0.5, thresholds={SCHEMA.title: 0.4})
    assert with_threshold(selector, None) is selector
    everything = [prediction("a", (0, 4), (0, 9))]
    for threshold, kept in ((0.0, 2), (0.9, 1), (1.0, 0)):
        cut = with_threshold(selector, threshold)
        assert len(cut.select(everything, [TEXT], [SCHEMA])[0].scored) == kept
    assert with_threshold(None, None) is None


@pytest.mark.parametrize(("selector", "threshold"), [(None, 0.3), (Selector(Fixed({})), 1.5)])
def test_a_threshold_that_would_do_nothing_or_nonsense_is_refused(selector, threshold):
    with pytest.raises(SettingError, match=f"threshold.*{threshold}"):
        with_threshold(selector, threshold)


def example(name, *spans):
    return Example(name, TEXT, tuple(Entity(*span, "DNA") for span in spans), "ours", "en")


def test_tuning_tells_the_f1_of_tagger_and_selector(tmp_path):
    own = Selector(Fixed({4: 4.0, 9: 1.0, 2: -8.0}))
    examples = [example("a", (0, 9), (14, 18)), example("b", (0, 4)), example("c", (14, 23))]
    predictions = [
        prediction("b", (0, 4), (5, 7)),
        prediction("a", (0, 4), (0, 9), (5, 7)),
        prediction("c"),
    ]
    tuning = tune(own, examples, predictions, {"ours": SCHEMA})
    assert (tuning.every.candidates, tuning.every.missed) == (5, 2)

    def f1(predicted):
        gold = {e.id: e.entities for e in examples}
        return score(gold, {p.id: p.entities for p in predicted}).strict.f1

    assert tuning.every.f1 == f1(predictions)
    selected = tuning.applied(own).select(predictions, [TEXT] * 3, [SCHEMA] * 3)
    assert tuning.every.selected == f1(selected) > tuning.every.f1
    assert tuning.every.threshold == tuning.every.best.f1 / 2
    found = [4.0, -8.0, 4.0, 1.0, -8.0]
    right = [True, False, False, True, False]
    assert tuning.temperature == pytest.approx(temperature(found, right), rel=1e-6)
    for calibration, heat in ((tuning.before, 1.0), (tuning.after, tuning.temperature)):
        own = [probability(logit, heat) for logit in found]
        assert calibration.error == pytest.approx(calibration_error(own, right))

    SelectorSettings(reading="twice").save(tmp_path)
    tuning.save(tmp_path)
    stored = SelectorSettings.load(tmp_path / "selector.json")
    assert (stored.threshold, stored.temperature) == (tuning.every.threshold, tuning.temperature)
    assert json.loads((tmp_path / "selector.json").read_text())["reading"] == "twice"


def test_tuning_needs_a_prediction_for_every_example():
    with pytest.raises(InputError, match="the same ids"):
        tune(Selector(Fixed({})), [example("a")], [prediction("b")], {"ours": SCHEMA})


def two_datasets():
    """In one every entity is right; in the other those of nine characters are wrong."""
    first = [example(f"a{i}", (0, 4), (0, 9)) for i in range(10)]
    second = [replace(example(f"b{i}", (0, 4)), dataset="other") for i in range(20)]
    predictions = [prediction(e.id, (0, 4), (0, 9)) for e in (*first, *second)]
    return [*first, *second], predictions, {"ours": SCHEMA, "other": OTHER}


def test_each_dataset_gets_half_its_own_best_f1_as_threshold(tmp_path):
    own = Selector(Fixed({4: 3.0, 9: 0.0}))
    examples, predictions, schemas = two_datasets()
    tuning = tune(own, examples, predictions, schemas)
    ours, other = tuning.datasets[SCHEMA.title], tuning.datasets["Other"]
    assert (ours.candidates, other.candidates) == (20, 40)
    assert (ours.best.f1, other.best.f1) == (1.0, 1.0)  # all kept; those of nine characters not
    assert ours.threshold == other.threshold == 0.5
    assert tuning.every.best.f1 == 2 * 30 / (30 + 40)  # none of nine characters kept
    assert tuning.every.threshold == 30 / 70
    for title, part in tuning.datasets.items():
        rows = [(p, e) for p, e in zip(predictions, examples, strict=True)]
        rows = [(p, e) for p, e in rows if schemas[e.dataset].title == title]
        gold = {e.id: e.entities for _, e in rows}
        alone = {p.id: p.entities for p, _ in rows}
        asked = [schemas[e.dataset] for _, e in rows]
        selected = tuning.applied(own).select([p for p, _ in rows], [TEXT] * len(rows), asked)
        assert part.f1 == score(gold, alone).strict.f1
        assert part.selected == score(gold, {p.id: p.entities for p in selected}).strict.f1

    SelectorSettings().save(tmp_path)
    tuning.save(tmp_path)
    stored = SelectorSettings.load(tmp_path / "selector.json")
    assert stored.thresholds == tuning.thresholds == tuning.applied(own).thresholds


def test_a_single_dataset_needs_no_threshold_beside_that_of_all():
    examples, predictions, schemas = two_datasets()
    tuning = tune(Selector(Fixed({4: 3.0, 9: 0.0})), examples[:10], predictions[:10], schemas)
    assert tuning.thresholds == {}


def test_made_up_types_get_none_of_their_own():
    examples, predictions, schemas = two_datasets()
    untitled = schemas | {"ours": replace(SCHEMA, title="")}
    tuning = tune(Selector(Fixed({4: 3.0, 9: 0.0})), examples, predictions, untitled)
    assert list(tuning.thresholds) == ["Other"]


def test_settings_of_before_there_were_thresholds_of_datasets_load(tmp_path):
    (tmp_path / "selector.json").write_text('{"reading": "twice", "threshold": 0.3}')
    assert SelectorSettings.load(tmp_path / "selector.json").thresholds == {}
    with pytest.raises(SettingError, match=r"threshold of GENIA must lie between 0 and 1, not 2"):
        SelectorSettings(thresholds={"GENIA": 2})
    with pytest.raises(SettingError, match="lines_apart needs reading twice"):
        SelectorSettings(lines_apart=True)
