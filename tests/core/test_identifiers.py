"""Ids of concepts: the rules of the corpora, and a cell that is read as it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.linking.identifiers import Ids, cell_of, concept_id, concept_ids, page_of
from tests.strategies import concept_ids as some_ids
from tests.strategies import names

LABELS = ("Gene", "OrganismTaxon", "SequenceVariant", "Disease", "CellLine")


@pytest.mark.parametrize(
    ("raw", "label", "id"),
    [
        ("D001241", "Chemical", "MESH:D001241"),
        ("C000657245", "Disease", "MESH:C000657245"),
        ("C0021390", "Disease", "UMLS:C0021390"),
        ("MESH:C535662", "SpecificDisease", "MESH:C535662"),
        ("mesh:D1", "", "MESH:D1"),
        ("OMIM:612446", "Modifier", "OMIM:612446"),
        ("672", "GeneOrGeneProduct", "NCBIGene:672"),
        ("672", "GENE", "NCBIGene:672"),
        ("672", "基因", "NCBIGene:672"),
        ("672", "General", None),
        ("672", "ProteinMutation", None),
        ("9606", "OrganismTaxon", "NCBITaxon:9606"),
        ("9606", "Species", "NCBITaxon:9606"),
        ("9606", "Disease", None),
        ("６７２", "Gene", None),
        ("NCBI_Gene:672", "", "NCBIGene:672"),
        ("HGNC:HGNC:5", "", "HGNC:5"),
        (" CVCL_1452", "CellLine", "CVCL:1452"),
        ("cellosaurus:CVCL_6E77", "", "CVCL:6E77"),
        ("rs334", "SNP", "dbSNP:rs334"),
        ("RS#:334", "SNP", "dbSNP:rs334"),
        ("c|SUB|G|IVS3+1|A", "SequenceVariant", "tmVar:c|SUB|G|IVS3+1|A"),
        ("c|DEL888|C", "SequenceVariant", "tmVar:c|DEL888|C"),
        ("|DEL|46|S", "SequenceVariant", "tmVar:|DEL|46|S"),
        ("p.G593S", "SequenceVariant", "HGVS:p.G593S"),
        ("10510452_139", "SequenceVariant", None),
        ("Mine:x", "", "Mine:x"),
        ("two words", "", None),
        ("MESH:", "", None),
        (":x", "", None),
    ],
)
def test_one_id(raw, label, id):
    assert concept_id(raw, label) == id


@pytest.mark.parametrize(
    ("cell", "label", "ids"),
    [
        ("D003865|D016584", "Disease", Ids(("MESH:D003865", "MESH:D016584"))),
        ("D007674+D006222", "Disease", Ids(("MESH:D007674", "MESH:D006222"))),
        ("C535918|OMIM:115470", "Disease", Ids(("MESH:C535918", "OMIM:115470"))),
        ("D020258|D020258|D020258", "Disease", Ids(("MESH:D020258",))),
        ("20208,20210", "GeneOrGeneProduct", Ids(("NCBIGene:20208", "NCBIGene:20210"))),
        ("5594;5595", "Gene", Ids(("NCBIGene:5594", "NCBIGene:5595"))),
        ("-1", "Disease", Ids(())),
        ("-", "Disease", Ids(())),
        ("D009369|-1", "Disease", Ids(("MESH:D009369",))),
        (" ", "Disease", Ids(None)),
        ("what|D009369", "Disease", Ids(("MESH:D009369",), 1)),
        ("what|-1", "Disease", Ids(None, 1)),
        ("c|DEL||32", "SequenceVariant", Ids(("tmVar:c|DEL||32",))),
        (
            "tmVar:p|SUB|V|600|E;HGVS:p.V600E;VariantGroup:0;CorrespondingGene:673;RS#:113488022",
            "Variant",
            Ids(("dbSNP:rs113488022",)),
        ),
        ("tmVar:p|SUB|V|6|E;HGVS:p.V6E;VariantGroup:3", "Variant", Ids(("HGVS:p.V6E",))),
        ("VariantGroup:3", "Variant", Ids(None, 1)),
    ],
)
def test_a_cell(cell, label, ids):
    assert concept_ids(cell, label) == ids


@given(some_ids(), st.sampled_from(LABELS) | names())
def test_a_cell_says_any_known_ids(ids, label):
    cell = cell_of(ids, label)
    assert cell is not None
    assert concept_ids(cell, label) == Ids(tuple(ids))


@given(some_ids(free=True), st.sampled_from(LABELS) | names())
def test_a_cell_says_other_ids_right_or_not_at_all(ids, label):
    cell = cell_of(ids, label)
    assert cell is None or concept_ids(cell, label) == Ids(tuple(ids))


@given(st.text(), st.sampled_from(LABELS))
def test_an_id_that_was_read_stays_as_it_is(raw, label):
    id = concept_id(raw, label)
    assert id is None or concept_id(id, label) == id


def test_a_page_is_escaped_or_absent():
    assert page_of('MESH:D1"><script>') == "https://identifiers.org/mesh:D1%22%3E%3Cscript%3E"
    assert page_of("HP:0000118") == "https://identifiers.org/HP:0000118"
    assert page_of("OMIM:612446") == "https://identifiers.org/mim:612446"
    assert page_of("javascript:alert(1)") is None
