"""Robustness: what is asked in each way, how it is counted, and that nothing is asked twice."""

import csv
import importlib.util
from types import SimpleNamespace

import pytest
import yaml
from datasets import Dataset

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet
from llmner_hf.core.errors import InputError
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.schema import Schema
from llmner_hf.corpora.rows import FEATURES, to_row
from llmner_hf.pipelines.asking import Call
from llmner_hf.settings import TaggerSettings
from tests.conftest import ROOT

SCRIPT = ROOT / "recipes" / "embedded" / "robustness.py"
TEXT = "CD28 binds the c-fos gene"
GOLD = (Entity(0, 4, "protein"), Entity(15, 25, "DNA"))
EXAMPLES = [Example(f"own-{i}", TEXT + "." * i, GOLD, "genia", "en") for i in range(3)]


@pytest.fixture(scope="module")
def robustness():
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("robustness", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def wording(robustness):
    return yaml.safe_load(robustness.WORDING.read_text(encoding="utf-8"))


def test_every_type_is_said_in_other_words(robustness, wording):
    """Other names that can be asked for, which differ from each other and from all of ours."""
    assert set(wording) == set(robustness.TRAINED_ON)
    for name, words in wording.items():
        labels = CORPORA[name].labels
        assert set(words) == set(labels.names)
        for label in labels:
            assert set(words[label.name]) == {"name", "definition"}
            assert words[label.name]["definition"] != label.definition
        renamed = LabelSet(tuple(EntityType(**said) for said in words.values()))
        assert not set(renamed.names) & set(labels.names)


def test_each_way_asks_for_the_same_types_otherwise(robustness, wording):
    labels = CORPORA["cmeee_v2"].labels
    own = {t.name: t.definition for t in labels}
    tuned, order, definitions, halves, names = robustness.variations(labels, wording["cmeee_v2"])
    assert [list(types.items()) for (types,) in tuned.runs] == [list(own.items())]
    orders = [tuple(types) for (types,) in order.runs]
    assert all(types == own for (types,) in order.runs)
    assert len({*orders, tuple(own)}) == 4
    assert [(list(types), types == own) for (types,) in definitions.runs] == [(list(own), False)]
    ((one, other),) = halves.runs
    assert {**one, **other} == own
    assert (len(one), len(other)) == (5, 4)
    ((renamed,),) = names.runs
    assert [names.meant[name] for name in renamed] == list(own)
    assert list(renamed.values()) == list(own.values())


def test_one_type_has_no_order_and_none_to_drop(robustness, wording):
    labels = CORPORA["bc5cdr_chemical"].labels
    ways = robustness.variations(labels, wording["bc5cdr_chemical"])
    assert [way.title for way in ways] == [
        "as tuned",
        "definitions in other words",
        "names in other words",
    ]


# Either entity of gold, by its type's own or its other name.
KNOWN = {name: GOLD[0] for name in ("protein", "protein molecule")} | {
    name: GOLD[1] for name in ("DNA", "stretch of DNA")
}


class Impatient:
    """A tagger that finds all of gold, but only of the types that it is asked for first."""

    # What the record of an annotation tells of a pipeline.
    call = Call()
    settings = TaggerSettings()
    tagger = SimpleNamespace(origin=None)
    selector = decoder = None
    annotator = SimpleNamespace(linker=None, names=Dictionary({}))

    def __init__(self, patience):
        self.patience = patience
        self.asked = 0

    def __call__(self, texts, entity_types, **options):
        self.asked += 1
        assert options == {"batch_size": len(texts), "dataset": "genia", "sentences": False}
        found = [
            {"start": KNOWN[name].start, "end": KNOWN[name].end, "entity_group": name, "score": 1.0}
            for name in list(entity_types)[: self.patience]
            if name in KNOWN
        ]
        return [found for _ in texts]


def shown(rows):
    """Way -> its other cells."""
    return {
        way: [f1.value, low, high, changed and (changed.value, changed.low, changed.high)]
        for _, way, f1, low, high, changed in rows
    }


def test_what_is_found_counts_under_the_corpus_own_names(robustness, wording, tmp_path):
    """Half of gold is an F1 of two thirds; all of it is 100."""
    ner = Impatient(1)
    asking = robustness.Asking(ner, "genia", EXAMPLES, tmp_path, 2)
    rows = shown(robustness.rows_of(asking, wording["genia"], 50))
    half, alike = pytest.approx(200 / 3), pytest.approx((0, 0, 0))
    assert rows["as tuned"] == [half, None, None, None]
    assert rows["definitions in other words"] == [half, None, None, alike]
    assert rows["names in other words"] == [half, None, None, alike]
    # Protein comes first of one half, and DNA of the other.
    better = pytest.approx((100 / 3,) * 3)
    assert rows["half of the types at a time"] == [100, None, None, better]
    assert ner.asked == 8 * 2  # two batches each
    list(robustness.rows_of(asking, wording["genia"], 50))
    assert ner.asked == 8 * 2


def test_orders_count_together_and_their_spread_is_shown(robustness, wording, tmp_path):
    own = {t.name: t.definition for t in CORPORA["genia"].labels}
    early = [list(robustness.shuffled(own, seed))[:2] for seed in robustness.ORDERS]
    assert [[name for name in names if name in KNOWN] for names in early] == [["DNA"], [], ["DNA"]]
    asking = robustness.Asking(Impatient(2), "genia", EXAMPLES, tmp_path, 8)
    rows = shown(robustness.rows_of(asking, wording["genia"], 50))
    assert rows["as tuned"][0] == 100
    # Of six gold entities of a text two are found, nothing else is.
    worse = pytest.approx((-50, -50, -50))
    assert rows["label order shuffled"] == [50, 0, pytest.approx(200 / 3), worse]


def test_files_about_other_texts_are_refused(robustness, wording, tmp_path):
    asking = robustness.Asking(Impatient(1), "genia", EXAMPLES, tmp_path, 8)
    list(robustness.rows_of(asking, wording["genia"], 5))
    fewer = robustness.Asking(Impatient(1), "genia", EXAMPLES[:2], tmp_path, 8)
    with pytest.raises(InputError, match=r"as_tuned-0-0.jsonl: is about other texts"):
        list(robustness.rows_of(fewer, wording["genia"], 5))


def test_the_table_of_a_real_model(robustness, tagger_folder, tmp_path, capsys):
    how = {"style": "brief", "strategy": "symbolic"}
    rows = [to_row(example, Schema.of_corpus("genia"), **how) for example in EXAMPLES]
    (tmp_path / "data" / "genia").mkdir(parents=True)
    place = tmp_path / "data" / "genia" / "test.parquet"
    Dataset.from_list(rows, features=FEATURES).to_parquet(place)
    where = ["--data", str(tmp_path / "data"), "-o", str(tmp_path / "out"), "--rows", "2"]
    robustness.main([*where, "--only", "genia", "--model", str(tagger_folder), "--samples", "20"])
    text = (tmp_path / "out" / "robustness.md").read_text(encoding="utf-8")
    assert text in capsys.readouterr().out
    assert "asked in the style brief" in text
    with (tmp_path / "out" / "robustness.csv").open(encoding="utf-8") as file:
        table = {row["asked"]: row for row in csv.DictReader(file)}
    assert len(table) == 5
    # By construction: this style shows no definition.
    assert float(table["definitions in other words"]["F1 changed"]) == 0
