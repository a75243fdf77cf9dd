"""Round trips by name: what was pushed comes back equal through the clients' own loading.

The clients read HF_ENDPOINT when they are imported, so a process of its own loads everything, then
another one does so from the cache alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import llmner_hf
from llmner_hf.hub import Destination, contents_of, joined, push, self_contained
from llmner_hf.selector.sharing import selector_on
from llmner_hf.settings import TaggerSettings
from tests.conftest import ROOT
from tests.corpora.test_corpora import bc5cdr, biored
from tests.doubles.hub import Hub, xet
from tests.doubles.hub.folders import finding, on_disk
from tests.doubles.selecting import adapter_on

# huggingface_hub 2.4 puts files by httpx2's old argument: https://github.com/huggingface/huggingface_hub
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

SPACES = ROOT / "llmner_hf" / "spaces"
TEXTS = ["The CD28 receptor binds IL-2.", "患者有高血压。"]
GOLD = [[{"start": 0, "end": 4, "type": "protein"}, {"start": 0, "end": 9, "type": "DNA"}]]
FOUND = [[{"start": 0, "end": 4, "type": "protein"}]]
WAYS = ["lfs", *(["xet"] if xet.works() else [])]
LOADING = """
import json, runpy, sys
import datasets
import evaluate
from huggingface_hub import snapshot_download
from llmner_hf import pipeline

datasets.config.USE_PARQUET_EXPORT = False  # it would ask another host
ways, texts, gold, found = json.loads(sys.argv[1])
online = not datasets.config.HF_HUB_OFFLINE
result = {}
for way in ways:
    name = f"tester/{way}-symbolic"
    rows = {c: datasets.load_dataset(name, c) for c in ("bc5cdr_chemical", "biored")}
    result[way] = {c: {s: list(d) for s, d in splits.items()} for c, splits in rows.items()}
    if online:
        streamed = datasets.load_dataset(name, "biored", split="train", streaming=True)
        result[f"{way} streamed"] = list(streamed)
    for what in ("tagger", "adapter", "merged"):
        result[f"{way} {what}"] = pipeline("bioner", model=f"tester/{way}-{what}")(texts)
    given = {"model": f"tester/{way}-tagger", "selector": f"tester/{way}-selector"}
    result[f"{way} selected"] = pipeline("bioner", **given)(texts)
result["space"] = snapshot_download("tester/bioner_demo", repo_type="space")
if online:
    page = runpy.run_path(f"{result['space']}/app.py")["page"](pipeline("bioner"))
    result["page"] = list(page.get_api_info()["named_endpoints"])
metric = evaluate.load("tester/bioner_strict")
result["metric"] = metric.compute(predictions=found, references=gold)
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def tagger(tagger_folder, tmp_path_factory):
    return finding(tagger_folder, tmp_path_factory.mktemp("finding") / "tagger")


@pytest.fixture(scope="module")
def adapter_folder(tagger, tokenizer, tmp_path_factory):
    """An adapter of random weights on the tiny tagger, as training leaves it."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("adapter")
    model = AutoModelForCausalLM.from_pretrained(tagger)
    config = LoraConfig(
        task_type="CAUSAL_LM", target_modules=["q_proj"], init_lora_weights=False, r=4
    )
    get_peft_model(model, config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    TaggerSettings.load(tagger / "tagger.json").save(folder)
    return folder


@pytest.fixture(scope="module")
def merged_folder(adapter_folder, tmp_path_factory):
    """What `llmner merge` makes of it."""
    from llmner_hf.tagger.merging import merge

    return merge(str(adapter_folder), tmp_path_factory.mktemp("merged") / "whole", torch.float32)


@pytest.fixture(scope="module")
def selector_folder(tagger, tokenizer, tmp_path_factory):
    """A selector of random weights on the tiny tagger."""
    return adapter_on(tagger, tmp_path_factory.mktemp("selector"), tokenizer)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Two corpora, built from files made up for the tests."""
    from llmner_hf.corpora import build

    folder = tmp_path_factory.mktemp("built")
    sources = {"bc5cdr_chemical": bc5cdr, "biored": biored}
    for name, source in sources.items():
        build(name, source(folder / "sources" / name), folder / name)
    return [folder / name for name in sources]


@pytest.fixture(scope="module")
def loaded(built, tagger, merged_folder, adapter_folder, selector_folder, tmp_path_factory):
    """What the loading process printed, online and from the cache."""
    home = tmp_path_factory.mktemp("home")
    with Hub() as hub, pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        for way in WAYS:
            patch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", way == "lfs")
            models = {
                "tagger": tagger,
                "merged": merged_folder,
                "adapter": adapter_folder,
                "selector": selector_folder,
            }
            publish(hub, way, built, models)
        return {state: load(hub, home, state == "offline") for state in ("online", "offline")}


def publish(hub: Hub, way: str, built: list[Path], models: dict[str, Path]) -> None:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=hub.token)

    def card(_: Path) -> str:
        return "---\nlibrary_name: transformers\n---\n# A tagger of the tests\n"

    for folder in (
        models["adapter"],
        models["selector"],
    ):  # as whoever tunes a base from the Hub finds them
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = f"tester/{way}-tagger"
        (folder / "adapter_config.json").write_text(json.dumps(config))
    pushes = {
        f"{way}-symbolic": joined([contents_of(folder) for folder in built]),
        **{f"{way}-{what}": contents_of(folder, card) for what, folder in models.items()},
        **{s: self_contained(contents_of(SPACES / s)) for s in ("bioner_strict", "bioner_demo")},
    }
    for name, contents in pushes.items():
        push(contents, Destination(f"tester/{name}"), api)
    pushed = hub.repositories["model", f"tester/{way}-adapter"].find("main").files["README.md"].data
    assert pushed.endswith(b"# A tagger of the tests\n")  # in place of the template that PEFT left


def load(hub: Hub, home: Path, offline: bool) -> dict:
    """Everything by name, in a process of its own; offline the Hub is there and is not asked."""
    settings = {
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": hub.token,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "1" if offline else "0",
        "HF_DATASETS_OFFLINE": "1" if offline else "0",
        "HF_EVALUATE_OFFLINE": "1" if offline else "0",  # evaluate does not heed the Hub's
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    hub.requests.clear()
    given = json.dumps([WAYS, TEXTS, GOLD, FOUND])
    done = subprocess.run(
        [sys.executable, "-c", LOADING, given],
        env=os.environ | settings,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert bool(hub.requests) is not offline
    assert hub.token not in done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_probe_for_xet_is_heeded(loaded):
    """Where the installed hf_xet takes no folder for a server, Xet is not tested: said here."""
    if "xet" not in WAYS:
        pytest.skip("the installed hf_xet takes no local:// folder for a server")
    assert loaded["online"]["xet"] == loaded["online"]["lfs"]


@pytest.mark.parametrize("state", ["online", "offline"])
@pytest.mark.parametrize("way", WAYS)
def test_datasets_come_back_row_by_row(loaded, built, state, way):
    from datasets import load_dataset

    for folder in built:
        local = {split: list(rows) for split, rows in load_dataset(str(folder)).items()}
        assert loaded[state][way][folder.name] == local
        if state == "online" and folder.name == "biored":
            assert loaded[state][f"{way} streamed"] == local["train"]


@pytest.mark.parametrize("state", ["online", "offline"])
@pytest.mark.parametrize("way", WAYS)
def test_taggers_and_adapters_find_the_same_by_name(loaded, tagger, adapter_folder, state, way):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    ner = llmner_hf.pipeline("bioner", model=str(tagger))
    entities = ner(TEXTS)
    assert any(entities)
    assert loaded[state][f"{way} tagger"] == rounded(entities)
    base = AutoModelForCausalLM.from_pretrained(tagger)
    tuned = PeftModel.from_pretrained(base, adapter_folder).merge_and_unload()
    tokenizer = AutoTokenizer.from_pretrained(adapter_folder)
    tuned = llmner_hf.pipeline("bioner", model=tuned, tokenizer=tokenizer, settings=ner.settings)(
        TEXTS
    )
    assert tuned != entities
    assert loaded[state][f"{way} adapter"] == rounded(tuned)
    assert loaded[state][f"{way} merged"] == rounded(tuned)


def rounded(entities: list[list[dict]]) -> list[list[dict]]:
    """Scores to the digits that merging in another process keeps."""
    return [
        [entity | {"score": pytest.approx(entity["score"], rel=1e-4)} for entity in text]
        for text in entities
    ]


@pytest.mark.parametrize("state", ["online", "offline"])
@pytest.mark.parametrize("way", WAYS)
def test_a_selector_judges_the_same_by_name(loaded, tagger, selector_folder, state, way):
    alone = llmner_hf.Tagger.from_pretrained(tagger, selector=None)
    selector = selector_on(alone.model, selector_folder)
    entities = llmner_hf.pipeline("bioner", model=str(tagger), selector=selector)(TEXTS)
    assert any(entities)
    assert loaded[state][f"{way} selected"] == rounded(entities)


@pytest.mark.parametrize("state", ["online", "offline"])
def test_the_metric_comes_from_its_space(loaded, state):
    results = loaded[state]["metric"]
    assert (results["precision"], results["recall"], results["gold"]) == (1.0, 0.5, 2)


def test_the_demo_runs_from_its_space(loaded):
    """The page as a Space makes it, out of the files that came back."""
    place = Path(loaded["online"]["space"])
    assert loaded["offline"]["space"] == str(place)
    pushed = on_disk(place)
    del pushed[".gitattributes"]  # the Hub's own
    made = on_disk(SPACES / "bioner_demo")
    assert pushed.items() <= made.items()
    assert {"app.py", "README.md", "requirements.txt"} <= pushed.keys()
    assert loaded["online"]["page"] == ["/annotate"]
