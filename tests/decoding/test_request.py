"""A request that was prepared is measured and decoded with the prompt that it has."""

import pytest

from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.decoding.free import FreeDecoder
from llmner_hf.decoding.reference import ReferenceDecoder
from llmner_hf.decoding.remote import decoder as remote
from llmner_hf.settings import TaggerSettings
from llmner_hf.tokens.canonical import Tokens
from tests.doubles.models import requests, tiny

BRIEF = TaggerSettings(style="brief", max_depth=2)


@pytest.mark.parametrize("kind", [ConstrainedDecoder, ReferenceDecoder, FreeDecoder])
def test_a_prompt_is_made_once(tokenizer, monkeypatch, kind):
    decoder = kind(tiny("glm", tokenizer), tokenizer, BRIEF)
    if kind is FreeDecoder:
        decoder.most_tokens = 4
    many = requests(["CD28 and IL-2", "", "患者有高血压"])
    lengths, wanted = [decoder.length(request) for request in many], decoder.decode(many, 2)
    prepared = [decoder.prepare(request) for request in many]
    assert prepared == many  # they ask for the same
    monkeypatch.setattr(Tokens, "prompt", None)
    assert [decoder.length(request) for request in prepared] == lengths
    assert decoder.decode(prepared, 2) == wanted
    assert decoder.prepare(prepared[0]).prompt is prepared[0].prompt


def test_messages_are_made_once(monkeypatch):
    decoder = remote.RemoteDecoder(None, BRIEF)
    (request,) = requests(["CD28"])
    wanted, prepared = decoder.length(request), decoder.prepare(request)
    monkeypatch.setattr(remote, "messages", None)
    assert decoder.length(prepared) == wanted
    assert decoder.prepare(prepared).prompt is prepared.prompt
