"""The catalogue: six corpora, as the paper's Table I prints them, and frozen."""

from dataclasses import FrozenInstanceError

import pytest

from llmner_hf.core.catalogue import CORPORA, Corpus, Size, corpus
from llmner_hf.core.errors import InputError

# Table I as printed: title, language, nested, types, entities, train, test.
TABLE_I = {
    "cmeee_v2": ("CMeEE-V2", "zh", True, 9, 82_649, 15_000, 500),
    "ccks2019_as": ("CCKS2019-AS", "zh", False, 1, 17_653, 1_000, 379),
    "genia": ("GENIA", "en", True, 5, 50_509, 16_692, 1_854),
    "biored": ("BioRED", "en", False, 6, 1_688, 5_507, 1_106),
    "bc5cdr_chemical": ("BC5CDR-Chemical", "en", False, 1, 10_550, 9_141, 4_797),
    "ncbi_disease": ("NCBI-Disease", "en", False, 1, 5_921, 6_347, 940),
}
# Section II-A: the names in the paper's Chinese prompts.
CHINESE_NAMES = "微生物类 医疗设备 药物 医疗程序 临床表现 身体 医学检验项目 科室 疾病"
each = pytest.mark.parametrize("entry", CORPORA.values(), ids=CORPORA)


def chinese(text: str) -> bool:
    """Whether there is an ideograph in the text."""
    return any("\u4e00" <= character <= "\u9fff" for character in text)


def test_table_i() -> None:
    """Six rows, in the paper's order."""
    rows = {
        name: (
            entry.title,
            entry.language,
            entry.nested,
            len(entry.labels),
            entry.printed.entities,
            entry.printed.train,
            entry.printed.test,
        )
        for name, entry in CORPORA.items()
    }
    assert list(rows.items()) == list(TABLE_I.items())


def test_names_of_types() -> None:
    assert " ".join(CORPORA["cmeee_v2"].labels.names) == CHINESE_NAMES
    assert CORPORA["genia"].labels.names == ("protein", "DNA", "RNA", "cell_line", "cell_type")
    assert CORPORA["bc5cdr_chemical"].labels.names == ("Chemical",)
    assert CORPORA["ncbi_disease"].labels.names == ("Disease",)


@each
def test_an_entry_is_complete(entry: Corpus) -> None:
    """Found under its name; types defined in the corpus's language; terms and a source given."""
    assert corpus(entry.name) is entry
    assert entry.name.isidentifier()
    for entity_type in entry.labels:
        assert entity_type.definition
        assert chinese(entity_type.definition) is (entry.language == "zh")
        assert chinese(entity_type.name) is (entry.language == "zh")
    assert entry.licence
    assert entry.remark
    assert entry.citation


@each
def test_source_names_map_onto_the_types(entry: Corpus) -> None:
    """All of them, and every type has a label in the files."""
    assert set(entry.source_names.values()) == set(entry.labels.names)
    assert all(source == source.strip() != "" for source in entry.source_names)


def test_four_labels_of_ncbi_are_one_type() -> None:
    names = CORPORA["ncbi_disease"].source_names
    assert set(names) == {"SpecificDisease", "DiseaseClass", "Modifier", "CompositeMention"}
    assert set(names.values()) == {"Disease"}


def test_chinese_corpora_may_not_be_published_anew() -> None:
    kept = {name for name, entry in CORPORA.items() if not entry.redistributable}
    assert kept == {"cmeee_v2", "ccks2019_as"}


@each
def test_entries_are_frozen(entry: Corpus) -> None:
    """To the bottom, and hashable, so that they can be keys."""
    with pytest.raises(FrozenInstanceError):
        entry.title = "other"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        entry.printed.train = 0  # type: ignore[misc]
    with pytest.raises(TypeError):
        entry.source_names["other"] = "Disease"  # type: ignore[index]
    assert {entry: 1}[entry] == 1
    with pytest.raises(TypeError):
        CORPORA[entry.name] = entry  # type: ignore[index]


def test_entries_differ() -> None:
    assert len(set(CORPORA.values())) == 6
    assert Size(1, 2, 3) != Size(1, 2, 4)


@pytest.mark.parametrize("name", ["GENIA", "", "ncbi"])
def test_an_unknown_name_is_refused(name: str) -> None:
    """The message lists what there is."""
    with pytest.raises(InputError, match=f"unknown corpus '{name}'; known are cmeee_v2, ccks2019"):
        corpus(name)
