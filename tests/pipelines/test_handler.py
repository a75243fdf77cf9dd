"""The handler of Inference Endpoints: found as they find it, called as they call it."""

import importlib.util
import json

import pytest

import llmner_hf
from llmner_hf.core.errors import InputError
from llmner_hf.pipelines.handler import MOST_CHARACTERS, EndpointHandler, write
from llmner_hf.pipelines.local import EMBEDDED

TEXT = "Lithium and aspirin were given."


@pytest.fixture(scope="module")
def handler(tmp_path_factory):
    """Loaded from the file beside a model, as the endpoint's server does."""
    beside = tmp_path_factory.mktemp("repository")
    write(beside)
    assert (beside / "requirements.txt").read_text() == "llmner_hf\n"
    spec = importlib.util.spec_from_file_location("handler", beside / "handler.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.EndpointHandler is EndpointHandler
    return module.EndpointHandler(str(EMBEDDED))


def test_it_answers_as_the_pipeline(handler):
    ner = llmner_hf.pipeline("bioner")
    (found,) = ner([TEXT], batch_size=16)
    assert {entity["word"] for entity in found} >= {"Lithium", "aspirin"}
    # Drafts are as long as each pipeline has measured them to pay: a score's last digits differ.
    wanted = [entity | {"score": pytest.approx(entity["score"], rel=1e-4)} for entity in found]
    assert handler({"inputs": TEXT}) == wanted
    assert handler({"inputs": [TEXT, "", TEXT]}) == [wanted, [], wanted]
    assert handler({"inputs": []}) == []
    assert json.loads(json.dumps(handler({"inputs": TEXT}))) == wanted


def test_parameters_are_those_of_the_call(handler):
    given = {"entity_types": {"Drug": "a substance that heals"}, "sentences": False}
    found = handler({"inputs": TEXT, "parameters": given})
    assert {entity["entity_group"] for entity in found} <= {"Drug"}
    assert handler({"inputs": TEXT, "parameters": None}) == handler({"inputs": TEXT})


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "inputs must be a text or a list of texts, not None"),
        ({"inputs": [TEXT, 3]}, "inputs must be a text"),
        ({"inputs": {"text": TEXT}}, "inputs must be a text"),
        ({"inputs": TEXT, "parameters": {"nonsense": 1}}, "unknown argument nonsense"),
        ({"inputs": TEXT, "parameters": {"batch_size": 999}}, "without batch_size"),
        ({"inputs": TEXT, "parameters": {"progress": 1}}, "without batch_size and progress"),
        ({"inputs": TEXT, "parameters": [1]}, "parameters are those of"),
        ({"inputs": ["x" * MOST_CHARACTERS, "x"]}, "200,001 characters in one request"),
        ({"inputs": [""] * 1001}, "1,001 texts in one request, and at most 1,000"),
        *(
            ({"inputs": TEXT, "parameters": parameters}, message)
            for parameters, message in [
                ({"num_workers": 9}, "unknown argument num_workers"),
                ({"entity_types": [f"T{i}" for i in range(65)]}, "at most 64 names"),
                ({"entity_types": ["T" * 101]}, "entity_types must be"),
                ({"entity_types": {"T": "d" * 1001}}, "entity_types must be"),
                ({"entity_types": [3]}, "entity_types must be"),
                ({"entity_types": "Drug"}, "entity_types must be"),
                ({"dataset": 3}, "dataset must be the name"),
                ({"language": "fr"}, "language must be zh or en"),
                ({"language": ["en"]}, "language must be zh or en"),
                ({"sentences": 1}, "sentences must be true or false"),
                ({"repeats": "no"}, "repeats must be true or false"),
                ({"threshold": float("nan")}, "threshold must be a number from 0 to 1"),
                ({"threshold": "0.5"}, "threshold must be a number"),
            ]
        ),
    ],
)
def test_what_is_no_request_is_one_clear_line(handler, request_, message):
    with pytest.raises(InputError, match=message) as raised:
        handler(request_)
    assert "\n" not in str(raised.value)


def test_a_request_that_takes_too_long_ends(handler, monkeypatch):
    monkeypatch.setattr("llmner_hf.pipelines.handler.MOST_SECONDS", -1)
    with pytest.raises(InputError, match="0 of 1 sentences took -1 seconds; send less text"):
        handler({"inputs": TEXT})


def test_without_a_model_the_embedded_one_answers():
    found = EndpointHandler()({"inputs": "Lithium and aspirin."})
    assert {entity["word"] for entity in found} == {"Lithium", "aspirin"}
