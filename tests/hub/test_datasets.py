"""Pushed datasets in other hands: joint configurations, and training with TRL alone.

The clients read HF_ENDPOINT when they are imported, so a process of its own loads everything.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from copy import deepcopy
from pathlib import Path

import pytest
from datasets import load_dataset

from llmner_hf.core.errors import InputError
from llmner_hf.corpora import build
from llmner_hf.corpora.own import own_corpus
from llmner_hf.corpora.rows import FEATURES
from llmner_hf.hub import Contents, Destination, contents_of, joined, push
from llmner_hf.hub.joining import in_turn
from tests.doubles.hub import Hub
from tests.doubles.models import tiny

# huggingface_hub 2.4 puts files by httpx2's old argument: https://github.com/huggingface/huggingface_hub
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

STRATEGIES = ("symbolic", "html", "json_list")
SIZES = {"train": {"english": 7, "chinese": 3}, "test": {"english": 1, "chinese": 2}}
TEXTS = {
    "english": ("Sample {} holds aspirin.", "Drug"),
    "chinese": ("患者{}服用阿司匹林。", "药物"),
}
# The answer ends as those of chat models do; the turn of the assistant is opened where asked for.
TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
    "{% if m.role == 'assistant' %}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
LOADING = """
import json, re, sys
import datasets
from huggingface_hub import hf_hub_download, snapshot_download

datasets.config.USE_PARQUET_EXPORT = False  # it would ask another host
names, model, out = json.loads(sys.argv[1])
found = {}
for config in (None, "all", "en", "zh", "english", "chinese"):
    loaded = datasets.load_dataset("tester/joint", config)
    streamed = datasets.load_dataset("tester/joint", config, streaming=True)
    assert {split: list(rows) for split, rows in streamed.items()} == {
        split: list(rows) for split, rows in loaded.items()
    }
    found[str(config)] = {split: list(rows) for split, rows in loaded.items()}
found["folder"] = snapshot_download("tester/joint", repo_type="dataset")

trained = {}
for name in (*names, "joint"):
    card = open(hf_hub_download(f"tester/{name}", "README.md", repo_type="dataset")).read()
    (code,) = (b for b in re.findall(r"```python\\n(.*?)```", card, re.DOTALL) if "trl" in b)
    assert len(code.splitlines()) <= 5
    code = code.replace("FOLDER_OR_REPOSITORY", f"tester/{name}").replace("MODEL", model)
    options = f'"{out}/{name}", max_steps=2, use_cpu=True, bf16=False, logging_steps=1, '
    code = code.replace('"tuned"', options + 'report_to="none", per_device_train_batch_size=2')
    space = {}
    code = code.replace("SFTTrainer(", "trainer = SFTTrainer(").replace(").train()", ")")
    exec(code + "trainer.train()", space)
    rows, ids = space["rows"], space["trainer"].train_dataset
    assert len(ids) == len(rows)
    decode = space["trainer"].processing_class.decode
    learnt = [
        decode([label for label in row["labels"] if label != -100]) for row in ids
    ]
    losses = [entry["loss"] for entry in space["trainer"].state.log_history if "loss" in entry]
    trained[name] = [[turns[0]["content"] for turns in rows["completion"]], learnt, losses]
print(json.dumps([found, trained]))
"""


def corpus(folder: Path, name: str) -> Path:
    """The files of a corpus, one text a document."""
    folder.mkdir(parents=True)
    form, label = TEXTS[name]
    drug = "aspirin" if name == "english" else "阿司匹林"
    for split, sizes in SIZES.items():
        lines = []
        for number in range(sizes[name]):
            text = form.format(f"{split}{number}")
            start = text.index(drug)
            entity = {"start": start, "end": start + len(drug), "type": label}
            row = {"id": str(number), "text": text, "entities": [entity] if number else []}
            lines.append(json.dumps(row | {"language": "en" if name == "english" else "zh"}))
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        (folder / "validation.jsonl").write_text(
            json.dumps({"id": "v", "text": form.format("v"), "entities": []}) + "\n"
        )
    return folder


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> dict[str, Path]:
    """Two corpora, and the English one by every strategy."""
    place = tmp_path_factory.mktemp("datasets")
    made = {}
    for name in TEXTS:
        source = corpus(place / "sources" / name, name)
        builder = own_corpus(name, source, language="en" if name == "english" else "zh")
        for strategy in STRATEGIES if name == "english" else STRATEGIES[:1]:
            target = place / strategy / name
            build(builder, source, target, strategy=strategy)
            made[f"{name}-{strategy}"] = target
    return made


@pytest.fixture(scope="module")
def joint(parts) -> Contents:
    return joined([contents_of(parts[f"{name}-symbolic"]) for name in TEXTS])


@pytest.fixture(scope="module")
def loaded(parts, joint, tokenizer, tmp_path_factory):
    """What the loading process found, and what its training saw."""
    place = tmp_path_factory.mktemp("loading")
    chatting = deepcopy(tokenizer)
    chatting.chat_template = TEMPLATE
    for part in (tiny("glm", tokenizer), chatting):
        part.save_pretrained(place / "model")
    names = {f"english-{strategy}": parts[f"english-{strategy}"] for strategy in STRATEGIES}
    with Hub() as hub, pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        patch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        from huggingface_hub import HfApi

        api = HfApi(endpoint=hub.url, token=hub.token)
        for name, contents in {n: contents_of(f) for n, f in names.items()}.items():
            push(contents, Destination(f"tester/{name}"), api)
        assert push(joint, Destination("tester/joint"), api).changed
        assert not push(joint, Destination("tester/joint"), api).changed
        settings = {
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": hub.token,
            "HF_HOME": str(place / "home"),
            "HF_HUB_OFFLINE": "0",
            "HF_DATASETS_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }
        given = json.dumps([list(names), str(place / "model"), str(place / "out")])
        done = subprocess.run(
            [sys.executable, "-c", LOADING, given],
            env=os.environ | settings,
            cwd=place,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", [*(f"english-{strategy}" for strategy in STRATEGIES), "joint"])
def test_stock_trl_learns_the_completions(loaded, name):
    completions, learnt, losses = loaded[1][name]
    assert len(set(completions)) > 1
    assert sorted(learnt) == sorted(f"{text}<|end|>" for text in completions)
    assert len(losses) == 2
    assert all(loss > 0 for loss in losses)


def test_the_joint_configurations_hold_what_their_corpora_hold(loaded):
    found = loaded[0]
    corpora = {config: Counter() for config in ("None", "all", "en", "zh")}
    for config, counts in corpora.items():
        counts.update(row["dataset"] for row in found[config]["train"])
    both = SIZES["train"]
    assert corpora["None"] == corpora["all"] == both
    assert (corpora["en"], corpora["zh"]) == ({"english": 7}, {"chinese": 3})
    for split in ("train", "validation", "test"):
        assert found["en"][split] == found["english"][split]
        alone = [*found["english"][split], *found["chinese"][split]]
        assert sorted(found["all"][split], key=str) == sorted(alone, key=str)


def test_the_languages_take_turns(loaded):
    train = [row["language"] for row in loaded[0]["all"]["train"]]
    assert train == ["zh", "en"] * 3 + ["en"] * 4
    test = [row["language"] for row in loaded[0]["all"]["test"]]
    assert test == ["en", "zh", "zh"]


def test_a_folder_has_the_same_configurations(loaded):
    for config in ("all", "en", "chinese"):
        here = load_dataset(loaded[0]["folder"], config)
        assert {split: list(rows) for split, rows in here.items()} == loaded[0][config]
        assert here["train"].features == FEATURES


def test_one_language_needs_no_files_of_its_own(parts, tmp_path):
    source = corpus(tmp_path / "source" / "other", "english")
    build(own_corpus("other", source), source, tmp_path / "other")
    contents = joined([contents_of(parts["english-symbolic"]), contents_of(tmp_path / "other")])
    configs = {c["config_name"]: c["data_files"] for c in contents.metadata["configs"]}
    assert list(configs) == ["all", "en", "english", "other"]
    assert configs["all"] == configs["en"]
    assert not [path for path in contents.files if path.startswith("all/")]


def test_what_cannot_stand_in_one_table_is_refused(parts, tmp_path):
    folder = tmp_path / "old"
    rows = load_dataset(str(parts["chinese-symbolic"]), split="train")
    folder.mkdir()
    card = (parts["chinese-symbolic"] / "README.md").read_text(encoding="utf-8")
    (folder / "README.md").write_text(card, encoding="utf-8")
    for path in parts["chinese-symbolic"].glob("*.parquet"):
        rows.remove_columns("completion").to_parquet(folder / path.name)
    with pytest.raises(InputError, match=r"english, chinese: their train rows.*llmner build"):
        joined([contents_of(parts["english-symbolic"]), contents_of(folder)])


def test_a_name_of_a_joint_configuration_is_refused(parts, tmp_path):
    source = corpus(tmp_path / "source" / "all", "english")
    build(own_corpus("all", source), source, tmp_path / "all")
    with pytest.raises(InputError, match="called all, which is the name of a joint"):
        joined([contents_of(tmp_path / "all"), contents_of(parts["english-symbolic"])])


def test_turns_are_the_same_each_time_and_mix_the_corpora_of_a_language():
    languages = ["en"] * 40 + ["zh"] * 10
    order = in_turn(languages)
    assert order == in_turn(languages)
    assert sorted(order) == list(range(50))
    assert order[20:] != sorted(order[20:])
