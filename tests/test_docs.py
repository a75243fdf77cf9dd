"""What the documents say exists, parses and runs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from llmner_hf.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_named_files_exist(document):
    named = re.findall(r"`([\w./-]+/[\w./-]+)`", document.read_text(encoding="utf-8"))
    own = ("llmner_hf/", "dataset_scripts", "recipes/", "docs/", "tests/", "examples/")
    for path in named:
        if path.startswith(own):
            assert (ROOT / path).exists(), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for link in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (document.parent / link).exists(), link


def test_make_targets_of_the_readme_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^make (\w+)", "\n".join(blocks(README, "bash")), re.MULTILINE)
    assert targets[:2] == ["annotate", "test"]
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_make_annotate_runs(tmp_path):
    """The command of the target, in another folder, so that nothing of the user's is touched."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (command,) = re.findall(r"^annotate:.*\n\t\$\(BIN\)/llmner (.*)$", makefile, re.MULTILINE)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    arguments = [sys.executable, "-m", "llmner_hf", *shlex.split(command)]
    done = subprocess.run(
        arguments, cwd=tmp_path, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert "entities in 8 texts" in done.stdout
    assert (tmp_path / "runs" / "annotated.html").exists()


def test_the_python_of_the_readme_runs():
    """Every block in turn, in one namespace; what follows ``# ->`` is what the line prints."""
    space = {}
    for block in blocks(README, "python"):
        exec(compile(block, "README.md", "exec"), space)
    assert space["scores"].strict.f1 == pytest.approx(2 / 3)


def test_the_commands_of_the_readme_run(shared, tmp_path, monkeypatch):
    """The walk through the command line, with the real corpora and two steps of training."""
    for name in ("recipes", "llmner_hf", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "corpora").symlink_to(shared / "corpora")
    monkeypatch.chdir(tmp_path)
    lines = "\n".join(blocks(README, "bash")).replace("\\\n", " ").splitlines()
    commands = [
        shlex.split(line, comments=True)[1:] for line in lines if line.startswith("llmner ")
    ]
    assert {command[0] for command in commands} == {"build", "train", "annotate", "evaluate"}
    for command in commands:
        if command[0] == "train":
            command += ["--max_steps", "2", "--validation_size", "2", "--disable_tqdm", "true"]
        assert main(command) == 0, command
