"""Masked greedy decoding, token by token: the oracle of every faster decoder."""

import pytest
import torch
from hypothesis import given, settings

from llmner_hf.core.entities import ProblemKind
from llmner_hf.core.errors import SettingError
from llmner_hf.core.tagging.symbolic import encode
from llmner_hf.decoding.free import FreeDecoder
from llmner_hf.decoding.reference import ReferenceDecoder
from llmner_hf.decoding.request import Request
from llmner_hf.settings import TaggerSettings
from llmner_hf.tokens.lattice import Lattice
from tests.doubles.models import FAMILIES, SCHEMA, TEXTS, requests, tiny
from tests.strategies import texts


@pytest.fixture(scope="module", params=FAMILIES)
def decoder(request, tokenizer):
    return ReferenceDecoder(
        tiny(request.param, tokenizer), tokenizer, TaggerSettings(style="brief", max_depth=2)
    )


def written(decoder, many, batch_size):
    rows = [decoder.row(request) for request in requests(many)]
    for start in range(0, len(rows), batch_size):
        decoder.write(rows[start : start + batch_size])
    return [row.record.tokens for row in rows]


def test_equal_to_stock_generate_with_the_constraint(decoder, tokenizer):
    """The oracle that is not ours: ``generate`` with ``prefix_allowed_tokens_fn``, one by one."""
    ours = written(decoder, TEXTS, 1)
    for request, found in zip(requests(), ours, strict=True):
        row = decoder.row(request)

        def allowed(_, ids, row=row):
            at = row.lattice.start
            for token in ids[len(row.prompt) :].tolist():
                at = row.lattice.steps(at)[token]
            return list(row.lattice.steps(at))

        stock = decoder.model.generate(
            torch.tensor([row.prompt]),
            attention_mask=torch.ones(1, len(row.prompt), dtype=torch.long),
            prefix_allowed_tokens_fn=allowed,
            max_new_tokens=400,
            do_sample=False,
        )
        assert stock[0, len(row.prompt) :].tolist() == found


@pytest.mark.parametrize("batch_size", [2, 3, 8])
def test_batch_size_and_company_change_nothing(decoder, batch_size):
    assert written(decoder, TEXTS, batch_size) == written(decoder, TEXTS, 1)
    backwards = decoder.decode(requests()[::-1], batch_size)[::-1]
    forwards = decoder.decode(requests(), 1)
    for one, other in zip(forwards, backwards, strict=True):
        assert one.entities == other.entities
        scores = [found.score for found in other.scored]
        assert [found.score for found in one.scored] == pytest.approx(scores, rel=1e-5)


def test_predictions_are_what_the_tokens_say(decoder, tokenizer):
    for row_ids, prediction, text in zip(
        written(decoder, TEXTS, 4), decoder.decode(requests()), TEXTS, strict=True
    ):
        completion = tokenizer.decode(row_ids[:-1])
        marked = "\n".join(line for line in completion.split("\n") if "[" in line)
        if "[[" not in marked:  # a span bracketed twice is one entity
            assert encode(text, prediction.entities, SCHEMA.labels) == marked


@settings(max_examples=20)
@given(texts())
def test_hostile_texts_cannot_break_the_output(decoder, text):
    (prediction,) = decoder.decode([Request("x", text, SCHEMA)])
    for found in prediction.scored:
        assert 0 <= found.entity.start < found.entity.end <= len(text)
        assert found.entity.label in SCHEMA.labels
        assert 0 <= found.score <= 1


@pytest.mark.parametrize("confidence", ["full", "allowed"])
def test_a_score_is_the_product_from_bracket_to_bracket(tokenizer, confidence):
    """Told by one pass over what was written, with the softmax in one place."""
    used = TaggerSettings(style="brief", confidence=confidence)
    decoder = ReferenceDecoder(tiny("glm", tokenizer), tokenizer, used)
    request = Request("x", "the CD28 receptor", SCHEMA)
    row = decoder.row(request)
    decoder.write([row])
    prediction, ids = row.record.prediction, row.record.tokens
    with torch.no_grad():
        logits = decoder.model(torch.tensor([row.prompt + ids])).logits[0]
    opened, products, masses, tagged = [], {}, [], set()
    at, lattice = row.lattice.start, Lattice(row.lattice.grammar, request.text)
    factors = []
    for place, token in enumerate(ids, len(row.prompt) - 1):
        legal = lattice.steps(at)
        over = list(legal) if confidence == "allowed" else range(logits.shape[1])
        every = logits[place, list(over)].softmax(0)
        factors.append(every[list(over).index(token)].item())
        masses.append(sum(every[list(over).index(other)].item() for other in legal))
        before, at = at, legal[token]
        if at.state.depth > before.state.depth:
            opened.append((at.state.position, len(factors) - 1))
        elif at.state.depth < before.state.depth:
            start, first = opened.pop()
            key = (start, at.state.position, SCHEMA.labels.names[at.state.next_type - 1])
            product = torch.tensor(factors[first:], dtype=torch.float64).prod().item()
            products[key] = max(products.get(key, 0.0), product)
            tagged.update(range(first, len(factors)))
    assert prediction.scored
    for found in prediction.scored:
        key = (*found.entity.span, found.entity.label)
        assert found.score == pytest.approx(products[key], rel=1e-3)
    # One other token in four speaks for all of them.
    weights = [1 if place in tagged else 4 * (place % 4 == 0) for place in range(len(ids))]
    logs = torch.tensor(masses, dtype=torch.float64).log() * torch.tensor(weights)
    collapsed = (logs.sum() / sum(weights)).exp() < 0.5
    assert bool(prediction.problems) == bool(collapsed) == (confidence == "full")
    assert {p.kind for p in prediction.problems} <= {ProblemKind.DERAILED}


def test_other_strategies_have_no_automaton(tokenizer):
    with pytest.raises(SettingError, match="free decoding"):
        ReferenceDecoder(tiny("glm", tokenizer), tokenizer, TaggerSettings(strategy="html"))


@pytest.mark.parametrize("strategy", ["symbolic", "html", "json_list"])
def test_free_generation_yields_entities_inside_the_text_or_problems(tokenizer, strategy):
    decoder = FreeDecoder(
        tiny("glm", tokenizer), tokenizer, TaggerSettings(strategy=strategy), most_tokens=40
    )
    for batch_size in (1, 4):
        predictions = decoder.decode(requests(), batch_size)
        assert [p.id for p in predictions] == [str(i) for i in range(len(TEXTS))]
        for prediction, text in zip(predictions, TEXTS, strict=True):
            assert all(e.end <= len(text) for e in prediction.entities)
            assert prediction.entities or prediction.problems  # noise is never taken in silence
