"""``llmner build NAME`` with files of one's own, made up here."""

import json

import pytest
from datasets import load_dataset
from huggingface_hub import DatasetCard

from llmner_hf.cli import main
from llmner_hf.corpora.rows import to_example

WORDS = ["aspirin", "lithium", "caffeine", "naloxone", "digoxin"]


def conll(first, last):
    """Sentences with a drug each, and a disease in the first."""
    rows = []
    for number in range(first, last):
        drug = f"{WORDS[number % 5]}{number}"
        rows += ["We O", "gave O", f"{drug} B-Drug", "to O", f"group{number} O", ". O", ""]
    return "\n".join(["Severe O", "asthma B-Disease", "ended O", f"in{first} O", "", *rows]) + "\n"


def build(source, out, *more):
    return main(["build", "ours", "--source", str(source), "--out", str(out), *more])


def examples(folder):
    splits = load_dataset(str(folder))
    return {split: [to_example(row) for row in rows] for split, rows in splits.items()}


@pytest.fixture
def columns(tmp_path):
    folder = tmp_path / "columns"
    folder.mkdir()
    for name, first, last in (("train", 0, 6), ("dev", 6, 8), ("test", 8, 10)):
        (folder / f"{name}.conll").write_text(conll(first, last))
    return folder


def test_a_folder_of_conll_files(columns, tmp_path, capsys):
    assert build(columns, tmp_path / "ours") == 0
    found = examples(tmp_path / "ours")
    assert {split: len(rows) for split, rows in found.items()} == {
        "train": 7,
        "validation": 3,
        "test": 3,
    }
    first = found["train"][1]
    assert first.id == "ours-train-00001"
    assert [(e.label, e.surface(first.text)) for e in first.entities] == [("Drug", "aspirin0")]
    printed = capsys.readouterr().out
    assert "train.conll: 7 texts with 7 mentions." in printed
    assert "Table I" not in printed

    (row, *_) = load_dataset(str(tmp_path / "ours"), split="train")
    assert [t["name"] for t in row["types"]] == ["Drug", "Disease"]  # the most frequent first
    card = DatasetCard.load(tmp_path / "ours" / "README.md")
    assert card.data.language == ["en"]
    assert card.data.configs[0]["config_name"] == "ours"
    assert "keep this dataset private" in card.text
    assert "Table I" not in card.text
    assert "$" not in card.text
    assert json.loads((tmp_path / "ours" / "report.json").read_text())["written"]["test"] == {
        "texts": 3,
        "mentions": 3,
    }


def test_types_with_definitions_choose_what_is_kept(columns, tmp_path, capsys):
    types = tmp_path / "types.yaml"
    types.write_text("Disease: an abnormal | condition <b>\nSymptom:\n")
    assert build(columns, tmp_path / "ours", "--types", str(types), "--style", "prefix") == 0
    row = load_dataset(str(tmp_path / "ours"), split="train")[0]
    assert row["types"] == [
        {"name": "Disease", "definition": "an abnormal | condition <b>"},
        {"name": "Symptom", "definition": ""},
    ]
    assert "- Disease: an abnormal | condition <b>" in row["prompt"][-1]["content"]
    assert "mention of another type: Drug: 6" in capsys.readouterr().out
    card = (tmp_path / "ours" / "README.md").read_text()
    assert "| Disease | an abnormal \\| condition &lt;b&gt; |" in card


def test_types_can_have_other_names_than_in_the_files(columns, tmp_path, capsys):
    types = tmp_path / "types.yaml"
    types.write_text("Remedy: {definition: a drug, labels: [Drug, Medicine]}\nDisease:\n")
    assert build(columns, tmp_path / "ours", "--types", str(types)) == 0
    rows = load_dataset(str(tmp_path / "ours"), split="train")
    assert [t["name"] for t in rows[0]["types"]] == ["Remedy", "Disease"]
    found = [e["type"] for row in rows for e in row["entities"]]
    assert {*found} == {"Remedy", "Disease"}
    assert build(columns, tmp_path / "as_they_are") == 0
    as_they_are = load_dataset(str(tmp_path / "as_they_are"), split="train")
    assert [
        e["type"].replace("Drug", "Remedy") for r in as_they_are for e in r["entities"]
    ] == found
    assert "another type" not in capsys.readouterr().out


def brat(folder, names):
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        text = f"患者{name}有高血压。\n第{number}例服用阿司匹林后头痛消失，编号{name}。"
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        lines = []
        for index, (label, word) in enumerate((("疾病", "高血压"), ("药物", "阿司匹林"))):
            start = text.index(word)
            lines.append(f"T{index}\t{label} {start} {start + len(word)}\t{word}")
        (folder / f"{name}.ann").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_one_brat_folder_is_cut_into_splits_by_documents(tmp_path, capsys):
    brat(tmp_path / "brat", [f"甲{number:02d}" for number in range(12)])
    assert build(tmp_path / "brat", tmp_path / "ours") == 0
    found = examples(tmp_path / "ours")
    # Two sentences a document, one document each for validation and test, from the end.
    assert {split: len(rows) for split, rows in found.items()} == {
        "train": 20,
        "validation": 2,
        "test": 2,
    }
    assert {e.id.split("-")[2] for e in found["test"]} == {"甲11"}
    assert {e.id.split("-")[2] for e in found["validation"]} == {"甲10"}
    assert {e.language for rows in found.values() for e in rows} == {"zh"}
    assert "text from the end of train, as there is no test.*: 1" in capsys.readouterr().out


def test_documents_of_the_same_name_in_two_splits_are_two(tmp_path):
    brat(tmp_path / "brat" / "train", [f"甲{number}" for number in range(4)])
    brat(tmp_path / "brat" / "test", ["甲0"])
    text = (tmp_path / "brat" / "test" / "甲0.txt").read_text("utf-8")
    (tmp_path / "brat" / "test" / "甲0.txt").write_text(text.replace("编号", "编码"), "utf-8")
    assert build(tmp_path / "brat", tmp_path / "ours") == 0
    found = examples(tmp_path / "ours")
    assert len(found["test"]) == 2
    # "患者甲0有高血压。" is too short to count as a leak; the validation text is cut from train.
    assert (len(found["train"]), len(found["validation"])) == (6, 2)


def test_training_texts_that_stand_in_the_test_file_are_dropped(columns, tmp_path, capsys):
    long = "The same long sentence about a drug stands in both files ."
    rows = "\n".join(f"{word} O" for word in long.split()) + "\n\n"
    for name in ("train", "test"):
        path = columns / f"{name}.conll"
        path.write_text(path.read_text() + "\n" + rows)
    assert build(columns, tmp_path / "ours") == 0
    assert long not in [e.text for e in examples(tmp_path / "ours")["train"]]
    assert "1 of the 11 examples of train and validation stand in a test" in capsys.readouterr().out


def test_one_file_of_json_lines(tmp_path):
    lines = [
        {"id": str(n), "text": f"IL-{n} binds.", "entities": [{"start": 0, "end": 4, "type": "p"}]}
        for n in range(10)
    ]
    source = tmp_path / "mine.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert build(source, tmp_path / "ours", "--language", "en") == 0
    found = examples(tmp_path / "ours")
    assert [len(found[split]) for split in ("train", "validation", "test")] == [8, 1, 1]


@pytest.mark.parametrize(
    ("make", "more", "message"),
    [
        (lambda f: None, [], "no train.* in it; a corpus of your own is a folder with train.*"),
        (lambda f: (f / "test.conll").write_text(conll(0, 3)), [], "no train.* in it"),
        (lambda f: (f / "train.txt").write_text("x O\n"), ["--format", "tar"], "unknown format"),
        (lambda f: (f / "train.conll").write_text("x O\n\ny O\n"), [], "no mention in its files"),
        (lambda f: (f / "train.conll").write_text("x B-A\n"), [], "1 texts are too few"),
        (lambda f: (f / "train.conll").write_text("x B-a:b\n"), [], "type name 'a:b'"),
        (lambda f: (f / "train.conll").write_text("x B-A\ny Z\n"), [], "train.conll:2: tag 'Z'"),
        (
            lambda f: [(f / f"train.{s}").write_text(conll(0, 3)) for s in ("iob", "conll")],
            [],
            "train.conll and train.iob: which is train?",
        ),
        (lambda f: None, ["--types", "nowhere.yaml"], "nowhere.yaml: no such file of types"),
    ],
)
def test_what_does_not_fit_is_one_line(make, more, message, tmp_path, capsys):
    source = tmp_path / "source"
    source.mkdir()
    make(source)
    assert build(source, tmp_path / "ours", *more) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "ours").exists()


@pytest.mark.parametrize(
    "text",
    [
        "- a\n",
        "a: 1\n",
        "a: 0\n",
        "yes: x\n",
        "a: [\n",
        "a: {name: b}\n",
        "a: {labels: b}\n",
        "a: {labels: [1]}\n",
        "a: {labels: [c]}\nb: {labels: [c]}\n",
        "a: {labels: [b]}\nb:\n",
        "",
    ],
)
def test_a_file_of_types_that_is_none(text, columns, tmp_path, capsys):
    types = tmp_path / "types.yaml"
    types.write_text(text)
    assert build(columns, tmp_path / "ours", "--types", str(types)) == 2
    assert "types.yaml: " in capsys.readouterr().err


def test_names_that_do_not_fit(columns, tmp_path, capsys):
    arguments = ["--source", str(columns), "--out", str(tmp_path / "out")]
    assert main(["build", "../x", *arguments]) == 2
    assert "letters, digits and _ alone" in capsys.readouterr().err
    assert main(["build", "genia", *arguments, "--format", "conll"]) == 2
    assert "genia is a known corpus: leave --format out" in capsys.readouterr().err
