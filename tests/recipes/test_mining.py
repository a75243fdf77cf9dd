"""Mining hard negatives on a tiny tagger: no tagger sees its fold, and what is done stays done."""

import importlib.util
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from datasets import Dataset, DatasetDict

from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet
from llmner_hf.core.errors import SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.corpora.rows import FEATURES, to_row
from llmner_hf.readers.json_lines import read_predictions
from llmner_hf.settings import TaggerSettings, Weights
from llmner_hf.training.selector.preparation import predictions_of
from tests.conftest import ROOT
from tests.doubles.models import tiny

LABELS = LabelSet((EntityType("protein"), EntityType("DNA")))
OURS = Schema("ours", "en", LABELS)


@pytest.fixture(scope="module")
def mining():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("mining", ROOT / "recipes" / "selector/mine.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def untrained(mining, recipe, monkeypatch):
    """Taggers are taken from the start, without a step."""

    def copied(settings, optimisation, model, datasets, lending):
        folder = Path(optimisation.output_dir)
        shutil.copytree(recipe.parent / "start", folder)
        settings = TaggerSettings(style="brief", every_type=True, schemas={"ours": OURS})
        settings.save(folder)
        (folder / "run.json").write_text("{}")

    monkeypatch.setattr(mining, "train", copied)


@pytest.fixture
def recipe(tokenizer, tmp_path):
    """A recipe of a tiny tagger and its dataset."""
    model, data = tmp_path / "start", tmp_path / "ours"
    tiny("glm", tokenizer).save_pretrained(model)
    tokenizer.save_pretrained(model)
    for split, size in (("train", 5), ("validation", 2)):
        examples = [
            Example(f"{split}-{i}", f"IL-{i} binds", (Entity(0, 4, "protein"),), "ours", "en")
            for i in range(size)
        ]
        rows = [to_row(e, OURS, style="brief", strategy="symbolic") for e in examples]
        data.mkdir(exist_ok=True)
        Dataset.from_list(rows, features=FEATURES).to_parquet(data / f"{split}.parquet")
    given = {
        "model_name_or_path": str(model),
        "output_dir": "unused",
        "datasets": [str(data)],
        "style": "brief",
        "join_validation": True,
        "max_steps": 1,
        "use_cpu": True,
        "bf16": False,
        "activation_checkpointing": False,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(given))
    return tmp_path / "recipe.yaml"


def test_every_text_is_annotated_by_a_tagger_that_never_saw_it(mining, recipe, monkeypatch):
    seen, tune = [], mining.train

    def watched(settings, optimisation, model, datasets, lending):
        assert not settings.join_validation
        seen.append(set(datasets["ours"]["train"]["id"][:]))
        return tune(settings, optimisation, model, datasets, lending)

    monkeypatch.setattr(mining, "train", watched)
    out = recipe.parent / "mined"
    asked = mining.Mining(recipe, out, folds=2, options=["--learning_rate", "1e-5"])
    (whole,) = mining.mine(asked)
    assert whole == out / "ours.jsonl"
    found = [p.id for p in read_predictions(whole)]
    assert sorted(found) == [f"train-{i}" for i in range(5)] + ["validation-0", "validation-1"]
    assert seen == [{"train-2", "train-3", "train-4"}, {"train-0", "train-1"}]
    for number, known in enumerate(seen):
        held_out = read_predictions(out / f"fold{number}" / "ours.jsonl")
        assert not known & {p.id for p in held_out}
        record = json.loads((out / f"fold{number}" / "run.json").read_text())
        assert record["optimisation"]["learning_rate"] == 1e-5
    assert set(predictions_of({"ours": str(whole)})["ours"]) == set(found)
    before = whole.read_bytes()
    (out / "fold1" / "ours.jsonl").unlink()  # what is missing is made again, and that alone
    assert mining.mine(mining.Mining(recipe, out, folds=2)) == [whole]
    assert whole.read_bytes() == before
    assert len(seen) == 2  # nothing was trained again


@pytest.mark.usefixtures("untrained")
def test_the_first_texts_of_each_fold_may_be_enough(mining, recipe):
    asked = mining.Mining(recipe, recipe.parent / "mined", folds=2, texts=1)
    (whole,) = mining.mine(asked)
    assert [p.id for p in read_predictions(whole)] == ["train-0", "validation-0", "train-2"]


@pytest.mark.usefixtures("untrained")
def test_a_fold_s_gazetteer_has_what_its_tagger_saw_and_another_s_weights(mining, recipe):
    """In these texts every known mention is found, and nothing else is."""
    weights, out = recipe.parent / "weights", recipe.parent / "mined"
    weights.mkdir()
    certain = Weights(-1e4, 2e4, 2e4, 1e4)
    TaggerSettings(weights={"ours": certain}).save(weights)
    asked = mining.Mining(recipe, out, folds=2, weights=weights)
    for _ in range(2):  # the second time all is there
        (whole,) = mining.mine(asked)
        found = {p.id: p.entities for p in read_predictions(whole)}
        assert found.keys() >= {f"train-{i}" for i in range(5)}
        assert not any(found.values())  # every mention stands in one fold alone
        for number, held_out in enumerate(({0, 1}, {2, 3, 4})):
            settings = TaggerSettings.load(out / f"fold{number}" / "tagger.json")
            assert settings.weights == {"ours": certain}
            known = settings.dictionary(OURS)
            said = {i: known.said_of(f"IL-{i}", Entity(0, 4, "protein")) for i in range(5)}
            assert {i for i, evidence in said.items() if evidence == "unknown"} == held_out
            tagger = mining.Finder(out / f"fold{number}")
            texts = [Example(f"{i}", f"IL-{i} binds", (), "ours", "en") for i in said]
            again = read_predictions(tagger.find("ours", texts, out / f"{number}.jsonl"))
            assert {p.entities for p in again} == {(), (Entity(0, 4, "protein"),)}
            assert {int(p.id) for p in again if not p.entities} == held_out
    TaggerSettings().save(weights)
    with pytest.raises(SettingError, match="ours: no weights"):
        mining.mine(asked)


def test_a_tagger_that_saw_a_fold_has_a_gazetteer_that_did_not(mining, recipe):
    """Nor does it know of these texts where they stand in other datasets too."""
    tagger = recipe.parent / "tagger"
    shutil.copytree(recipe.parent / "start", tagger)
    (tagger / "checkpoint-1").mkdir()
    certain = Weights(-1e4, 2e4, 2e4, 1e4)
    own = TaggerSettings(style="brief", every_type=True, schemas={"ours": OURS})
    replace(own, weights={"ours": certain}).save(tagger)
    given = yaml.safe_load(recipe.read_text())
    lend = {"allowed_share": 1.0, "gazetteer_folds": 2, "lenders": given["datasets"]}
    recipe.write_text(yaml.safe_dump(given | lend))
    out = recipe.parent / "mined"
    asked = mining.Mining(recipe, out, folds=2, weights=tagger, seen=tagger, fold=0)
    for _ in range(2):  # the second time all is there
        (whole,) = mining.mine(asked)
        found = {p.id: p.entities for p in read_predictions(whole)}
        names = {"train-0", "train-1", "validation-0", "validation-1"}
        assert found == dict.fromkeys(names, ())
    settings = TaggerSettings.load(out / "fold0" / "tagger.json")
    known = settings.dictionary(OURS)
    said = [known.said_of(f"IL-{i}", Entity(0, 4, "protein")) for i in range(5)]
    assert said == ["unknown", "unknown", "sure", "sure", "sure"]
    assert not (out / "fold0" / "checkpoint-1").exists()
    assert (out / "fold0" / "model.safetensors").exists()


def test_a_fold_is_left_out_and_nothing_else(mining):
    rows = Dataset.from_dict({"id": list("abcd")})
    kept = mining.without(DatasetDict(train=rows), range(1, 3))
    assert kept["train"]["id"][:] == ["a", "d"]


def test_a_tagger_that_saw_the_texts_annotates_the_first_of_them(mining, recipe):
    tagger = recipe.parent / "start"
    TaggerSettings(style="brief", schemas={"ours": OURS}).save(tagger)
    asked = mining.Mining(recipe, recipe.parent, folds=2, texts=2)
    (whole,) = mining.mine_seen(asked, str(tagger))
    assert [p.id for p in read_predictions(whole)] == ["train-0", "train-1"]
