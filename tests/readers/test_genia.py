"""Hand-made samples: ``GENIAcorpus3.02.xml`` itself could not be had."""

import json

import pytest

from llmner_hf.core.errors import FormatError
from llmner_hf.readers.genia import read, type_of

XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE set SYSTEM "gpml.dtd">
<set>
<article>
<articleinfo><bibliomisc>MEDLINE:10000001</bibliomisc></articleinfo>
<title><sentence><cons lex="X-1_gene_use" sem="G#other_name"><cons lex="X-1_gene" \
sem="G#DNA_domain_or_region"><cons lex="X-1" sem="G#protein_molecule">X-1</cons> gene</cons> \
use</cons> in <cons lex="T_cell" sem="G#cell_type">T cells</cons>.</sentence></title>
<abstract>
<sentence>The <cons lex="(AND a-z_gene b-z_gene)" sem="(AND G#DNA_domain_or_region \
G#DNA_domain_or_region)"><cons lex="a-z*">a-z</cons> and <cons lex="b-z*">b-z</cons> \
<cons lex="*gene">genes</cons></cons> &amp; <cons lex="z_mRNA" sem="G#RNA_molecule">z mRNA</cons> \
in <cons lex="Q7_cell" sem="G#cell_line">[Q7] cells</cons>.</sentence>
<sentence>A <cons lex="Y_factor" sem="G#protein_N/A"><cons lex="Y" sem="G#protein_molecule">Y\
</cons> factor</cons><cons lex="" sem="G#protein_molecule"></cons>.</sentence>
</abstract>
</article>
</set>
"""


def test_nested_elements_become_character_spans(write):
    reading = read(write("GENIAcorpus3.02.xml", XML), dataset="genia", language="en")
    found = {
        example.id: [(e.surface(example.text), e.label) for e in example.entities]
        for example in reading.examples
    }
    assert found == {
        "10000001-00": [("X-1 gene", "DNA"), ("X-1", "protein"), ("T cells", "cell_type")],
        "10000001-01": [("z mRNA", "RNA"), ("[Q7] cells", "cell_line")],
        "10000001-02": [("Y factor", "protein"), ("Y", "protein")],
    }
    assert reading.examples[1].text == "The a-z and b-z genes & z mRNA in [Q7] cells."
    assert set(reading.groups.values()) == {"10000001"}
    assert reading.dropped == {
        "other term: other_name": 1,
        "coordination": 1,
        "fragment of a coordination": 3,
        "mention without text": 1,
    }
    assert reading.remarks == {}


def test_a_doubled_article_is_numbered_on(write):
    article = XML[XML.index("<article>") : XML.index("</set>")]
    path = write("a.xml", XML.replace("</set>", article + "</set>"))
    reading = read(path, dataset="", language="en")
    assert [e.id[-2:] for e in reading.examples] == ["00", "01", "02", "03", "04", "05"]
    assert reading.remarks == {"repeated article": 1}


@pytest.mark.parametrize(
    ("sem", "label"),
    [
        ("G#protein_family_or_group", "protein"),
        ("G#protein_N/A", "protein"),
        ("G#DNA_substructure", "DNA"),
        ("G#RNA_family_or_group", "RNA"),
        ("G#cell_line", "cell_line"),
        ("G#cell_type", "cell_type"),
        ("G#cell_component", None),
        ("G#peptide", None),
        ("G#mono_cell", None),
        ("G#polynucleotide", None),
        ("", None),
    ],
)
def test_terms_of_the_ontology(sem, label):
    assert type_of(sem) == label


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("MEDLINE:10000001", "", 4, "an article needs"),
        ("</abstract>", "", 11, "mismatched tag"),
        ('"gpml.dtd">', '"gpml.dtd" [<!ENTITY x "y">]>', 2, "entity 'x'"),
    ],
)
def test_malformed_xml_names_the_line(write, old, new, line, reason):
    with pytest.raises(FormatError) as caught:
        read(write("a.xml", XML.replace(old, new)), dataset="", language="en")
    assert str(caught.value).split("a.xml:")[1].split(": ")[0] == str(line)
    assert reason in str(caught.value)


def test_another_root_is_refused(write):
    with pytest.raises(FormatError, match="<collection> is not GENIA"):
        read(write("a.xml", "<collection/>"), dataset="", language="en")


def test_sentences_as_json_lines(write):
    entities = [{"start": 0, "end": 3, "type": "protein", "text": "X-1"}]
    row = {"id": "g-0", "article": "7", "section": "title", "text": "X-1 up", "entities": entities}
    reading = read(write("a.jsonl", json.dumps(row)), dataset="genia", language="en")
    assert reading.groups == {"g-0": "7"}
    assert reading.examples[0].entities[0].surface("X-1 up") == "X-1"
    assert reading.remarks == {}


def test_a_sentence_without_an_article_is_remarked(write):
    row = {"id": "g-0", "article": None, "section": None, "text": "X-1 up", "entities": []}
    reading = read(write("a.jsonl", json.dumps(row)), dataset="genia", language="en")
    assert reading.groups == {}
    assert reading.remarks == {"sentence without an article": 1}
    row["entities"] = [{"start": 0, "end": 3, "type": "protein", "text": "X-2"}]
    with pytest.raises(FormatError, match=r"b\.jsonl:1: .* not 'X-2'"):
        read(write("b.jsonl", json.dumps(row)), dataset="genia", language="en")
