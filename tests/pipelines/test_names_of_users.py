"""Names that a user brings: links of entities, evidence for the model, types by name alone."""

from __future__ import annotations

import logging
from copy import deepcopy

import pytest

from llmner_hf import pipeline
from llmner_hf.cli import main
from llmner_hf.core.errors import SettingError
from llmner_hf.terminology.linking import Linker
from llmner_hf.terminology.opening import terminology_of

TEXT = "He got zibotentan-7 for pain on Ward 7B."
NAMES = "id\tname\tsynonyms\ttype\nOWN:1\tzibotentan-7\tZD 7\tChemical\nOWN:2\tWard 7B\t\tWard\n"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("names") / "own.tsv"
    path.write_text(NAMES)
    return path


@pytest.fixture(scope="module")
def plain():
    return pipeline("bioner")


@pytest.fixture(scope="module")
def termed(table):
    return pipeline("bioner", terms=table)


def spans(found):
    return {(one["word"], one["entity_group"]) for one in found}


def test_a_name_of_a_known_type_is_evidence(plain, termed):
    assert ("zibotentan-7", "Chemical") not in spans(plain(TEXT))
    assert ("zibotentan-7", "Chemical") in spans(termed(TEXT))


def test_a_type_that_the_model_does_not_know_is_found_by_name_alone(termed, caplog):
    termed.annotator._remarks._said.clear()
    with caplog.at_level(logging.WARNING):
        found = termed(TEXT, entity_types=["Ward", "Zebra"])
    assert spans(found) == {("Ward 7B", "Ward")}
    assert found[0]["score"] == 0.5
    said = " ".join(record.getMessage() for record in caplog.records)
    assert "no type named Zebra" in said
    assert "types Ward: their names are entities" in said
    assert ("Ward 7B", "Ward") not in spans(termed(TEXT, entity_types=["Chemical"]))


def test_a_terminology_counts_less_and_training_goes_before_it(tmp_path):
    odd = tmp_path / "odd.tsv"
    odd.write_text("id\tname\ttype\nOWN:1\twas given\tChemical\nOWN:2\taspirin\tDisease\n")
    text = "Aspirin was given."
    assert ("Aspirin", "Chemical") in spans(pipeline("bioner", terms=odd, trust="unsure")(text))
    assert ("Aspirin", "Disease") in spans(pipeline("bioner", terms=odd)(text))
    with pytest.raises(SettingError, match="trust 'blind'"):
        pipeline("bioner", terms=odd, trust="blind")


@pytest.mark.parametrize("blank", ["\n", "\t", "\xa0", "\u3000", "  "])
def test_a_name_is_found_across_any_blank(termed, blank):
    text = f"On Ward{blank}7B."
    found = [one for one in termed(text) if one["entity_group"] == "Ward"]
    assert [(one["start"], one["end"]) for one in found] == [(3, 7 + len(blank) + 2)]


def test_a_type_by_name_alone_is_not_said_to_be_uncalibrated(termed, caplog):
    termed.annotator._remarks._said.clear()
    with caplog.at_level(logging.WARNING):
        termed(TEXT, entity_types=["Ward"])
    assert not [one for one in caplog.records if "calibrated" in one.getMessage()]


def test_a_name_of_two_types_counts_for_the_one_that_the_model_knows(tmp_path, caplog):
    both = tmp_path / "both.tsv"
    both.write_text("id\tname\ttype\nA:1\tzibotentan-7\tChemical\nA:2\tzibotentan-7\tStaff\n")
    with caplog.at_level(logging.WARNING):
        ner = pipeline("bioner", terms=both)
    assert "1 names stand under several types" in caplog.text
    assert ("zibotentan-7", "Chemical") in spans(ner(TEXT))


def test_a_name_with_brackets_is_found(tmp_path):
    odd = tmp_path / "odd.tsv"
    odd.write_text("id\tname\ttype\nA:1\tzz[18F]q\tTracer\n")
    found = pipeline("bioner", terms=odd)("He got zz[18F]q.")
    assert ("zz[18F]q", "Tracer") in spans(found)


def test_trust_without_terms_is_refused():
    with pytest.raises(SettingError, match="there are none"):
        pipeline("bioner", trust="unsure")


def test_terms_do_not_go_to_a_server(table, tmp_path, capsys):
    texts = tmp_path / "in.txt"
    texts.write_text(TEXT)
    server = ["--endpoint", "http://127.0.0.1:9/v1", "--model", "m"]
    given = ["annotate", str(texts), "-o", str(tmp_path / "out.jsonl"), "--terms", str(table)]
    assert main([*given, *server]) == 2
    assert "--terms are for a model that is loaded here" in capsys.readouterr().err


def test_what_no_name_touches_stays_as_it_is(plain, termed):
    text = "Pilocarpine induced seizures in rats."
    assert termed(text) == plain(text)


def test_terms_are_not_saved_with_the_tagger(termed, tmp_path):
    termed.save_pretrained(tmp_path / "saved")
    again = pipeline("bioner", model=tmp_path / "saved")
    assert ("zibotentan-7", "Chemical") not in spans(again(TEXT))


def test_entities_have_links(table):
    ner = pipeline("bioner", terms=table, terminology=table)
    links = {one["word"]: one.get("links") for one in ner(TEXT)}
    assert [link["id"] for link in links["zibotentan-7"]] == ["OWN:1"]
    assert [link["id"] for link in links["Ward 7B"]] == ["OWN:2"]
    assert links["pain"] is None
    again = deepcopy(ner)  # by the same way as pickle
    assert again(TEXT) == ner(TEXT)


def test_a_linker_of_ones_own(table):
    strict = Linker(terminology_of(table), threshold=1.0)
    ner = pipeline("bioner", terms=table, terminology=strict)
    assert all("links" not in one for one in ner(TEXT))


def test_on_the_command_line(table, tmp_path, capsys):
    texts, out, linked = tmp_path / "in.txt", tmp_path / "out.tsv", tmp_path / "linked.PubTator"
    texts.write_text(TEXT)
    given = ["--terms", str(table), "--terminology", str(table)]
    assert main(["annotate", str(texts), "-o", str(out), *given]) == 0
    assert "OWN:1" in out.read_text()
    assert main(["convert", str(out), str(tmp_path / "bare.jsonl")]) == 0
    assert main(["link", str(out), str(linked), "--terminology", str(table)]) == 0
    assert "Chemical\tOWN:1" in linked.read_text()
    told = capsys.readouterr()
    assert "2 of 3 entities linked" in told.out
    assert "2 links that it had were replaced" in told.err


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--terminology", "nowhere.safetensors"], "no such file"),
        (["--terminology", "{texts}"], "format"),
        (["--terminology", "{table}", "--threshold", "2"], "between 0 and 1"),
    ],
)
def test_bad_input_is_one_line(table, tmp_path, capsys, given, told):
    texts = tmp_path / "in.jsonl"
    texts.write_text('{"text": "Aspirin.", "entities": []}\n')
    filled = [one.format(texts=texts, table=table) for one in given]
    assert main(["link", str(texts), str(tmp_path / "out.jsonl"), *filled]) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert told in error[0]
