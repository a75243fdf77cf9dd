"""Texts of the kinds that people have, written for this, through the command line and back.

A text is annotated into CSV and brat; what brat and CSV hold is read back and is the same.
"""

from pathlib import Path

import pytest

from llmner_hf.cli import main
from llmner_hf.readers import read_any

TEXTS = Path(__file__).with_name("texts")
FLAGS = {"html.txt": ["--read-html"], "mixed.txt": ["--both-languages"]}


def held(path):
    return {e.id: (e.text, e.entities) for e in read_any(path).examples}


@pytest.mark.parametrize("name", sorted(path.name for path in TEXTS.iterdir()))
def test_to_csv_and_brat_and_back(tmp_path, name, capsys):
    source, flags = TEXTS / name, FLAGS.get(name, [])
    table, folder, back = tmp_path / "a.csv", tmp_path / "brat", tmp_path / "back.csv"
    assert main(["annotate", str(source), "-o", str(table), *flags]) == 0
    shown = capsys.readouterr().out
    assert main(["convert", str(table), str(folder), "--to", "brat"]) == 0
    said = capsys.readouterr().err
    assert main(["convert", str(folder), str(back)]) == 0
    found = held(table)
    assert held(folder) == held(back) == found
    texts = {example.id: example.text for example in read_any(source, skip_bad=True).examples}
    assert {identifier: text for identifier, (text, _) in found.items()} == texts
    number = sum(len(entities) for _, entities in found.values())
    assert number > 1
    assert f"{number} entities in {len(texts)} texts" in shown
    assert f"brat cannot hold, {number} times: score" in said
