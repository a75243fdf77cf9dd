"""Models that are damaged, of others, or hostile: each is one line, and none answers otherwise."""

import json
import math
from shutil import copytree
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import load_file, save_file

from llmner_hf.core.errors import FormatError, InputError
from llmner_hf.core.mentions import Dictionary
from llmner_hf.selector.sharing import selector_at
from llmner_hf.selector.soundness import check_tokenizer
from llmner_hf.settings import Gazetteer, SelectorSettings, TaggerSettings
from llmner_hf.settings.origin import EMBEDDED
from llmner_hf.tagger.tagger import Tagger


@pytest.fixture(scope="module")
def whole(tagger_folder, tmp_path_factory):
    place = tmp_path_factory.mktemp("models") / "tagger"
    copytree(tagger_folder, place)
    return place


@pytest.fixture
def folder(whole, tmp_path):
    copytree(whole, tmp_path / "tagger")
    return tmp_path / "tagger"


def rewritten(file, change):
    values = json.loads(file.read_text("utf-8"))
    change(values)
    file.write_text(json.dumps(values), "utf-8")


def tensors(file, change):
    held = load_file(file)
    change(held)
    save_file(held, file, metadata={"format": "pt"})


def refused(place, message, load=Tagger.from_pretrained):
    with pytest.raises(InputError, match=message) as raised:
        load(place)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 700


def without_half(held):
    for name in sorted(held)[::2]:
        del held[name]


def with_one_more(held):
    held["model.layers.9.more.weight"] = torch.zeros(2)


def with_nan(held):
    held[sorted(held)[-1]].fill_(math.nan)


def cut(held):
    name = next(n for n in sorted(held) if held[n].ndim == 2)
    held[name] = held[name][1:].clone()


TENSORS = {
    "tensors are missing, as ": without_half,
    r"1 tensors are unknown to the model, as model.layers.9.more.weight": with_one_more,
    "what is no number": with_nan,
    "cannot be loaded|of another shape": cut,
}


@pytest.mark.parametrize("message", TENSORS)
def test_every_tensor_of_a_model_is_in_its_place(folder, message):
    tensors(folder / "model.safetensors", TENSORS[message])
    refused(folder, message)


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"\x02\0\0\0\0\0\0\0{}"])
def test_a_damaged_file_of_weights_is_one_line(folder, content):
    (folder / "model.safetensors").write_bytes(content)
    refused(folder, "cannot be loaded|tensors are missing")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(model_type="no_such_type"), "cannot be loaded"),
        (lambda c: c.update(num_hidden_layers=-1), "unknown to the model|cannot be loaded"),
        (lambda c: c.update(num_hidden_layers=3), "tensors are missing"),
        (lambda c: c.update(hidden_size="wide"), "cannot be loaded"),
        (lambda c: c.update(rms_norm_eps=-5.0), "what is no number"),
        (lambda c: c.update(max_position_embeddings=-4), "max_position_embeddings in config.json"),
        (lambda c: c.update(max_position_embeddings=1e300), "max_position_embeddings|cannot be"),
        (lambda c: c.update(num_attention_heads=0), "cannot be loaded"),
    ],
)
def test_a_wrong_config_is_one_line(folder, change, message):
    rewritten(folder / "config.json", change)
    refused(folder, message)


@pytest.mark.parametrize("content", ["", "[]", "{", '"x"', "null", "[" * 100_000])
@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "tagger.json"])
def test_files_that_are_none_of_theirs_are_one_line(folder, file, content):
    (folder / file).write_text(content)
    refused(folder, "cannot be loaded|not the settings of a tagger")


def test_a_tokenizer_with_more_tokens_than_the_embedding_is_another_s(folder):
    rewritten(
        folder / "tokenizer.json",
        lambda t: t["added_tokens"].append(
            t["added_tokens"][-1] | {"id": 9999, "content": "<|more|>"}
        ),
    )
    refused(folder, r"its tokenizer has \d+ tokens and the embedding \d+ rows")


@pytest.mark.parametrize(
    ("rows", "tokens", "fits"),
    [
        (151_552, 151_343, True),  # GLM-4's own
        (2_000, 1_000, True),
        (151_552, 113_700, True),
        (151_552, 113_600, False),
        (2_100, 1_000, False),
        (1_000, 1_001, False),
    ],
)
def test_a_tokenizer_has_about_as_many_tokens_as_the_embedding_has_rows(rows, tokens, fits):
    model = SimpleNamespace(
        get_input_embeddings=lambda: SimpleNamespace(weight=torch.empty(rows, 1))
    )
    if fits:
        check_tokenizer(model, range(tokens), "a")
    else:
        refused("a", "is another model's", lambda at: check_tokenizer(model, range(tokens), at))


def test_a_selector_that_names_neither_a_base_nor_itself(folder):
    (folder / "selector").mkdir()
    SelectorSettings().save(folder / "selector")
    refused(folder, r"none of selector/config.json, selector/model.safetensors is there")


WRONG = {
    "max_depth": [-1, 0, 1e300, "3", None, math.nan, 10**9],
    "bracket_bias": [math.nan, 1e300, math.inf, "x", True],
    "strategy": ["nonsense", 3, None],
    "confidence": ["none"],
    "every_type": ["yes", 2],
    "weights": [3, {"a": 3}, {"a": {"bias": math.nan}}, {"a": {"sure": 1e300}}],
    "cuts": [3, {"a": 3}, {"a": [-1]}, {"a": ["b"]}],
    "schemas": [3, {"a": {}}, {"a": {"title": 3, "language": "en", "labels": {"types": []}}}],
    "defaults": [{"en": 3}, {"en": ["a"]}],
    "no_such_key": [1],
}


@pytest.mark.parametrize("key", WRONG)
def test_settings_of_a_tagger_have_ranges(tmp_path, key):
    TaggerSettings().save(tmp_path)
    file = tmp_path / "tagger.json"
    for value in WRONG[key]:
        TaggerSettings().save(tmp_path)
        rewritten(file, lambda values, value=value: values.update({key: value}))
        with pytest.raises(FormatError, match=r"tagger\.json: ") as raised:
            TaggerSettings.load(file)
        assert "\n" not in str(raised.value)


WRONG_SELECTOR = {
    "threshold": [math.nan, 2, -1, "x"],
    "thresholds": [3, {"a": math.nan}, {"a": "x"}, ["a"]],
    "temperature": [math.nan, 0, -1, 1e300, "x", None, math.inf],
    "markers": [["a"], ["a", "a"], [1, 2], 3, ["", "b"]],
    "reading": ["thrice"],
    "evidence": ["yes"],
    "no_such_key": [1],
}


@pytest.mark.parametrize("key", WRONG_SELECTOR)
def test_settings_of_a_selector_have_ranges(tmp_path, key):
    file = tmp_path / "selector.json"
    for value in WRONG_SELECTOR[key]:
        SelectorSettings().save(tmp_path)
        rewritten(file, lambda values, value=value: values.update({key: value}))
        with pytest.raises(FormatError, match=r"selector\.json: ") as raised:
            SelectorSettings.load(file)
        assert "\n" not in str(raised.value)


GAZETTEERS = {
    "digests": np.array([1.5, 2.5]),
    "labels": np.array([0, 9], np.uint8),
    "unsure": np.array([0, 1]),
    "lengths": np.array([0], np.uint16),
    "starts": np.array([[1]], np.uint16),
}


@pytest.mark.parametrize("name", GAZETTEERS)
def test_a_gazetteer_of_other_kinds_is_refused(tmp_path, name):
    learnt = Dictionary({"IL-2": "protein", "CD4": "protein"}).digested()
    Gazetteer({"GENIA": learnt}).save(tmp_path)
    file = tmp_path / "gazetteer.safetensors"
    from safetensors import safe_open

    with safe_open(file, "numpy") as held:
        said = held.metadata()
        arrays = {key: held.get_tensor(key) for key in held.keys()}  # noqa: SIM118  no mapping
    save_arrays(arrays | {f"0.{name}": GAZETTEERS[name]}, file, metadata=said)
    with pytest.raises(FormatError, match="not the gazetteer of a tagger"):
        Gazetteer.load(file)


def test_half_of_a_selector_is_none(tmp_path):
    copytree(EMBEDDED, tmp_path / "model")
    selector = tmp_path / "model" / "selector"
    assert Tagger.from_pretrained(tmp_path / "model").selector is not None
    tensors(selector / "adapter_model.safetensors", without_half)
    for load in (Tagger.from_pretrained, selector_at):
        refused(
            tmp_path / "model" if load != selector_at else selector,
            "tensors are|no .*embed_tokens",
            load,
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("base_model_name_or_path"), "not the config of an adapter"),
        (lambda c: c.update(base_model_name_or_path=None), "names no base"),
        (lambda c: c.update(r=0), "cannot be loaded|tensors are"),
        (lambda c: c.update(peft_type="NONE"), "cannot be loaded"),
    ],
)
def test_a_wrong_config_of_an_adapter_is_one_line(tmp_path, change, message):
    copytree(EMBEDDED, tmp_path / "model")
    selector = tmp_path / "model" / "selector"
    rewritten(selector / "adapter_config.json", change)
    refused(selector, message, selector_at)
