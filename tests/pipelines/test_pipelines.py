"""``pipeline("bioner")`` as a user calls it, on a tiny random model: the entities are noise, their
form and their places are not."""

import json
import logging
import pickle
import re
import subprocess
import sys
from dataclasses import replace
from shutil import copytree

import pandas
import pytest
from datasets import Dataset
from hypothesis import given, settings
from transformers.pipelines.pt_utils import KeyDataset

import llmner_hf
from llmner_hf.cli import main
from llmner_hf.core.entities import Entity, Prediction, ScoredEntity
from llmner_hf.core.errors import InputError, LabelError, SettingError
from llmner_hf.pipelines.local import ENGINES, BioNerPipeline
from llmner_hf.readers.json_lines import read_predictions
from llmner_hf.settings import TaggerSettings
from tests.strategies import texts

TEXTS = [
    "The CD28 receptor binds IL-2. It is a [surface] protein.",
    "",
    "患者有高血压。服用阿司匹林后头痛消失。",
    "no\nline\tbreaks are lost",
]


@pytest.fixture(scope="module")
def ner(tagger_folder):
    return llmner_hf.pipeline("bioner", model=str(tagger_folder))


def verbatim(text, entities):
    spans = [(e["start"], e["end"]) for e in entities]
    assert spans == sorted(spans, key=lambda span: (span[0], -span[1]))
    for entity in entities:
        assert list(entity) == ["entity_group", "score", "word", "start", "end"]
        assert entity["word"] == text[entity["start"] : entity["end"]] != ""
        assert 0 <= entity["score"] <= 1
    return True


def test_a_string_gives_a_list_of_entities(ner):
    found = ner(TEXTS[0])
    assert verbatim(TEXTS[0], found)
    assert {e["entity_group"] for e in found} <= {"protein", "DNA"}


def test_lists_generators_and_datasets_give_the_same(ner):
    one_by_one = [ner(text) for text in TEXTS]
    assert all(map(verbatim, TEXTS, one_by_one))
    assert one_by_one[1] == []
    assert ner(TEXTS) == one_by_one
    assert list(ner(text for text in TEXTS)) == one_by_one
    assert list(ner(KeyDataset(Dataset.from_dict({"text": TEXTS}), "text"))) == one_by_one


@pytest.mark.parametrize("batch_size", [2, 3, 8])
def test_batch_size_changes_nothing(ner, batch_size):
    for one, other in zip(ner(TEXTS), ner(TEXTS, batch_size=batch_size), strict=True):
        assert len(one) == len(other)
        for first, second in zip(one, other, strict=True):
            assert first.pop("score") == pytest.approx(second.pop("score"), rel=1e-5)
            assert first == second


def test_the_language_is_guessed_and_can_be_said(ner):
    assert {e["entity_group"] for e in ner("患者有高血压")} <= {"疾病"}
    assert {e["entity_group"] for e in ner("患者有高血压", language="en")} <= {"protein", "DNA"}


def test_types_of_ones_own_by_name_and_by_definition(ner):
    assert {e["entity_group"] for e in ner(TEXTS[0], entity_types=["Drug"])} <= {"Drug"}
    defined = ner(TEXTS[0], entity_types={"Drug": "a substance that heals"})
    assert {e["entity_group"] for e in defined} <= {"Drug"}
    assert {e["entity_group"] for e in ner(TEXTS[0], dataset="chinese")} <= {"疾病"}
    assert {e["entity_group"] for e in ner(TEXTS[0], dataset="ncbi_disease")} <= {"Disease"}


def test_types_can_be_given_when_it_is_made(tagger_folder):
    ner = llmner_hf.pipeline("bioner", model=str(tagger_folder), entity_types=["DNA"])
    assert {e["entity_group"] for e in ner(TEXTS[0])} == {"DNA"}


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"entity_types": "Drug"}, LabelError, "must be a list of names or a mapping"),
        ({"entity_types": []}, LabelError, "must be a list of names or a mapping"),
        ({"entity_types": ["a:b"]}, LabelError, "type name 'a:b'"),
        ({"dataset": "nonsense"}, SettingError, "unknown dataset 'nonsense'; known are"),
        ({"entity_type": ["Drug"]}, InputError, "unknown argument entity_type"),
    ],
)
def test_wrong_arguments_are_named(ner, given, error, message):
    with pytest.raises(error, match=message):
        ner(TEXTS[0], **given)


def test_what_is_no_text_is_refused(ner):
    with pytest.raises(InputError, match="must be a string, not int"):
        ner([3])


def test_an_unknown_engine_is_refused(tagger_folder):
    with pytest.raises(InputError, match="engine 'magic'"):
        llmner_hf.pipeline("bioner", model=str(tagger_folder), engine="magic")


def test_a_long_document_is_annotated_sentence_by_sentence(ner):
    text = "The CD28 receptor binds IL-2.  " * 40
    whole = ner(text)
    assert verbatim(text, whole)
    first = ner("The CD28 receptor binds IL-2.")
    assert len(whole) == 40 * len(first)
    assert {(e["start"] % 31, e["end"] % 31) for e in whole} == {
        (e["start"], e["end"]) for e in first
    }


class Explaining:
    """A decoder that finds an abbreviation only where it is explained."""

    def prepare(self, request):
        return request

    def length(self, request):
        return len(request.text)

    def decode(self, requests, batch_size=16):
        return [
            Prediction(
                request.id,
                tuple(
                    ScoredEntity(Entity(m.start(1), m.end(1), "protein"), 0.75)
                    for m in re.finditer(r"\((\w+)\)", request.text)
                ),
            )
            for request in requests
        ]


def test_what_one_sentence_has_is_looked_for_in_the_others(ner, monkeypatch):
    monkeypatch.setattr(ner.annotator, "decoder", Explaining())
    text = "Interleukin 2 (IL2) is old. We saw il2. IL22 is newer."
    other = "IL2 alone."
    twice = [(15, 18), (35, 38)]
    found = ner([text, other], batch_size=2, dataset="english")
    assert [[(e["start"], e["end"]) for e in entities] for entities in found] == [twice, []]
    assert {e["score"] for e in found[0]} == {0.75}
    assert ner(text, dataset="english") == found[0]
    assert [(e["start"], e["end"]) for e in ner(text, repeats=False)] == twice[:1]
    assert len(ner(text, sentences=False)) == 1


@pytest.mark.parametrize(("flags", "found"), [([], [2, 1]), (["--no-repeats"], [1, 1])])
def test_repeats_from_the_command_line(tagger_folder, tmp_path, monkeypatch, capsys, flags, found):
    monkeypatch.setitem(ENGINES, "constrained", lambda *_: Explaining())
    texts, out = tmp_path / "texts.jsonl", tmp_path / "out.jsonl"
    rows = [{"id": "a", "text": "It (IL2) is. An IL2."}, {"id": "b", "text": "(IL2)"}]
    texts.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert (
        main(["annotate", str(texts), "-o", str(out), "--model", str(tagger_folder), *flags]) == 0
    )
    assert [len(p.entities) for p in read_predictions(out)] == found


def test_a_caller_hears_how_far_it_is(ner):
    heard = []
    text = "The CD28 receptor binds IL-2. " * 20
    found = ner(text, progress=lambda done, of: heard.append((done, of)))
    assert heard == [(0, 20), (16, 20)]
    assert len(found) == len(ner(text))


def test_whole_texts_that_do_not_fit_are_grouped_at_sentences(ner):
    text = "The CD28 receptor binds IL-2. " * 40
    assert verbatim(text, ner(text, sentences=False))


def test_a_sentence_beyond_the_context_is_cut_and_said_so(ner, caplog):
    text = "肝" * 2_000
    before = ner.problems["too long"]
    with caplog.at_level(logging.WARNING):
        assert verbatim(text, ner(text))
    assert "longer than the context" in caplog.text
    assert ner.problems["too long"] == before + 1


@settings(max_examples=10)
@given(texts())
def test_hostile_texts_give_verbatim_entities(ner, text):
    assert verbatim(text, ner(text))


def test_free_decoding_through_the_pipeline(tagger_folder):
    ner = llmner_hf.pipeline("bioner", model=str(tagger_folder), engine="free")
    ner.decoder.most_tokens = 20
    assert verbatim(TEXTS[0], ner(TEXTS[0]))
    assert ner.problems["truncated"] == 2  # both sentences; random weights do not stop


def test_free_decoding_of_lines_apart_is_refused(tagger_folder, tmp_path):
    copytree(tagger_folder, tmp_path / "apart")
    settings = TaggerSettings.load(tmp_path / "apart" / "tagger.json")
    replace(settings, lines_apart=True).save(tmp_path / "apart")
    with pytest.raises(SettingError, match="tuned with lines_apart"):
        llmner_hf.pipeline("bioner", model=str(tmp_path / "apart"), engine="free")


def test_a_model_without_settings_is_asked_zero_shot(tagger_folder, tokenizer, tmp_path, caplog):
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(tagger_folder).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    with caplog.at_level(logging.WARNING):
        ner = llmner_hf.pipeline("bioner", model=str(tmp_path))
    assert "zero-shot" in caplog.text
    with pytest.raises(SettingError, match="no default types for language 'en'"):
        ner(TEXTS[0])
    assert verbatim("IL-2", ner("IL-2", entity_types=["protein"]))


def test_a_prompt_beyond_the_context_is_refused(ner):
    reads_all = replace(ner.settings, style="prefix")
    asked = BioNerPipeline(tagger=replace(ner.tagger, settings=reads_all))
    with pytest.raises(SettingError, match="the prompt alone needs"):
        asked("IL-2", entity_types=[f"type{number}" for number in range(400)])


def test_the_public_names_are_deliberate():
    assert llmner_hf.__all__ == [
        "BioNerPipeline",
        "EndpointPipeline",
        "Entity",
        "EntityType",
        "EntityValidityConfig",
        "EntityValidityForSequenceClassification",
        "Example",
        "GLMForEntityValidity",
        "LabelSet",
        "Link",
        "Linker",
        "LlmnerError",
        "Prediction",
        "Schema",
        "ScoredEntity",
        "Scores",
        "Selector",
        "Tagger",
        "TaggerSettings",
        "Terminology",
        "__version__",
        "annotate",
        "build",
        "merge",
        "pipeline",
        "push",
        "read_any",
        "score",
    ]
    assert all(getattr(llmner_hf, name) for name in llmner_hf.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = llmner_hf.nonsense


FRESH = """
import sys
import llmner_hf
heavy = {"torch", "transformers", "datasets"} & sys.modules.keys()
assert not heavy, heavy
from transformers import AutoConfig, AutoModelForSequenceClassification, pipeline
ner = pipeline("bioner")
print(ner("Aspirin eased the pain.")[0]["word"], type(ner).__name__)
print(AutoConfig.for_model("entity_validity").model_type)
print(type(AutoModelForSequenceClassification.from_config(
    AutoConfig.for_model("entity_validity", text_config=ner.model.config))).__name__)
"""


def test_importing_the_package_makes_task_and_selector_known_to_transformers():
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning:llmner_hf", "-c", FRESH],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    expected = [
        "Aspirin BioNerPipeline",
        "entity_validity",
        "EntityValidityForSequenceClassification",
    ]
    assert done.stdout.split("\n")[:-1] == expected


@pytest.mark.parametrize(
    "form",
    [list, tuple, iter, lambda t: (x for x in t), lambda t: Dataset.from_dict({"t": t})["t"]],
)
def test_texts_in_any_form(ner, form):
    found = ner(form(TEXTS), batch_size=2)
    assert list(found) == ner(TEXTS, batch_size=2)
    assert isinstance(found, list) == hasattr(form(TEXTS), "__len__")


def test_a_pandas_series_gives_a_list(ner):
    assert ner(pandas.Series(TEXTS)) == ner(TEXTS)


@pytest.mark.parametrize("form", [[], (), Dataset.from_dict({"t": []})["t"]])
def test_no_texts_give_no_answers(ner, form):
    assert ner(form) == []


@pytest.mark.parametrize("wrong", [3, None, {"text": "a"}, b"a"])
def test_what_holds_no_texts_is_refused(ner, wrong):
    with pytest.raises(InputError, match="a text must be a string, not"):
        ner(wrong)


def test_aggregation_of_tokens_is_refused_with_the_reason(ner):
    with pytest.raises(InputError, match="a model writes whole entities"):
        ner(TEXTS[0], aggregation_strategy="simple")


def test_a_pipeline_made_by_name_can_be_pickled(tagger_folder):
    ner = llmner_hf.pipeline("bioner", model=str(tagger_folder), entity_types=["protein"])
    assert pickle.loads(pickle.dumps(ner))(TEXTS[0]) == ner(TEXTS[0])  # noqa: S301  our own
    made = BioNerPipeline(tagger=ner.tagger)
    with pytest.raises(SettingError, match="make it by its folder"):
        pickle.dumps(made)


def test_no_texts_have_no_entities(ner):
    assert ner([]) == ner(()) == []
    assert list(ner(iter([]))) == []
