"""Tables III and IV from a run folder, the numbers those of the scorer."""

import csv

import pytest

from llmner_hf.core.calibration import reliability
from llmner_hf.core.scoring import bootstrap, paired_bootstrap, score
from llmner_hf.paper.results import measure
from llmner_hf.paper.runs import runs
from llmner_hf.paper.selectors import CLASSES, table_3, table_4
from llmner_hf.rendering.diagrams import reliability_diagram
from tests.doubles.runs import EVERYTHING, LONG, RIGHT, examples, found, system, write_run


@pytest.fixture
def results(tmp_path):
    """The tagger finds everything everywhere, the selector drops what is wrong, a third is ours."""
    systems = {"predicted": EVERYTHING, "llm_cls": RIGHT, "ours|": LONG}
    write_run(tmp_path / "run", system(), ["genia", "cmeee_v2"], systems)
    write_run(tmp_path / "alone", system("other"), ["genia"], {"predicted": LONG})
    return measure(runs(tmp_path), samples=50)


def written(table, folder):
    """The rows of its CSV."""
    table.write(folder)
    text = (folder / f"{table.name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_the_numbers_are_the_scorers(results, tmp_path):
    rows = written(table_3(results), tmp_path)
    ran = [row for row in rows if row["F1"] != "not run"]
    assert [(row["corpus"], row["selector"]) for row in ran] == [
        (corpus, name)
        for corpus in ("CMeEE-V2", "GENIA")
        for name in ("tagger alone", "LLM-CLS", "ours|")
    ]
    gold = {e.id: e.entities for e in examples("genia")}
    alone, selected = (
        {e.id: found(e, keep).entities for e in examples("genia")} for keep in (EVERYTHING, RIGHT)
    )
    row, strict = ran[4], score(gold, selected).strict
    assert float(row["P"]) == pytest.approx(100 * strict.precision, abs=1e-6)
    assert float(row["R"]) == pytest.approx(100 * strict.recall, abs=1e-6)
    interval = bootstrap(gold, selected, samples=50).f1
    for name, value in (("F1", interval.value), ("F1 low", interval.low)):
        assert float(row[name]) == pytest.approx(100 * value, abs=1e-6)
    gained = paired_bootstrap(gold, selected, alone, samples=50)
    assert float(row["F1 gained"]) == pytest.approx(100 * gained.difference.value, abs=1e-6)
    assert float(row["F1 gained high"]) == pytest.approx(100 * gained.difference.high, abs=1e-6)
    assert float(row["p"]) == pytest.approx(gained.p_value, abs=1e-6)
    assert [row[f"paper {name}"] for name in ("P", "R", "F1")] == ["84.56", "77.28", "80.76"]
    assert ran[3]["F1 gained"] == ran[3]["p"] == ""
    assert ran[5]["paper F1"] == ""


def test_errors_by_hand(results, tmp_path):
    """Of twelve texts three each have no gold entity, the first, two, three; the rest is wrong."""
    rows = written(table_4(results), tmp_path)
    assert (rows[0]["paper type"], rows[1]["paper spurious"]) == ("84", "121")
    heads = ("type", "span", "type & span", "spurious", "missed")
    # Every text: [29:36] and [10:13] overlap nothing. Without gold all six are spurious; with the
    # DNA alone [0:4] overlaps another type, [5:9] its own; the third text has [0:4] right.
    assert [int(rows[0][head]) for head in heads] == [0, 9, 3, 3 * (6 + 3 + 3 + 2), 0]
    errors = score(
        {e.id: e.entities for e in examples("genia")},
        {e.id: found(e, LONG).entities for e in examples("genia")},
    ).errors
    assert [int(rows[5][head]) for head in heads] == [
        getattr(errors, name) for name in (*CLASSES, "missed")
    ]


def test_what_was_not_run_is_said_to_be(results, tmp_path):
    rows = written(table_3(results), tmp_path)
    missing = [(row["corpus"], row["selector"]) for row in rows if row["F1"] == "not run"]
    assert missing == [
        (corpus, name) for corpus in ("CMeEE-V2", "GENIA") for name in ("BERT-CLS", "LLM-CAUSAL")
    ]
    assert rows[-1]["paper F1"] == "80.49"


def test_the_tagger_is_compared_with_nothing(results):
    assert {result.selector for result in results.all if not result.gained} == {"predicted"}


def test_the_reliability_diagram_is_a_png(tmp_path):
    from PIL import Image

    bins = reliability([0.1, 0.4, 0.45, 0.9], [False, True, False, True])
    reliability_diagram(tmp_path / "one.png", {"before": bins, "after": ()})
    with Image.open(tmp_path / "one.png") as image:
        assert image.format == "PNG"
        assert image.width > image.height
