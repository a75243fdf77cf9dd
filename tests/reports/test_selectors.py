"""Tables III and IV from a run folder, the numbers those of the scorer; figures are real images."""

import csv

import pytest

from llmner_hf.cli import main
from llmner_hf.core.calibration import reliability
from llmner_hf.core.entities import Entity, Example, Prediction, ScoredEntity
from llmner_hf.core.errors import InputError
from llmner_hf.core.scoring import paired_bootstrap, score
from llmner_hf.readers.json_lines import gold_row, predicted_row, write
from llmner_hf.reports.diagrams import reliability_diagram
from llmner_hf.reports.runs import trials
from llmner_hf.reports.selectors import TABLE_III, TABLE_IV, results

TEXT = "IL-2 gene and IL-4 gene"
SPANS = [(0, 9, "DNA"), (0, 4, "protein"), (14, 18, "protein"), (5, 9, "DNA"), (10, 13, "DNA")]


def examples(dataset):
    """Twelve texts with some of the first three entities."""
    many = [tuple(Entity(*span) for span in SPANS[: n % 4]) for n in range(12)]
    return [Example(f"{dataset}-{n}", TEXT, gold, dataset, "en") for n, gold in enumerate(many)]


def found(example, keep):
    chosen = [Entity(*span) for n, span in enumerate(SPANS) if keep(n)]
    return Prediction(example.id, tuple(ScoredEntity(entity, 0.5) for entity in chosen))


@pytest.fixture
def run(tmp_path):
    """The tagger finds everything everywhere, the selector drops the last two, a third is ours."""
    systems = {"predicted": lambda n: True, "llm_cls": lambda n: n < 3, "ours|": lambda n: n < 1}
    for dataset in ("genia", "cmeee_v2"):
        gold = examples(dataset)
        write(tmp_path / f"{dataset}.gold.jsonl", map(gold_row, gold))
        for system, keep in systems.items():
            rows = (predicted_row(TEXT, found(example, keep)) for example in gold)
            write(tmp_path / f"{dataset}.{system}.jsonl", rows)
    return tmp_path


def test_the_numbers_are_the_scorers(run, tmp_path, capsys):
    assert (
        main(["report", "selector", str(run), "-o", str(tmp_path / "out"), "--samples", "50"]) == 0
    )
    written = (tmp_path / "out" / "selectors.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(written.splitlines()))
    assert [(row["dataset"], row["system"]) for row in rows] == [
        (dataset, system)
        for dataset in ("cmeee_v2", "genia")
        for system in ("predicted", "llm_cls", "ours|")
    ]
    gold = {e.id: e.entities for e in examples("genia")}
    alone, selected = (
        {e.id: found(e, keep).entities for e in examples("genia")}
        for keep in (lambda n: True, lambda n: n < 3)
    )
    expected, row = score(gold, selected), rows[4]
    assert float(row["f1"]) == expected.strict.f1
    assert int(row["missed"]) == expected.errors.missed == 0
    assert [int(row[name]) for name in ("type", "span", "type_span", "spurious")] == [
        getattr(expected.errors, name) for name in ("type", "span", "type_span", "spurious")
    ]
    comparison = paired_bootstrap(gold, selected, alone, samples=50)
    assert float(row["f1_gained"]) == comparison.difference.value > 0
    assert float(row["p_value"]) == comparison.p_value
    assert rows[3]["f1_gained"] == ""
    shown = capsys.readouterr().out
    assert (tmp_path / "out" / "selectors.md").read_text(encoding="utf-8").strip() == shown.strip()
    assert "84.56 / 77.28 / 80.76" in shown
    assert "74 / 218 / 157 / 121" in shown
    assert r"ours\|" in shown


def test_the_papers_numbers_hold_together():
    """F1 follows from P and R, as far as they are rounded; the selector has fewer errors."""
    for precision, recall, f1 in TABLE_III.values():
        assert 2 * precision * recall / (precision + recall) == pytest.approx(f1, abs=0.015)
    alone, selected = TABLE_IV.values()
    assert all(one > other for one, other in zip(alone, selected, strict=True))


def test_the_tagger_is_compared_with_nothing(run):
    for _, system, _, comparison in results(trials(run), samples=10):
        assert (comparison is None) == (system == "predicted")


def test_a_folder_without_what_is_needed_is_refused(run, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no DATASET\.gold\.jsonl"):
        trials(tmp_path / "empty")
    (run / "genia.predicted.jsonl").unlink()
    with pytest.raises(InputError, match=r"no genia\.predicted\.jsonl"):
        trials(run)


def test_the_reliability_diagram_is_a_png(tmp_path):
    from PIL import Image

    bins = reliability([0.1, 0.4, 0.45, 0.9], [False, True, False, True])
    reliability_diagram(tmp_path / "one.png", {"before": bins, "after": ()})
    with Image.open(tmp_path / "one.png") as image:
        assert image.format == "PNG"
        assert image.width > image.height
