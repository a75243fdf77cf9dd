"""The fast decoder writes the tokens of the slow one, whatever is drafted, in any company."""

import random
from contextlib import nullcontext
from dataclasses import replace

import pytest
from hypothesis import given, settings
from transformers import (
    AutoModelForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from llmner_hf.core.borders import learn_cuts
from llmner_hf.core.entities import Entity, EntityType, LabelSet, ProblemKind
from llmner_hf.core.errors import SettingError
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.schema import Schema
from llmner_hf.core.tagging.base import view
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.decoding.fast.drafts import Drafter
from llmner_hf.decoding.fast.walk import Walk
from llmner_hf.decoding.reference import ReferenceDecoder
from llmner_hf.decoding.request import Request
from llmner_hf.settings import Gazetteer, TaggerSettings, Weights
from tests.doubles.models import FAMILIES, SCHEMA, TEXTS, requests, shape, tiny
from tests.strategies import number, texts

BRIEF = TaggerSettings(style="brief", max_depth=2)
TEXTS_OF_MANY_KINDS = (
    *TEXTS,
    "IL-2 gene expression and NF-kappa B activation through CD28 require 5-lipoxygenase.",
    "患者服用阿司匹林后头痛消失，血压160/95 mmHg。",
    "x" * 40,
    "肝" * 40,
)


# Behind every letter of the words of those texts.
CUTS = learn_cuts(
    (view(text), [Entity(0, place, "any") for place in range(1, len(text) + 1)])
    for text in TEXTS_OF_MANY_KINDS
)


class Adversary(Drafter):
    """Drafts random legal tokens."""

    def __init__(self, seed):
        super().__init__()
        self.choice = random.Random(seed)

    def draft(self, automaton, cell, line, known, open, most):
        walk = Walk(automaton, cell, line)
        for _ in range(self.choice.randrange(most)):
            if walk.cell is None:
                break
            walk.push(self.choice.choice(walk.cell.tokens))
        return walk


class Recording(Drafter):
    """Keeps what was drafted."""

    def __init__(self):
        super().__init__()
        self.drafted = set()

    def draft(self, *places):
        walk = super().draft(*places)
        self.drafted.add(tuple(walk.tokens))
        return walk


POLICIES = {
    "token by token": {"drafter": Drafter(further_lines=0), "longest_draft": 0},
    "to the end of the line": {"drafter": Drafter(hints=False, further_lines=0)},
    "across lines": {"drafter": Drafter(hints=False, further_lines=1), "longest_draft": 500},
    "hints": {"drafter": Drafter(), "longest_draft": 40},
    "adversary": {"drafter": Adversary(1), "longest_draft": 30},
    "as it comes": {},
}


def expected(model, tokenizer, used, many):
    decoder = ReferenceDecoder(model, tokenizer, used)
    rows = [decoder.row(request) for request in many]
    for row in rows:
        decoder.write([row])
    return [row.record for row in rows]


def same(found, wanted):
    """Equal tokens, and scores within rounding."""
    assert [record.tokens for record in found] == [record.tokens for record in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one.prediction.entities == other.prediction.entities
        scores = [entity.score for entity in other.prediction.scored]
        assert [e.score for e in one.prediction.scored] == pytest.approx(scores, rel=1e-3)
        kinds = [problem.kind for problem in other.prediction.problems]
        assert [problem.kind for problem in one.prediction.problems] == kinds


@pytest.fixture(scope="module", params=FAMILIES)
def model(request, tokenizer):
    return tiny(request.param, tokenizer)


@pytest.fixture(scope="module")
def reference(model, tokenizer):
    """What the reference writes of the texts of many kinds."""
    return expected(model, tokenizer, BRIEF, requests(TEXTS_OF_MANY_KINDS))


@pytest.mark.parametrize("policy", POLICIES)
def test_equal_to_the_reference(model, tokenizer, reference, policy):
    many, wanted = requests(TEXTS_OF_MANY_KINDS), reference
    for batch_size, prefix_bytes in ((1, 2**20), (3, 0), (32, 2**20)):
        decoder = ConstrainedDecoder(
            model, tokenizer, BRIEF, prefix_bytes=prefix_bytes, **POLICIES[policy]
        )
        same(decoder.write(many, batch_size), wanted)


def test_mentions_that_weigh_nothing_are_drafted_alone(model, tokenizer, reference):
    """They make a difference to the drafts, and none to what is written."""
    known = Dictionary({"CD28": "protein", "IL-2": "DNA", "高血压": "疾病"})
    used = replace(
        BRIEF,
        gazetteer=Gazetteer({SCHEMA.title: known}),
        schemas={"ours": SCHEMA},
        weights={"ours": Weights()},
    )
    many = requests(TEXTS_OF_MANY_KINDS)
    plain, knowing = Recording(), Recording()
    for own, drafter in ((BRIEF, plain), (used, knowing)):
        decoder = ConstrainedDecoder(model, tokenizer, own, drafter=drafter, longest_draft=100)
        for batch_size in (1, 32):
            same(decoder.write(many, batch_size), reference)
    # The drafts, not the passes: whether a draft saves a random model a pass is chance.
    assert knowing.drafted - plain.drafted


@pytest.mark.parametrize(
    "changes",
    [
        {"every_type": True},
        {"bracket_bias": 1.5},
        {"bracket_bias": -2.0, "confidence": "allowed"},
        {"max_depth": 1, "style": "prefix"},
        {"style": "paper"},
        {"lines_apart": True},
        {"lines_apart": True, "every_type": True, "bracket_bias": 2.0},
        {"cuts": CUTS, "bracket_bias": 1.5},
        {"cuts": CUTS, "bracket_bias": 1.5, "lines_apart": True},
    ],
)
def test_equal_with_every_setting(tokenizer, changes):
    model, used = tiny("glm", tokenizer), replace(BRIEF, **changes)
    many = requests(TEXTS_OF_MANY_KINDS)
    wanted = expected(model, tokenizer, used, many)
    same(ConstrainedDecoder(model, tokenizer, used).write(many, 4), wanted)


def test_the_dial_opens_more_or_fewer_brackets(tokenizer):
    model = tiny("glm", tokenizer)
    counts, many = [], requests(["the gene of the cell"])
    for bias in (-1e4, 0.0, 1e4):
        decoder = ConstrainedDecoder(model, tokenizer, replace(BRIEF, bracket_bias=bias))
        counts.append(sum(len(p.entities) for p in decoder.decode(many)))
    assert counts[0] == 0 < counts[1] < counts[2]


def test_any_company(model, tokenizer):
    """Two label sets and languages in a batch, in any order, more texts than rows."""
    chinese = Schema("CMeEE-V2", "zh", LabelSet((EntityType("疾病"), EntityType("身体"))))
    many = [
        Request(f"{schema.language}{index}", text, schema)
        for index, text in enumerate(TEXTS_OF_MANY_KINDS)
        for schema in (SCHEMA, chinese)
    ]
    wanted = {r.id: r for r in expected(model, tokenizer, BRIEF, many)}
    for seed in range(2):
        shuffled = random.Random(seed).sample(many, len(many))
        decoder = ConstrainedDecoder(model, tokenizer, BRIEF)
        same(decoder.write(shuffled, 1 + 4 * seed), [wanted[r.id] for r in shuffled])


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
def test_every_attention_that_takes_a_mask(tokenizer, implementation):
    model = tiny("llama", tokenizer)
    many = requests()
    wanted = expected(model, tokenizer, BRIEF, many)
    model.set_attn_implementation(implementation)
    same(ConstrainedDecoder(model, tokenizer, BRIEF).write(many, 4), wanted)


@settings(max_examples=number(20, 1_000))
@given(texts())
def test_hostile_texts_cannot_break_the_output(tokenizer, text):
    model = tiny("glm", tokenizer)
    many = [Request("x", text, SCHEMA)]
    decoder = ConstrainedDecoder(model, tokenizer, BRIEF)
    same(decoder.write(many), expected(model, tokenizer, BRIEF, many))
    for found in decoder.decode(many)[0].scored:
        assert 0 <= found.entity.start < found.entity.end <= len(text)
        assert found.entity.label in SCHEMA.labels
        assert 0 <= found.score <= 1


def test_plain_drafts_need_a_pass_for_a_bracket_and_two_for_a_line(model, tokenizer):
    decoder = ConstrainedDecoder(
        model, tokenizer, BRIEF, drafter=Drafter(hints=False), longest_draft=1000
    )
    marks = {decoder.tokens.open, decoder.tokens.spaced_open, decoder.tokens.close}
    # Without the long words: a bracket inside one is announced by a shorter token, a pass too.
    for request in requests(TEXTS_OF_MANY_KINDS[:-2]):
        decoder.passes = 0
        (record,) = decoder.write([request], 1)
        brackets = sum(token in marks for token in record.tokens)
        lines = 1 + record.tokens.count(decoder.tokens.line_end)
        assert decoder.passes <= brackets + 2 * lines + 2


def test_a_right_guess_takes_one_pass(tokenizer):
    model = tiny("glm", tokenizer)

    class Oracle(Drafter):
        def draft(self, automaton, cell, line, known, open, most):
            walk = Walk(automaton, cell, line)
            for token in wanted.tokens:
                walk.push(token)
            return walk

    request = requests()[0]
    (wanted,) = expected(model, tokenizer, BRIEF, [request])
    decoder = ConstrainedDecoder(model, tokenizer, BRIEF, drafter=Oracle())
    same(decoder.write([request]), [wanted])
    assert decoder.passes == 1


def test_a_model_driven_against_its_judgement_is_reported(tokenizer):
    """Random weights give the allowed tokens little; among these alone nothing can be told."""
    model = tiny("glm", tokenizer)
    full = ConstrainedDecoder(model, tokenizer, BRIEF).decode(requests())
    assert {p.kind for one in full for p in one.problems} == {ProblemKind.DERAILED}
    own = replace(BRIEF, confidence="allowed")
    assert not any(p.problems for p in ConstrainedDecoder(model, tokenizer, own).decode(requests()))


def test_what_is_kept_of_prompts_is_bounded(tokenizer):
    """And a prefix that is dropped and made anew gives the same."""
    model = tiny("glm", tokenizer)
    used = replace(BRIEF, style="prefix")
    many = [
        Request(str(i), "the CD28 receptor", Schema("", "en", LabelSet((EntityType(f"type {i}"),))))
        for i in range(80)
    ]
    decoder = ConstrainedDecoder(model, tokenizer, used, prefix_bytes=200_000)
    first = decoder.write(many, 8)
    assert 0 < decoder._prefixes.bytes <= 200_000
    assert 0 < len(decoder._prefixes) < 80
    assert len(decoder._grammars) <= 64
    same(decoder.write(many[::-1], 3)[::-1], first)
    same(first[:5], expected(model, tokenizer, used, many[:5]))


def test_saved_and_reloaded_gives_the_same(tokenizer, tmp_path):
    model = tiny("glm", tokenizer)
    used = replace(BRIEF, schemas={"ours": SCHEMA}, defaults={"en": "ours"}, bracket_bias=0.5)
    model.save_pretrained(tmp_path)
    used.save(tmp_path)
    loaded = TaggerSettings.load(tmp_path / "tagger.json")
    assert loaded == used
    again = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    first = ConstrainedDecoder(model, tokenizer, used).write(requests())
    same(ConstrainedDecoder(again, tokenizer, loaded).write(requests()), first)


def test_windows_and_flash_attention_are_refused(tokenizer):
    sizes = shape(tokenizer)
    windows = MistralForCausalLM(MistralConfig(**sizes, sliding_window=16))
    with pytest.raises(SettingError, match=r"mistral.*window.*reference"):
        ConstrainedDecoder(windows, tokenizer, BRIEF)
    config = Qwen2Config(**sizes, use_sliding_window=True, sliding_window=16, max_window_layers=1)
    with pytest.raises(SettingError, match=r"qwen2.*sliding_attention"):
        ConstrainedDecoder(Qwen2ForCausalLM(config), tokenizer, BRIEF)
    ConstrainedDecoder(
        MistralForCausalLM(MistralConfig(**sizes, sliding_window=None)), tokenizer, BRIEF
    )
    flash = tiny("glm", tokenizer)
    flash.config._attn_implementation = "flash_attention_2"
    with pytest.raises(SettingError, match="sdpa"):
        ConstrainedDecoder(flash, tokenizer, BRIEF)


def test_a_model_that_scales_its_logits_is_refused(tokenizer):
    sizes = shape(tokenizer) | {"pad_token_id": tokenizer.pad_token_id}
    for scale in (1.0, 8.0):
        model = GraniteForCausalLM(GraniteConfig(**sizes, logits_scaling=scale))
        refused = pytest.raises(SettingError, match=r"granite scales.*free")
        with refused if scale > 1 else nullcontext():
            ConstrainedDecoder(model, tokenizer, BRIEF)


def test_other_strategies_have_no_automaton(tokenizer):
    with pytest.raises(SettingError, match="free decoding"):
        ConstrainedDecoder(tiny("glm", tokenizer), tokenizer, TaggerSettings(strategy="html"))
