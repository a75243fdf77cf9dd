"""Silver texts: what is drawn, what stays of it, and that a dataset is made of it."""

import json
import runpy
from random import Random

import pytest
import yaml
from datasets import load_dataset

from llmner_hf.cli import main
from llmner_hf.core.entities import Entity, Prediction, ScoredEntity
from llmner_hf.pipelines.local import EMBEDDED
from llmner_hf.settings import TaggerSettings
from tests.doubles import scripts

SCRIPT = scripts.EMBEDDED / "silver.py"
PASSAGES = (
    "RESULTS",
    "Aspirin and ibuprofen relieved the headache of every patient within an hour. We saw it again. "
    "A rash was seen in a child after amoxicillin, and it vanished within two days.",
    "患者因反复头痛就诊于神经内科。好。",
    "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 of 26",
    "Aspirin and ibuprofen relieved the headache of every patient within an hour.",
)
MORE = tuple(
    f"{drug} relieved the {disease} of the patients who were given it for three days."
    for drug in ("Aspirin", "Ibuprofen", "Morphine", "Caffeine")
    for disease in ("headache", "hypertension", "fever", "cough", "nausea", "asthma")
)


@pytest.fixture(scope="module")
def script():
    """What the script defines."""
    return runpy.run_path(str(SCRIPT))


def test_headings_tables_and_repeats_are_not_drawn(script, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("\n".join(PASSAGES), encoding="utf-8")
    drawn = script["drawn"]([str(text)], "en", 10, Random(0))
    assert sorted(drawn) == [
        "A rash was seen in a child after amoxicillin, and it vanished within two days.",
        "Aspirin and ibuprofen relieved the headache of every patient within an hour.",
    ]
    assert len(script["drawn"]([str(text)], "en", 1, Random(0))) == 1
    assert script["drawn"]([str(text)], "zh", 10, Random(0)) == ["患者因反复头痛就诊于神经内科。"]


def test_a_text_with_one_unsure_entity_does_not_stay(script):
    def found(*scores):
        entities = (Entity(n, n + 1, "Chemical") for n in range(len(scores)))
        return Prediction("x", tuple(map(ScoredEntity, entities, scores)))

    one, two, none = found(0.5, 1.0), found(1.0, 0.4), found()
    assert [*script["kept"]([one, two], 0.5, Random(0))] == [one]
    assert [*script["kept"]([one, two], 0.0, Random(0))] == [one, two]
    assert 0 < len([*script["kept"]([none] * 1000, 0.5, Random(0))]) < 300


def test_a_dataset_is_made_of_what_a_tagger_finds(tmp_path, capsys):
    text, out = tmp_path / "text.txt", tmp_path / "silver"
    text.write_text("\n".join(PASSAGES + MORE), encoding="utf-8")
    given = ["--text", text, "--model", EMBEDDED, "--dataset", "biored", "-o", out]
    written = []
    for _ in range(2):  # the second run finds all done
        assert not scripts.run(SCRIPT, *given)
        written.append((out / "train.jsonl").read_bytes())
        (out / "train.jsonl").unlink()
    assert written[0] == written[1]
    assert scripts.run(SCRIPT, *given, "--seed", "1") == 2
    assert "is of another input; delete the file to begin anew" in capsys.readouterr().err
    (out / "train.jsonl").write_bytes(written[0])
    rows = [json.loads(line) for line in written[0].decode().splitlines()]
    assert len(rows) > 2  # one for each split
    assert all(any(row["text"] in passage for passage in PASSAGES + MORE) for row in rows)
    schema = TaggerSettings.load(EMBEDDED / "tagger.json").schema("biored")
    types = yaml.safe_load((out / "types.yaml").read_text(encoding="utf-8"))
    assert [*types.items()] == [(label.name, label.definition) for label in schema.labels]
    made = tmp_path / "data" / "silver_biored"
    built = ["build", "silver_biored", "--source", str(out), "--out", str(made)]
    assert main([*built, "--types", str(out / "types.yaml"), "--style", "brief"]) == 0
    splits = load_dataset(str(made))
    texts = [text for split in splits.values() for text in split["text"]]
    assert sorted(texts) == sorted(row["text"] for row in rows)
    found = [entity for split in splits.values() for row in split["entities"] for entity in row]
    assert len(found) == sum(len(row["entities"]) for row in rows)
