"""MeSH: both of its forms say the same, types come from trees and headings."""

import pytest

from llmner_hf.core.errors import FormatError
from llmner_hf.terminology.building import build
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.selection import Selection
from llmner_hf.terminology.sources.source import Options
from tests.terminology.files import changed, concepts_of, lay, source_of

MENDACINE = Concept(
    "MESH:D000001", "Mendacine", "Chemical", ("MX-23", "Mendacine Sodium"), ("MESH:D000002",)
)
DESCRIPTORS = [
    MENDACINE,
    Concept("MESH:D000002", "Heterocycles", "Chemical"),
    Concept("MESH:D000003", "Zorba Cells", "CellLine"),  # A11.251 is longer than A
    Concept("MESH:D000004", "Sulking Disorder", "Disease"),  # two trees of three
]
MENDACIL = Concept("MESH:C000001", "mendacil", "Chemical", ("MXL",), ("MESH:D000001",))


@pytest.mark.parametrize("name", ["desc2026.xml", "d2026.bin"])
def test_descriptors(tmp_path, name):
    source = source_of(lay(tmp_path, name))
    assert concepts_of(source) == DESCRIPTORS
    assert source.dropped["concept that is not selected"] == 1
    assert source.dropped["permuted term, as 'House, Slaughter'"] == (name == "desc2026.xml")
    several = "descriptor in trees of several types: it has that of most"
    assert source.remarks == {several: 1}
    assert source.version == "2026"


@pytest.mark.parametrize("name", ["supp2026.xml", "c2026.bin"])
def test_supplementary_concepts_have_the_type_of_their_headings(tmp_path, name):
    source = source_of(lay(tmp_path, name))
    assert concepts_of(source) == [MENDACIL]
    assert source.dropped == {"concept that is not selected": 1}


@pytest.mark.parametrize(
    ("first", "second"), [("supp2026.xml", "desc2026.xml"), ("c2026.bin", "d2026.bin")]
)
def test_descriptors_are_read_first_whatever_the_order(tmp_path, first, second):
    built = build([lay(tmp_path, first), lay(tmp_path, second)])
    assert built.concepts == [*DESCRIPTORS, MENDACIL]


def test_supplementary_concepts_alone_are_refused(tmp_path):
    with pytest.raises(FormatError, match=r"supp2026.xml: .*name the file of descriptors too"):
        build([lay(tmp_path, "supp2026.xml")])
    options = Options(Selection(rest="Chemical"))
    assert len(build([lay(tmp_path, "supp2026.xml")], options).concepts) == 2


def test_a_branch_of_ones_own(tmp_path):
    source = source_of(lay(tmp_path, "desc2026.xml"), Options(Selection.parse(["J01=Place"])))
    assert [(c.name, c.type) for c in concepts_of(source)] == [("Slaughter Houses", "Place")]


def test_the_year_stands_in_the_document_type_where_the_name_has_none(tmp_path):
    source = source_of(lay(tmp_path, "desc2026.xml").rename(tmp_path / "mesh.xml"))
    concepts_of(source)
    assert source.version == "2026"


def test_xml_that_is_cut_off_is_refused_with_its_line(tmp_path):
    path = changed(tmp_path, "desc2026.xml", "</DescriptorRecordSet>\n", "")
    with pytest.raises(FormatError, match=r"desc2026.xml:\d+: not well-formed XML"):
        concepts_of(source_of(path))


def test_entities_are_refused(tmp_path):
    bomb = '[<!ENTITY a "aaaa">]>\n<DescriptorRecordSet LanguageCode'
    path = changed(tmp_path, "desc2026.xml", ">\n<DescriptorRecordSet LanguageCode", bomb)
    with pytest.raises(FormatError, match="declared entities are refused"):
        concepts_of(source_of(path))


def test_a_line_of_ascii_that_is_no_element_is_counted(tmp_path):
    path = changed(tmp_path, "d2026.bin", "MN = D03.633.100", "MN: D03.633.100")
    source = source_of(path)
    assert "MESH:D000001" not in {concept.id for concept in concepts_of(source)}
    assert source.places["line that is no ELEMENT = value of a record"] == ["line 6"]


def test_qualifiers_are_counted(tmp_path):
    second = "\n*NEWRECORD\nRECTYPE = D\nMH = Het"
    qualifier = "\n*NEWRECORD\nRECTYPE = Q\nSH = genetics\nUI = Q000235\n"
    path = changed(tmp_path, "d2026.bin", second, qualifier + second)
    source = source_of(path)
    assert concepts_of(source) == DESCRIPTORS
    assert source.dropped["qualifier"] == 1
