"""A tagger saved, pushed and loaded again answers as it did; all its files are of one commit."""

import json
from dataclasses import replace

import pytest
import torch
from huggingface_hub import HfApi
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

import llmner_hf
from llmner_hf import Entity, Schema, Tagger, pipeline
from llmner_hf.cli import main
from llmner_hf.core.errors import InputError, LlmnerError, SettingError
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.filtering import Selector
from llmner_hf.selector.sharing import selector_at
from llmner_hf.settings import TaggerSettings
from llmner_hf.settings.origin import EMBEDDED, Origin
from tests.doubles.hub import Hub
from tests.doubles.selecting import adapter_on

# huggingface_hub 2.4 puts files by httpx2's old argument: https://github.com/huggingface/huggingface_hub
pytestmark = [
    pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning"),
    # PEFT looks whether the base has other embeddings, without a token.
    pytest.mark.filterwarnings("ignore:Could not find a config file:UserWarning"),
]

WORDS = (
    "aspirin",
    "IL-2",
    "p53",
    "fever",
    "NF-kappa B",
    "患者",
    "高血压",
    "阿司匹林",
    "T cells",
    "pain",
)
TEXTS = [
    f"The {a} eased {b}. {b} binds {a} in {i}." for i, a in enumerate(WORDS) for b in WORDS[:5]
]


@pytest.fixture(scope="module")
def tagger(tagger_folder, tmp_path_factory):
    """A tagger of random weights that finds much."""
    tagger = Tagger.from_pretrained(tagger_folder)
    settings = replace(tagger.settings, every_type=True, bracket_bias=5.0)
    folder = tmp_path_factory.mktemp("tagger") / "finding"
    Tagger(tagger.model, tagger.tokenizer, settings).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def adapter(tagger, tokenizer, tmp_path_factory):
    """An adapter of random weights on it."""
    from peft import LoraConfig, get_peft_model

    folder = tmp_path_factory.mktemp("adapter")
    torch.manual_seed(3)
    config = LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj"], init_lora_weights=False)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(tagger), config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    TaggerSettings.load(tagger / "tagger.json").save(folder)
    return folder


@pytest.fixture(scope="module")
def selector(tagger, tokenizer, tmp_path_factory):
    return adapter_on(tagger, tmp_path_factory.mktemp("selector"), tokenizer)


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub that this process asks, with its one token in the environment."""
    with Hub() as running:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", running.url)
        for module in ("hf_api", "file_download"):
            monkeypatch.setattr(f"huggingface_hub.{module}.ENDPOINT", running.url, raising=False)
        template = running.url + "/{repo_id}/resolve/{revision}/{filename}"
        for place in ("constants", "file_download"):
            name = f"huggingface_hub.{place}.HUGGINGFACE_CO_URL_TEMPLATE"
            monkeypatch.setattr(name, template, raising=False)
        # transformers keeps a client that it made for another Hub.
        monkeypatch.setattr("transformers.utils.hub._hf_api", None, raising=False)
        monkeypatch.setattr(
            "llmner_hf.tagger.tagger.HfApi", lambda token=None: HfApi(running.url, token)
        )
        yield running


def alike(one, other):
    """The same entities, and scores within rounding: drafts are as long as this machine likes."""
    for mine, theirs in zip(one, other, strict=True):
        plain = [[{**e, "score": None} for e in found] for found in (mine, theirs)]
        assert plain[0] == plain[1]
        scores = [[e["score"] for e in found] for found in (mine, theirs)]
        assert scores[0] == pytest.approx(scores[1], rel=1e-3, abs=1e-9)
    return any(one)


def test_the_embedded_model_is_saved_whole(tmp_path):
    """Weights, settings, gazetteer and selector; no path of this machine."""
    ner = pipeline("bioner")
    ner.save_pretrained(tmp_path / "saved")
    again = pipeline("bioner", model=tmp_path / "saved")
    assert alike(again(TEXTS, batch_size=16), ner(TEXTS, batch_size=16))
    assert again.selector is not None
    files = {p.relative_to(tmp_path / "saved").as_posix(): p for p in tmp_path.rglob("*.json")}
    assert {"tagger.json", "selector/selector.json", "config.json"} <= files.keys()
    for path in files.values():
        text = path.read_text(encoding="utf-8")
        assert str(tmp_path) not in text
        assert str(EMBEDDED) not in text
    assert "custom_pipelines" not in json.loads(files["config.json"].read_text())


@pytest.mark.parametrize("kind", ["whole", "adapter"])
def test_saved_with_a_selector_it_answers_alike(kind, tagger, adapter, selector, tmp_path):
    place = tagger if kind == "whole" else adapter
    made = Tagger.from_pretrained(place, selector=selector)
    made = replace(made, selector=replace(made.selector, threshold=0.45, temperature=1.5))
    made.save_pretrained(tmp_path / "saved")
    again = Tagger.from_pretrained(tmp_path / "saved")
    one, other = (llmner_hf.BioNerPipeline(tagger=each) for each in (made, again))
    assert alike(one(TEXTS), other(TEXTS))
    assert other.dropped == one.dropped > 0
    assert (again.selector.threshold, again.selector.temperature) == (0.45, 1.5)


def test_a_selector_of_another_base_is_saved_whole(tagger, tagger_folder, tokenizer, tmp_path):
    other = adapter_on(tagger_folder, tmp_path / "other", tokenizer)
    made = Tagger.from_pretrained(tagger, selector=selector_at(other))
    made.save_pretrained(tmp_path / "saved")
    assert (tmp_path / "saved" / "selector" / "config.json").is_file()
    again = Tagger.from_pretrained(tmp_path / "saved")
    found = [llmner_hf.BioNerPipeline(tagger=each)(TEXTS[:10]) for each in (made, again)]
    for one, two in zip(*found, strict=True):
        assert [e["word"] for e in one] == [e["word"] for e in two]
        assert [e["score"] for e in one] == pytest.approx([e["score"] for e in two], abs=1e-5)


def test_what_cannot_be_saved_is_refused(tagger, selector, tmp_path):
    class Sure:
        def logits(self, candidates, batch_size=64):
            return [30.0 for _ in candidates]

    made = Tagger.from_pretrained(tagger, selector=Selector(Sure()))
    with pytest.raises(SettingError, match="made in memory"):
        made.save_pretrained(tmp_path / "a")
    Tagger.from_pretrained(tagger, selector=selector).save_pretrained(tmp_path / "b")
    with pytest.raises(InputError, match="a selector lies there and this tagger has none"):
        Tagger.from_pretrained(tagger, selector=None).save_pretrained(tmp_path / "b")
    with pytest.raises(InputError, match="is a file"):
        made.save_pretrained(tagger / "config.json")


def test_merged_is_the_adapter_in_the_weights(adapter, tmp_path):
    made = Tagger.from_pretrained(adapter)
    merged = made.merged(torch.float32)
    assert not getattr(merged.model, "_hf_peft_config_loaded", False)
    merged.save_pretrained(tmp_path / "whole")
    assert not (tmp_path / "whole" / "adapter_config.json").exists()
    again = Tagger.from_pretrained(tmp_path / "whole")
    assert again.merged() is again
    one, other = (llmner_hf.BioNerPipeline(tagger=each) for each in (made, again))
    for mine, theirs in zip(one(TEXTS[:10]), other(TEXTS[:10]), strict=True):
        assert [e["word"] for e in mine] == [e["word"] for e in theirs]


def test_by_name_all_files_are_of_the_revision(hub, tagger, selector, tmp_path):
    """Version v1 has a selector and another bias; main has neither."""
    first = Tagger.from_pretrained(tagger, selector=selector)
    second = replace(first, settings=replace(first.settings, bracket_bias=0.5), selector=None)
    second.push_to_hub("tester/ner", token=hub.token)
    first.push_to_hub("tester/ner", revision="v1", token=hub.token)
    expected = [llmner_hf.BioNerPipeline(tagger=each)(TEXTS[:8]) for each in (first, second)]
    assert expected[0] != expected[1]
    for revision, wanted in zip(("v1", None), expected, strict=True):
        found = pipeline(
            "bioner",
            model="tester/ner",
            revision=revision,
            token=hub.token,
            cache_dir=tmp_path / "cache",
        )
        assert alike(found(TEXTS[:8]), wanted)
        assert (found.selector is None) == (revision is None)
        assert len(found.tagger.origin.revision) == 40  # the commit itself
    loaded = Tagger.from_pretrained(
        "tester/ner", revision="v1", cache_dir=tmp_path / "cache", local_files_only=True
    )
    assert alike(llmner_hf.BioNerPipeline(tagger=loaded)(TEXTS[:8]), expected[0])


def test_what_is_private_needs_the_token_and_loads_with_it(hub, adapter, tagger, tmp_path):
    whole = Tagger.from_pretrained(tagger)
    whole.push_to_hub("tester/hidden", private=True, token=hub.token)
    config = json.loads((adapter / "adapter_config.json").read_text())
    made = Tagger.from_pretrained(adapter)
    made.model.peft_config["default"].base_model_name_or_path = "tester/hidden"
    made.push_to_hub("tester/adapter", private=True, token=hub.token)
    assert config["base_model_name_or_path"] == str(tagger)
    expected = llmner_hf.BioNerPipeline(tagger=made)(TEXTS[:8])
    options = {"cache_dir": tmp_path / "cache"}
    with pytest.raises(LlmnerError, match="private needs a token"):
        pipeline("bioner", model="tester/adapter", **options)
    found = pipeline("bioner", model="tester/adapter", token=hub.token, **options)
    assert alike(found(TEXTS[:8]), expected)


def test_an_adapter_whose_base_is_a_folder_is_not_pushed(hub, adapter, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # where no such folder is to be seen
    made = Tagger.from_pretrained(adapter)
    for base in ("llmner_hf/embedded", str(adapter), "../base"):
        made.model.peft_config["default"].base_model_name_or_path = base
        with pytest.raises(LlmnerError, match="base"):
            made.push_to_hub("tester/local", token=hub.token)
    assert ("model", "tester/local") not in hub.repositories or not hub.repositories[
        "model", "tester/local"
    ].find("main").files.keys() - {".gitattributes"}


def test_the_shipped_selector_pushed_alone_loads_by_name(hub, monkeypatch, tmp_path, capsys):
    """Made whole, so that transformers loads it too."""
    monkeypatch.setattr("llmner_hf.hub.pushing.HfApi", lambda: HfApi(hub.url, hub.token))
    assert main(["push", str(EMBEDDED / "selector"), "tester/selector"]) == 0
    assert "made whole" in capsys.readouterr().out
    place = Origin("tester/selector", token=hub.token, cache_dir=tmp_path)
    schema = Schema.of_corpus("bc5cdr_chemical")
    asked = [Candidate("Aspirin eased the pain.", Entity(0, 7, "Chemical"), schema)]
    wanted = selector_at(EMBEDDED / "selector").probabilities(asked)
    assert selector_at(place).probabilities(asked) == pytest.approx(wanted, abs=1e-5)
    model = AutoModelForSequenceClassification.from_pretrained(place.name, **place.loading)
    assert model(torch.tensor([[1, 2, 3]])).logits.shape == (1, 1)


def test_an_origin_is_a_folder_a_name_or_the_embedded_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Origin.of("embedded").folder == EMBEDDED
    (tmp_path / "embedded").mkdir()
    assert Origin.of("embedded").name == "embedded"
    assert "secret" not in repr(Origin("a/b", token="secret"))
    with pytest.raises(SettingError, match=r"no config\.json"):
        Origin("embedded").pinned()
    with pytest.raises(InputError, match="no such folder"):
        Origin("a b/c d/e").pinned()
