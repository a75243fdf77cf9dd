"""``llmner calibrate``."""

from dataclasses import replace

import pytest

from llmner_hf.cli import main
from llmner_hf.core.calibration import temperature
from llmner_hf.core.entities import Entity, Example, Prediction, ScoredEntity
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.schema import Schema
from llmner_hf.readers.json_lines import gold_row, predicted_row, write
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.sharing import selector_at
from llmner_hf.settings import Gazetteer, SelectorSettings, TaggerSettings
from llmner_hf.tagger.tagger import Tagger
from tests.doubles.models import tiny
from tests.doubles.selecting import SETTINGS, adapter_on

TEXTS = {"genia": "IL-2 binds CD28", "cmeee_v2": "患者有高血压和糖尿病"}
LABELS = {"genia": "protein", "cmeee_v2": "疾病"}


@pytest.fixture(scope="module")
def base(tokenizer, tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    tiny("glm", tokenizer, seed=5).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    TaggerSettings(style="brief", max_depth=2, bracket_bias=3.0).save(folder)
    return folder


def files(folder, name, size):
    """Gold texts of a dataset, and what a tagger found there: what is gold, and what is not."""
    right, wrong = Entity(0, 4, LABELS[name]), Entity(5, 9, LABELS[name])
    examples = [
        Example(f"{name}-{i}", TEXTS[name], (right,), name, "zh" if name == "cmeee_v2" else "en")
        for i in range(size)
    ]
    found = (ScoredEntity(right, 0.5), ScoredEntity(wrong, 0.5))
    gold, predicted = folder / f"{name}.gold.jsonl", folder / f"{name}.predicted.jsonl"
    write(gold, map(gold_row, examples))
    write(predicted, (predicted_row(TEXTS[name], Prediction(e.id, found)) for e in examples))
    return str(gold), str(predicted)


def test_calibration_stores_a_threshold_for_each_dataset(base, tokenizer, tmp_path, capsys):
    place = adapter_on(base, tmp_path / "selector", tokenizer)
    made = [files(tmp_path, name, size) for name, size in (("genia", 3), ("cmeee_v2", 5))]
    gold, predicted = ([pair[i] for pair in made] for i in range(2))
    assert main(["calibrate", str(place), "--gold", *gold, "--predicted", *predicted]) == 0
    stored = SelectorSettings.load(place / "selector.json")
    assert set(stored.thresholds) == {"GENIA", "CMeEE-V2"}
    assert (place / "reliability.png").is_file()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("16 candidates, 0 gold entities")
    for title, candidates in (("GENIA", 6), ("CMeEE-V2", 10)):
        (line,) = (line for line in lines if line.startswith(title))
        chosen = f"threshold {stored.thresholds[title]:.3f} ({candidates} candidates): F1 66.67 -> "
        assert chosen in line
        assert "; at best " in line
    assert f"all: threshold {stored.threshold:.3f} (16 candidates)" in "".join(lines)


def test_calibration_reads_what_the_gazetteer_of_the_tagger_knows(
    base, tokenizer, tmp_path, capsys
):
    place = adapter_on(base, tmp_path / "selector", tokenizer, replace(SETTINGS, evidence=True))
    gold, predicted = files(tmp_path, "genia", 3)
    command = ["calibrate", str(place), "--gold", gold, "--predicted", predicted]
    assert main(command) == 2
    assert "it reads what the tagger's gazetteer knows" in capsys.readouterr().err
    known = Gazetteer({"GENIA": Dictionary({"IL-2": "DNA", "bind": "protein"}).digested()})
    tagger = replace(Tagger.from_pretrained(base), settings=TaggerSettings(gazetteer=known))
    tagger.save_pretrained(tmp_path / "tagger")
    assert main([*command, "--model", str(tmp_path / "tagger")]) == 0
    heat = SelectorSettings.load(place / "selector.json").temperature
    text, schema = TEXTS["genia"], Schema.of_corpus("genia")
    found = (Entity(0, 4, "protein"), "other"), (Entity(5, 9, "protein"), "sure")
    many = [Candidate(text, entity, schema, said) for entity, said in found]
    logits = selector_at(place).scorer.logits(many)
    assert heat == pytest.approx(temperature(logits * 3, [True, False] * 3), rel=1e-3)
    unread = selector_at(place).scorer.logits([replace(c, evidence="unknown") for c in many])
    assert abs(heat - temperature(unread * 3, [True, False] * 3)) > 1e-2 * heat
