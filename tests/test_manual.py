"""The manual: every block of Python and every command of its pages runs, with tiny models."""

import re
import shlex
from pathlib import Path

import pytest

from llmner_hf.cli import main
from llmner_hf.readers import read_any
from llmner_hf.readers.formats import READERS
from tests.selector.making import adapter_on
from tests.servers import chat_server

DOCS = Path(__file__).parent.parent / "docs"
FAST = ["--max_steps", "2", "--validation_size", "1", "--disable_tqdm", "true"]


def blocks(page):
    """Language and content of every block, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(r"^```(\w+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def run(page, replaced=("", "")):
    """Runs a page in the current folder, its Python in one namespace; returns the commands."""
    space, commands = {}, []
    for language, content in blocks(page):
        if language == "python":
            exec(compile(content.replace(*replaced), page, "exec"), space)
        if language == "bash":
            for line in content.splitlines():
                program, *command = shlex.split(line)
                assert program == "llmner"
                commands.append(command[0])
                assert main(command + FAST * (command[0] == "train")) == 0, line
    return commands


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with what a checkout has."""
    for name in ("recipes", "llmner_hf", "examples"):
        (tmp_path / name).symlink_to(DOCS.parent / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_index_names_every_page():
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    for page in DOCS.glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in index, page.name


def test_quick_start(folder):
    assert run("quickstart.md") == ["annotate", "evaluate"]
    assert (folder / "runs" / "annotated.html").is_file()


def test_a_corpus_of_ones_own(folder, capsys):
    content = dict(blocks("own_corpus.md"))
    (folder / "mine").mkdir()
    (folder / "mine" / "train.conll").write_text(content["conll"], encoding="utf-8")
    (folder / "types.yaml").write_text(content["yaml"], encoding="utf-8")
    assert run("own_corpus.md") == ["build", "train", "annotate", "evaluate", "push"]
    printed = capsys.readouterr().out
    assert "| mine | 1 | 1 |" in printed  # the test text has one entity, and the card shows it
    assert "README.md" in printed  # among the files to push


def test_zero_shot(folder):
    assert run("zero_shot.md") == []


def test_formats(folder):
    assert run("formats.md") == []
    named = re.findall(r"^\| `(\w+)`", (DOCS / "formats.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(READERS)
    (line,) = [content for language, content in blocks("formats.md") if language == "json"]
    (folder / "doc.jsonl").write_text(line, encoding="utf-8")
    assert read_any("doc.jsonl").examples[0].entities


def test_selector(folder, tagger_folder, tokenizer):
    (folder / "tagger").symlink_to(tagger_folder)
    (folder / "selector").mkdir()
    adapter_on(tagger_folder, folder / "selector", tokenizer)
    assert run("selector.md") == []


def test_serving(folder, capsys):
    (folder / "runs").mkdir()
    (folder / "runs" / "mine").symlink_to(folder / "tagger")
    (folder / "tagger").mkdir()
    for path in (DOCS.parent / "llmner_hf" / "embedded").iterdir():
        (folder / "tagger" / path.name).symlink_to(path)
    answer = "protein: The [[IL-2] receptor] binds [IL-2]."
    with chat_server(lambda _: (answer, "stop")) as server:
        assert run("serving.md", ("http://127.0.0.1:8000/v1", server.url)) == []
    printed = capsys.readouterr().out
    assert "'word': 'IL-2 receptor'" in printed
    assert "Usage(requests=1," in printed
