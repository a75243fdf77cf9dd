"""Genes, organisms and cell lines."""

import pytest

from llmner_hf.core.errors import FormatError, InputError
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Options
from tests.terminology.files import changed, concepts_of, lay, source_of

HUMAN = "NCBITaxon:9606"


def test_gene_info(tmp_path):
    source = source_of(lay(tmp_path, "All.gene_info.gz"))
    assert concepts_of(source) == [
        Concept(
            "NCBIGene:101",
            "ZRB1",
            "Gene",
            ("ZRB", "p99", "zorba protein 1", "zorba 1", "zorbin", "zorba-like"),
            (HUMAN,),
            ("OMIM:100002", "HGNC:7", "Ensembl:ENSG1"),
        ),
        Concept("NCBIGene:102", "Zrb1", "Gene", ("zorba 1",), ("NCBITaxon:10090",)),
    ]
    assert source.dropped == {"row of genes to come (NEWENTRY)": 1, "biological region": 1}


def test_genes_of_one_species(tmp_path):
    source = source_of(lay(tmp_path, "All.gene_info.gz"), Options(Selection({"10090": "Gene"})))
    assert [concept.id for concept in concepts_of(source)] == ["NCBIGene:102"]


@pytest.mark.parametrize("name", ["hgnc_complete_set.txt", "hgnc_download.tsv"])
def test_hgnc_in_both_of_its_shapes(tmp_path, name):
    source = source_of(lay(tmp_path, name))
    (gene,) = concepts_of(source)
    assert (gene.id, gene.name, gene.type, gene.parents) == ("HGNC:7", "ZRB1", "Gene", (HUMAN,))
    assert {*gene.synonyms} == {"zorba 1", "ZRB", "p99", "OLDZ", "zorbin", "zorba, first"}
    assert gene.same == ("NCBIGene:101", "Ensembl:ENSG1", "OMIM:100002")
    assert source.dropped == {"withdrawn symbol": 1}


@pytest.mark.parametrize(
    ("name", "column"),
    [("hgnc_complete_set.txt", "symbol\t"), ("hgnc_download.tsv", "Approved symbol")],
)
def test_a_table_of_genes_without_symbols_is_refused(tmp_path, name, column):
    with pytest.raises(FormatError, match=rf"{name}:1: not HGNC's table: no column symbol"):
        concepts_of(source_of(changed(tmp_path, name, column, "other" + column)))


def test_a_row_that_is_too_short_is_counted(tmp_path):
    path = changed(tmp_path, "hgnc_complete_set.txt", "Entry Withdrawn\t\t", "Entry Withdrawn\t")
    source = source_of(path)
    assert len(concepts_of(source)) == 1
    assert source.places["row with other cells than the header"] == ["line 3"]


TAXA = [
    Concept("NCBITaxon:1", "root", "Species"),
    Concept("NCBITaxon:2", "Bacteria", "Species", (), ("NCBITaxon:1",)),
    Concept(
        "NCBITaxon:562",
        "Escherichia coli",
        "Species",
        ("Bacillus coli", "E. coli"),
        ("NCBITaxon:2",),
    ),
    Concept("NCBITaxon:9606", "Homo sapiens", "Species", ("human",), ("NCBITaxon:1",)),
]


@pytest.mark.parametrize("name", ["taxdump.tar.gz", "names.dmp"])
def test_the_taxonomy_of_ncbi(tmp_path, name):
    source = source_of(lay(tmp_path, name))
    assert concepts_of(source) == TAXA
    assert source.dropped == {"name of another class, as an authority": 2}


def test_a_branch_of_the_taxonomy(tmp_path):
    options = Options(Selection({"2": "Bacterium"}, "Species"))
    types = [
        concept.type for concept in concepts_of(source_of(lay(tmp_path, "names.dmp"), options))
    ]
    assert types == ["Species", "Bacterium", "Bacterium", "Species"]


def test_names_without_nodes_are_refused(tmp_path):
    path = lay(tmp_path, "names.dmp")
    (tmp_path / "nodes.dmp").unlink()
    with pytest.raises(InputError, match=r"names.dmp: nodes.dmp is not beside it"):
        concepts_of(source_of(path))


def test_an_archive_that_is_cut_off_is_refused(tmp_path):
    whole = lay(tmp_path, "taxdump.tar.gz").read_bytes()
    with pytest.raises(InputError, match=r"taxdump.tar.gz"):
        concepts_of(source_of(lay(tmp_path, "taxdump.tar.gz", whole[: len(whole) // 2])))


LINES = [
    Concept(
        "CVCL:0001",
        "Zorba",
        "CellLine",
        ("ZORBA", "Zorba-S3"),
        ("CVCL:0002", HUMAN),
        ("CLO:0000077", "EFO:0000078"),
    ),
    Concept("CVCL:0002", "Zorba parent", "CellLine", (), ("NCBITaxon:10090",)),
]


def test_cellosaurus(tmp_path):
    source = source_of(lay(tmp_path, "cellosaurus.txt"))
    assert concepts_of(source) == LINES
    assert source.version == "52.0"
    assert not source.dropped


@pytest.mark.parametrize(("key", "line"), [("Cancer cell line", 0), ("10090", 1)])
def test_cell_lines_of_a_category_or_a_species(tmp_path, key, line):
    options = Options(Selection({key: "CellLine"}))
    assert concepts_of(source_of(lay(tmp_path, "cellosaurus.txt"), options)) == [LINES[line]]


def test_an_entry_without_its_end_is_refused(tmp_path):
    path = changed(tmp_path, "cellosaurus.txt", "CA   Hybridoma\n//\n", "CA   Hybrid")
    with pytest.raises(FormatError, match=r"cellosaurus.txt:\d+: an entry without its end"):
        concepts_of(source_of(path))


def test_a_line_without_a_code_is_counted(tmp_path):
    path = changed(tmp_path, "cellosaurus.txt", "CA   Hybridoma", "Hybridoma, of mice")
    source = source_of(path)
    assert concepts_of(source) == LINES
    assert source.dropped == {"line of an entry without a code": 1}
