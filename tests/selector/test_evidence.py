"""What a gazetteer knows of candidates: where it comes from, where it stands, what it changes."""

import json
from dataclasses import replace

import pytest
from datasets import Dataset
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from llmner_hf import pipeline
from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet, Prediction, ScoredEntity
from llmner_hf.core.errors import SettingError
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.schema import Schema
from llmner_hf.corpora.rows import FEATURES, to_row
from llmner_hf.hub.cards import model_card
from llmner_hf.pipelines.local import EMBEDDED
from llmner_hf.selector.candidates import Candidate
from llmner_hf.selector.filtering import Selector, candidates_of
from llmner_hf.selector.inputs import Inputs, evidence_ids
from llmner_hf.selector.sharing import selector_at
from llmner_hf.settings import (
    EVIDENCE_SIGNS,
    Gazetteer,
    SelectorSettings,
    TaggerSettings,
)
from llmner_hf.tokens.canonical import Tokens
from llmner_hf.training.lending import known_mentions
from llmner_hf.training.recipe import SelectorTrainingSettings
from llmner_hf.training.selector.preparation import prepare
from tests.doubles.models import tiny
from tests.doubles.selecting import SETTINGS, adapter_on, candidates
from tests.strategies import texts

LABELS = LabelSet((EntityType("protein"), EntityType("DNA"), EntityType("疾病")))
OURS = Schema("ours", "en", LABELS)
READING = replace(SETTINGS, evidence=True, threshold=0.5)


@pytest.mark.parametrize("reading", ["once", "twice"])
@given(text=texts().filter(bool), data=st.data())
def test_it_is_the_last_token_and_the_rest_is_the_same(tokens, reading, text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    candidate = Candidate(text, Entity(start, end, "DNA"), OURS)
    plain, knowing = (
        Inputs(tokens, replace(SETTINGS, reading=reading, evidence=on)) for on in (False, True)
    )
    unknowing = plain.written(candidate)
    for evidence, sign in EVIDENCE_SIGNS.items():
        known = replace(candidate, evidence=evidence)
        assert plain.written(known) == unknowing
        assert knowing.written(known).ids == (*unknowing.ids, *tokens.piece_ids(sign))


NAMES = ("glm-4-9b-chat-hf", "qwen2.5-7b-instruct", "llama-3.1-8b-instruct", "embedded")


@pytest.mark.parametrize("name", NAMES)
def test_each_sign_is_a_token_of_its_own_in_real_tokenizers(name, request):
    at = EMBEDDED if name == "embedded" else request.getfixturevalue("shared") / "tokenizers" / name
    tokens = Tokens(AutoTokenizer.from_pretrained(at, clean_up_tokenization_spaces=False))
    ids = [i for (i,) in evidence_ids(tokens).values()]
    assert [tokens.tokenizer.decode(i) for i in ids] == list(EVIDENCE_SIGNS.values())
    assert len({*ids, tokens.open, tokens.close, tokens.line_end, tokens.stop}) == 8


def test_a_tokenizer_without_the_signs_is_refused():
    vocabulary = {sign: i for i, sign in enumerate(("<|end|>", "[", "]", "Ċ", "+", "?", "-"))}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    poor = Tokens(PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|end|>"))
    with pytest.raises(SettingError, match="'=', which says 'unknown', is 0 tokens"):
        Inputs(poor, READING)
    Inputs(poor, replace(READING, evidence=False))


def test_a_file_from_before_is_read_without_evidence(tmp_path):
    READING.save(tmp_path)
    file = tmp_path / "selector.json"
    assert SelectorSettings.load(file) == READING
    stored = json.loads(file.read_text())
    del stored["evidence"]
    file.write_text(json.dumps(stored))
    assert SelectorSettings.load(file) == replace(READING, evidence=False)


def examples(size, language="en"):
    """Texts with one mention that no other text has, and one that all have."""
    return [
        Example(
            f"{language}-{i}",
            f"IL-{i} binds CD28",
            (Entity(0, 4, "protein"), Entity(11, 15, "DNA")),
            "ours",
            language,
        )
        for i in range(size)
    ]


@pytest.fixture(scope="module")
def splits():
    """Ten training texts, of which two are validation texts too."""
    rows = [to_row(e, OURS, style="brief", strategy="symbolic") for e in examples(10)]
    made = {"train": rows, "validation": rows[:2]}
    return {split: Dataset.from_list(part, features=FEATURES) for split, part in made.items()}


def test_a_training_text_is_known_by_other_training_texts_alone(splits):
    known = known_mentions(splits)
    for example in examples(10):
        said = [known["train"][example.id].said_of(example.text, e) for e in example.entities]
        assert said == ["unknown", "sure"]
        assert known["train"][example.id].said_of("CD28", Entity(0, 4, "protein")) == "other"
    assert list(known["validation"]) == ["en-0", "en-1"]
    for example in examples(2):
        said = [known["validation"][example.id].said_of(example.text, e) for e in example.entities]
        assert said == ["sure", "sure"]


def test_a_text_that_is_judged_lends_nothing(splits):
    """Nor does the same text of another dataset; what else that knows is lent."""
    other = Example("other", "the MYC gene", (Entity(4, 7, "protein"),), "other", "en")
    known = known_mentions(splits, [([*examples(10), other], {"protein"})])
    plain = known_mentions(splits)
    for split, size in {"train": 10, "validation": 2}.items():
        for example in examples(size):
            mine, before = known[split][example.id], plain[split][example.id]
            for entity in example.entities:
                said = [of.said_of(example.text, entity) for of in (mine, before)]
                assert said[0] == said[1]
            assert mine.said_of("MYC", Entity(0, 3, "protein")) == "sure"
            assert before.said_of("MYC", Entity(0, 3, "protein")) == "unknown"


def test_rows_end_with_what_is_known_and_the_report_counts_it(splits, tokens):
    asked = SelectorTrainingSettings(
        reading="twice", style="brief", markers=["[", "]"], evidence=True
    )
    inputs, known = Inputs(tokens, asked.selector()), known_mentions(splits)["train"]
    rows, report = prepare(splits["train"], asked, inputs, number=60, seed=0, known=known)
    last = [ids[-1] for ids in rows["input_ids"]]
    signs = {evidence: ids[0] for evidence, ids in evidence_ids(tokens).items()}
    assert report.evidence == {evidence: last.count(sign) for evidence, sign in signs.items()}
    gold = [sign for sign, label in zip(last, rows["labels"], strict=True) if label]
    assert sorted(gold) == sorted([signs["unknown"]] * 10 + [signs["sure"]] * 10)
    assert report.evidence["other"] > 0  # CD28 as another type
    assert "; sure 10; unsure 0; other " in report.as_text()
    plain = replace(asked, evidence=False)
    inputs = Inputs(tokens, plain.selector())
    without, report = prepare(splits["train"], plain, inputs, number=60, seed=0)
    assert [ids[:-1] for ids in rows["input_ids"]] == without["input_ids"][:]
    assert report.evidence == {}


KNOWN = Gazetteer({"ours": Dictionary({"IL-2": "protein"}, frozenset({"il-2"})).digested()})


class Recording:
    """A scorer that remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def logits(self, many, batch_size=64):
        self.asked += many
        return [0.0] * len(many)


def test_a_selector_asks_the_gazetteer_of_the_schema():
    entities = [Entity(0, 4, "protein"), Entity(0, 4, "DNA"), Entity(5, 9, "protein")]
    found = Prediction("1", tuple(ScoredEntity(entity, 1.0) for entity in entities))
    unheard = replace(OURS, title="")
    given = ([found, found], ["il-2 gene", "IL-2 gene"], [OURS, unheard])
    scorer = Recording()
    Selector(scorer, gazetteer=KNOWN).select(*given)
    assert [c.evidence for c in scorer.asked] == ["other", "unsure", *["unknown"] * 4]
    assert {c.evidence for c in candidates_of(*given)} == {"unknown"}


TEXTS = ["the CD28 surface receptor binds [3H]IL-2. IL-2 is a gene.", "患者有高血压，服用阿司匹林"]


@pytest.fixture(scope="module")
def tagger(tokenizer, tmp_path_factory):
    """A tagger whose gazetteer knows some of what it finds, and weighs nothing."""
    folder = tmp_path_factory.mktemp("tagger")
    tiny("glm", tokenizer, seed=5).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    settings = TaggerSettings(
        style="brief",
        max_depth=2,
        bracket_bias=3.0,
        schemas={"ours": OURS},
        defaults={"en": "ours", "zh": "ours"},
    )
    settings.save(folder)
    found = [e for text in pipeline("bioner", model=str(folder))(TEXTS) for e in text]
    types = ("protein", "DNA", "疾病")
    mentions = {e["word"]: types[i % 3] for i, e in enumerate(found) if i % 2}
    unsure = frozenset(list(mentions)[::3])
    known = Gazetteer({"ours": Dictionary(mentions, unsure).digested()})
    replace(settings, gazetteer=known).save(folder)
    return folder


def test_the_pipeline_s_selector_reads_the_tagger_s_gazetteer(tagger, tokenizer, tmp_path):
    place = adapter_on(tagger, tmp_path, tokenizer, READING)
    ner = pipeline("bioner", model=str(tagger), selector=str(place))
    plain = pipeline("bioner", model=str(tagger), selector=None)
    known, said = TaggerSettings.load(tagger / "tagger.json").gazetteer.of(OURS), set()
    for text in TEXTS:
        found = plain(text, sentences=False)
        spans = [Entity(e["start"], e["end"], e["entity_group"]) for e in found]
        many = [Candidate(text, e, OURS, known.said_of(text, e)) for e in spans]
        said |= {candidate.evidence for candidate in many}
        probabilities = selector_at(place).probabilities(many)
        kept = [(e, p) for e, p in zip(found, probabilities, strict=True) if p >= 0.5]
        judged = ner(text, sentences=False)
        assert [e | {"score": 0} for e, _ in kept] == [e | {"score": 0} for e in judged]
        assert [p for _, p in kept] == pytest.approx([e["score"] for e in judged], abs=1e-5)
        mine = pipeline("bioner", model=str(tagger), selector=selector_at(place))
        assert mine(text, sentences=False) == [
            e | {"score": pytest.approx(e["score"], abs=1e-5)} for e in judged
        ]
    assert len(said) >= 3
    assert ner.dropped > 0


def test_without_a_gazetteer_nothing_is_known(tagger, tokenizer, tmp_path):
    place = adapter_on(tagger, tmp_path, tokenizer, READING)
    settings = replace(TaggerSettings.load(tagger / "tagger.json"), gazetteer=None)
    ner = pipeline("bioner", model=str(tagger), selector=str(place), settings=settings, threshold=0)
    found = ner(TEXTS[0], sentences=False)
    spans = [Entity(e["start"], e["end"], e["entity_group"]) for e in found]
    unknown = selector_at(place).probabilities([Candidate(TEXTS[0], e, OURS) for e in spans])
    assert [e["score"] for e in found] == pytest.approx(unknown, abs=1e-5)


def test_a_card_says_what_the_signs_mean(tagger, tokenizer, tmp_path):
    place = adapter_on(tagger, tmp_path, tokenizer, READING)
    card = model_card(place)
    assert all(f"`{sign}` " in card for sign in EVIDENCE_SIGNS.values())
    SETTINGS.save(place)
    assert "gazetteer" not in model_card(place)


def test_candidates_are_the_same_but_for_what_is_known():
    one = candidates(9)[0]
    assert one == Candidate.of(one.text, one.entity, one.schema, None)
    assert one != replace(one, evidence="sure")
