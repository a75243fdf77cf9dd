"""Concepts in the commands: converted from format to format, and scored."""

import json

import pytest

from llmner_hf.cli import main
from llmner_hf.readers import read_any

GOLD = """1|t|Aspirin and asthma.
1|a|Aspirin helps.
1\t0\t7\tAspirin\tChemical\tD001241
1\t12\t18\tasthma\tDisease\tD001249
1\t20\t27\tAspirin\tChemical\t-1

2|t|Asthma.
2|a|
2\t0\t6\tAsthma\tDisease\tD001249|OMIM:600807

"""
FOUND = """1|t|Aspirin and asthma.
1|a|Aspirin helps.
1\t0\t7\tAspirin\tChemical\tD001241
1\t20\t27\tAspirin\tChemical\tD001241

2|t|Asthma.
2|a|
2\t0\t6\tAsthma\tDisease\tD001249

"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gold.pubtator").write_text(GOLD)
    (tmp_path / "found.pubtator").write_text(FOUND)
    return tmp_path


def test_convert_carries_concepts_through_every_format(here, capsys):
    chain = ["gold.pubtator", "a.xml", "b.json", "c.csv", "d.jsonl", "e.parquet", "f.tsv"]
    for one, two in zip(chain, [*chain[1:], "g.pubtator"], strict=True):
        assert main(["convert", one, two]) == 0
    assert "concept" not in capsys.readouterr().err
    read = read_any("g.pubtator")
    assert read.links == read_any("gold.pubtator").links
    assert "1\t20\t27\tAspirin\tChemical\t-\n" in (here / "g.pubtator").read_text()
    assert main(["convert", "gold.pubtator", "brat", "--to", "brat"]) == 0
    assert (
        "brat cannot hold, 1 times: note that a mention has no concept" in capsys.readouterr().err
    )
    assert "N1\tReference T1 MESH:D001241\t\n" in (here / "brat" / "1.ann").read_text()
    assert main(["convert", "gold.pubtator", "a.conll"]) == 0
    assert "conll cannot hold, 4 times: concepts of a mention" in capsys.readouterr().err


def test_evaluate_scores_concepts(here, capsys):
    sides = ["--gold", "gold.pubtator", "--predicted", "found.pubtator"]
    assert main(["evaluate", *sides, "--links", "--samples", "20", "--json", "s.json"]) == 0
    printed = capsys.readouterr().out
    links = json.loads((here / "s.json").read_text())["links"]

    def counts(of, name):
        return [of[name][key] for key in ("correct", "predicted", "gold")]

    # One is right, one has no concept, half an answer is wrong, and asthma is missed.
    assert counts(links, "mentions") == [1, 3, 2]
    assert counts(links, "end_to_end") == [1, 3, 3]
    assert counts(links, "documents") == [2, 2, 4]
    assert counts(links["per_type"]["Chemical"], "mentions") == [1, 2, 1]
    assert links["accuracy_at_1"] == 0.5
    rows = [line.split() for line in printed.splitlines()]
    assert ["concepts", "P", "R", "F1", "correct", "predicted", "gold"] in rows
    assert ["documents", "100.00", "50.00", "66.67", "2", "2", "4"] in rows
    assert "on the 2 gold mentions with a concept that both sides have: 50.00" in printed
    assert printed.count("95 % intervals over 2 documents") == 4
    assert "documents: 95 % intervals" in printed


def test_types_that_mean_one_have_the_concepts_of_both(here, capsys):
    text = {"id": "1", "text": "Aspirin", "entities": []}
    pair = [("Drug", ["D1"]), ("Chemical", ["D2"]), ("Other", None)]
    entities = [{"start": 0, "end": 7, "type": name, "links": ids} for name, ids in pair]
    (here / "a.jsonl").write_text(json.dumps(text | {"entities": entities}) + "\n")
    same = ["--gold", "a.jsonl", "--predicted", "a.jsonl", "--links", "--samples", "0"]
    assert main(["evaluate", *same, "--map", "Drug=X", "Chemical=X", "Other=X", "--json", "s"]) == 0
    links = json.loads((here / "s").read_text())["links"]
    assert links["end_to_end"]["gold"] == 1
    assert links["documents"]["gold"] == 2
    assert "intervals" not in capsys.readouterr().out


def test_gold_without_concepts_is_refused_and_predictions_without_are_said(here, capsys):
    (here / "bare.pubtator").write_text("1|t|Asthma.\n1|a|\n1\t0\t6\tAsthma\tDisease\n\n")
    bare, gold = "bare.pubtator", "gold.pubtator"
    assert main(["evaluate", "--gold", bare, "--predicted", bare, "--links"]) == 2
    assert capsys.readouterr().err == (
        "llmner: bare.pubtator: no entity has links to concepts; leave --links out\n"
    )
    (here / "bare.pubtator").write_text(GOLD.replace("\tD001241", "").replace("\tD001249", ""))
    text = (here / "bare.pubtator").read_text().replace("|OMIM:600807", "").replace("\t-1", "")
    (here / "bare.pubtator").write_text(text)
    assert main(["evaluate", "--gold", gold, "--predicted", bare, "--links"]) == 0
    said = capsys.readouterr()
    assert said.err == "bare.pubtator: no entity has links to concepts\n"
    assert "strict" in said.out
