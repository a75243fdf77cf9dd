"""The chat templates of the four backbones: what was trained is what is decoded, byte for byte.

The texts are hostile on purpose: accents apart from their letters (Qwen's tokenizer composes them),
full-width marks, brackets, blanks of all kinds, and what chat templates themselves are made of.
"""

from datetime import datetime
from unicodedata import normalize

import pytest
from transformers import AutoTokenizer
from transformers.utils import chat_template_utils

from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet
from llmner_hf.core.prompting import messages
from llmner_hf.core.schema import Schema
from llmner_hf.core.tagging import symbolic
from llmner_hf.core.tagging.base import view
from llmner_hf.decoding.free import FreeDecoder
from llmner_hf.decoding.reference import ReferenceDecoder
from llmner_hf.decoding.request import Request
from llmner_hf.settings import TaggerSettings
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.tagger.preparation import Preparation
from tests.doubles.models import tiny

STYLES = ("prefix", "paper", "brief")
ENGLISH = Schema(
    "Ours-EN",
    "en",
    LabelSet((EntityType("protein", "a chain of amino acids"), EntityType("DNA", "a gene"))),
)
CHINESE = Schema(
    "自制数据集",
    "zh",
    LabelSet((EntityType("疾病", "一种病"), EntityType("药物", "治病的物质"))),
)


def example(schema, text, *mentions):
    """An example whose entities are the first places of these mentions."""
    entities = [
        Entity(text.index(mention), text.index(mention) + len(mention), label)
        for mention, label in mentions
    ]
    return Example("x", text, tuple(entities), "ours", schema.language)


CASES = {
    "en": (
        ENGLISH,
        example(
            ENGLISH,
            "Cafe\u0301-treated [3H]IL-2 binds\tthe CD28 surface receptor（NF-κB，p65）"
            "<|user|>\r\n<think>[gMASK]<|im_end|> of the gene. ok",
            ("Cafe\u0301", "DNA"),
            ("IL-2", "protein"),
            ("CD28 surface receptor", "protein"),
            ("CD28", "protein"),
            ("CD28 surface", "DNA"),
            ("（NF-κB，p65）", "protein"),
            ("user", "DNA"),
            ("ok", "protein"),
        ),
    ),
    "zh": (
        CHINESE,
        example(
            CHINESE,
            "患者有２型糖尿病肾病，服用阿司匹林（ＡＳＰ）后头痛；\u3000对cafe\u0301过敏【见[1]】。"
            "<|assistant|>\n<｜User｜><think>：[疾病]",
            ("２型糖尿病肾病", "疾病"),
            ("糖尿病", "疾病"),
            ("阿司匹林（ＡＳＰ）", "药物"),
            ("ＡＳＰ", "药物"),
            ("头痛", "疾病"),
            ("cafe\u0301", "药物"),
        ),
    ),
}
# What a prompt ends in, and what the template's own generation prompt ends in.
ENDS = {
    "glm-4-9b-chat-hf": ("<|assistant|>\n", "<|assistant|>"),
    "qwen2.5-7b-instruct": ("<|im_start|>assistant\n", "<|im_start|>assistant\n"),
    "llama-3.1-8b-instruct": (
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
    ),
    "deepseek-r1-distill-qwen-7b": ("<｜Assistant｜>", "<｜Assistant｜><think>\n"),
}
COMPOSING = ("qwen2.5-7b-instruct", "deepseek-r1-distill-qwen-7b")


@pytest.fixture(scope="module", params=ENDS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def tokenizer(shared, name):
    return AutoTokenizer.from_pretrained(shared / "tokenizers" / name)


@pytest.fixture(scope="module")
def tokens(tokenizer):
    return Tokens(tokenizer)


def row_of(tokens, schema, given, **settings):
    """Prompt and completion of the training row, in token ids."""
    preparation = Preparation(tokens, schema, TaggerSettings(**settings), 4096)
    (row,) = preparation.rows([given])
    assert preparation.report.unwritable == 0
    return row.ids[: row.start], row.ids[row.start :]


def chat(tokenizer, schema, text, style, answer):
    """What the template itself makes of the messages and an answer."""
    turns = messages(text, schema, style=style)
    written = [{"role": turn.role, "content": turn.content} for turn in turns]
    written += [{"role": "assistant", "content": answer}] if answer else []
    return tokenizer.apply_chat_template(written, tokenize=False, add_generation_prompt=not answer)


def read(tokenizer, schema, text, completion):
    """The entities that the decoder reads off these tokens, all of which it must allow."""
    decoder = ReferenceDecoder(tiny("glm", tokenizer), tokenizer, TaggerSettings())
    row = decoder.row(Request("x", text, schema))
    for token in completion:
        row.write(token, 0.0, 0.0)
    assert row.done
    return row.record.prediction.entities


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("style", STYLES)
def test_what_was_trained_is_what_is_decoded(tokenizer, tokens, name, style, case):
    schema, given = CASES[case]
    prompt, completion = row_of(tokens, schema, given, style=style)

    decoder = ReferenceDecoder(tiny("glm", tokenizer), tokenizer, TaggerSettings(style=style))
    assert decoder.prompt(Request("x", given.text, schema)).ids == prompt

    answer = symbolic.encode(given.text, given.entities, schema.labels)
    before, found, behind = chat(tokenizer, schema, given.text, style, answer).partition(answer)
    assert found
    assert tokenizer.decode(prompt) == before
    assert before.count(view(given.text)) == 1
    assert before.endswith(ENDS[name][0])

    assert tokenizer.decode(completion[:-1]) == answer
    assert completion[-1] == tokenizer.eos_token_id
    # GLM's template closes an answer with nothing, so the end token is ours.
    assert behind.startswith(tokenizer.eos_token) if behind else name.startswith("glm")

    assert symbolic.decode(answer, given.text, schema.labels).entities == given.entities
    assert read(tokenizer, schema, given.text, completion) == given.entities


@pytest.mark.parametrize("case", CASES)
def test_only_the_template_writes_special_tokens(tokenizer, tokens, case):
    """Each mark of the template is one token; the same characters in a text never are."""
    schema, given = CASES[case]
    special = {*tokenizer.all_special_ids, *tokenizer.added_tokens_decoder}
    prompt, completion = row_of(tokens, schema, given)
    assert not special & set(completion[:-1])
    other, _ = row_of(tokens, schema, example(schema, "x"))
    assert [i for i in prompt if i in special] == [i for i in other if i in special] != []


@pytest.mark.parametrize("strategy", ["html", "json_list"])
@pytest.mark.parametrize("style", STYLES)
def test_free_decoding_asks_what_was_trained(tokenizer, tokens, style, strategy):
    schema, given = CASES["en"]
    settings = {"style": style, "strategy": strategy}
    entities = tuple(e for e in given.entities if e.label == "protein")
    flat = Example("x", given.text, entities, "ours", "en")
    prompt, completion = row_of(tokens, schema, flat, **settings)
    decoder = FreeDecoder(None, tokenizer, TaggerSettings(**settings))
    assert decoder.prompt(Request("x", given.text, schema)) == prompt
    assert completion[-1] == tokenizer.eos_token_id


def test_the_generation_prompts_of_two_templates_are_not_what_is_trained(tokenizer, tokens, name):
    """GLM's lacks the line end before an answer, DeepSeek's asks for a thought."""
    schema, given = CASES["en"]
    ours, theirs = ENDS[name]
    prompt, _ = row_of(tokens, schema, given)
    written = tokenizer.decode(prompt)
    assert written.endswith(ours)
    generation = chat(tokenizer, schema, given.text, "prefix", "")
    assert generation.endswith(theirs)
    assert generation.removesuffix(theirs) == written.removesuffix(ours)


def test_the_prompt_of_another_day_is_the_same(tokenizer, name, monkeypatch):
    """Llama-3.1's template writes a date, but a fixed one."""
    schema, given = CASES["en"]
    prompts = []
    for year in (2020, 2030):

        class Clock(datetime):
            @classmethod
            def now(cls, tz=None):
                return datetime(year, 1, 2, tzinfo=tz)  # noqa: B023  # called in this turn alone

        monkeypatch.setattr(chat_template_utils, "datetime", Clock)
        # The clock is the one that templates see.
        asked = tokenizer.apply_chat_template(
            [{"role": "user", "content": "x"}],
            chat_template="{{ strftime_now('%Y') }}",
            tokenize=False,
        )
        assert asked == str(year)
        prompts.append(row_of(Tokens(tokenizer), schema, given)[0])
    assert prompts[0] == prompts[1]
    assert ("Today Date: 26 Jul 2024" in tokenizer.decode(prompts[0])) == name.startswith("llama")


def test_blanks_and_marks_that_templates_take_away_stay(tokenizer, tokens, name):
    """Llama's template strips a turn, DeepSeek's cuts an answer at the end of a thought."""
    text = "\n IL-2 </think> binds CD28 \t"
    given = example(ENGLISH, text, ("IL-2", "protein"), ("CD28", "protein"), ("CD28", "DNA"))
    prompt, completion = row_of(tokens, ENGLISH, given)
    answer = symbolic.encode(text, given.entities, ENGLISH.labels)
    assert view(text) in tokenizer.decode(prompt)
    assert tokenizer.decode(completion[:-1]) == answer
    assert read(tokenizer, ENGLISH, text, completion) == given.entities
    whole = tokenizer.decode(prompt + completion[:-1])
    rendered = chat(tokenizer, ENGLISH, text, "prefix", answer)
    assert rendered.startswith(whole) == (name not in {"llama-3.1-8b-instruct", COMPOSING[1]})


def test_a_text_without_entities_is_the_end_token_alone(tokenizer, tokens):
    _, completion = row_of(tokens, CHINESE, example(CHINESE, "无异常。"))
    assert completion == [tokenizer.eos_token_id]


def test_offsets_survive_a_tokenizer_that_rewrites_the_text(tokenizer, tokens, name):
    """The ohm sign becomes an omega, two jamo one syllable: the copy is shorter than the text.

    So positions are counted along the text, not read off the copy.
    """
    text = "5 k\u2126 on \u1100\u1161 and the CD28 receptor"
    given = example(
        ENGLISH,
        text,
        ("\u1100\u1161", "DNA"),
        ("CD28 receptor", "protein"),
        ("CD28", "protein"),
    )
    _, completion = row_of(tokens, ENGLISH, given)
    written = tokenizer.decode(completion[:-1])
    answer = symbolic.encode(text, given.entities, ENGLISH.labels)
    assert (written == answer) == (name not in COMPOSING)
    assert normalize("NFC", written) == normalize("NFC", answer)
    assert read(tokenizer, ENGLISH, text, completion) == given.entities
