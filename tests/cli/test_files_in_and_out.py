"""Files in and out on the command line: annotate, convert, evaluate, build."""

import io
import json
import sys

import pytest

from llmner_hf.cli import main
from llmner_hf.pipelines.local import BioNerPipeline
from llmner_hf.readers import read_any


def lines(*rows):
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def document(id, text="Aspirin helps.", *spans, **more):
    entities = [{"start": start, "end": end, "type": label} for start, end, label in spans]
    return {"id": id, "text": text, "entities": entities} | more


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def piped(monkeypatch):
    """Gives standard input, and standard output as bytes."""

    def given(content):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        monkeypatch.setattr(sys, "stdout", out)
        return out.buffer

    return given


SHIFTED = """101|t|IL-2 in cells.
101|a|NF.
101\t0\t4\tIL-2\tprotein\tD1
101\t1\t8\tIL-2\tprotein\tD2
"""


def annotate(tagger_folder, *arguments):
    return main(["annotate", *arguments, "--model", str(tagger_folder), "--whole"])


def test_gold_that_does_not_fit_stops_no_annotation(here, tagger_folder, capsys):
    (here / "a.PubTator").write_text(SHIFTED)
    assert annotate(tagger_folder, "a.PubTator", "-o", "out.pubtator") == 0
    said = capsys.readouterr()
    assert "a.PubTator: dropped 1: mention that does not fit its text" in said.err
    assert (here / "out.pubtator").read_text().startswith("101|t|IL-2 in cells.\n101|a|NF.\n")
    assert sorted(path.name for path in here.iterdir()) == ["a.PubTator", "out.pubtator"]


@pytest.mark.parametrize("out", ["o.jsonl", "o.csv", "o.tsv", "o.parquet", "o.xml", "o.json"])
def test_results_have_the_format_of_their_suffix(here, out):
    (here / "a.csv").write_text("pmid,body,year\n7,Aspirin helps.,1999\n8,No.,2000\n")
    fields = ["--text-field", "body", "--id-field", "pmid"]
    given = ["annotate", "a.csv", "-o", out, *fields, "--dataset", "biored", "--no-selector"]
    assert main(given) == 0
    reading = read_any(out)
    assert [(e.id, e.text) for e in reading.examples] == [("7", "Aspirin helps."), ("8", "No.")]
    assert [[(e.start, e.end, e.label) for e in x.entities] for x in reading.examples] == [
        [(0, 7, "Chemical")],
        [],
    ]
    (score,) = reading.scores["7"].values()
    assert 0 < score < 1
    if out not in ("o.xml", "o.json"):
        assert [reading.fields[name]["year"] for name in "78"] == ["1999", "2000"]
    assert sorted(path.name for path in here.iterdir()) == ["a.csv", out]


def interrupted(*_, **given):
    raise KeyboardInterrupt


def test_a_stopped_annotation_goes_on_whatever_its_format(here, monkeypatch, capsys):
    (here / "a.csv").write_text("id,text\n7,Aspirin helps.\n8,Zinc helps.\n")
    found = [{"start": 8, "end": 13, "type": "Chemical", "score": 0.5}]
    finished = {"id": "7", "text": "Aspirin helps.", "entities": found}
    given = ["annotate", "a.csv", "-o", "o.xml", "--dataset", "biored", "--no-selector"]
    with monkeypatch.context() as patched:
        patched.setattr(BioNerPipeline, "__call__", interrupted)
        assert main(given) == 130
    capsys.readouterr()
    (here / ".o.xml.jsonl.part").write_text(lines(finished))
    assert main(given) == 0
    surfaces = [[e.surface(x.text) for e in x.entities] for x in read_any("o.xml").examples]
    assert surfaces == [["helps"], ["Zinc"]]  # the first is not annotated anew
    assert sorted(path.name for path in here.iterdir()) == ["a.csv", "o.xml"]


def test_annotate_in_a_pipe(here, tagger_folder, piped):
    out = piped("IL-2 binds.\n\nCD28 cells.\n".encode("utf-16"))
    assert annotate(tagger_folder, "-", "-o", "-", "--lines") == 0
    rows = [json.loads(line) for line in out.getvalue().decode().splitlines()]
    assert [row["text"] for row in rows] == ["IL-2 binds.", "CD28 cells."]
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "out.docx"], "out.docx: its suffix names no format"),
        (["-o", "out", "--to", "word"], "unknown format 'word' to write"),
        (["-o", "-", "--to", "brat"], "brat is a folder"),
        (["-o", ".", "--to", "csv"], ".: a folder; csv is a file"),
        (["-o", "o.jsonl", "--batch-size", "-3"], "--batch-size -3"),
        (["-o", "o.jsonl", "--encoding", "klingon"], "'klingon' is no encoding"),
    ],
)
def test_what_cannot_be_written_is_refused_before_any_work(here, capsys, arguments, message):
    (here / "a.txt").write_text("IL-2.")
    assert main(["annotate", "a.txt", *arguments, "--model", "no such model"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert message in error
    assert [path.name for path in here.iterdir()] == ["a.txt"]


def test_convert_there_and_back(here, capsys):
    content = lines(document("1", "Aspirin helps.", (0, 7, "Drug"), year=1), document("2", year=2))
    (here / "a.jsonl").write_text(content)
    for one, two in [("a.jsonl", "b.csv"), ("b.csv", "c.xml"), ("c.xml", "d"), ("d", "e.jsonl")]:
        assert main(["convert", one, two, *(["--to", "brat"] if two == "d" else [])]) == 0
    assert read_any("e.jsonl").examples == read_any("a.jsonl").examples
    said = capsys.readouterr()
    assert "1 entities in 2 texts: e.jsonl" in said.out
    assert "c.xml: bioc cannot hold, 2 times: field 'year'" in said.err


def test_convert_in_a_pipe(piped):
    out = piped(SHIFTED.encode())
    assert main(["convert", "-", "-", "--to", "csv", "--skip-bad"]) == 0
    assert out.getvalue().decode().splitlines()[0] == '"id","text","entities"'


def test_convert_is_strict_unless_told(here, capsys):
    (here / "a.PubTator").write_text(SHIFTED + "101\t0\t99\tIL-2\tprotein\tD1\n")
    assert main(["convert", "a.PubTator", "o.jsonl"]) == 2
    assert "(and 1 more that do not fit; --skip-bad" in capsys.readouterr().err
    assert not (here / "o.jsonl").exists()


def test_build_drops_and_counts_what_does_not_fit(here, capsys):
    articles = [f"{n}|t|IL-2 in cells.\n{n}|a|\n{n}\t0\t4\tIL-2\tprotein\tD1\n" for n in range(5)]
    (here / "a.PubTator").write_text("".join([*articles, "4\t1\t8\tIL-2\tprotein\tD2\n"]))
    build = ["build", "mine", "--source", "a.PubTator", "--out", "data"]
    assert main(build) == 2
    assert main([*build, "--skip-bad"]) == 0
    assert "mention that does not fit its text" in capsys.readouterr().out
    assert main(["build", "genia", "--source", "a.PubTator", "--out", "data", "--skip-bad"]) == 2
    assert "leave --skip-bad out" in capsys.readouterr().err


def test_build_reads_columns_in_another_encoding(here, capsys):
    rows = "".join(f"{letter}\tO\tn\n" for letter in "患者有") + "高\tB\tn\n血\tI\tn\n压\tE\tn\n\n"
    (here / "a.bio").write_bytes((rows * 4).encode("gb18030"))
    build = ["build", "mine", "--source", "a.bio", "--out", "data", "--language", "zh"]
    assert main([*build, "--encoding", "gb18030", "--column", "1", "--type", "疾病"]) == 0
    from datasets import load_dataset

    row = load_dataset("data", split="train")[0]
    assert row["text"] == "患者有高血压"
    assert [(e["start"], e["end"], e["type"]) for e in row["entities"]] == [(3, 6, "疾病")]


def evaluated(capsys, *arguments):
    code = main(["evaluate", "--samples", "0", "--json", "s.json", *arguments])
    return code, capsys.readouterr()


def strict():
    with open("s.json", encoding="utf-8") as file:
        return json.load(file)["strict"]["f1"]


def test_other_texts_under_one_id_are_refused(here, capsys):
    (here / "g.jsonl").write_text(lines(document("1", "Aspirin helps.", (0, 7, "Drug"))))
    (here / "p.jsonl").write_text(lines(document("1", "  Aspirin helps.", (2, 9, "Drug"))))
    code, said = evaluated(capsys, "--gold", "g.jsonl", "--predicted", "p.jsonl")
    assert code == 2
    assert said.err.startswith("llmner: p.jsonl: document '1' has another text than in gold")


def test_a_side_without_entities_is_said(here, capsys):
    (here / "g.jsonl").write_text(lines(document("1", "Aspirin helps.", (0, 7, "Drug"))))
    (here / "p.jsonl").write_text('{"id":"1","text":"Aspirin helps.","label":[[0,7,"Drug"]]}\n')
    code, said = evaluated(capsys, "--gold", "g.jsonl", "--predicted", "p.jsonl")
    assert code == 0
    assert said.err == 'p.jsonl: 1: document without "entities"\n'


def test_files_without_ids_are_paired_by_their_order(here, capsys):
    columns = "Aspirin\tB-Drug \nhelps\tO\n\nZinc\tB-Drug\nhelps\tO\n"
    (here / "gold.conll").write_text(columns)
    (here / "pred.conll").write_text(columns)
    code, said = evaluated(capsys, "--gold", "gold.conll", "--predicted", "pred.conll")
    assert (code, said.err, strict()) == (0, "", 1.0)
    spans = (
        document("x", "Aspirin helps", (0, 7, "Drug")),
        document("y", "Zinc helps", (0, 4, "Drug")),
    )
    (here / "p.jsonl").write_text(lines(*spans))
    assert evaluated(capsys, "--gold", "gold.conll", "--predicted", "p.jsonl")[0] == 0
    assert strict() == 1.0
    (here / "p.jsonl").write_text(lines(*reversed(spans)))
    code, said = evaluated(capsys, "--gold", "gold.conll", "--predicted", "p.jsonl")
    assert code == 2
    assert "has another text" in said.err


def test_types_are_mapped_and_lose_their_blanks(here, capsys):
    (here / "g.jsonl").write_text(lines(document("1", "Aspirin helps.", (0, 7, "Mutation"))))
    (here / "p.jsonl").write_text(lines(document("1", "Aspirin helps.", (0, 7, "Variant "))))
    sides = ["--gold", "g.jsonl", "--predicted", "p.jsonl"]
    assert evaluated(capsys, *sides)[0] == 0
    assert strict() == 0.0
    assert evaluated(capsys, *sides, "--map", "Variant=Mutation")[0] == 0
    assert strict() == 1.0
    for pair, message in [
        ("Variant", "write A=B"),
        ("Gene=DNA", "no entity has the type 'Gene'; types are Mutation, Variant"),
    ]:
        code, said = evaluated(capsys, *sides, "--map", pair)
        assert code == 2
        assert message in said.err


def test_documents_in_common(here, capsys):
    right = (0, 7, "Drug")
    (here / "g.jsonl").write_text(
        lines(document("1", "Aspirin helps.", right), document("2", "Aspirin helps.", right))
    )
    (here / "p.jsonl").write_text(
        lines(document("1", "Aspirin helps.", right), document("3"), document("4"))
    )
    sides = ["--gold", "g.jsonl", "--predicted", "p.jsonl"]
    code, said = evaluated(capsys, *sides)
    assert code == 2
    assert "'3' is predicted but not in gold" in said.err
    code, said = evaluated(capsys, *sides, "--only-common")
    assert (code, strict()) == (0, 1.0)
    assert said.err == (
        "1 documents in common; left out of gold and of each other side: 1, 2\n"
    )  # fmt: skip
    (here / "p.jsonl").write_text(lines(document("1", "Aspirin helps.", right)))
    code, said = evaluated(capsys, *sides)
    assert code == 0
    assert "p.jsonl: lacks 1 documents of gold, as '2'" in said.err
    (here / "p.jsonl").write_text(lines(document("9")))
    code, said = evaluated(capsys, *sides, "--only-common")
    assert code == 2
    assert "none of its documents is on the other side" in said.err
