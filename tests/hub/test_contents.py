"""What a push takes of a folder, what it leaves, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmner_hf.cli import main
from llmner_hf.core.errors import InputError
from llmner_hf.hub import Destination, contents_of, joined
from tests.doubles.hub.folders import adapter, dataset, space


def test_what_quotes_a_corpus_and_what_no_user_needs_stays(tmp_path):
    """The record of a run quotes entities, its test files are texts."""
    folder = adapter(tmp_path / "run")
    for inner in ("checkpoint-2", "scores", "selector"):
        (folder / inner).mkdir()
    for stray in (
        "checkpoint-2/model.safetensors",
        "checkpoint-2/optimizer.pt",
        "run.json",
        "scores/genia.gold.jsonl",
        "scores/genia.predicted.jsonl",
        "selector/run.json",
    ):
        (folder / stray).write_text("quoted")
    for stray in (
        "training_args.bin",
        "trainer_state.json",
        "loss.csv",
        ".env",
        "pytorch_model.bin",
    ):
        (folder / stray).write_text("x")
    contents = contents_of(folder)
    assert set(contents.files) == {
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "tagger.json",
    }
    assert contents.left_out == (
        ".env",
        "checkpoint-2/ (2 files)",
        "loss.csv",
        "pytorch_model.bin",
        "run.json",
        "scores/ (2 files)",
        "selector/ (1 files)",
        "trainer_state.json",
        "training_args.bin",
    )


@pytest.mark.parametrize("base", ["/models/glm", "../glm", "models/glm/9b", ""])
def test_an_adapter_on_a_folder_is_refused(tmp_path, base):
    with pytest.raises(
        InputError, match=r"adapter_config\.json: its base .* is no name on the Hub"
    ):
        contents_of(adapter(tmp_path / "made", base))


def test_a_selector_on_the_model_around_it_travels_with_that(tmp_path):
    """But not alone: what lies above a repository, nobody finds."""
    model = adapter(tmp_path / "model", "ns/base")
    (model / "adapter_config.json").rename(model / "config.json")
    adapter(model / "selector", "..")
    assert "selector/adapter_config.json" in contents_of(model).files
    with pytest.raises(InputError, match=r"the model in whose folder it lies"):
        contents_of(adapter(tmp_path / "alone", ".."))


def test_an_unknown_folder_is_refused_with_what_was_looked_for(tmp_path):
    with pytest.raises(InputError, match=r"neither a dataset .* nor a Space"):
        contents_of(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        contents_of(tmp_path / "none")


SECRETS = {
    "an access token of the Hub": "hf_" + "a1B2" * 9,
    "an API key": "sk-proj-" + "x1Y2" * 9,
    "a GitHub token": "ghp_" + "q" * 36,
    "a private key": "-----BEGIN RSA PRIVATE KEY-----",
    "a path of this machine": f"{Path.home()}/runs",
}


@pytest.mark.parametrize("kind", SECRETS)
def test_a_file_with_a_secret_is_refused_without_showing_it(tmp_path, kind):
    folder = space(tmp_path / "made")
    (folder / "app.py").write_text(f"first = 1\nsecond = '{SECRETS[kind]}'\n")
    with pytest.raises(InputError, match=rf"app\.py:2: holds {kind}; take it out") as caught:
        contents_of(folder)
    assert SECRETS[kind] not in str(caught.value)


def test_several_datasets_are_configurations_of_one(tmp_path):
    parts = [dataset(tmp_path / n, n, licence) for n, licence in (("a", "mit"), ("b", "other"))]
    contents = joined([contents_of(part) for part in parts])
    assert set(contents.files) == {"README.md"} | {
        f"{n}/{file}" for n in "ab" for file in ("README.md", "report.json", f"{n}-train.parquet")
    }
    card = contents.metadata
    assert (card["license"], card["language"]) == (["mit", "other"], ["en"])
    configs = {config["config_name"]: config["data_files"] for config in card["configs"]}
    assert list(configs) == ["all", "en", "a", "b"]
    assert configs["b"] == [{"split": "train", "path": ["b/b-train.parquet"]}]
    assert [config["config_name"] for config in card["configs"] if config.get("default")] == ["all"]
    with pytest.raises(InputError, match="two of the datasets are called a"):
        joined([contents_of(parts[0])] * 2)
    with pytest.raises(InputError, match="a space cannot be joined"):
        joined([contents_of(space(tmp_path / "space")), contents_of(parts[0])])


@pytest.mark.parametrize("name", ["bare", "a/b/c", "/x", "x/"])
def test_a_repository_needs_a_namespace(name):
    with pytest.raises(InputError, match="NAMESPACE/NAME"):
        Destination(name)


@pytest.mark.parametrize("name", ["me/my own", "me/a--b", "me/a.git", "me/" + "x" * 97, "me/é"])
def test_a_name_that_the_hub_refuses_is_refused_before_anything(name):
    with pytest.raises(InputError, match="no name of a repository") as raised:
        Destination(name)
    assert "\n" not in str(raised.value)


def test_so_it_is_in_a_dry_run(tmp_path, capsys):
    (tmp_path / "README.md").write_text("---\nlicense: other\n---\n")
    (tmp_path / "train.parquet").write_bytes(b"")
    given = ["push", str(tmp_path), "me/my own", "--private", "--dry-run"]
    assert main(given) == 2
    said = capsys.readouterr()
    assert said.err.startswith("llmner: 'me/my own': no name of a repository")
    assert said.out == ""
