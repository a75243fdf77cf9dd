"""CTD, UMLS, RxNorm and ICD-10-CM."""

import pytest

from llmner_hf.core.errors import FormatError, InputError
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Options
from tests.terminology.files import changed, concepts_of, lay, source_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "CTD_diseases.csv",
            [
                Concept(
                    "MESH:D000004",
                    "Sulking Disorder",
                    "Disease",
                    ("Sulks", "Bad Mood, Chronic"),
                    ("MESH:D001523",),
                    ("DOID:7", "OMIM:100001"),
                ),
                Concept("OMIM:100003", "Sneezing", "Disease", (), ("MESH:D012818",)),
            ],
        ),
        (
            "CTD_chemicals.tsv",
            [
                Concept(
                    "MESH:D000001",
                    "Mendacine",
                    "Chemical",
                    ("MX-23", "MX23", "Mendax"),
                    ("MESH:D000002",),
                    ("CAS:50-78-2",),
                )
            ],
        ),
        (
            "CTD_genes.csv",
            [
                Concept(
                    "NCBIGene:101",
                    "ZRB1",
                    "Gene",
                    ("zorba 1", "ZRB", "p99"),
                    (),
                    ("NCBIGene:901",),
                )
            ],
        ),
    ],
)
def test_ctd(tmp_path, name, expected):
    source = source_of(lay(tmp_path, name))
    assert concepts_of(source) == expected
    assert not source.dropped


def test_a_quotation_mark_that_is_never_closed_is_refused_with_its_line(tmp_path):
    path = changed(tmp_path, "CTD_diseases.csv", 'Chronic",M', "Chronic,M")
    with pytest.raises(FormatError, match=r"CTD_diseases.csv:\d+: a quotation mark opens here"):
        concepts_of(source_of(path))


def test_a_row_that_is_no_csv_is_counted(tmp_path):
    path = changed(tmp_path, "CTD_diseases.csv", "Sneezing,", '"Sneezing"s,')
    source = source_of(path)
    assert [concept.id for concept in concepts_of(source)] == ["MESH:D000004"]
    assert source.dropped == {"row with other cells than the header": 1}


SULKS = Concept(
    "UMLS:C0000001",
    "Sulking Disorder",
    "Disease",
    ("Sulks",),
    (),
    ("OMIM:100001", "MESH:D000004", "SNOMEDCT:77"),
)


def test_umls_types_names_by_language_and_suppression(tmp_path):
    source = source_of(lay(tmp_path, "MRCONSO.RRF"))
    assert concepts_of(source) == [SULKS]
    assert source.dropped == {
        "name of another language": 2,
        "suppressed name": 1,
        "concept that is not selected": 1,
        "concept without a name of these languages": 1,
    }


def test_umls_by_the_name_of_a_semantic_type_and_in_another_language(tmp_path):
    selection = Selection.parse(["Manufactured Object=Place", "T048=Mood"])
    options = Options(selection, languages=("FRE", "ENG"))
    found = concepts_of(source_of(lay(tmp_path, "MRCONSO.RRF"), options))
    assert [(c.name, c.type) for c in found] == [
        ("Sulking Disorder", "Mood"),
        ("Slaughter Houses", "Place"),
    ]
    assert "Bouderie" in found[0].synonyms


def test_umls_without_its_types_needs_one_type(tmp_path):
    path = lay(tmp_path, "MRCONSO.RRF")
    (tmp_path / "MRSTY.RRF").unlink()
    with pytest.raises(InputError, match=r"MRSTY.RRF is not beside it; .*--type"):
        concepts_of(source_of(path))
    options = Options(Selection(rest="Thing"))
    assert {c.type for c in concepts_of(source_of(path, options))} == {"Thing"}


def test_a_row_of_umls_that_is_cut_off_is_counted(tmp_path):
    path = changed(tmp_path, "MRCONSO.RRF", "|Sulks||", "|Sulks")
    source = source_of(path)
    assert concepts_of(source)[0].synonyms == ()
    assert source.places["row with fewer columns than the format has"] == ["line 1"]


def test_rxnorm_takes_ingredients_and_brands_not_packs(tmp_path):
    source = source_of(lay(tmp_path, "RXNCONSO.RRF"))
    assert concepts_of(source) == [Concept("RXNORM:77", "mendacine", "Chemical", ("Mendax",))]
    assert source.dropped == {"concept that is not selected": 1}


CHRONIC = Concept("ICD10CM:F99.0", "Sulking, chronic", "Disease", (), ("ICD10CM:F99",))


@pytest.mark.parametrize("name", ["icd10cm_order_2026.txt", "icd10cm_codes_2026.txt"])
def test_icd10cm(tmp_path, name):
    source = source_of(lay(tmp_path, name))
    found = sorted(concepts_of(source), key=lambda concept: concept.id)
    assert found == [Concept("ICD10CM:F99", "Sulking", "Disease"), CHRONIC]
    assert source.dropped == {"concept that is not selected": 1}
    assert source.version == "2026"


def test_the_tabular_list_has_other_names(tmp_path):
    source = source_of(lay(tmp_path, "icd10cm_tabular_2026.xml"))
    assert concepts_of(source)[1].names == ("Sulking, chronic", "Long sulks")
    assert source.dropped["inclusion note that is a rule of coding, not a name"] == 1


def test_chapters_by_the_beginning_of_a_code(tmp_path):
    options = Options(Selection.parse(["F=Mental", "F990=Chronic", "Z=Contact"]))
    found = concepts_of(source_of(lay(tmp_path, "icd10cm_order_2026.txt"), options))
    assert [concept.type for concept in found] == ["Mental", "Chronic", "Contact"]


def test_a_line_that_is_no_code_is_counted(tmp_path):
    source = source_of(changed(tmp_path, "icd10cm_codes_2026.txt", "Z99     Con", "Z99/Con"))
    concepts_of(source)
    assert source.places == {"line that is no code with its description": ["line 3"]}
