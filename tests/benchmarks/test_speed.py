"""The benchmark of what ships: tiny, with a rival that is a script of ours."""

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "benchmarks"
RIVAL = """
import json, sys
given = json.load(sys.stdin)
seconds = {batch: [30.0, 10.0, 20.0] for batch in given["batches"]}
print("a library says something")
about = {"version": "1", "transformers": "5", "parameters": 1.5e8, "peak_mib": 10}
print(json.dumps(about | {"seconds": seconds}))
"""


@pytest.fixture
def embedded(monkeypatch):
    """The benchmark, imported as a script finds its neighbours."""
    monkeypatch.syspath_prepend(FOLDER)
    return import_module("embedded")


def test_without_data_the_examples_are_repeated(embedded, tmp_path, capsys):
    texts = embedded.texts_of(tmp_path, 7)
    assert len(texts) == 7
    assert texts[0] == texts[5]
    assert len(set(texts)) == 5
    assert "no " in capsys.readouterr().out


def test_generate_reads_the_same_prompts_and_stops_where_ours_does(embedded, monkeypatch):
    bench = embedded.Bench(None, ["IL-2 of T cells", "the NF-kappa B site of the gene"], 1)
    written = bench.lengths(bench.ner)
    asked = []
    usual = bench.ner.model.generate

    def generate(**given):
        asked.append(given)
        return usual(**given)

    monkeypatch.setattr(bench.ner.model, "generate", generate)
    bench.generate(written, 1)
    assert len(asked) == 2
    for given, text in zip(asked, bench.texts, strict=True):
        prompt = bench.ner.decoder.prompt(embedded.Request("", text, bench.schema))
        assert given["input_ids"].tolist() == [prompt.ids]
        assert given["max_new_tokens"] == written[text] > 5
        assert not given["do_sample"]
    bench.generate(written, 2)
    shorter, longer = sorted(asked[2]["attention_mask"].sum(1).tolist())
    assert shorter < longer == asked[2]["input_ids"].shape[1]
    assert asked[2]["attention_mask"][0, 0] == 0  # padded on the left


def test_ratios_are_those_of_the_seconds(embedded, monkeypatch, tmp_path, capsys):
    rival = tmp_path / "gliner_small.py"
    rival.write_text(RIVAL, encoding="utf-8")
    monkeypatch.setattr(embedded, "HERE", tmp_path)
    bench = embedded.Bench(None, ["IL-2", "NF-kappa B"], 1)
    ours = {"pipeline, no selector": {1: 4.0, 32: 2.0}, "`generate`": {1: 40.0, 32: 10.0}}
    monkeypatch.setattr(bench, "ways", lambda repeats: ours)
    embedded.compare(bench, 3, Path(sys.executable))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "gliner 1, transformers 5, 150.0 million parameters, 10 MiB"
    assert lines[4:8] == [
        "| pipeline, no selector | 1 | 0.5 | 10.0 | 5.0 |",
        "| pipeline, no selector | 32 | 1.0 | 5.0 | 10.0 |",
        "| `generate` | 1 | 0.1 | 1.0 | 0.5 |",
        "| `generate` | 32 | 0.2 | 1.0 | 2.0 |",
    ]


def test_the_rival_has_the_published_vocabulary_and_one_token_a_word(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    small = import_module("gliner_small")
    tokenizer = small.tokenizer_of(["IL-2 binds (NF-kappa B)"])
    assert len(tokenizer) == small.VOCABULARY
    words = small.WORD.findall("IL-2 binds (NF-kappa B)")
    ids = tokenizer([words], is_split_into_words=True)["input_ids"][0]
    assert len(ids) == len(words) + 2 == 8
    assert tokenizer.unk_token_id not in ids


def test_what_a_script_prints_last_is_its_answer(embedded, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("print('hello'); print('{\"a\": 1}')", encoding="utf-8")
    assert embedded.answer([sys.executable, script], []) == json.loads('{"a": 1}')
