import json

import pytest

from llmner_hf.core.errors import FormatError
from llmner_hf.readers.bioc import read

XML = """<?xml version='1.0' encoding='UTF-8'?>
<!DOCTYPE collection SYSTEM "BioC.dtd">
<collection><source>toy</source>
<document><id>101</id>
<passage><infon key="type">title</infon><offset>0</offset><text>Aspirin &amp; α.</text>
<annotation id="0"><infon key="identifier">D1</infon><infon key="type">Chemical</infon>
<location offset="0" length="7"/><text>Aspirin</text></annotation></passage>
<passage><infon key="type">abstract</infon><offset>13</offset>
<sentence><offset>13</offset><text>Acute and old pain.</text>
<annotation id="1"><infon key="type">Disease</infon>
<location offset="13" length="5"/><location offset="27" length="4"/><text>Acute pain</text>
</annotation></sentence>
<sentence><offset>35</offset><text>Asthma.</text>
<annotation id="2"><infon key="type">Disease</infon>
<location offset="35" length="6"/><text>Asthma</text></annotation>
</sentence></passage>
<annotation id="3"><infon key="type">Topic</infon></annotation>
<relation id="R0"><infon key="type">Treats</infon></relation>
</document></collection>
"""

TEXT = "Aspirin & α. Acute and old pain.   Asthma."


def annotation(label, *locations, text):
    places = [{"offset": offset, "length": length} for offset, length in locations]
    return {"infons": {"type": label}, "locations": places, "text": text}


def as_json():
    """The document above, in BioC's JSON."""
    acute = annotation("Disease", (13, 5), (27, 4), text="Acute pain")
    asthma = annotation("Disease", (35, 6), text="Asthma")
    title = {
        "offset": 0,
        "text": TEXT[:12],
        "annotations": [annotation("Chemical", (0, 7), text="Aspirin")],
    }
    sentences = [
        {"offset": 13, "text": TEXT[13:32], "annotations": [acute]},
        {"offset": 35, "text": TEXT[35:], "annotations": [asthma]},
    ]
    topic = {"infons": {"type": "Topic"}, "locations": []}
    passages = [title, {"offset": 13, "sentences": sentences}]
    document = {"id": "101", "passages": passages, "annotations": [topic], "relations": []}
    return {"documents": [document]}


@pytest.mark.parametrize("form", ["xml", "json", "json list"])
def test_document_wide_offsets_in_xml_and_json(write, form):
    content = {"xml": XML, "json": json.dumps(as_json()), "json list": json.dumps([as_json()])}
    reading = read(write("a.bioc", content[form]), dataset="toy", language="en")
    (example,) = reading.examples
    assert (example.id, example.text) == ("101", TEXT)
    assert [(e.start, e.surface(TEXT), e.label) for e in example.entities] == [
        (0, "Aspirin", "Chemical"),
        (35, "Asthma", "Disease"),
    ]
    assert reading.dropped == {"discontinuous mention": 1, "annotation without a location": 1}
    assert reading.remarks == {"gap between passages": 1}


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ('length="7"', 'length="6"', 6, "in the text, not 'Aspirin'"),
        ('length="7"', 'length="-7"', 6, "'-7' is not an offset"),
        ("<offset>13</offset><text>", "<offset>9</offset><text>", 9, "a passage at 9"),
        ("<offset>35</offset>", "<offset>35000000</offset>", 13, "a passage at 35000000"),
        ("<offset>35</offset>", "", 13, "None is not an offset"),
        ('<infon key="type">Chemical</infon>', "", 6, "needs <infon"),
        ("<id>101</id>", "", 4, "needs an id"),
        ('"BioC.dtd">', '"BioC.dtd" [<!ENTITY x "y">]>', 2, "entity 'x'"),
        ("</sentence></passage>", "</passage>", 16, "mismatched tag"),
    ],
)
def test_malformed_xml_names_the_line(write, old, new, line, reason):
    assert old in XML
    with pytest.raises(FormatError) as caught:
        read(write("a.xml", XML.replace(old, new, 1)), dataset="", language="en")
    assert f"a.xml:{line}: " in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize("content", ["<html/>", '{"a": 1}', "[1]", "1"])
def test_what_is_not_bioc_is_refused(write, content):
    with pytest.raises(FormatError, match=r"a\.bioc"):
        read(write("a.bioc", content), dataset="", language="en")


def test_malformed_json_names_the_document(write):
    value = as_json()
    value["documents"][0]["passages"][0]["annotations"][0]["locations"][0]["length"] = 6
    with pytest.raises(FormatError, match=r"document number 0 from 0: .* not 'Aspirin'"):
        read(write("a.json", json.dumps(value)), dataset="", language="en")
