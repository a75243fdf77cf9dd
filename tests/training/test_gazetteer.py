"""Gazetteers: stored as digests, a second expert in decisions, weighed on held-out texts."""

import shutil
from dataclasses import dataclass, replace

import pytest
from datasets import Dataset, DatasetDict
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, AutoTokenizer

from llmner_hf import cli
from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet, Prediction, ScoredEntity
from llmner_hf.core.errors import FormatError, SettingError
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.schema import Schema
from llmner_hf.core.scoring import score
from llmner_hf.corpora.rows import FEATURES, to_row
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.decoding.reference import ReferenceDecoder
from llmner_hf.pipelines.local import BioNerPipeline
from llmner_hf.selector.filtering import Selector
from llmner_hf.settings import GAZETTEER_FILE, USUAL_WEIGHTS, Gazetteer, TaggerSettings, Weights
from llmner_hf.tagger.tagger import Tagger
from llmner_hf.tokens.prior import Prior
from llmner_hf.training.evaluation import gold_of
from llmner_hf.training.gazetteer import learnt, parts, relearnt
from llmner_hf.training.lending import Lending
from llmner_hf.training.weighing import VALUES, Trial, climb, equipped, fit, selected_f1
from tests.doubles.models import SCHEMA, TEXTS, requests, tiny
from tests.doubles.tuning import EXAMPLES, tagged

OURS = replace(SCHEMA, title="ours")
KNOWN = Gazetteer(
    {
        "ours": Dictionary(
            {"CD28": "protein", "IL-2": "DNA", "高血压": "疾病"}, frozenset({"il-2"})
        ).digested()
    }
)
USING = TaggerSettings(
    style="brief",
    max_depth=2,
    gazetteer=KNOWN,
    schemas={"ours": OURS},
    weights={"ours": Weights(-0.5, 6.0, 3.0, 4.0)},
)
CERTAIN = Weights(-1e4, 2e4, 2e4, 1e4)


@given(
    st.dictionaries(
        st.sampled_from(["DNA", "IL-2", "肝癌", "癌", "a" * 300]),
        st.sampled_from(["protein", "疾病"]),
    ),
    st.booleans(),
)
def test_a_stored_gazetteer_is_the_same(tmp_path_factory, mentions, unsure):
    folder = tmp_path_factory.mktemp("stored")
    folded = frozenset(mention.lower() for mention in mentions)
    dictionary = Dictionary(mentions, folded if unsure else frozenset()).digested()
    stored = Gazetteer({"ours": dictionary, "empty": Dictionary({}).digested()})
    stored.save(folder)
    loaded = Gazetteer.load(folder / GAZETTEER_FILE)
    assert loaded == stored
    assert loaded.dictionaries["ours"].lengths == dictionary.lengths
    content = (folder / GAZETTEER_FILE).read_bytes().lower()
    assert not any(mention.encode() in content for mention in folded if len(mention) > 3)


def test_it_travels_with_the_settings_and_a_damaged_one_is_named(tmp_path):
    USING.save(tmp_path)
    assert TaggerSettings.load(tmp_path / "tagger.json") == USING
    (tmp_path / GAZETTEER_FILE).write_bytes(b"no tensors")
    with pytest.raises(FormatError, match=GAZETTEER_FILE):
        TaggerSettings.load(tmp_path / "tagger.json")
    (tmp_path / GAZETTEER_FILE).unlink()
    with pytest.raises(FormatError, match=GAZETTEER_FILE):
        TaggerSettings.load(tmp_path / "tagger.json")


def test_what_is_added_where():
    known = [(Entity(2, 5, "a"), True), (Entity(7, 9, "b"), False)]
    prior = Prior(("a", "b"), known, Weights(-1.0, 6.0, 3.0, 4.0))
    assert prior.opening(0, 2, depth=0) == 5.0
    assert prior.opening(0, 2, depth=1) == -1.0  # a mention is not opened twice
    assert prior.opening(1, 2, depth=0) == -1.0  # another type's line
    assert prior.opening(1, 7, depth=0) == 2.0
    assert (prior.closing(0, 5), prior.closing(0, 9), prior.closing(1, 9)) == (4.0, 0.0, 4.0)
    assert prior.weighs
    assert prior.places == [{1, 2, 5}, {6, 7, 9}, set()]
    assert not Prior(("a",), [], Weights()).weighs


def test_types_of_unknown_names_have_the_general_bias_alone(tokenizer):
    decoder = ConstrainedDecoder(
        tiny("glm", tokenizer), tokenizer, replace(USING, bracket_bias=0.25)
    )
    (request,) = requests(["CD28 and IL-2"])
    own = LabelSet((EntityType("protein"), EntityType("Gene")))
    plain = decoder.prior(replace(request, schema=replace(SCHEMA, labels=own)))
    assert plain.bias == 0.25
    assert not any(plain.places)
    known = decoder.prior(replace(request, schema=OURS))
    assert known.bias == -0.5
    assert any(known.places)


def test_types_of_known_names_have_the_mentions_of_all_datasets():
    """Whatever the title; of two datasets that know a string, the first says what it is."""
    more = Dictionary({"cd3": "protein", "CD28": "cell", "il-2": "protein"}, frozenset({"il-2"}))
    known = Gazetteer({**KNOWN.dictionaries, "more": more.digested()})
    settings = replace(USING, gazetteer=known, bracket_bias=0.25)

    def types(*names):
        return Schema("", "en", LabelSet(tuple(map(EntityType, names))))

    text = "CD28 and CD3 bind IL-2"
    for names, wanted in (
        (("protein",), [("CD28", True), ("CD3", True), ("IL-2", False)]),
        (("protein", "DNA"), [("CD28", True), ("CD3", True), ("IL-2", False)]),
        (("cell",), [("CD28", True)]),
    ):
        found = settings.dictionary(types(*names)).matches(text)
        assert [(entity.surface(text), sure) for entity, sure in found] == wanted
        assert settings.weights_of(types(*names)) == USUAL_WEIGHTS
    assert settings.dictionary(types("protein", "tissue")) is None
    assert settings.weights_of(types("tissue")) == Weights(0.25)
    for number in range(40):  # more sets of types than are kept
        assert known.of(types("protein", f"type {number}")) is None
    assert known == Gazetteer(known.dictionaries)


def test_datasets_lend_each_other_what_their_own_texts_do_not_show():
    drugs = LabelSet((EntityType("Drug"),))
    settings = replace(
        USING,
        gazetteer=None,
        schemas={
            "ours": Schema("ours", "en", drugs),
            "theirs": Schema("theirs", "en", LabelSet((EntityType("Drug"), EntityType("DNA")))),
            "chinese": Schema("chinese", "zh", drugs),
        },
    )

    def marked(*texts):
        """An example a text; before a star stands a drug, before a plus DNA."""
        return [
            Example(text, text[:-1], (Entity(0, len(text) - 1, kind),), "x", "en")
            if (kind := {"*": "Drug", "+": "DNA"}.get(text[-1]))
            else Example(text, text, (), "x", "en")
            for text in texts
        ]

    found = learnt(
        settings,
        {
            "ours": marked("aspirin*", "no lithium here"),
            "theirs": marked("aspirin+", "lithium*", "statin*", "gene+"),
            "chinese": marked("opium*"),
        },
    )
    surfaces = "aspirin", "lithium", "statin", "gene", "opium"
    said = {
        name: [found[name].said_of(s, Entity(0, len(s), "Drug")) for s in surfaces]
        for name in found
    }
    assert said == {
        "ours": ["sure", "unknown", "sure", "unknown", "unknown"],
        "theirs": ["other", "sure", "sure", "other", "unknown"],
        "chinese": ["unknown", "unknown", "unknown", "unknown", "sure"],
    }
    # A dataset that the tagger does not know lends as much, but of its test.
    known = {"ours": marked("aspirin*", "no lithium here")}
    splits = {"train": ("lithium*", "statin*"), "validation": ("zinc*",), "test": ("opium*",)}
    lender = DatasetDict(
        {
            split: Dataset.from_list(
                [
                    to_row(e, Schema("x", "en", drugs), style="brief", strategy="symbolic")
                    for e in marked(*texts)
                ],
                features=FEATURES,
            )
            for split, texts in splits.items()
        }
    )
    lent = learnt(settings, known, Lending([lender]))["ours"]
    surfaces = "aspirin", "lithium", "statin", "zinc", "opium"
    assert [lent.said_of(s, Entity(0, len(s), "Drug")) for s in surfaces] == [
        *("sure", "unknown", "sure", "sure", "unknown")
    ]


@pytest.mark.parametrize("family", ["glm", "qwen2"])
@pytest.mark.parametrize("weights", [USING.weights["ours"], CERTAIN, Weights(1.0, 3.0, -2.0, 1.0)])
def test_equal_to_the_reference(tokenizer, family, weights):
    """With texts of other types in the batch, at any batch size."""
    model, used = tiny(family, tokenizer), replace(USING, weights={"ours": weights})
    texts = [*TEXTS, "IL-2 and CD28 (CD28) bind IL-2.", "患者有高血压，CD28阳性", "高血压高血压"]
    many = [
        replace(r, schema=OURS) if number % 3 else r for number, r in enumerate(requests(texts))
    ]
    wanted = ReferenceDecoder(model, tokenizer, used).decode(many, 1)
    for batch_size in (1, 3, 32):
        found = ConstrainedDecoder(model, tokenizer, used).decode(many, batch_size)
        assert [p.entities for p in found] == [p.entities for p in wanted]
        for one, other in zip(found, wanted, strict=True):
            scores = [e.score for e in other.scored]
            assert [e.score for e in one.scored] == pytest.approx(scores, rel=1e-3)


def test_a_gazetteer_that_outweighs_the_model_has_its_way(tokenizer):
    """An untrained model then opens brackets before all known mentions, and nowhere else."""
    used = replace(USING, weights={"ours": CERTAIN}, every_type=True)
    texts = ["IL-2 and CD28 bind.", "nothing", "a CD28\tIL-2\nCD28"]
    many = [replace(request, schema=OURS) for request in requests(texts)]
    found = ConstrainedDecoder(tiny("glm", tokenizer), tokenizer, used).decode(many)
    dictionary = KNOWN.dictionaries["ours"]
    for request, prediction in zip(many, found, strict=True):
        known = dictionary.annotate(request.text)
        found_there = {(e.start, e.label) for e in prediction.entities}
        assert found_there == {(e.start, e.label) for e in known}


@given(st.dictionaries(st.sampled_from(sorted(VALUES)), st.integers(0, 2)))
def test_climbing_ends_where_no_weight_alone_is_better(wanted):
    """On a made-up surface with one summit, which is a value of every weight."""
    summit = {name: VALUES[name][wanted.get(name, 1)] for name in VALUES}

    def f1(weights):
        return -sum(abs(getattr(weights, name) - value) for name, value in summit.items())

    assert climb(f1) == Weights(**summit)


def test_texts_to_learn_from_are_none_of_those_to_weigh_by():
    datasets = tagged(EXAMPLES)
    known, held_out = parts(datasets, 2)
    assert [e.id for e in held_out] == [e.id for e in EXAMPLES[:2]]
    assert [e.id for e in known] == [e.id for e in (*EXAMPLES, *EXAMPLES[2:])]
    del datasets["validation"]
    with pytest.raises(SettingError, match="no validation split"):
        parts(datasets, 2)


def test_weights_are_no_worse_than_the_start_and_are_kept(tokenizer, monkeypatch):
    for name in VALUES:
        monkeypatch.setitem(VALUES, name, (getattr(USUAL_WEIGHTS, name),))
    model, alone = tiny("glm", tokenizer), replace(USING, gazetteer=None, weights={})
    known, held_out = parts(tagged(EXAMPLES), 6)
    tagger = Tagger(model, tokenizer, alone)
    dictionaries = learnt(alone, {"ours": known})
    dictionary = dictionaries["ours"]
    found = fit(Trial(tagger, dictionaries, {"ours": held_out}))
    assert found.weights == USUAL_WEIGHTS
    assert found.listed == {
        "ours": score(
            gold_of(held_out), {e.id: dictionary.annotate(e.text) for e in held_out}
        ).strict.f1
    }
    assert dictionary.hashed
    equipped_once = equipped(tagger, dictionaries, found)
    made = equipped_once.settings
    assert made.bracket_bias == found.bias == max(found.alone, key=lambda b: found.alone[b]["ours"])
    assert made.weights_of(OURS) == USUAL_WEIGHTS
    assert made.dictionary(OURS) == dictionary
    again = equipped(equipped_once, {"ours": Dictionary({}).digested()}, found)
    assert again.settings.dictionary(OURS).mentions == {}


def test_weighed_by_what_a_selector_leaves():
    """As good as if every wrong candidate that it ranks below the right ones had not been made."""
    text, schema = "CD28 binds IL-2 and CD28", OURS
    right, wrong = Entity(0, 4, "protein"), Entity(5, 10, "protein")
    gold = [Example("x", text, (right, Entity(20, 24, "protein")), "ours", "en")]
    predictions = [Prediction("x", tuple(ScoredEntity(e, 0.5) for e in (right, wrong)))]

    @dataclass
    class Judge:
        better: Entity

        def logits(self, candidates, batch_size=64):
            return [1.0 if c.entity == self.better else -1.0 for c in candidates]

    assert selected_f1(gold, predictions, schema, None) == 0.5
    assert selected_f1(gold, predictions, schema, Selector(Judge(right), None)) == pytest.approx(
        2 / 3
    )
    assert selected_f1(gold, predictions, schema, Selector(Judge(wrong), None)) == 0.5
    assert selected_f1(gold, [Prediction("x", ())], schema, Selector(Judge(right), None)) == 0.0


def test_learning_anew_keeps_the_weights_and_leaves_out_the_test(tokenizer):
    datasets = tagged(EXAMPLES[:1])
    datasets["validation"] = tagged(EXAMPLES[1:2])["train"]
    datasets["test"] = tagged(EXAMPLES[2:])["train"]
    tagger = Tagger(tiny("glm", tokenizer), tokenizer, USING)
    made = relearnt(tagger, {"ours": datasets}).settings
    assert made.dictionary(OURS) == Dictionary.learn(EXAMPLES[:2], 0.2).digested()
    assert (made.weights, made.schemas) == (USING.weights, USING.schemas)
    with pytest.raises(SettingError, match="other: no weights"):
        relearnt(tagger, {"other": datasets})


def test_the_command_equips_a_folder(tokenizer, tmp_path, monkeypatch, capsys):
    for name in VALUES:
        monkeypatch.setitem(VALUES, name, (getattr(USUAL_WEIGHTS, name),))
    folder, data = tmp_path / "tagger", tmp_path / "ours"
    tiny("glm", tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    replace(USING, gazetteer=None, weights={}).save(folder)
    for split, rows in tagged(EXAMPLES).items():
        rows.to_parquet(data / f"{split}.parquet")
    assert cli.main(["gazetteer", str(folder), "--datasets", str(data)]) == 0
    first, last = capsys.readouterr().out.splitlines()
    assert first.startswith("ours: ")
    settings = TaggerSettings.load(folder / "tagger.json")
    assert last == (
        f"{USUAL_WEIGHTS}; tagger alone, and types without known mentions: bias "
        f"{settings.bracket_bias}"
    )
    assert settings.weights == {"ours": USUAL_WEIGHTS}
    ner = BioNerPipeline(
        AutoModelForCausalLM.from_pretrained(folder),
        AutoTokenizer.from_pretrained(folder),
        settings=replace(settings, weights={"ours": CERTAIN}, every_type=True),
        selector=None,
    )
    (found,) = ner("CD28 binds", dataset="ours")
    learnt = settings.dictionary(settings.schema("ours")).annotate("CD28 binds")
    assert [(found["start"], found["entity_group"])] == [(e.start, e.label) for e in learnt]
    before = (folder / GAZETTEER_FILE).read_bytes()
    replace(settings, gazetteer=Gazetteer()).save(folder)
    assert cli.main(["gazetteer", str(folder), "--datasets", str(data), "--all-rows"]) == 0
    assert TaggerSettings.load(folder / "tagger.json").weights == {"ours": USUAL_WEIGHTS}
    assert (folder / GAZETTEER_FILE).read_bytes() == before  # its validation split is the other
    shutil.rmtree(folder)
    assert cli.main(["gazetteer", str(folder), "--datasets", str(data)]) == 2
