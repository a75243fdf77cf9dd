"""Cases of texts as people met them, through the command line: what they saw, and what is right."""

import json

import pytest

from llmner_hf.cli import main


def annotated(tmp_path, text, *flags):
    place, out = tmp_path / "t.txt", tmp_path / "out.jsonl"
    place.write_text(text + "\n", encoding="utf-8")
    assert main(["annotate", str(place), "-o", str(out), *flags]) == 0
    (row,) = map(json.loads, out.read_text(encoding="utf-8").splitlines())
    return [(row["text"][e["start"] : e["end"]], e["type"]) for e in row["entities"]]


@pytest.mark.parametrize(
    ("text", "types", "found"),
    [
        ("Lithium and aspirin were given to Mr. Smith in Boston.", ["Location"], []),
        ("She took 5 mg of haloperidol orally.", ["Medication", "Dosage", "Route"], []),
        (
            "She took 5 mg of haloperidol orally.",
            ["Dosage", "Chemical"],
            [("haloperidol", "Chemical")],
        ),
    ],
)
def test_types_that_the_model_was_never_trained_on(tmp_path, caplog, text, types, found):
    assert annotated(tmp_path, text, "--types", *types) == found
    (said,) = [record.message for record in caplog.records if "no type named" in record.message]
    assert all(name in said for name in types if name != "Chemical")


def test_a_sentence_ends_with_a_letter(tmp_path):
    text = "It blocks NF-kappa B. Kinase A. and Cya. were used."
    assert not [w for w, _ in annotated(tmp_path, text, "--dataset", "genia") if "B. K" in w]


def test_a_mention_over_a_hard_line_break(tmp_path):
    text = "Two patients had renal\nfailure after gentamicin and lithium\ncarbonate."
    found = annotated(tmp_path, text, "--dataset", "biored")
    assert {("renal\nfailure", "Disease"), ("lithium\ncarbonate", "Chemical")} <= set(found)


def test_an_abbreviation_explained_twice(tmp_path):
    text = (
        "Rheumatoid arthritis (RA) was seen in 5 patients. RA was severe. They were given "
        "retinoic acid (RA). RA was stopped."
    )
    found = annotated(tmp_path, text, "--dataset", "biored")
    assert [label for word, label in found if word == "RA"][1] == "Disease"
