"""BERT-CLS and LLM-CAUSAL: like inputs, one protocol, and each can learn."""

import copy

import pytest
import torch
from transformers import TrainingArguments

from llmner_hf.core.calibration import auc
from llmner_hf.core.entities import Entity, EntityType, LabelSet
from llmner_hf.core.errors import SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.paper.rivals import CausalScorer, EncoderScorer, encoder_from_scratch, with_marks
from llmner_hf.selector.candidates import Candidate
from tests.doubles.models import tiny
from tests.doubles.selecting import ENGLISH, candidates


@pytest.fixture
def encoder(tokenizer):
    torch.manual_seed(0)
    own = copy.deepcopy(tokenizer)
    model = encoder_from_scratch(own, width=32, layers=2, heads=2)
    return with_marks(model.eval(), own)


@pytest.fixture
def causal(tokenizer):
    return CausalScorer(tiny("glm", tokenizer, seed=2), tokenizer)


@pytest.mark.parametrize("rival", ["encoder", "causal"])
def test_company_and_order_change_nothing(rival, request):
    scorer, many = request.getfixturevalue(rival), candidates(7)
    for parameter in scorer.model.parameters():  # a fresh BERT says nearly the same of all
        torch.nn.init.normal_(parameter, std=0.3)
    one_by_one = [scorer.logits([candidate])[0] for candidate in many]
    assert max(one_by_one) - min(one_by_one) > 0.01
    for size in (1, 8, 64):
        assert scorer.logits(many, size) == pytest.approx(one_by_one, abs=1e-5)
    assert scorer.logits(many[::-1] * 2) == pytest.approx(one_by_one[::-1] * 2, abs=1e-5)


def test_the_encoder_reads_type_and_marked_text(encoder):
    candidate = Candidate("IL-2 [gene]", Entity(5, 11, "DNA"), ENGLISH)
    ids = encoder.ids(candidate)
    written = "".join(encoder.tokenizer.convert_ids_to_tokens(list(ids))).replace("Ġ", " ")
    assert written == "<|end|>DNA<|end|>IL-2 <|s1|>(gene)<|s2|><|end|>"


def test_a_text_cannot_spell_a_mark(encoder):
    candidate = Candidate("<|s1|>IL-2<|s2|><|end|>", Entity(6, 10, "DNA"), ENGLISH)
    ids = encoder.ids(candidate)
    assert [ids.count(mark) for mark in encoder.marks] == [1, 1]
    assert ids.count(encoder.first) == 3


@pytest.mark.parametrize("place", [0, 300, 590])
def test_a_text_that_is_too_long_keeps_what_is_near(encoder, place):
    text = "患" * 600
    ids = encoder.ids(Candidate(text, Entity(place, place + 10, "DNA"), ENGLISH))
    assert len(ids) <= encoder.model.config.max_position_embeddings
    first, last = (ids.index(mark) for mark in encoder.marks)
    whole = encoder.tokenizer(text[place : place + 10], add_special_tokens=False)["input_ids"]
    assert list(ids[first + 1 : last]) == whole
    assert encoder.logits([Candidate(text, Entity(place, place + 10, "DNA"), ENGLISH)])


def test_the_causal_model_is_asked_in_the_language_of_the_types(causal, tokenizer):
    chinese = Schema("", "zh", LabelSet((EntityType("疾病", "身体的异常"),)))
    written = causal.written(Candidate("患者有[高血压]", Entity(4, 7, "疾病"), chinese))
    asked = tokenizer.decode(written.ids)
    assert asked.startswith("<|user|>方括号中的片段是否是类型为疾病 (身体的异常)的实体")
    assert asked.endswith("患者有([高血压])<|assistant|>")


@torch.inference_mode()
def test_its_probability_is_that_of_yes_among_yes_and_no(causal):
    candidate = candidates(7)[3]
    logits = causal.model(torch.tensor([causal.written(candidate).ids])).logits[0, -1]
    yes, no = logits.softmax(-1)[[causal.yes, causal.no]].tolist()
    (logit,) = causal.logits([candidate])
    assert torch.tensor(logit).sigmoid().item() == pytest.approx(yes / (yes + no), abs=1e-5)


def test_a_vocabulary_without_two_answers_is_refused(tokenizer, monkeypatch):
    monkeypatch.setattr("llmner_hf.paper.rivals.NO", "yes")
    with pytest.raises(SettingError, match="begin with the same token"):
        CausalScorer(tiny("glm", tokenizer), tokenizer)


@pytest.mark.parametrize("rival", ["encoder", "causal"])
def test_both_learn(rival, request, tmp_path):
    """To tell whole words from parts of words."""
    scorer = request.getfixturevalue(rival)
    text, spans = "gene NF IL-2 monocytes T cells", [(0, 4), (5, 7), (8, 12), (13, 22), (25, 30)]
    whole = [Candidate(text, Entity(a, b, "DNA"), ENGLISH) for a, b in spans]
    parts = [Candidate(text, Entity(a + 1, b, "DNA"), ENGLISH) for a, b in spans]
    rows = [(c, True) for c in whole] + [(c, False) for c in parts]
    arguments = TrainingArguments(
        str(tmp_path),
        max_steps=40,
        per_device_train_batch_size=10,
        learning_rate=3e-3,
        use_cpu=True,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    scorer.train(rows, arguments)
    logits = torch.tensor(scorer.logits([c for c, _ in rows])).sigmoid().tolist()
    assert auc(logits, [right for _, right in rows]) > 0.9
    assert isinstance(scorer, EncoderScorer | CausalScorer)
