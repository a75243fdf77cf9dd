"""Situations that people met with files of real tools, in a table: what stands in the file, what
is read, and what goes with it. Inputs are short and made up."""

import json

import pytest

from llmner_hf.core.errors import FormatError, InputError
from llmner_hf.readers import read_any


def bioc(text="", sentences=(), annotations=(), **more):
    passage = {"offset": 0, "infons": {}, "text": text, "annotations": list(annotations)}
    passage["sentences"] = [
        {"offset": at, "text": words, "annotations": list(inside)}
        for at, words, inside in sentences
    ]
    return {"id": "7", "infons": {}, "passages": [passage]} | more


def note(label, surface, *places):
    locations = [{"offset": start, "length": length} for start, length in places]
    return {"id": "1", "infons": {"type": label}, "text": surface, "locations": locations}


def packed(*documents):
    return json.dumps({"source": "", "documents": documents}, ensure_ascii=False)


ASPIRIN = note("Chemical", "Aspirin", (0, 7))
TITLED = bioc("Aspirin and asthma.", (), [ASPIRIN])
TYPED = "Aspirin\tB-Drug\nhelps\tO\n"

# name -> file name, its content, options, the texts, the entities as (label, surface).
READ = {
    "Chinese characters": (
        "train.bio",
        "患\tO\n者\tO\n有\tO\n高\tB-疾病\n血\tI-疾病\n压\tI-疾病\n，\tO\n2\tO\n0\tO\nm\tO\ng\tO\n。\tO\n",
        {},
        ["患者有高血压，20mg。"],
        [("疾病", "高血压")],
    ),
    "Chinese words, and Latin ones among them": (
        "a.conll",
        "服用\tO\n阿司匹林\tB-药物\n和\tO\nIL-2\tB-药物\nreceptor\tI-药物\n后\tO\n",
        {},
        ["服用阿司匹林和IL-2 receptor后"],
        [("药物", "阿司匹林"), ("药物", "IL-2 receptor")],
    ),
    "columns separated by blanks in a .txt": (
        "train.txt",
        "Aspirin B-Drug\nhelps O\n. O\n\nZinc B-Drug\nhelps O\n",
        {},
        ["Aspirin helps .", "Zinc helps"],
        [("Drug", "Aspirin"), ("Drug", "Zinc")],
    ),
    "NERsuite, whose tag comes first": (
        "a.nersuite",
        "B-Cell\t0\t4\tstem\tstem\tNN\tB-NP\nI-Cell\t5\t10\tcells\tcell\tNNS\tI-NP\n"
        "O\t11\t15\tgrow\tgrow\tVBP\tB-VP\n",
        {},
        ["stem cells grow"],
        [("Cell", "stem cells")],
    ),
    "CoNLL-U, whose tokens are counted": (
        "a.conllu",
        "# sent_id = 1\n# text = Aspirin helps\n1\tAspirin\tNN\tB-Drug\n2\thelps\tVBZ\tO\n\n"
        "1\tZinc\tNN\tB-Drug\n",
        {},
        ["Aspirin helps", "Zinc"],
        [("Drug", "Aspirin"), ("Drug", "Zinc")],
    ),
    "a token that is a number sign": (
        "a.conll",
        "#\tO\nAspirin\tB-Drug\n",
        {},
        ["# Aspirin"],
        [("Drug", "Aspirin")],
    ),
    "tags without a type": (
        "a.tsv",
        "Aspirin\tB\nhelps\tO\nchronic\tB\nasthma\tI\n",
        {},
        ["Aspirin helps chronic asthma"],
        [("Entity", "Aspirin"), ("Entity", "chronic asthma")],
    ),
    "tags without a type, which is named": (
        "a.tsv",
        "Aspirin\tS\nchronic\tB\nasthma\tE\nhelps\tO\n",
        {"type": "Thing"},
        ["Aspirin chronic asthma helps"],
        [("Thing", "Aspirin"), ("Thing", "chronic asthma")],
    ),
    "comment lines and offsets between token and tag": (
        "a.conll",
        "# doc_id = 1\nAspirin\t0\t7\tS-Drug\nhelps\t8\t13\tO\n",
        {},
        ["Aspirin helps"],
        [("Drug", "Aspirin")],
    ),
    "MEDLINE marks": (
        "a.iob2",
        "###MEDLINE:1\n\nIL-2\tB-DNA\ngene\tI-DNA\n",
        {},
        ["IL-2 gene"],
        [("DNA", "IL-2 gene")],
    ),
    "a blank behind a tag": (
        "g.tsv",
        "Aspirin\tB-Drug \nhelps\tO \n",
        {},
        ["Aspirin helps"],
        [("Drug", "Aspirin")],
    ),
    "a chosen column": (
        "a.conll",
        "Aspirin\tB-Drug\tNN\nhelps\tO\tVBZ\n",
        {"column": 1},
        ["Aspirin helps"],
        [("Drug", "Aspirin")],
    ),
    "BioC sentences beside an empty passage text": (
        "a.json",
        packed(bioc("", [(0, "Aspirin helps.", [ASPIRIN]), (15, "Asthma hurts.", [])])),
        {},
        ["Aspirin helps. Asthma hurts."],
        [("Chemical", "Aspirin")],
    ),
    "BioC sentences beside an empty passage text, XML": (
        "a.xml",
        "<collection><document><id>7</id><passage><offset>0</offset><text></text><sentence>"
        "<offset>0</offset><text>Aspirin helps.</text><annotation id='1'>"
        "<infon key='type'>Chemical</infon><location offset='0' length='7'/><text>Aspirin</text>"
        "</annotation></sentence></passage></document></collection>",
        {},
        ["Aspirin helps."],
        [("Chemical", "Aspirin")],
    ),
    "PubTator 3": (
        "a.json",
        json.dumps({"PubTator3": [TITLED]}),
        {},
        ["Aspirin and asthma."],
        [("Chemical", "Aspirin")],
    ),
    "one BioC document": (
        "a.json",
        json.dumps(TITLED, indent=1),
        {},
        ["Aspirin and asthma."],
        [("Chemical", "Aspirin")],
    ),
    "BioC documents, one a line": (
        "a.json",
        json.dumps(TITLED) + "\n" + json.dumps(TITLED | {"id": 8}) + "\n",
        {},
        ["Aspirin and asthma."] * 2,
        [("Chemical", "Aspirin")] * 2,
    ),
    "a surface form with Greek letters put into Latin ones": (
        "a.json",
        packed(bioc("TNF-α and asthma.", (), [note("Gene", "TNF-a", (0, 5))])),
        {},
        ["TNF-α and asthma."],
        [("Gene", "TNF-α")],
    ),
    "a surface form without its quotation marks": (
        "a.PubTator",
        '101|t|Seizures " plus " fever.\n101|a|X.\n101\t0\t17\tSeizures   plus  \tDisease\tD1\n',
        {},
        ['Seizures " plus " fever. X.'],
        [("Disease", 'Seizures " plus "')],
    ),
    "a marker that there is no abstract": (
        "a.PubTator",
        "101|t|Canine babesiosis today.\n101|a|-NoAbstract-\n"
        "101\t25\t36\tNO ABSTRACT\tChemical\t\n101\t0\t6\tCanine\tSpecies\t9615\n",
        {},
        ["Canine babesiosis today. "],
        [("Species", "Canine")],
    ),
    "an empty mention": (
        "a.PubTator",
        "1|t|Lime.\n1|a|\n1\t2\t2\t\tA\tD1\n1\t0\t4\tLime\tA\tD1\n",
        {},
        ["Lime. "],
        [("A", "Lime")],
    ),
    "lines that end in a lone carriage return": (
        "a.PubTator",
        "1|t|Lime.\r1|a|Juice.\r1\t0\t4\tLime\tA\tD1\r",
        {},
        ["Lime. Juice."],
        [("A", "Lime")],
    ),
    "fragments over a line break, BioC": (
        "a.json",
        packed(
            bioc(
                "Severe chest\npain.",
                (),
                [note("Problem", "Severe chest pain", (0, 12), (13, 4))],
            )
        ),
        {},
        ["Severe chest\npain."],
        [("Problem", "Severe chest\npain")],
    ),
    "an array with ids": (
        "a.json",
        '[{"id":"note-17","text":"Aspirin helps."}]',
        {},
        ["Aspirin helps."],
        [],
    ),
    "a chosen text in JSON": (
        "a.jsonl",
        '{"pmid": 7, "abstract": "Aspirin helps."}\n',
        {"text_field": "abstract", "id_field": "pmid"},
        ["Aspirin helps."],
        [],
    ),
    "one text a line": (
        "a.txt",
        "Aspirin.\n\nZinc.\n",
        {"format": "lines"},
        ["Aspirin.", "Zinc."],
        [],
    ),
    "columns in a .txt whose tags have no type": (
        "a.txt",
        "Aspirin B\nhelps O\n. O\n",
        {},
        ["Aspirin helps ."],
        [("Entity", "Aspirin")],
    ),
    "what the pipeline gives": (
        "a.jsonl",
        '{"text": "Aspirin helps.", "entities": [{"start": 0, "end": 7, "word": "Aspirin", '
        '"entity_group": "Drug", "score": 0.5}]}\n',
        {},
        ["Aspirin helps."],
        [("Drug", "Aspirin")],
    ),
    "a table": (
        "a.csv",
        'pmid,body,year\n7,"Aspirin, in ""asthma""\nhelps.",1999\n',
        {"text_field": "body", "id_field": "pmid"},
        ['Aspirin, in "asthma"\nhelps.'],
        [],
    ),
}


@pytest.mark.parametrize("name", READ)
def test_what_people_have_is_read_right(tmp_path, name):
    file, content, options, texts, entities = READ[name]
    (tmp_path / file).write_bytes(content.encode())
    examples = read_any(tmp_path / file, **options).examples
    assert [example.text for example in examples] == texts
    assert [(e.label, e.surface(x.text)) for x in examples for e in x.entities] == entities


@pytest.mark.parametrize(
    ("text", "places", "end"),
    [
        ("Severe chest\npain was seen.\n", "0 12;13 17", 17),
        ("Severe chest \n   pain was seen.\n", "0 12;17 21", 21),
        ("Severe chest\r\npain was seen.\r\n", "0 6;7 12;14 18", 18),
    ],
)
def test_brat_cuts_a_mention_at_a_line_break(tmp_path, text, places, end):
    (tmp_path / "a.txt").write_bytes(text.encode())
    (tmp_path / "a.ann").write_text(f"T1\tProblem {places}\tSevere chest pain\n")
    reading = read_any(tmp_path)
    (entity,) = reading.examples[0].entities
    assert (entity.start, entity.end) == (0, end)
    assert not reading.dropped


# name -> file name, its content, options, what the one line says.
REFUSED = {
    "a ragged row": (
        "a.conll",
        "Name _ O B-PER\nLast Name _ O I-PER\nfelt _ O O\n",
        {},
        "a.conll:2: 'Last\\tName\\t_\\tO\\tI-PER': 5 columns where the file has 4",
    ),
    "tags in the first column": (
        "a.conll",
        "B-Cell\tstem\tB-NP\nI-Cell\tcells\tI-NP\n",
        {},
        "a.conll:1: the first column holds tags",
    ),
    "numbers in the first column": (
        "a.conll",
        "0\tAspirin\tB-A\n8\thelps\tO\n14\tme\tO\n",
        {},
        "a.conll:1: the first column holds numbers alone",
    ),
    "a .txt of columns, one row of which has no tag": (
        "a.txt",
        "Aspirin B-Drug\nhelps O\nin O\nme\n. O\n",
        {},
        "a.txt:4: 'me': a row is a token, columns, and a tag",
    ),
    "CoNLL-U with a word of two tokens": (
        "a.conllu",
        "1-2\tdu\t_\tO\n1\tde\tP\tO\n2\tle\tD\tO\n",
        {},
        "a.conllu:1: the first column holds numbers alone",
    ),
    "the number of the article in the first column": (
        "a.tsv",
        "PMC7\tAspirin\tB-A\nPMC7\thelps\tO\nPMC7\t.\tO\n",
        {},
        "a.tsv:1: the first column is 'PMC7' all through the sentence",
    ),
    "tags with a type and without": (
        "a.conll",
        "a\tB-X\nb\tB\n",
        {},
        "a.conll:2: tag 'B' is not O",
    ),
    "a field that is entities misspelt": (
        "a.jsonl",
        '{"id": "1", "text": "Lime", "entites": [{"start": 0, "end": 4, "type": "A"}]}\n',
        {},
        "a.jsonl:1: field 'entites' holds spans",
    ),
    "a field of a column that is entities misspelt": (
        "a.csv",
        'id,text,entites\n1,Lime,"[]"\n',
        {},
        "a.csv:1: column 'entites'",
    ),
    "spans in another column": (
        "a.csv",
        'id,text,marks\n1,Lime,"[{""start"": 0, ""end"": 4, ""type"": ""A""}]"\n',
        {},
        "a.csv:2: field 'marks' holds spans",
    ),
    "CMeEE with entities misspelt": (
        "a.json",
        '[{"text": "咳", "entites": [{"start_idx": 0, "end_idx": 0, "type": "sym"}]}]',
        {},
        "a.json:1: field 'entites' holds spans",
    ),
    "CCKS with entities misspelt": (
        "a.txt",
        '{"originalText": "咳", "Entities": [{"start_pos": 0, "end_pos": 1, "label_type": "a"}]}',
        {},
        "a.txt:1: field 'Entities' holds spans",
    ),
    "BioC with passages misspelt": (
        "a.json",
        packed({"id": "1", "Passages": [{"offset": 0, "text": "Lime"}]}),
        {},
        "document number 0 from 0: field 'Passages' holds spans",
    ),
    "BioC with sentences misspelt": (
        "a.json",
        packed({"id": "1", "passages": [{"offset": 0, "sentence": [{"offset": 0, "text": "a"}]}]}),
        {},
        "field 'sentence' holds spans",
    ),
    "BioC with annotations misspelt": (
        "a.json",
        packed({"id": "1", "passages": [{"offset": 0, "text": "Lime", "annotation": [ASPIRIN]}]}),
        {},
        "field 'annotation' holds spans",
    ),
    "a PubTator mention whose start is no number": (
        "a.PubTator",
        "1|t|Lime.\n1|a|\n1\tO\t4\tLime\tA\n",
        {},
        "a.PubTator:3: 'O' is not an offset",
    ),
    "JSON that is damaged at its head, in a .txt": (
        "a.txt",
        'originalText": "Lime", "entities": []}\n',
        {},
        "a.txt:1: not JSON",
    ),
    "an offset of 4,300 digits": (
        "a.PubTator",
        f"1|t|Lime\n1|a|\n1\t{'9' * 4300}\t4\tLime\tA\n",
        {},
        "a.PubTator:3: '9999",
    ),
    "an offset of 4,200 digits in JSON": (
        "a.jsonl",
        '{"id": "1", "text": "Lime", "entities": [{"start": 0, "end": 9'
        + "9" * 4200
        + ', "type": "A"}]}\n',
        {},
        "a.jsonl:1: field 'end' has more than 15 digits",
    ),
    "gaps that fill the memory": (
        "a.json",
        packed({"id": "1", "passages": [{"offset": n * 900_000, "text": ""} for n in range(3000)]}),
        {},
        "a passage at 1800000",
    ),
    "a table with a row too short": (
        "a.csv",
        "id,text\n1,Lime\n2\n",
        {},
        "a.csv:3: 1 cells where the header has 2",
    ),
    "a table without the text": (
        "a.csv",
        "id,body\n1,Lime\n",
        {},
        "a.csv:2: field 'text' is missing; fields are 'id', 'body'",
    ),
    "no Parquet": ("a.parquet", "PAR1 no", {}, "a.parquet: not a Parquet file"),
    "an option that the format does not take": (
        "a.txt",
        "Lime.",
        {"text_field": "body"},
        "plain takes no text_field; those that do: json_lines, csv, tsv, parquet",
    ),
    "an encoding that is none": ("a.txt", "Lime.", {"encoding": "rot13"}, "'rot13' is no encoding"),
    "another encoding": (
        "a.txt",
        "患者".encode("gb18030"),
        {},
        "name the file's encoding, as gb18030",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_right_is_one_line(tmp_path, name):
    file, content, options, message = REFUSED[name]
    path = tmp_path / file
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        read_any(path, **options)
    assert message in str(caught.value)
    assert len(str(caught.value).replace(str(tmp_path), "").splitlines()) == 1
    assert len(str(caught.value)) < 500


SHIFTED = """101|t|Iris anomalies and anterior segment malformations.
101|a|We saw two cases.
101\t19\t49\tanterior segment malformations\tDisease\tC537775
102|t|Aspirin helps.
102|a|In asthma.
102\t1\t8\tAspirin\tChemical\tD2
102\t1\tx\tAspirin\tChemical\tD2
102\t18\t90\tasthma\tDisease\tD3
102\t18\t24\tasthma\tDisease\tD3
"""


def test_mentions_that_do_not_fit_are_refused_together_or_counted(tmp_path):
    path = tmp_path / "a.PubTator"
    path.write_text(SHIFTED)
    with pytest.raises(FormatError, match=r"PubTator:7: .*is not an offset.* \(and 2 more that"):
        read_any(path)
    reading = read_any(path, skip_bad=True)
    assert reading.dropped == {"mention that does not fit its text": 3}
    assert [[e.surface(x.text) for e in x.entities] for x in reading.examples] == [
        ["anterior segment malformations"],
        ["asthma"],
    ]


@pytest.mark.parametrize(
    ("name", "content", "kept", "dropped"),
    [
        ("a.PubTator", "1|t|Lime\n1|a|\n2\t0\t4\tLime\tA\n1\t0\t4\tLime\tA\n", 1, 1),
        ("a.PubTator", "1|t|Lime\n1|a|\n1\t0\t4\tLime\n1\t3\t3\tLime\tA\n", 0, 2),
        ("a.jsonl", '{"id": "1", "text": "Lime", "entities": {"start": 0}}', 0, 1),
        (
            "a.jsonl",
            '{"id": "1", "text": "Lime", "entities": [7, {"start": 0, "end": 4, "type": "A"}]}',
            1,
            1,
        ),
        ("a.jsonl", '{"id": "1", "text": "Lime", "annotation": [{"start": 0, "end": 4}]}', 0, 1),
        ("a.train", "Lime|||0 x A|||0 3 A|||", 1, 1),
    ],
)
def test_malformed_mentions_do_not_fit_either(tmp_path, name, content, kept, dropped):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(FormatError):
        read_any(path)
    reading = read_any(path, skip_bad=True)
    assert len(reading.examples[0].entities) == kept
    assert reading.dropped == {"mention that does not fit its text": dropped}


def test_each_mention_under_a_misspelt_name_is_counted(tmp_path):
    path = tmp_path / "a.jsonl"
    mention = '{"start": 0, "end": 4, "type": "A"}'
    path.write_text(f'{{"id": "1", "text": "Lime", "entites": [{mention}, {mention}]}}\n')
    assert read_any(path, skip_bad=True).dropped == {"mention that does not fit its text": 2}


def test_a_bioc_passage_without_text_is_remarked(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(packed({"id": "1", "passages": [{"offset": 0, "tex": "Aspirin helps."}]}))
    assert read_any(path).remarks == {"passage without text": 1}


def test_a_pubtator_relation_is_passed_over(tmp_path):
    path = tmp_path / "a.PubTator"
    path.write_text("1|t|Lime 7124 rules.\n1|a|\n1\t0\t4\tLime\tA\n1\tBind\t5000\t7124\tNo\n")
    assert not read_any(path).dropped


def test_a_json_mention_without_a_type_is_dropped_where_bad_ones_are(tmp_path):
    path = tmp_path / "a.json"
    untyped = {"infons": {}, "locations": [{"offset": 0, "length": 7}]}
    path.write_text(packed(bioc("Aspirin helps.", (), [untyped, ASPIRIN])))
    reading = read_any(path, skip_bad=True)
    assert len(reading.examples[0].entities) == 1
    assert reading.dropped == {"mention that does not fit its text": 1}


def test_a_long_line_of_bars_is_guessed_at_once(tmp_path):
    import time

    path = tmp_path / "a.train"
    path.write_text("咳" + "|||1 1 a" * 9000 + "\n")
    start = time.process_time()
    with pytest.raises(InputError):
        read_any(path)
    assert time.process_time() - start < 1


def test_gaps_are_read_in_linear_time(tmp_path):
    import time

    path = tmp_path / "a.json"
    path.write_text(
        packed({"id": "1", "passages": [{"offset": n * 300, "text": "x"} for n in range(3000)]})
    )
    start = time.process_time()
    assert len(read_any(path).examples[0].text) == 2999 * 300 + 1
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("content", "ids", "numbered"),
    [
        ('[{"id":"note-17","text":"Lime."}]', ["note-17"], False),
        ('{"id": 7, "text": "Lime."}', ["7"], False),
        ('{"text": "Lime."}\n{"text": "Mint."}', ["toy-a-00000", "toy-a-00001"], True),
        ('{"id": "x", "text": "Lime."}\n{"text": "Mint."}', ["x", "toy-a-00001"], False),
    ],
)
def test_ids_of_json(tmp_path, content, ids, numbered):
    path = tmp_path / "a.json"
    path.write_text(content)
    reading = read_any(path, "json_lines", dataset="toy")
    assert [example.id for example in reading.examples] == ids
    assert reading.numbered == numbered


@pytest.mark.parametrize("encoding", ["gb18030", "utf-16", "utf-16-le"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "患者有高血压。\n服药。"),
        (
            "a.xml",
            "<?xml version='1.0' encoding='GB18030'?><collection><document><id>1</id>"
            "<passage><offset>0</offset><text>患者有高血压。\n服药。</text></passage></document>"
            "</collection>",
        ),
        ("a.csv", 'id,text\n1,"患者有高血压。\n服药。"\n'),
    ],
)
def test_files_in_other_encodings(tmp_path, encoding, name, content):
    path = tmp_path / name
    path.write_bytes(content.encode(encoding))
    (example,) = read_any(path, encoding=encoding).examples
    assert example.text == "患者有高血压。\n服药。"


def test_utf_16_is_known_by_its_mark(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("Aspirin.\n".encode("utf-16"))
    assert read_any(path).examples[0].text == "Aspirin.\n"


def test_brat_in_another_encoding(tmp_path):
    (tmp_path / "a.txt").write_bytes("患者有高血压。".encode("gb18030"))
    (tmp_path / "a.ann").write_bytes("T1\t疾病 3 6\t高血压\n".encode("gb18030"))
    (example,) = read_any(tmp_path, encoding="gb18030").examples
    assert [e.surface(example.text) for e in example.entities] == ["高血压"]
