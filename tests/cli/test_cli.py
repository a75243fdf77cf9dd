"""The command line: the whole story in one run, and one line for every kind of bad input."""

import json
import subprocess
import sys

import pytest
from datasets import load_dataset

from llmner_hf.cli import main
from llmner_hf.corpora.rows import to_example

ARTICLES = (
    ("100", "CD28 and IL-2.", "CD28 cells bind aspirin. Aspirin helps.", ((31, 38), (40, 47))),
    ("101", "Lithium in mice.", "We gave lithium to mice.", ((0, 7), (25, 32))),
    ("102", "A note.", "Caffeine and aspirin were found.", ((8, 16), (21, 28))),
)  # fmt: skip


def pubtator(article):
    number, title, abstract, chemicals = article
    text = f"{title} {abstract}"
    lines = [f"{number}|t|{title}", f"{number}|a|{abstract}"]
    lines += [f"{number}\t{a}\t{b}\t{text[a:b]}\tChemical\tD0" for a, b in chemicals]
    return "\n".join(lines) + "\n\n"


def conll(article):
    """The published sentence version: tokens, no labels needed."""
    _, title, abstract, _ = article
    sentences = [title, *(s.strip(" .") + "." for s in abstract.split(". ") if s)]
    rows = []
    for sentence in sentences:
        for word in sentence.split():
            rows += [f"{word}\tO"]
        rows.append("")
    return "\n".join(rows) + "\n"


@pytest.fixture
def corpus(tmp_path):
    """A made-up BC5CDR in its original formats, one article a split."""
    folder = tmp_path / "bc5cdr"
    (folder / "conll").mkdir(parents=True)
    names = (("Training", "train"), ("Development", "devel"), ("Test", "test"))
    for article, (original, sentences) in zip(ARTICLES, names, strict=True):
        (folder / f"CDR_{original}Set.PubTator.txt").write_text(pubtator(article))
        (folder / "conll" / f"{sentences}.tsv").write_text(conll(article))
    return folder


def test_build_tune_annotate_and_score(corpus, tagger_folder, tmp_path, capsys):
    data = tmp_path / "data" / "bc5cdr_chemical"
    assert main(["build", "bc5cdr_chemical", "--source", str(corpus), "--out", str(data)]) == 0
    assert "10,550" in capsys.readouterr().out  # Table I stands beside what came out
    rows = load_dataset(str(data))["train"]
    assert [e.surface(to_example(r).text) for r in rows for e in to_example(r).entities] == [
        "aspirin",
        "Aspirin",
    ]

    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        f"model_name_or_path: {tagger_folder}\noutput_dir: {tmp_path / 'run'}\n"
        f"datasets: [{data}]\nstyle: brief\nallowed_share: 0.5\nmax_steps: 30\n"
        "default_datasets: {en: bc5cdr_chemical}\nlearning_rate: 5.0e-3\nuse_cpu: true\n"
        "bf16: false\nactivation_checkpointing: false\nreport_to: none\nsave_strategy: 'no'\n"
        "lr_scheduler_type: constant\neval_steps: 30\ndisable_tqdm: true\n"
    )
    capsys.readouterr()
    assert main(["train", str(recipe), "--dry-run", "--allowed_share", "0"]) == 0
    assert "30 in all" in capsys.readouterr().out
    assert not (tmp_path / "run").exists()
    assert main(["train", str(recipe), "--max_steps", "40"]) == 0
    assert (
        json.loads((tmp_path / "run" / "run.json").read_text())["optimisation"]["max_steps"] == 40
    )

    texts = tmp_path / "texts.jsonl"
    texts.write_text(
        "".join(json.dumps({"id": r["id"], "text": r["text"]}) + "\n" for r in rows), "utf-8"
    )
    out, page = tmp_path / "out.jsonl", tmp_path / "page.html"
    arguments = ["annotate", str(texts), "-o", str(out), "--html", str(page), "--whole"]
    assert main([*arguments, "--model", str(tmp_path / "run")]) == 0
    assert "<!doctype html>" in page.read_text(encoding="utf-8").lower()

    gold = tmp_path / "gold.jsonl"
    gold.write_text(
        "".join(
            json.dumps({"id": r["id"], "text": r["text"], "entities": r["entities"]}) + "\n"
            for r in rows
        ),
        "utf-8",
    )
    capsys.readouterr()
    scores = tmp_path / "scores.json"
    evaluate = ["evaluate", "--gold", str(gold), "--predicted", str(out), "--json", str(scores)]
    assert main([*evaluate, "--against", str(gold)]) == 0
    assert json.loads(scores.read_text())["strict"]["f1"] == 1.0  # it has learnt its rows
    shown = capsys.readouterr().out
    assert "95 % intervals over" in shown
    assert "F1 against the other system: +0.00 (+0.00 to +0.00)" in shown
    assert "boundary deviation in tokens: none" in shown


def test_merging_what_is_no_adapter_is_bad_input(tagger_folder, tmp_path, capsys):
    assert main(["merge", str(tagger_folder), "-o", str(tmp_path / "merged")]) == 2
    assert "no adapter_config.json there" in capsys.readouterr().err
    assert not (tmp_path / "merged").exists()


def test_a_stopped_annotation_goes_on_where_it_was(tagger_folder, tmp_path):
    from llmner_hf import pipeline
    from llmner_hf.core.entities import Example
    from llmner_hf.core.errors import InputError
    from llmner_hf.pipelines.files import annotate

    ner = pipeline("bioner", model=str(tagger_folder))
    examples = [Example(str(i), f"IL-{i}\u2028gene", (), "", "en") for i in range(6)]
    whole, stopped = tmp_path / "whole.jsonl", tmp_path / "stopped.jsonl"
    assert annotate(ner, examples, whole, batch_size=2) == 0

    class Stop(Exception):
        pass

    def stop(finished):
        if finished:
            raise Stop

    with pytest.raises(Stop):
        annotate(ner, examples, stopped, batch_size=2, progress=stop)
    part = stopped.with_name("stopped.jsonl.part")
    assert not stopped.exists()
    part.write_bytes(part.read_bytes() + b'{"id": "2", "te')  # killed in the middle of a line
    with pytest.raises(InputError, match="on another input"):
        annotate(ner, examples[1:], stopped)
    assert annotate(ner, examples, stopped, batch_size=2) == 2
    assert stopped.read_bytes() == whole.read_bytes()


BAD = {"id": "1", "text": "IL-2", "entities": [{"start": 0, "end": 9, "type": "x"}]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "--gold", "none.jsonl", "--predicted", "ok.jsonl"], "none.jsonl: no such"),
        (["evaluate", "--gold", "bad.jsonl", "--predicted", "ok.jsonl"], "bad.jsonl:1: "),
        (["evaluate", "--gold", "ok.jsonl", "--predicted", "other.jsonl"], "'2'"),
        (["annotate", "missing.txt", "-o", "out.jsonl"], "missing.txt: no such file"),
        (["annotate", "broken.jsonl", "-o", "out.jsonl"], "broken.jsonl:2: "),
        (["train", "missing.yaml"], "missing.yaml: no such recipe"),
        (["train", "odd.yaml"], "odd.yaml: "),
        (["train", "empty.yaml"], "names no datasets"),
        (["build", "genia", "--source", "nowhere", "--out", "out"], "nowhere"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    good = {"id": "1", "text": "IL-2", "entities": []}
    (tmp_path / "ok.jsonl").write_text(json.dumps(good) + "\n")
    (tmp_path / "other.jsonl").write_text(json.dumps(good | {"id": "2"}) + "\n")
    (tmp_path / "bad.jsonl").write_text(json.dumps(BAD) + "\n")
    (tmp_path / "broken.jsonl").write_text(json.dumps(good) + "\n{not json\n")
    (tmp_path / "odd.yaml").write_text(
        "use_cpu: true\nbf16: false\nno_such_key: 1\noutput_dir: x\n"
    )
    (tmp_path / "empty.yaml").write_text("use_cpu: true\nbf16: false\noutput_dir: x\n")
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("llmner: ")
    assert message in error


def test_an_unknown_option_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "--gold", "a", "--predicted", "b", "--nonsense"])
    assert "--nonsense" in capsys.readouterr().err


def test_help_needs_no_heavy_library():
    code = (
        "import sys; from llmner_hf.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "assert not {'torch', 'transformers', 'datasets', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
