"""The same logits alone, packed and batched, in whatever order, and each input computed once."""

from dataclasses import replace

import pytest
import torch

from llmner_hf.core.calibration import probability
from llmner_hf.core.errors import SettingError
from llmner_hf.selector import scoring
from llmner_hf.selector.inputs import Inputs
from llmner_hf.selector.modeling import (
    EntityValidityConfig,
    EntityValidityForSequenceClassification,
)
from llmner_hf.selector.scoring import Pack, laid, packed, validity_scorer
from llmner_hf.settings import EVIDENCE_SIGNS, SelectorSettings
from llmner_hf.tokens.canonical import Tokens
from tests.doubles.models import tiny
from tests.doubles.selecting import candidates

READINGS = ("once", "twice")


def validity_model(family, tokenizer):
    backbone = tiny(family, tokenizer).model
    model = EntityValidityForSequenceClassification(
        EntityValidityConfig(text_config=backbone.config, head_dropout=0)
    )
    model.model = backbone
    return model.eval()


def asked(reading, evidence=False, lines_apart=False):
    return SelectorSettings(
        reading=reading,
        style="brief",
        markers=("[", "]"),
        definition=reading == "once",
        evidence=evidence,
        lines_apart=lines_apart,
    )


def with_evidence(many):
    """The candidates, each with all that may be known of it."""
    return [replace(one, evidence=known) for one in many for known in EVIDENCE_SIGNS]


@torch.inference_mode()
def alone(model, tokenizer, settings, many):
    """The oracle: one candidate at a time, its whole input, no mask; positions where they tell."""
    found = []
    for written in map(Inputs(Tokens(tokenizer), settings).written, many):
        standing = None if written.placed is None else torch.tensor([written.placed])
        ids = torch.tensor([written.ids])
        found.append(model(input_ids=ids, position_ids=standing).logits.item())
    return found


def placed(*ids):
    return tuple(zip(ids, range(len(ids)), strict=True))


def close(one, other):
    pairs = zip(one, other, strict=True)
    return all(abs(probability(x) - probability(y)) < 1e-5 for x, y in pairs)


@pytest.mark.parametrize("family", ["glm", "qwen2", "llama"])
@pytest.mark.parametrize("reading", READINGS)
def test_company_and_order_change_nothing(family, reading, tokenizer):
    model, settings, many = validity_model(family, tokenizer), asked(reading), candidates(7)
    scorer = validity_scorer(model, tokenizer, settings)
    expected = alone(model, tokenizer, settings, many)
    assert max(expected) - min(expected) > 0.1
    for size in (1, 8, 64):
        assert close(scorer.logits(many, size), expected)
    assert close(scorer.logits(many[::-1], 8)[::-1], expected)


@pytest.mark.parametrize("reading", READINGS)
def test_what_is_known_changes_logits_and_company_does_not(reading, tokenizer):
    model, many = validity_model("glm", tokenizer), with_evidence(candidates(9))
    settings = asked(reading, evidence=True)
    scorer = validity_scorer(model, tokenizer, settings)
    expected = alone(model, tokenizer, settings, many)
    ways = [expected[place::4] for place in range(4)]
    assert all(max(same) - min(same) > 1e-3 for same in zip(*ways, strict=True))
    for size in (1, 8, 64):
        assert close(scorer.logits(many, size), expected)
    assert close(scorer.logits(many[::-1], 8)[::-1], expected)


def test_company_changes_nothing_beside_the_text(tokenizer):
    model, many = validity_model("glm", tokenizer), with_evidence(candidates(9))
    settings = asked("twice", evidence=True, lines_apart=True)
    expected = alone(model, tokenizer, settings, many)
    assert not close(expected, alone(model, tokenizer, replace(settings, lines_apart=False), many))
    for size in (1, 8, 64):
        assert close(validity_scorer(model, tokenizer, settings).logits(many, size), expected)


def test_packs_of_any_length_give_the_same(tokenizer, monkeypatch):
    model, settings, many = validity_model("glm", tokenizer), asked("twice"), candidates(7)
    expected = validity_scorer(model, tokenizer, settings).logits(many)
    for limit in (1, 200, 100_000):
        monkeypatch.setattr(scoring, "PACK_TOKENS", limit)
        assert close(validity_scorer(model, tokenizer, settings).logits(many), expected)


def test_the_same_input_is_computed_once(tokenizer):
    model, settings = validity_model("glm", tokenizer), asked("twice")
    scorer, seen = validity_scorer(model, tokenizer, settings), []
    judge = scorer.judge
    scorer.judge = lambda **batch: seen.append(len(batch["pooled"])) or judge(**batch)
    many = candidates(7)
    logits = scorer.logits(many * 3, 8)
    assert sum(seen) == len(many)
    assert max(seen) <= 8
    assert logits == logits[: len(many)] * 3
    assert scorer.logits([]) == []


def test_what_inputs_begin_with_is_read_once_and_positions_go_on_behind_it():
    first, second, third = placed(1, 2, 3, 4, 5), placed(1, 2, 6), placed(1, 2, 6, 7)
    (pack,) = packed([third, first, second, second], most=8)
    assert pack == Pack((first, second, third), (0, 2, 3))
    tensors = laid([pack, Pack((placed(8, 9),), (0,))])
    assert tensors["input_ids"].tolist() == [[1, 2, 3, 4, 5, 6, 7], [8, 9, 0, 0, 0, 0, 0]]
    assert tensors["position_ids"][0].tolist() == [0, 1, 2, 3, 4, 2, 3]
    assert tensors["pooled"].tolist() == [[0, 4], [0, 5], [0, 6], [1, 1]]
    looks_at = tensors["attention_mask"][0, 0].int().tolist()
    assert looks_at[4] == [1, 1, 1, 1, 1, 0, 0]
    assert looks_at[5] == [1, 1, 0, 0, 0, 1, 0]
    assert looks_at[6] == [1, 1, 0, 0, 0, 1, 1]
    padding = tensors["attention_mask"][1, 0, 3].int().tolist()
    assert padding == [0, 0, 0, 1, 0, 0, 0]


def test_packs_hold_no_more_than_they_may(monkeypatch):
    monkeypatch.setattr(scoring, "PACK_TOKENS", 6)
    inputs = [placed(1, 2, 3, number) for number in range(6)] + [placed(*range(9, 18))]
    packs = packed(inputs, most=8)
    assert sorted(ids for pack in packs for ids in pack.inputs) == sorted(inputs)
    assert [len(pack) for pack in packs] == [4, 8, 9]  # at most twice the first input
    assert max(len(pack.inputs) for pack in packed(inputs, most=2)) == 2
    assert packed([], most=2) == []


def test_attention_that_takes_no_mask_of_ours_is_refused(tokenizer):
    model = validity_model("glm", tokenizer)
    model.model.config._attn_implementation = "eager"
    with pytest.raises(SettingError, match="'eager' attention cannot mask"):
        validity_scorer(model, tokenizer, asked("once"))
