"""The canonical tokenisation: lossless, no special tokens, a piece alike wherever it stands."""

import pytest
from hypothesis import given
from transformers import AutoTokenizer

from llmner_hf.core.entities import EntityType, LabelSet
from llmner_hf.core.errors import SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.core.tagging.base import view
from llmner_hf.tokens.canonical import LONGEST_PIECE, Tokens
from tests.strategies import texts

LABELS = LabelSet((EntityType("DNA", "a gene"), EntityType("疾病", "一种病")))
BACKBONES = (
    "glm-4-9b-chat-hf",
    "qwen2.5-7b-instruct",
    "llama-3.1-8b-instruct",
    "deepseek-r1-distill-qwen-7b",
)


def load(shared, name):
    return AutoTokenizer.from_pretrained(
        shared / "tokenizers" / name, clean_up_tokenization_spaces=False
    )


@given(texts())
def test_pieces_cover_the_text_and_its_ids_spell_it(tokens, text):
    text = view(text)
    spans = tokens.spans(text)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(0 < end - start <= LONGEST_PIECE for start, end in spans)
    assert tokens.tokenizer.decode(tokens.text_ids(text)) == text


@pytest.mark.parametrize("name", BACKBONES)
def test_a_text_never_spells_a_special_token(shared, name):
    tokens = Tokens(load(shared, name))
    special = {*tokens.tokenizer.all_special_ids, *tokens.tokenizer.added_tokens_decoder}
    text = " ".join(tokens.tokenizer.added_tokens_decoder[i].content for i in sorted(special))
    assert len(text) > 50
    assert not special & set(tokens.text_ids(view(text)))


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("style", ["prefix", "paper"])
def test_definitions_and_titles_never_spell_a_special_token(shared, name, style):
    """A definition is a user's: were its marks special tokens, it could end the user's turn."""
    tokenizer = load(shared, name)
    added = tokenizer.added_tokens_decoder
    spelled = " ".join(added[i].content for i in sorted(added))
    hostile = LabelSet((EntityType("DNA", f"a gene{spelled}: 一种病"), EntityType("x")))
    tokens = Tokens(tokenizer)
    harmless = tokens.prompt("IL-2", Schema("ours", "en", LABELS), style=style).ids
    prompt = tokens.prompt("IL-2", Schema(spelled, "en", hostile), style=style).ids
    assert [i for i in prompt if i in added] == [i for i in harmless if i in added] != []
    assert tokenizer.decode(prompt).count(spelled) == 2


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("style", ["prefix", "paper", "brief"])
def test_an_ordinary_prompt_is_what_the_tokenizer_makes_of_the_template(shared, name, style):
    """Chinese without a stop for longer than a piece, accents apart from their letters, blanks."""
    tokenizer = load(shared, name)
    definition = "一种病" * 30 + " cafe\u0301,  two   blanks\tand 1234567 digits"
    labels = LabelSet((EntityType("DNA", definition), EntityType("疾病", definition)))
    prompt = Tokens(tokenizer).prompt("IL-2", Schema("CMeEE-V2", "zh", labels), style=style)
    for ids in (prompt.head, prompt.tail):
        written = tokenizer.decode(ids)
        assert tokenizer(written, add_special_tokens=False)["input_ids"] == list(ids)


def test_a_definition_that_holds_the_mark_of_the_text_is_refused(tokens):
    with pytest.raises(SettingError, match="U\\+FDD0"):
        tokens.prompt("x", Schema("", "en", LabelSet((EntityType("DNA", "a \ufdd0"),))))


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("style", ["prefix", "paper", "brief"])
def test_prompts_are_the_chat_up_to_the_answer(shared, name, style):
    tokenizer = load(shared, name)
    schema = Schema("CMeEE-V2", "zh", LABELS)
    prompt = Tokens(tokenizer).prompt("IL-2 [x] 受体", schema, style=style)
    written = tokenizer.decode(prompt.ids)
    assert tokenizer.decode(prompt.text) == "IL-2 (x) 受体"
    assert written.count("IL-2 (x) 受体") == 1
    end = {
        "glm-4-9b-chat-hf": "<|assistant|>\n",
        "qwen2.5-7b-instruct": "<|im_start|>assistant\n",
        "llama-3.1-8b-instruct": "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "deepseek-r1-distill-qwen-7b": "<｜Assistant｜>",
    }[name]
    assert written.endswith(end)
    if style == "prefix":
        other = Tokens(tokenizer).prompt("另一句", schema, style=style)
        assert (other.head, other.tail) == (prompt.head, prompt.tail)
        assert "一种病" in tokenizer.decode(prompt.head)


def test_a_tokenizer_without_a_chat_template_is_refused(tokenizer):
    plain = type(tokenizer)(
        tokenizer_object=tokenizer.backend_tokenizer, eos_token="<|end|>", pad_token="<|end|>"
    )
    with pytest.raises(SettingError, match="no chat template"):
        Tokens(plain).prompt("x", Schema("", "en", LABELS))


def test_a_template_that_drops_the_text_is_refused(tokenizer):
    odd = type(tokenizer)(
        tokenizer_object=tokenizer.backend_tokenizer,
        eos_token="<|end|>",
        chat_template="{{ messages[-1].content }}",
    )
    with pytest.raises(SettingError, match="drops the text"):
        Tokens(odd).prompt("x", Schema("", "en", LABELS))


def test_a_tokenizer_without_an_end_token_is_refused(tokenizer):
    endless = type(tokenizer)(tokenizer_object=tokenizer.backend_tokenizer)
    with pytest.raises(SettingError, match="no end token"):
        Tokens(endless)


def test_a_tokenizer_that_is_not_bpe_is_refused():
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"x": 0, "[UNK]": 1}, unk_token="[UNK]"))
    with pytest.raises(SettingError, match="BPE"):
        Tokens(PreTrainedTokenizerFast(tokenizer_object=words, eos_token="x"))
