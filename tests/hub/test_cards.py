"""Cards made from results: the Hub's own client reads them, and their code runs."""

import json
import re
import shutil

import pytest
from huggingface_hub import ModelCard, metadata_load

from llmner_hf.core.errors import InputError, SettingError
from llmner_hf.hub.cards import cell, model_card
from llmner_hf.hub.cards.runs import Run
from llmner_hf.settings import SelectorSettings
from tests.conftest import ROOT

ROW = {
    "id": "1",
    "text": "CD28 binds IL-2",
    "entities": [{"start": 0, "end": 4, "type": "protein"}],
}
WRONG = {"start": 11, "end": 15, "type": "protein", "score": 0.5}


@pytest.fixture
def run(tagger_folder, tmp_path):
    """A tuned adapter's folder in a project's, as `llmner train` leaves them."""
    folder = tmp_path / "project" / "runs" / "tuned"
    shutil.copytree(tagger_folder, folder)
    (tmp_path / "project" / "data" / "english").mkdir(parents=True)
    report = {
        "leakage": [{"train": "english", "test": "genia", "drop": ["a", "b"]}],
        "leaks_dropped": True,
        "unchecked": ["biored"],
    }
    (tmp_path / "project" / "data" / "english" / "report.json").write_text(json.dumps(report))
    record = {
        "versions": {"torch": "2.13.0", "llmner_hf": "0.1.0"},
        "hardware": "1 x A Card Of Theirs",
        "settings": {"datasets": ["data/english", "somebody/chinese"]},
        "model": {"model_name_or_path": "zai-org/glm-4-9b-chat-hf", "load_in_4bit": True},
        "optimisation": {"output_dir": str(folder), "learning_rate": 0.0002, "seed": 0},
        "preparation": {"english": {"examples": 1200, "lost_entities": 3, "lost": ["quoted"]}},
        "history": [{"step": 40, "epoch": 2.0, "train_runtime": 600.0}],
        "validation": {"validation_f1": 0.5, "step": 40},
    }
    (folder / "run.json").write_text(json.dumps(record))
    adapter = {"base_model_name_or_path": "zai-org/glm-4-9b-chat-hf", "r": 64, "lora_alpha": 16}
    (folder / "adapter_config.json").write_text(json.dumps(adapter))
    scores = folder / "scores"
    scores.mkdir()
    (scores / "genia.gold.jsonl").write_text(json.dumps(ROW) + "\n")
    predicted = ROW | {"entities": [*ROW["entities"], WRONG]}
    (scores / "genia.predicted.jsonl").write_text(json.dumps(predicted) + "\n")
    return folder


def test_the_model_in_the_package_is_on_no_hub(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record = json.loads((run / "run.json").read_text())
    record["model"]["model_name_or_path"] = "embedded"
    (run / "run.json").write_text(json.dumps(record))
    (run / "adapter_config.json").unlink()
    assert Run(run).base is None


def test_the_front_matter_is_what_the_hub_reads(run):
    (run / "README.md").write_text(model_card(run, "somebody/tagger"), encoding="utf-8")
    metadata = metadata_load(run / "README.md")
    assert metadata["base_model"] == "zai-org/glm-4-9b-chat-hf"
    assert metadata["library_name"] == "peft"
    assert metadata["pipeline_tag"] == "token-classification"
    assert metadata["language"] == ["en", "zh"]
    assert metadata["datasets"] == ["somebody/chinese"]
    assert metadata["metrics"] == ["precision", "recall", "f1"]
    card = ModelCard.load(run / "README.md")
    values = {r.metric_type: (r.metric_value, r.dataset_name) for r in card.data.eval_results}
    assert values["f1"] == (pytest.approx(2 / 3, abs=1e-4), "GENIA")
    assert values["precision"][0] == 0.5
    assert values["recall"][0] == 1.0
    assert card.data.to_yaml() == ModelCard(str(card)).data.to_yaml()


def test_the_text_says_what_the_run_left(run):
    card = model_card(run, "somebody/tagger")
    for part in (
        "| GENIA (unseen) | 1 | 1 | 50.0 (50.0-50.0) | 100.0 (100.0-100.0) | 66.7 (66.7-66.7) |",
        "| GENIA | 0 | 0 | 0 | 1 | 0 |",  # the error classes: one is spurious
        "| tuned | a LoRA adapter, r 64, alpha 16, base in 4 bit |",
        "| data, english | examples 1,200, lost entities 3 |",
        "| time of the last start | 10 minutes |",
        "| hardware | 1 x A Card Of Theirs |",
        "- english: 2 examples that stand in a test split were dropped; not compared with the test "
        "splits of biored",
        "- chinese: see the card of the dataset",
        "- validation_f1: 0.5",
        "| english |  | protein, DNA |",
        "Clinical decisions",
        "Lv et al.",
    ):
        assert part in card, part
    assert str(run.parent) not in card
    assert "quoted" not in card
    assert "$" not in card


def code(card):
    (block,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    return block


def test_the_code_of_a_card_runs(tagger_folder):
    space = {}
    exec(compile(code(model_card(tagger_folder, str(tagger_folder))), "card", "exec"), space)
    assert space["ner"].model.name_or_path == str(tagger_folder)
    found = space["ner"]("The CD28 receptor binds IL-2.", dataset="english")
    assert {entity["entity_group"] for entity in found} <= {"protein", "DNA"}


def test_the_code_of_the_shipped_selector_s_card_runs(capsys):
    folder = ROOT / "llmner_hf" / "embedded" / "selector"
    space = {}
    exec(compile(code(model_card(folder, str(folder))), "card", "exec"), space)
    assert " protein " in capsys.readouterr().out


def test_a_model_of_which_nothing_is_known_says_so(tagger_folder):
    card = model_card(tagger_folder)
    assert "Not measured on test splits." in card
    assert "Not recorded: there is no `run.json`" in card
    assert ModelCard(card).data.base_model is None
    assert 'model="FOLDER_OR_REPOSITORY"' in card


def test_a_base_in_a_folder_is_not_taken_for_one_on_the_hub(run):
    (run.parent / "base").mkdir()
    (run / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "runs/base"}))
    card = model_card(run)
    assert ModelCard(card).data.base_model is None
    assert "runs/base" not in card


def test_a_selector_has_a_threshold_and_a_plot(run):
    SelectorSettings(threshold=0.42, temperature=1.7).save(run)
    card = model_card(run, "somebody/selector")
    assert "Threshold 0.42, temperature 1.7" in card
    assert "No reliability diagram was drawn." in card
    (run / "reliability.png").write_bytes(b"")
    assert "![Reliability diagram](reliability.png)" in model_card(run)
    assert ModelCard(card).data.pipeline_tag == "text-classification"
    assert 'selector="somebody/selector"' in code(card)
    compile(code(card), "card", "exec")


def test_a_folder_of_nothing_is_refused(tmp_path):
    with pytest.raises(SettingError, match=r"neither tagger.json nor selector.json"):
        model_card(tmp_path)


def test_gold_without_predictions_is_refused(run):
    (run / "scores" / "genia.predicted.jsonl").unlink()
    with pytest.raises(InputError, match=r"genia.predicted.jsonl: missing"):
        model_card(run)


def test_what_users_write_is_shown_and_not_interpreted(tagger_folder, tmp_path):
    shutil.copytree(tagger_folder, tmp_path / "odd")
    path = tmp_path / "odd" / "tagger.json"
    path.write_text(path.read_text().replace('"title": ""', '"title": "<script>|"', 1))
    assert "| english | &lt;script&gt;\\| | protein, DNA |" in model_card(tmp_path / "odd")
    assert cell("a\n b") == "a b"


def test_a_dataset_card_says_where_the_files_come_from(tmp_path):
    """The quirks of a corpus stand in its script, once."""
    from llmner_hf.corpora import builder, publishing
    from llmner_hf.corpora.report import BuildReport
    from llmner_hf.corpora.sources import Count

    config = builder("ncbi_disease").BUILDER_CONFIG_CLASS()
    report = BuildReport("ncbi_disease", written={"train": Count()})
    card = publishing.card(report, config, ("ncbi_disease-train-00.parquet",))
    assert "## Source\n\nSource: https://" in card
    assert "The training file holds one article twice" in card
    (tmp_path / "README.md").write_text(card, encoding="utf-8")
    metadata = metadata_load(tmp_path / "README.md")
    assert metadata["configs"][0]["data_files"] == [
        {"split": "train", "path": ["ncbi_disease-train-00.parquet"]}
    ]
