"""Training on a tiny real GLM: the loss, what is counted, what is left, adapters, reloading."""

import json
from dataclasses import asdict, fields, replace
from importlib.metadata import version

import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer, GlmConfig
from trl import ModelConfig, SFTConfig
from trl.trainer import base_trainer

from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import SettingError
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.offsets import part_of
from llmner_hf.core.schema import Schema
from llmner_hf.decoding.reference import ReferenceDecoder
from llmner_hf.decoding.request import Request
from llmner_hf.settings import MENTION_SHARE, USUAL_WEIGHTS, Gazetteer, TaggerSettings
from llmner_hf.tagger.tagger import Tagger
from llmner_hf.training.evaluation import decoder_of, gold_of, predict
from llmner_hf.training.lending import ALONE, Lending
from llmner_hf.training.tagger.losses import (
    FULL_TOKENS,
    IGNORED,
    NONE,
    full_losses,
    mixed_losses,
)
from llmner_hf.training.tagger.preparation import Preparation
from llmner_hf.training.tagger.run import pack_size, train
from llmner_hf.training.tagger.sources import (
    of_people,
    prepare,
    schemas_of,
    tagger_of,
    with_gazetteers,
)
from llmner_hf.training.tagger.trainer import Collator
from tests.doubles.models import tiny
from tests.doubles.tuning import (
    EXAMPLES,
    LABELS,
    config,
    example,
    optimisation,
    scored_by,
    settings,
    tagged,
)

OTHERS = (example(9, "en", "a d[gene] or a d[enhancer]"),)


@pytest.fixture(scope="module")
def start(tokenizer, tmp_path_factory):
    """A folder with a config and a tokenizer, no weights: training starts from scratch."""
    folder = tmp_path_factory.mktemp("start")
    config(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def datasets():
    return {"ours": tagged(EXAMPLES)}


def test_the_mixed_loss_is_the_mixture_of_two_cross_entropies():
    torch.manual_seed(0)
    hidden, head = torch.randn(4, 8), torch.randn(20, 8)
    gold = torch.tensor([3, 5, 7, 9])
    allowed = torch.tensor([[3, 4, NONE], [5, NONE, NONE], [7, 1, 2], [9, 8, NONE]])
    logits = hidden @ head.T
    full = functional.cross_entropy(logits, gold, reduction="none")
    restricted = torch.stack(
        [
            -logits[i, row[row != NONE]].log_softmax(0)[0]  # the gold token stands first
            for i, row in enumerate(allowed)
        ]
    )
    for share in (0.0, 0.3, 1.0):
        mixed = mixed_losses(hidden, head, gold, allowed, share)
        assert torch.allclose(mixed, share * restricted + (1 - share) * full, atol=1e-6)


@pytest.mark.parametrize("tokens", [0, 5, FULL_TOKENS, 2 * FULL_TOKENS + 3])
def test_few_logits_over_the_vocabulary_are_in_memory(tokens):
    """The loss and its gradients are those of all logits at once, of which one part is kept."""
    torch.manual_seed(0)
    hidden, head = torch.randn(tokens, 8, requires_grad=True), torch.randn(50, 8)
    gold, weights, kept = torch.randint(50, (tokens,)), torch.randn(tokens), {}

    def keep(tensor):
        kept[tensor.data_ptr()] = tensor.numel() * (tensor.shape[-1:] == (50,))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        found = full_losses(hidden, head.requires_grad_(), gold)
    assert sum(kept.values()) <= 50 * FULL_TOKENS + head.numel()
    wanted = functional.cross_entropy(hidden @ head.T, gold, reduction="none")
    assert torch.allclose(found, wanted, atol=1e-6)
    gradients = [
        torch.autograd.grad((each * weights).sum(), (hidden, head)) for each in (found, wanted)
    ]
    assert all(torch.allclose(*pair, atol=1e-4) for pair in zip(*gradients, strict=True))


def test_what_a_gazetteer_adds_counts_among_the_allowed_tokens_alone():
    torch.manual_seed(0)
    hidden, head = torch.randn(3, 8), torch.randn(20, 8)
    gold = torch.tensor([3, 5, 7])
    allowed = torch.tensor([[3, 4, NONE], [5, NONE, NONE], [7, 1, 2]])
    added = torch.tensor([[0.5, -2.0, 0.0], [9.0, 0.0, 0.0], [-1.0, 6.0, 0.0]])
    logits = hidden @ head.T
    full = functional.cross_entropy(logits, gold, reduction="none")
    raised = torch.stack(
        [
            -(logits[i, row[row != NONE]] + added[i, row != NONE]).log_softmax(0)[0]
            for i, row in enumerate(allowed)
        ]
    )
    for share in (0.3, 1.0):
        mixed = mixed_losses(hidden, head, gold, allowed, share, added=added)
        assert torch.allclose(mixed, share * raised + (1 - share) * full, atol=1e-6)


@pytest.mark.parametrize("weigh", [1.0, 6.0])
def test_training_adds_what_decoding_adds(tokenizer, tokens, weigh):
    """What a model wrote with its gazetteer is, of all it could write, what the loss likes most."""
    model = tiny("glm", tokenizer)
    with torch.no_grad():
        model.lm_head.weight /= weigh  # the surer the model, the less a gazetteer can say
    known = Dictionary({"IL-2": "protein", "cd28": "DNA", "高血压": "疾病"}, frozenset({"cd28"}))
    schema = Schema("ours", "en", LABELS)
    tagger = TaggerSettings(
        style="brief",
        max_depth=1,  # with a line for every type, so that a set of entities has one path
        every_type=True,
        gazetteer=Gazetteer({"ours": known}),
        schemas={"ours": schema},
        weights={"ours": USUAL_WEIGHTS},
    )
    decoder = ReferenceDecoder(model, tokenizer, tagger)
    raised = 0
    for text in ("IL-2 and CD28 bind IL-2.", "患者有高血压", "the CD28\tgene (IL-2)", "nothing"):
        decoding = decoder.row(Request("x", text, schema))
        decoder.write([decoding])
        entities = decoding.record.prediction.entities
        preparation = Preparation(tokens, schema, tagger, 512)
        (row,) = preparation.rows([Example("x", text, entities, "ours", "en")], [known])
        assert row.ids[row.start :] == list(decoding.record.tokens)
        batch = Collator(tokens.stop, with_allowed=True)([asdict(row)])
        with torch.no_grad():
            logits = model(batch["input_ids"]).logits[0, row.start - 1 : -1]
        legal = logits.gather(1, batch["allowed"].clamp(min=0)) + batch["added"]
        assert (legal.masked_fill(batch["allowed"] == NONE, -torch.inf).argmax(1) == 0).all()
        raised += int((batch["added"] > 0).sum())
    assert raised > 4
    with pytest.raises(ValueError, match="shorter"):  # none is left out for want of a gazetteer
        list(Preparation(tokens, schema, tagger, 512).rows(EXAMPLES, [known]))


def test_only_the_completion_bears_loss_and_the_gold_token_stands_first(tokens):
    tagger = TaggerSettings(style="brief")
    preparation = Preparation(tokens, Schema("", "en", LABELS), tagger, 512)
    rows = [asdict(row) for row in preparation.rows(EXAMPLES)]
    batch = Collator(tokens.stop, with_allowed=True)(rows)
    gold = batch["labels"][batch["labels"] != IGNORED]
    assert torch.equal(gold, batch["allowed"][:, 0])
    for row, labels, mask in zip(rows, batch["labels"], batch["attention_mask"], strict=True):
        assert (labels[: row["start"]] == IGNORED).all()
        assert labels[row["start"] : len(row["ids"])].tolist() == row["ids"][row["start"] :]
        assert mask.sum() == len(row["ids"])


def test_word_dropout_hides_a_word_in_prompt_and_completion_but_not_in_the_labels(tokens):
    tagger = TaggerSettings(style="brief")
    (row,) = Preparation(tokens, Schema("", "en", LABELS), tagger, 512).rows(EXAMPLES[:1])
    torch.manual_seed(0)
    batch = Collator(tokens.stop, word_dropout=0.5)([asdict(row)])
    ids, labels = batch["input_ids"][0], batch["labels"][0]
    changed = {old for old, new in zip(row.ids, ids.tolist(), strict=True) if old != new}
    assert 0 < len(changed) < len(row.text_ids)
    assert changed <= set(row.text_ids)
    assert not changed & set(ids.tolist())
    assert labels[row.start :].tolist() == row.ids[row.start :]


def test_an_end_inside_a_word_is_learnt_and_travels(tokens, tmp_path):
    """A gene before a mutation, with no blank between them, in the texts of people alone."""
    inside = example(0, "en", "the p[hGR]D401H gene")
    ours, asked = tagged([*EXAMPLES, inside]), settings(style="brief", silver=["found"])
    tagger = tagger_of({"ours": ours, "found": tagged(OTHERS)}, asked)
    assert [*tagger.cuts.values()] == [(3,)]
    assert not tagger_of({"ours": tagged(EXAMPLES), "found": ours}, asked).cuts
    tagger.save(tmp_path)
    assert TaggerSettings.load(tmp_path / "tagger.json") == tagger
    assert "hGR" not in (tmp_path / "tagger.json").read_text(encoding="utf-8")
    for known, unwritable in ((tagger, 0), (replace(tagger, cuts={}), 1)):
        preparation = Preparation(tokens, tagger.schema("ours"), known, 512)
        (row,) = preparation.rows([inside])
        assert preparation.report.unwritable == unwritable
        assert ("[" in tokens.tokenizer.decode(row.ids[row.start :])) is not bool(unwritable)


def test_long_texts_are_split_at_sentences_and_what_is_lost_is_counted(tokens):
    text = "A CD28 receptor binds. " * 3 + "X" * 300 + " IL-2."
    entities = [Entity(2 + 23 * i, 6 + 23 * i, "protein") for i in range(3)]
    entities.append(Entity(370, 374, "protein"))  # in the sentence that is too long
    long = Example("long", text, tuple(entities), "ours", "en")
    tagger = TaggerSettings(style="brief")
    preparation = Preparation(tokens, Schema("", "en", LABELS), tagger, 150)
    rows = list(preparation.rows([long]))
    report = preparation.report
    assert (report.examples, report.split, report.rows, report.too_long) == (1, 1, 3, 1)
    assert (report.entities, report.lost_entities) == (4, 1)
    assert all(len(row.ids) <= 150 for row in rows)
    assert "1 of 4 entities lost (25.00 %)" in report.as_text()
    assert part_of(long, 23, 45).entities == (Entity(2, 6, "protein"),)


def test_an_entity_that_brackets_cannot_reach_is_counted(tokens):
    inside = Example("x", "receptor", (Entity(2, 5, "protein"),), "ours", "en")
    preparation = Preparation(tokens, Schema("", "en", LABELS), TaggerSettings(style="brief"), 512)
    assert len(list(preparation.rows([inside]))) == 1
    assert preparation.report.unwritable == 1
    assert preparation.report.unwritable_mentions == ["re|cep|tor"]


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_it_learns_and_a_reloaded_model_annotates_the_same(start, datasets, tmp_path, share):
    record = train(
        settings(allowed_share=share, validation_size=10),
        optimisation(tmp_path, 120, save_strategy="no", eval_steps=60),
        ModelConfig(model_name_or_path=str(start)),
        datasets,
    )
    losses = [entry["loss"] for entry in record["history"] if "loss" in entry]
    assert losses[-1] < 0.1 * losses[0]
    model = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    tagger = TaggerSettings.load(tmp_path / "tagger.json")
    decoder = decoder_of(Tagger(model, tokenizer, tagger))
    assert predict(decoder, EXAMPLES, tagger.schema("ours")) == gold_of(EXAMPLES)
    last = [entry for entry in record["history"] if "validation_f1" in entry][-1]
    assert last["validation_f1"] == 1.0
    stored = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert stored["preparation"]["ours"]["examples"] == len(EXAMPLES)
    assert len(stored["data"]["ours"]["train"]["sha256"]) == 64
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "best" / "tagger.json").exists()


def test_run_json_holds_every_setting_and_no_file_holds_a_token(
    start, datasets, tmp_path, monkeypatch
):
    """The Hub's token comes from the environment or, unwisely, from the recipe."""
    monkeypatch.setenv("HF_TOKEN", "hf_fromtheenvironment")
    stated = optimisation(
        tmp_path,
        2,
        save_steps=1,
        hub_token="hf_fromtherecipe",
        model_init_kwargs={"token": "hf_fromwithin"},
        data_seed=7,
    )
    train(settings(), stated, ModelConfig(model_name_or_path=str(start)), datasets)
    stored = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert {f.name for f in fields(stated) if f.init} - stored["optimisation"].keys() == {
        "hub_token",
        *({"push_to_hub_token"} & {f.name for f in fields(stated)}),
    }
    assert (stored["optimisation"]["seed"], stored["optimisation"]["data_seed"]) == (42, 7)
    assert stored["settings"] == asdict(settings())
    assert stored["model"] == json.loads(
        json.dumps(asdict(ModelConfig(model_name_or_path=str(start))))
    )
    assert stored["versions"]["transformers"] == version("transformers")
    assert stored["processes"] == 1
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if b"hf_from" in path.read_bytes()]
    assert not [path for path in files if path.name == "training_args.bin"]


def test_a_run_tells_nobody_of_itself(start, datasets, tmp_path, monkeypatch):
    """TRL reports each trainer to the Hub, transformers to whatever is installed."""
    told = []
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(base_trainer, "send_telemetry", lambda **given: told.append(given))
    stated = optimisation(tmp_path, 1, save_strategy="no")
    train(settings(), stated, ModelConfig(model_name_or_path=str(start)), datasets)
    assert (stated.report_to, told) == ([], [])
    assert SFTConfig(output_dir=str(tmp_path), use_cpu=True, bf16=False).report_to == []


def test_curves_go_to_tensorboard_where_it_is_asked_for(start, datasets, tmp_path):
    pytest.importorskip("tensorboard")
    stated = optimisation(tmp_path, 2, save_strategy="no", logging_steps=1, report_to="tensorboard")
    train(settings(), stated, ModelConfig(model_name_or_path=str(start)), datasets)
    assert list(tmp_path.rglob("events.out.tfevents.*"))


def test_an_adapter_is_saved_alone_and_reloads(start, datasets, tmp_path):
    base = AutoModelForCausalLM.from_config(GlmConfig.from_pretrained(start))
    base.save_pretrained(tmp_path / "base")
    AutoTokenizer.from_pretrained(start).save_pretrained(tmp_path / "base")
    lora = ModelConfig(
        model_name_or_path=str(tmp_path / "base"),
        use_peft=True,
        lora_r=4,
        lora_target_modules=["q_proj", "v_proj", "down_proj"],
    )
    seen = {}

    def remember(tagger):
        schema = tagger.settings.schema("ours")
        seen["predicted"] = predict(decoder_of(tagger), EXAMPLES, schema)
        return {"f1": 0.0}

    out = tmp_path / "adapter"
    with scored_by(remember):
        train(settings(allowed_share=0.5), optimisation(out, 8), lora, datasets)
    assert (out / "adapter_model.safetensors").exists()
    assert not (out / "model.safetensors").exists()
    reloaded = AutoModelForCausalLM.from_pretrained(out).eval()
    tagger = TaggerSettings.load(out / "tagger.json")
    decoder = decoder_of(Tagger(reloaded, AutoTokenizer.from_pretrained(out), tagger))
    assert predict(decoder, EXAMPLES, tagger.schema("ours")) == seen["predicted"]


def test_the_best_bias_and_the_depth_of_the_data_travel_with_the_model(start, datasets, tmp_path):
    """Scores are made up, so that the best bias is known; the second validation begins with it."""
    asked = []

    def validate(tagger):
        asked.append(tagger.settings.bracket_bias)
        return {"f1": 1.0 - abs(tagger.settings.bracket_bias - 1.0)}

    compiled = {"torch_compile": True, "torch_compile_backend": "eager"}
    with scored_by(validate):
        record = train(
            settings(every_type=True, allowed_share=1.0, bracket_biases=[0.0, 1.0, 2.0]),
            optimisation(tmp_path, 4, eval_steps=2, **compiled),
            ModelConfig(model_name_or_path=str(start)),
            datasets,
        )
    assert asked == [0.0, 1.0, 2.0] * 2
    assert record["validation"]["validation_bracket_bias"] == 1.0
    for folder in (tmp_path, tmp_path / "best"):
        tagger = TaggerSettings.load(folder / "tagger.json")
        assert (tagger.bracket_bias, tagger.max_depth) == (1.0, 1)
        assert (tagger.every_type, tagger.confidence) == (True, "allowed")


def test_a_model_trained_beside_a_gazetteer_travels_with_one(start, datasets, tmp_path):
    """Its own is of all training texts; those it was trained beside were of the other folds."""
    asked = []

    def validate(tagger):
        asked.append(tagger.settings.weights["ours"])
        return {"f1": asked[-1].bias, "f1_ours": asked[-1].bias}

    biases = [-1.0, -0.5]
    with scored_by(validate):
        record = train(
            settings(
                allowed_share=1.0, gazetteer_folds=2, bracket_biases=biases, lenders=["data/other"]
            ),
            # Without steps between validations there is one, at the end.
            optimisation(tmp_path, 20, save_strategy="no", eval_steps=None),
            ModelConfig(model_name_or_path=str(start)),
            datasets,
            Lending([tagged(OTHERS)]),
        )
    losses = [entry["loss"] for entry in record["history"] if "loss" in entry]
    assert losses[-1] < losses[0]
    assert record["lenders"][0]["train"]["rows"] == 1
    assert asked == [replace(USUAL_WEIGHTS, bias=-1.0), replace(USUAL_WEIGHTS, bias=-0.5)]
    tagger = TaggerSettings.load(tmp_path / "tagger.json")
    assert tagger.weights == {"ours": USUAL_WEIGHTS}
    known = tagger.dictionary(tagger.schema("ours"))
    lent = [(OTHERS, set(LABELS.names))]
    assert known == Dictionary.learn(EXAMPLES, MENTION_SHARE, lent).digested()


def test_gazetteers_lend_in_training_what_they_lend_in_decoding(datasets, tokens):
    """All but the texts themselves: a lender that holds these alone lends nothing."""
    asked = settings(allowed_share=1.0, gazetteer_folds=2, lenders=["other"])
    tagger = asked.tagger(schemas_of(datasets), 2, {})
    whole = Dictionary.learn(EXAMPLES, MENTION_SHARE).digested()
    said = {}
    for name, texts in {"none": (), "the same": EXAMPLES, "others": OTHERS}.items():
        lending = Lending([tagged(texts)] if texts else [])
        rows, _ = prepare(datasets, tokens, tagger, asked, lending=lending)
        said[name] = rows["added"][:]
        known = with_gazetteers(tagger, datasets, asked, lending).gazetteer.dictionaries["ours"]
        assert (known == whole) is (name != "others")
    assert said["none"] == said["the same"] != said["others"]


def test_silver_is_trained_on_and_known_to_nobody(datasets, tokens):
    """Beside an empty gazetteer: of a text the bias of openings alone remains."""
    both = datasets | {"found": tagged(OTHERS)}
    asked = settings(allowed_share=1.0, gazetteer_folds=2, silver=["found"])
    tagger = tagger_of(both, asked)
    assert tagger == tagger_of(datasets, settings(allowed_share=1.0, gazetteer_folds=2))
    assert {*with_gazetteers(tagger, both, asked, ALONE).gazetteer.dictionaries} == {"ours"}
    rows, reports = prepare(both, tokens, tagger, asked)
    alone, _ = prepare(datasets, tokens, tagger, replace(asked, silver=[]))
    assert rows.to_list()[: len(alone)] == alone.to_list()
    assert (reports["found"].examples, rows["corpus"][-1]) == (len(OTHERS), "found")
    assert {value for row in rows["added"][len(alone) :] for one in row for value in one} == {
        0.0,
        USUAL_WEIGHTS.bias,
    }
    assert {*of_people(both, asked)} == {"ours"}
    with pytest.raises(SettingError, match="silver names other, which is not trained on"):
        prepare(datasets, tokens, tagger, replace(asked, silver=["other"]))
    with pytest.raises(SettingError, match="silver names all datasets"):
        tagger_of(datasets, replace(asked, silver=["ours"]))


@pytest.mark.parametrize("strategy", ["html", "json_list"])
def test_the_other_strategies_train_with_the_usual_loss(start, datasets, tmp_path, strategy):
    record = train(
        settings(strategy=strategy),
        optimisation(tmp_path, 10, save_strategy="no"),
        ModelConfig(model_name_or_path=str(start)),
        datasets,
    )
    losses = [entry["loss"] for entry in record["history"] if "loss" in entry]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"allowed_share": 1.5}, "allowed_share must lie between 0 and 1"),
        ({"word_dropout": -0.1}, "word_dropout must lie between 0 and 1"),
        ({"allowed_share": 0.5, "strategy": "html"}, "needs the symbolic strategy"),
        ({"lines_apart": True, "strategy": "html"}, "lines_apart needs the symbolic strategy"),
        ({"mixing": "other"}, "mixing must be one of alternate, shuffle, not 'other'"),
        ({"strategy": "xml"}, "strategy must be one of symbolic, "),
        ({"corpus_weights": ["ours=2"]}, "corpus_weights must be a mapping, as {biored: 2}, not"),
        ({"corpus_weights": {"ours": "2"}}, "corpus_weights must be a mapping"),
        ({"default_datasets": ["en=ours"]}, "must be a mapping, as {en: biored}, not"),
        ({"gazetteer_folds": 5}, "gazetteer_folds needs allowed_share"),
        ({"gazetteer_folds": 1, "allowed_share": 1.0}, "must be 0 or above 1, not 1"),
        ({"lenders": ["data/other"]}, "lenders lend to gazetteers; set gazetteer_folds"),
    ],
)
def test_settings_that_do_not_fit_are_refused(given, message):
    with pytest.raises(SettingError, match=message):
        settings(**given)


@pytest.mark.parametrize(
    ("given", "strategy", "message"),
    [
        ({}, "group_by_length", "needs mixing shuffle and pack 1: one sampler"),
        ({"mixing": "shuffle", "pack": 2}, "group_by_length", "needs mixing shuffle and pack 1"),
        (
            {"mixing": "shuffle", "corpus_weights": {"ours": 2}},
            "sequential",
            "and no corpus_weights",
        ),
    ],
)
def test_an_order_that_cannot_be_is_refused_before_anything_is_read(
    tmp_path, given, strategy, message
):
    stated = optimisation(tmp_path / "run", 1, train_sampling_strategy=strategy)
    with pytest.raises(SettingError, match=message):
        train(settings(**given), stated, ModelConfig(), {})
    assert not (tmp_path / "run").exists()


def test_a_recipe_without_a_model_is_refused(datasets, tmp_path):
    with pytest.raises(SettingError, match="names no model"):
        train(settings(), optimisation(tmp_path, 1), ModelConfig(), datasets)


@pytest.mark.parametrize("strategy", ["html", "json_list"])
def test_entities_that_a_strategy_cannot_write_are_counted(tokens, strategy):
    """HTML cannot write two that cross; the first of them stays."""
    crossing = Example("x", "abcdef", (Entity(0, 4, "protein"), Entity(2, 6, "DNA")), "ours", "en")
    tagger = TaggerSettings(style="brief", strategy=strategy)
    preparation = Preparation(tokens, Schema("", "en", LABELS), tagger, 512)
    (row,) = preparation.rows([crossing])
    assert preparation.report.unwritable == (1 if strategy == "html" else 0)
    completion = tokens.tokenizer.decode(row.ids[row.start : -1])
    assert completion.count("protein") == (2 if strategy == "html" else 1)


def test_prompts_that_name_different_types_share_nothing():
    """Packed behind one prefix, a row would be trained on another row's types."""
    of = optimisation("unused", 1)
    assert pack_size(settings(style="prefix", some_types=0.5), of) == 1
    assert pack_size(settings(style="prefix"), of) == of.per_device_train_batch_size
    with pytest.raises(SettingError, match="pack 4 with some_types"):
        pack_size(settings(pack=4, some_types=0.5), of)
    assert pack_size(settings(style="prefix", lines_apart=True), of) == 1
    with pytest.raises(SettingError, match="pack 4 with lines_apart"):
        pack_size(settings(pack=4, lines_apart=True), of)
