"""Every corpus file at hand: the counts of the corpora's own description, and each quirk of theirs.

No sentence of a corpus stands here; only numbers of it do.
"""

from functools import cache

import pytest

from llmner_hf.readers import bioc, ccks, cmeee, conll, genia, pubtator, read_any

PARTS = ("ccks2019/subtask1_training_part1.txt.xz", "ccks2019/subtask1_training_part2.txt.xz")
ANSWERS = "ccks2019/subtask1_test_set_with_answer.json.xz"
ALL_MARKS = ("<ALL>", "</ALL>")


@cache
def reading_of(reader, path, **options):
    language = "zh" if reader in (ccks, cmeee) else "en"
    return reader.read(path, dataset="toy", language=language, **options)


@pytest.fixture
def reading(corpora):
    return lambda reader, name, **options: reading_of(reader, corpora / name, **options)


def count(*readings, label=None):
    return sum(
        label in (None, entity.label)
        for reading in readings
        for example in reading.examples
        for entity in example.entities
    )


def surfaces(reading):
    return [e.surface(example.text) for example in reading.examples for e in example.entities]


@pytest.mark.parametrize(
    ("part", "chemicals", "everything", "composite"),
    [("Training", 5203, 9385, 89), ("Development", 5347, 9591, 89), ("Test", 5385, 9809, 57)],
)
def test_bc5cdr(reading, part, chemicals, everything, composite):
    found = reading(pubtator, f"bc5cdr/CDR_{part}Set.PubTator.txt.xz")
    assert len(found.examples) == len(found.groups) == 500
    assert (count(found, label="Chemical"), count(found)) == (chemicals, everything)
    assert found.dropped == {}
    assert found.remarks == {"composite mention, kept as one span": composite}


@pytest.mark.parametrize(("part", "texts", "mentions"), [("develop", 100, 787), ("test", 100, 960)])
def test_ncbi(reading, part, texts, mentions):
    found = reading(pubtator, f"ncbi_disease/NCBI{part}set_corpus.txt.xz")
    assert (len(found.examples), count(found)) == (texts, mentions)
    assert found.dropped == found.remarks == {}
    assert any(example.text.endswith(" ") for example in found.examples)


def test_ncbi_train_has_a_doubled_article_and_a_longer_surface_form(reading):
    found = reading(pubtator, "ncbi_disease/NCBItrainset_corpus.txt.xz")
    # 593 abstracts with 5,145 mentions, 8528200 twice; without it the sentence version's 5,134.
    assert (len(found.examples), count(found)) == (592, 5134)
    assert found.dropped == {"repeated document": 1, "mention of a repeated document": 11}
    assert found.remarks == {"surface form differs in blanks at its end": 1}
    (example,) = (example for example in found.examples if example.id == "10923035")
    (entity,) = (entity for entity in example.entities if entity.start == 711)
    assert entity.end == 761
    assert not entity.surface(example.text).endswith(" ")
    types = {entity.label for example in found.examples for entity in example.entities}
    assert types == {"SpecificDisease", "DiseaseClass", "Modifier", "CompositeMention"}
    assert count(found, label="CompositeMention") == 115


@pytest.mark.parametrize(
    ("part", "texts", "mentions"), [("Train", 400, 13351), ("Dev", 100, 3533), ("Test", 100, 3535)]
)
def test_biored_reads_alike_from_pubtator_and_bioc(reading, part, texts, mentions):
    found = reading(pubtator, f"biored/{part}.PubTator.xz")
    assert (len(found.examples), count(found)) == (texts, mentions)
    assert not any("\r" in example.text for example in found.examples)
    other = reading(bioc, f"biored/{part}.BioC.XML.xz")
    assert found.examples == other.examples
    # BioRED's own number of a variant that no terminology has, twice in Train.
    remarks = {"concept id of no known terminology, left out": 2} if part == "Train" else {}
    for each in (found, other):
        assert (each.dropped, each.remarks) == ({}, remarks)


@pytest.mark.parametrize(
    ("name", "sentences", "mentions"),
    [
        ("bc5cdr/conll/train.tsv.xz", 4560, 5203),
        ("bc5cdr/conll/devel.tsv.xz", 4581, 5347),
        ("bc5cdr/conll/test.tsv.xz", 4797, 5385),
        ("ncbi_disease/conll/train.tsv.xz", 5424, 5134),
        ("ncbi_disease/conll/devel.tsv.xz", 923, 787),
        ("ncbi_disease/conll/test.tsv.xz", 940, 960),
    ],
)
def test_sentence_versions(reading, name, sentences, mentions):
    found = reading(conll, name)
    assert (len(found.examples), count(found)) == (sentences, mentions)


def test_biored_sentences_are_bracketed(reading):
    found = reading(conll, "biored/BioRED_TrainDev-ALL.conll.xz", skip=ALL_MARKS)
    assert (len(found.examples), count(found)) == (5488, 16856)
    assert found.remarks == {"skipped row": 2 * 5488}
    assert not any("ALL>" in example.text for example in found.examples)


def test_ccks_characters_begin_with_a_byte_order_mark(reading):
    names = [f"ccks2019/bio/yidu.{part}.xz" for part in ("train", "validate", "test")]
    found = [reading(conll, name) for name in names]
    assert count(*found[:2], label="ANATOMY") == 8426
    assert count(found[2], label="ANATOMY") == 3094
    assert [len(each.examples) for each in found] == [4948, 1273, 2035]
    assert not any("\ufeff" in example.text for each in found for example in each.examples)


def test_genia_columns_are_chosen(reading):
    name = "genia/genia.test.iob2.xz"
    inner, outer = (count(reading(conll, name, column=column)) for column in (1, 2))
    assert inner > outer > 0
    assert count(reading(conll, "genia/mlc/RNA_train.conll.xz")) == 685


def test_ccks(reading):
    train, test = [reading(ccks, name) for name in PARTS], reading(ccks, ANSWERS)
    assert [len(each.examples) for each in train] == [400, 600]
    assert len(test.examples) == 379
    assert count(*train) == 17_653
    assert count(*train, label="解剖部位") == 8_426
    assert count(test, label="解剖部位") == 3_094
    assert all(each.dropped == each.remarks == {} for each in (*train, test))
    texts = [example.text for each in train for example in each.examples]
    assert texts[0][0] != "\ufeff"
    assert sum(text.count("\u3000") for text in texts) == 10
    assert sum("[" in text or "]" in text for text in texts) == 8
    sites = [
        entity.surface(example.text)
        for each in train
        for example in each.examples
        for entity in example.entities
        if entity.label == "解剖部位"
    ]
    assert sum(site != site.strip() for site in sites) == 14
    assert sum(any(mark in site for mark in "，。；") for site in sites) == 12
    assert max(map(len, sites)) == 125
    assert len({example.id for each in train for example in each.examples}) == 1000


def test_cmeee_v2(reading):
    dev = reading(cmeee, "cmeee_v2/CMeEE-V2_dev.json.xz")
    assert (len(dev.examples), count(dev)) == (5000, 26_081)
    assert dev.dropped == dev.remarks == {}
    assert dev.examples[0].id == "toy-CMeEE-V2_dev-00000"
    assert sum(example.text.startswith("\ufeff") for example in dev.examples) == 21
    assert sum("<su" in surface or "</su" in surface for surface in surfaces(dev)) > 0
    test = reading(cmeee, "cmeee_v2/CMeEE-V2_test.json.xz")
    assert (len(test.examples), count(test)) == (3000, 0)
    assert sum(example.text.startswith("\ufeff") for example in test.examples) == 11


def test_cmeee_v1(reading):
    train = reading(cmeee, "cmeee_v1/chip.train.xz")
    assert (len(train.examples), count(train)) == (15_000, 61_796 - 2)
    assert train.dropped == {"mention that ends before it starts": 2}
    assert sum(example.text.startswith("\ufeff") for example in train.examples) == 38
    dev = reading(cmeee, "cmeee_v1/CMeEE_dev.json.xz")
    assert (len(dev.examples), count(dev)) == (5000, 20_300)
    lines = reading(cmeee, "cmeee_v1/chip.validate.xz")
    assert [(e.text, e.entities) for e in lines.examples] == [
        (e.text, e.entities) for e in dev.examples
    ]


@pytest.mark.parametrize(
    ("part", "sentences", "mentions", "articles"),
    [("train", 15_023, 43_769, 1598), ("dev", 1_669, 4_370, 190), ("test", 1_854, 5_510, 213)],
)
def test_genia(reading, part, sentences, mentions, articles):
    found = reading(genia, f"genia/derived/genia_{part}.jsonl.xz")
    assert (len(found.examples), count(found)) == (sentences, mentions)
    homeless = 3 if part == "train" else 0
    assert found.dropped == {}
    assert found.remarks["sentence without an article"] == homeless == found.remarks.total()
    assert len(found.groups) == sentences - homeless
    assert len(set(found.groups.values())) == articles
    labels = {entity.label for example in found.examples for entity in example.entities}
    assert labels == {"protein", "DNA", "RNA", "cell_line", "cell_type"}


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("bc5cdr/CDR_TestSet.PubTator.txt.xz", pubtator),
        ("biored/Dev.BioC.XML.xz", bioc),
        ("ncbi_disease/conll/devel.tsv.xz", conll),
        ("cmeee_v1/chip.validate.xz", cmeee),
        ("cmeee_v2/CMeEE-V2_dev.json.xz", cmeee),
        (PARTS[0], ccks),
        (ANSWERS, ccks),
    ],
)
def test_formats_are_guessed_from_the_real_files(reading, corpora, name, reader):
    found = read_any(
        corpora / name, dataset="toy", language=reading(reader, name).examples[0].language
    )
    assert found == reading(reader, name)
