"""The Spaces stand by themselves: what is pushed runs where this package is not installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import llmner_hf
from llmner_hf.cli import main
from llmner_hf.core.errors import InputError
from llmner_hf.hub import Destination, contents_of, push, self_contained
from tests.conftest import ROOT
from tests.doubles.elsewhere import without
from tests.doubles.hub import Hub
from tests.doubles.hub.folders import adapter, on_disk, space

# huggingface_hub 2.4 puts files by httpx2's old argument: https://github.com/huggingface/huggingface_hub
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

SPACES = ROOT / "llmner_hf" / "spaces"
NAMES = ("bioner_strict", "bioner_demo")
TEXT = "The CD28 receptor binds IL-2."
GOLD = [[{"start": 0, "end": 4, "type": "protein"}, {"start": 0, "end": 9, "type": "DNA"}]]
FOUND = [[{"start": 0, "end": 4, "entity_group": "protein", "word": "IL-2", "score": 0.5}]]
PIP = ("--disable-pip-version-check", "install", "--dry-run", "--no-deps", "--no-index")
METRIC = without(
    ("llmner_hf", "torch", "transformers", "trl", "peft"),
    """
import evaluate
found, gold = json.loads(sys.argv[1])
metric = evaluate.load("tester/bioner_strict")
assert "llmner_hf" not in sys.modules
print(json.dumps(metric.compute(predictions=found, references=gold)))
""",
)
DEMO = without(
    ("trl", "bitsandbytes", "datasets", "evaluate", "matplotlib", "accelerate"),
    """
import runpy
from huggingface_hub import snapshot_download

folder = snapshot_download("tester/bioner_demo", repo_type="space")
sys.path.insert(0, folder)  # as `python app.py` does
space = runpy.run_path(f"{folder}/app.py")
ner = space["pipeline"]("bioner")
page = space["page"](ner)
ours = [m.__file__ for n, m in sys.modules.items() if n.partition(".")[0] == "llmner_hf"]
found = ner(json.loads(sys.argv[1]))
ours = [file for file in ours if file]  # folders without __init__.py have none
print(json.dumps([folder, ours, list(page.get_api_info()["named_endpoints"]), found]))
""",
    records=("llmner_hf",),
)


@pytest.fixture(scope="module")
def pushed():
    return {name: self_contained(contents_of(SPACES / name)) for name in NAMES}


@pytest.fixture(scope="module")
def hub(pushed):
    with Hub() as running, pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        patch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        from huggingface_hub import HfApi

        api = HfApi(endpoint=running.url, token=running.token)
        for name, contents in pushed.items():
            push(contents, Destination(f"tester/{name}"), api)
        yield running


def elsewhere(hub: Hub, home: Path, code: str, given: object):
    """What a process without this package prints, on the network as far as the loopback."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    place = {"HF_HOME": str(home), "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
    quiet = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_UPDATE_DOWNLOAD_COUNTS": "0"}
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, json.dumps(given)],
        env=kept | place | quiet | {"HF_DATASETS_OFFLINE": "0", "HF_EVALUATE_OFFLINE": "0"},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_metric_counts_without_this_package(hub, tmp_path):
    results = elsewhere(hub, tmp_path, METRIC, [FOUND, GOLD])
    assert (results["precision"], results["recall"], results["gold"]) == (1.0, 0.5, 2)


def test_the_demo_runs_from_its_own_files(hub, tmp_path):
    folder, ours, endpoints, entities = elsewhere(hub, tmp_path, DEMO, TEXT)
    assert len(ours) > 50
    assert [path for path in ours if not path.startswith(folder)] == []
    assert endpoints == ["/annotate"]
    expected = llmner_hf.pipeline("bioner")(TEXT)
    assert entities == [one | {"score": pytest.approx(one["score"], rel=1e-4)} for one in expected]
    assert entities


@pytest.mark.parametrize("name", NAMES)
def test_the_requirements_can_be_installed_and_are_those_of_the_package(pushed, name, tmp_path):
    """No index is asked and nothing is installed: all of them are known by these names."""
    (tmp_path / "requirements.txt").write_bytes(pushed[name].files["requirements.txt"].read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "pip", *PIP, "-r", "requirements.txt"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    asked = (tmp_path / "requirements.txt").read_text().split()
    assert len(re.findall("already satisfied", done.stdout)) == len(asked) > 1
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(asked) <= set(project["dependencies"])


def test_a_space_brings_each_module_once(pushed):
    files = pushed["bioner_demo"].files
    assert {path for path in files if "/" not in path} == {
        *("README.md", "app.py", "requirements.txt", "samples.jsonl", "style.css")
    }
    assert "llmner_hf/embedded/model.safetensors" in files
    assert not [path for path in files if "__pycache__" in path]


def test_what_needs_nothing_of_this_package_stays_as_it_is(tmp_path):
    other = contents_of(space(tmp_path / "space"))
    assert self_contained(other) is other
    model = contents_of(adapter(tmp_path / "adapter"))
    assert self_contained(model) is model


def test_a_space_of_one_s_own_brings_the_package(tmp_path):
    folder = space(tmp_path / "space")
    (folder / "app.py").write_text("from llmner_hf import pipeline\n")
    files = self_contained(contents_of(folder)).files
    assert {name: files[name].read_bytes() for name in on_disk(folder)} == on_disk(folder)
    assert "llmner_hf/__init__.py" in files


def test_a_secret_in_the_package_is_refused(tmp_path, monkeypatch):
    secret = tmp_path / "llmner_hf" / "secret.py"
    secret.parent.mkdir()
    secret.write_text(f"token = 'hf_{'a' * 34}'\n")
    monkeypatch.setattr("llmner_hf.hub.spaces._PACKAGE", secret.parent)
    with pytest.raises(InputError, match=r"llmner_hf/secret\.py:1: holds an access token"):
        self_contained(contents_of(SPACES / "bioner_demo"))


def test_the_command_takes_it_along(capsys):
    assert main(["push", "bioner_strict", "tester/bioner_strict", "--dry-run"]) == 0
    assert "  llmner_core_scoring_scores.py\n" in capsys.readouterr().out
