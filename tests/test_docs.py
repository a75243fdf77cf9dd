"""What the documents say exists, parses and runs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import Dataset

from llmner_hf.cli import RECIPES, _parser, main
from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity, Example
from llmner_hf.data import FEATURES, to_row

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TRAINING = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
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


# Corpus -> a text of our own and a place in it.
MADE_UP = {
    "genia": ("IL-2 binds its receptor.", (0, 4)),
    "biored": ("Aspirin relieved the fever.", (0, 7)),
    "bc5cdr_chemical": ("Aspirin relieved the fever.", (0, 7)),
    "ncbi_disease": ("The fever was gone.", (4, 9)),
    "cmeee_v2": ("患者有高血压。", (3, 6)),
}


def save_made_up(folder):
    """A tagged dataset of three rows for each corpus that the recipes name."""
    for name, (text, place) in MADE_UP.items():
        corpus = CORPORA[name]
        entity = Entity(*place, next(iter(corpus.labels)).name)
        example = Example("1", text, (entity,), name, corpus.language)
        how = {"title": corpus.title, "style": "brief", "strategy": "symbolic"}
        rows = Dataset.from_list([to_row(example, corpus.labels, **how)] * 3, features=FEATURES)
        (folder / name).mkdir(parents=True)
        for split in ("train", "validation"):
            rows.to_parquet(folder / name / f"{split}.parquet")


def commands(text):
    """The arguments of every ``llmner``, also behind a launcher, whose configuration must exist."""
    lines = "\n".join(blocks(text, "bash")).replace("\\\n", " ").splitlines()
    for line in filter(None, lines):
        launcher, _, ours = line.replace("-m llmner_hf ", "llmner ").partition("llmner ")
        for path in re.findall(r"--config_file (\S+)", launcher):
            assert (ROOT / path).is_file(), path
        assert re.match(r"(torchrun|accelerate launch|$)", launcher), line
        yield shlex.split(ours, comments=True)


def test_the_commands_of_the_training_page_are_plans_of_runs(
    tagger_folder, tmp_path, monkeypatch, capsys
):
    """Every ``llmner train`` is planned as written, with a tiny model; the others parse."""
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    save_made_up(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    seen = list(commands(TRAINING))
    assert {command[0] for command in seen} == {"train", "annotate", "merge"}
    for command in seen:
        _parser().parse_known_args(command)
        if command[0] != "train":
            continue
        if "--dry-run" not in command:
            command.append("--dry-run")
        tiny = ["--model_name_or_path", str(tagger_folder), "--validation_size", "2"]
        assert main([*command, *tiny]) == 0, command
        assert "peak memory of one GPU" in capsys.readouterr().out


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_is_one(document):
    """Behind two blanks stands what a command does."""
    text = re.sub(r"\s*\\\n\s*", " ", document.read_text(encoding="utf-8"))
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in re.findall(r"^llmner (.*?)(?:  .*)?$", block, re.MULTILINE):
            given, rest = _parser().parse_known_args(shlex.split(line, comments=True))
            assert not rest or given.command in RECIPES, line


def test_the_plan_on_the_training_page_is_the_file_it_names():
    plan = (ROOT / "docs" / "dry_run" / "glm4_9b.txt").read_text(encoding="utf-8")
    assert f"```\n{plan}```" in TRAINING
