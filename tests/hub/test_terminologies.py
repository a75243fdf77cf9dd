"""A terminology that is pushed to the Hub is the one that is loaded from there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from llmner_hf.cli import main
from llmner_hf.core.entities import Entity, ScoredEntity
from llmner_hf.terminology.concept import About, Concept
from llmner_hf.terminology.linking import Linker
from llmner_hf.terminology.store import Terminology
from tests.doubles.hub import Hub

# huggingface_hub 2.4 puts files by httpx2's old argument: https://github.com/huggingface/huggingface_hub
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

CONCEPTS = [
    Concept("OWN:1", "asthma", "Disease", ("bronchial asthma",), same=("MESH:D001249",)),
    Concept("OWN:2", "aspirin", "Chemical", ("acetylsalicylic acid",)),
]


@pytest.fixture(scope="module")
def hub():
    with Hub() as running:
        yield running


@pytest.fixture(autouse=True)
def client(hub, monkeypatch, tmp_path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    monkeypatch.setenv("HF_ENDPOINT", hub.url)


def stored(tmp_path, licence="CC0"):
    path = tmp_path / "own.safetensors"
    Terminology.of(CONCEPTS, About("own", "7", licence)).save(path)
    return path


def test_pushed_and_loaded(tmp_path, hub):
    path = stored(tmp_path)
    assert main(["push", str(path), "tester/names"]) == 0
    loaded = Terminology.from_pretrained(
        "tester/names", token=hub.token, cache_dir=tmp_path / "cache"
    )
    assert list(loaded.concepts()) == CONCEPTS
    assert loaded.about == Terminology.load(path).about
    (found,) = Linker(loaded).link(
        "bronchial asthma", [ScoredEntity(Entity(0, 16, "Disease"), 1.0)]
    )
    assert [link.id for link in found.links] == ["OWN:1"]


LOADING = """
import datasets
datasets.config.USE_PARQUET_EXPORT = False  # it would ask another host
rows = datasets.load_dataset("tester/table", split="train")
assert rows["id"][:] == ["OWN:1", "OWN:2"] and rows["synonyms"][0] == ["bronchial asthma"]
"""


def test_its_names_are_a_dataset(tmp_path, hub):
    """In a process of its own: the clients read HF_ENDPOINT when they are imported."""
    assert main(["push", str(stored(tmp_path)), "tester/table"]) == 0
    told = {"HF_ENDPOINT": hub.url, "HF_TOKEN": hub.token, "HF_HOME": str(tmp_path / "home")}
    online = {"HF_HUB_OFFLINE": "0", "HF_DATASETS_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOADING],
        env=os.environ | told | online,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_revision_is_what_it_was(tmp_path, hub):
    assert main(["push", str(stored(tmp_path)), "tester/old", "--revision", "v1"]) == 0
    path = tmp_path / "own.safetensors"
    Terminology.of(CONCEPTS[:1], About("own", "8", "CC0")).save(path)
    assert main(["push", str(path), "tester/old"]) == 0
    options = {"token": hub.token, "cache_dir": tmp_path / "cache"}
    assert len(Terminology.from_pretrained("tester/old", revision="v1", **options)) == 2
    assert len(Terminology.from_pretrained("tester/old", **options)) == 1


def test_without_a_licence_nothing_goes(tmp_path, capsys):
    assert main(["push", str(stored(tmp_path, "")), "tester/none"]) == 2
    assert "licence" in capsys.readouterr().err
