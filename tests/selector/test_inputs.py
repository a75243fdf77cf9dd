"""Inputs of selectors: parts, markers, units, with made and with real tokenizers."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from llmner_hf.core.entities import Entity, EntityType, LabelSet
from llmner_hf.core.errors import LabelError, OffsetError, SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.core.tagging.base import view
from llmner_hf.selector.candidates import Candidate, units_of
from llmner_hf.selector.inputs import Inputs, marker_ids, with_markers
from llmner_hf.settings import SelectorSettings
from llmner_hf.tokens.canonical import Tokens
from tests.strategies import texts

ENGLISH = Schema("", "en", LabelSet((EntityType("protein", "a [folded] chain"), EntityType("DNA"))))
CHINESE = Schema("", "zh", LabelSet((EntityType("疾病", "身体的异常"),)))
BRACKETS = SelectorSettings(markers=("[", "]"), style="brief")
BACKBONES = {
    "glm-4-9b-chat-hf": ("[gMASK]<sop>", "<|s1|>", 151552),
    "qwen2.5-7b-instruct": ("", "<|s1|>", 152064),
    "llama-3.1-8b-instruct": ("<|begin_of_text|>", "<|reserved_special_token_0|>", 128256),
    "deepseek-r1-distill-qwen-7b": ("", "<|s1|>", 152064),
}


def load(shared, name):
    return AutoTokenizer.from_pretrained(
        shared / "tokenizers" / name, clean_up_tokenization_spaces=False
    )


def written(tokens, settings, candidate):
    found = Inputs(tokens, settings).written(candidate)
    return [tokens.tokenizer.decode(part) for part in (found.prefix, found.rest)]


def test_read_once_it_is_the_type_and_the_marked_text(tokens):
    candidate = Candidate("binds [3H]IL-2 here", Entity(10, 14, "protein"), ENGLISH)
    assert written(tokens, BRACKETS, candidate) == ["protein: ", "binds (3H)[IL-2] here<|end|>"]
    defined = replace(BRACKETS, definition=True)
    assert written(tokens, defined, candidate)[0] == "protein: a (folded) chain\n"
    undefined = Candidate(candidate.text, Entity(10, 14, "DNA"), ENGLISH)
    assert written(tokens, defined, undefined)[0] == "DNA: "


def test_read_twice_it_is_a_prompt_and_an_answer_up_to_the_candidate(tokens):
    candidate = Candidate("患者有高血压病史", Entity(3, 6, "疾病"), CHINESE)
    prefix, rest = written(tokens, replace(BRACKETS, reading="twice"), candidate)
    assert prefix == "<|user|>疾病\n患者有高血压病史<|assistant|>"
    assert rest == "疾病: 患者有[高血压"
    two = Candidate("IL-2", Entity(0, 4, "DNA"), ENGLISH)
    assert written(tokens, replace(BRACKETS, reading="twice"), two) == [
        "<|user|>DNA\nIL-2<|assistant|>",  # this type alone
        "DNA: [IL-2",
    ]


@pytest.mark.parametrize("reading", ["once", "twice"])
@given(text=texts().filter(bool), data=st.data())
def test_markers_stand_once_and_the_parts_never_depend_on_each_other(tokens, reading, text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    inputs = Inputs(tokens, replace(BRACKETS, reading=reading))
    protein, dna = (
        inputs.written(Candidate(text, Entity(start, end, name), ENGLISH)).rest
        for name in ("protein", "DNA")
    )
    assert [protein.count(i) for i in inputs.markers] == [1, 1 if reading == "once" else 0]
    if reading == "once":
        assert protein == dna
        special = set(tokens.tokenizer.all_special_ids)
        assert [i for i in protein if i in special] == [tokens.stop]
    opening, closing = inputs.markers
    inside = protein[protein.index(opening) + 1 :]
    inside = inside[: inside.index(closing)] if reading == "once" else inside
    assert tokens.tokenizer.decode(inside) == view(text)[start:end]


def test_what_is_no_candidate_is_refused():
    with pytest.raises(OffsetError, match="ends behind the text of 4"):
        Candidate("IL-2", Entity(0, 5, "DNA"), ENGLISH)
    with pytest.raises(LabelError, match="known are protein, DNA"):
        Candidate("IL-2", Entity(0, 4, "RNA"), ENGLISH)


def test_a_tokenizer_without_the_markers_is_refused(tokenizer):
    with pytest.raises(SettingError, match=r"no token '<\|s1\|>'"):
        marker_ids(tokenizer, SelectorSettings())


@pytest.mark.parametrize("name", BACKBONES)
def test_markers_of_real_tokenizers_need_no_new_rows(shared, name):
    opening, marker, rows = BACKBONES[name]
    tokenizer = load(shared, name)
    settings = with_markers(tokenizer, SelectorSettings())
    assert settings.markers[0] == marker
    assert len(tokenizer) <= rows
    assert with_markers(tokenizer, settings) == settings
    tokens = Tokens(tokenizer)
    candidate = Candidate("患者有<|s1|>高血压", Entity(9, 12, "疾病"), CHINESE)
    found = Inputs(tokens, settings).written(candidate)
    assert tokenizer.decode(found.prefix) == f"{opening}疾病: "
    assert [found.rest.count(i) for i in marker_ids(tokenizer, settings)] == [1, 1]
    assert found.rest[-1] == tokens.stop


def check_units(text, units):
    """Disjoint, in order, no blank at an end, and every character that is none is in one."""
    seen = view(text)
    assert all(0 <= start < end <= len(text) for start, end in units)
    assert all(first[1] <= second[0] for first, second in pairwise(units))
    assert all(seen[start] != " " != seen[end - 1] for start, end in units)
    covered = {place for start, end in units for place in range(start, end)}
    assert {i for i, c in enumerate(seen) if c != " "} <= covered


@pytest.mark.parametrize("kind", ["tokens", "characters"])
@given(text=texts())
def test_units_cut_no_character_and_leave_no_word_out(tokens, kind, text):
    check_units(text, units_of(text, kind, tokens))


def test_units_by_example(tokens):
    text = "IL-2高血压 of"
    kinds = {k: [text[a:b] for a, b in units_of(text, k, tokens)] for k in ("words", "characters")}
    assert kinds["words"] == ["IL", "-", "2", "高", "血", "压", "of"]
    assert kinds["characters"] == list("IL-2高血压of")


@pytest.mark.parametrize("name", BACKBONES)
def test_units_of_real_tokenizers_are_their_tokens(shared, name):
    tokens = Tokens(load(shared, name))
    # The second character is two tokens or three of bytes in all four vocabularies.
    text = "髋臼 of IL-2\n血压 e\u0301 \u212b 👩\u200d🔬"
    units = units_of(text, "tokens", tokens)
    check_units(text, units)
    surfaces = [text[start:end] for start, end in units]
    assert surfaces[:2] == ["髋", "臼"]
    assert surfaces[3:6] == ["IL", "-", "2"]
