"""Recipes are found from any folder and in the wheel; each key is declared once and has help."""

import subprocess
import sys
from dataclasses import fields
from inspect import get_annotations
from pathlib import Path
from shutil import copytree, ignore_patterns
from zipfile import ZipFile

import pytest
import yaml

from llmner_hf.cli import main
from llmner_hf.core.errors import InputError
from llmner_hf.settings import SelectorSettings, TaggerSettings, Weights
from llmner_hf.training import parsing
from llmner_hf.training.outcome import model_path
from llmner_hf.training.parsing import RecipeParser, found, parsed
from llmner_hf.training.recipe import SelectorTrainingSettings, TrainingSettings
from tests.conftest import ROOT
from tests.doubles.tuning import EXAMPLES, tagged

KINDS = TrainingSettings, SelectorTrainingSettings
SETTINGS = *KINDS, TaggerSettings, SelectorSettings
OWN = {path.relative_to(ROOT / "recipes").as_posix() for path in ROOT.glob("recipes/**/*.yaml")}


def declared():
    """Each key with the classes that declare it, of the settings of taggers, selectors, recipes."""
    classes = {each for kind in SETTINGS for each in kind.__mro__ if each is not object}
    return [(name, each) for each in classes for name in get_annotations(each)]


def test_every_key_and_its_default_is_declared_once():
    names = [name for name, _ in declared()]
    assert sorted(names) == sorted(set(names))
    assert {*names} == {each.name for kind in SETTINGS for each in fields(kind)}
    assert len(names) + len(fields(Weights)) <= 46


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_says_what_it_means_before_those_of_others(kind):
    page = RecipeParser(kind).format_help()
    ours, _, theirs = page.partition("keys of TRL and transformers:")
    for each in fields(kind):
        assert len(each.metadata["help"].split()) > 4
        assert f"--{each.name} " in ours
        assert f"--{each.name} " not in theirs
    assert "--learning_rate FLOAT" in theirs
    assert "(default: 1024)" in ours


@pytest.mark.parametrize("command", ["train", "train-selector"])
def test_help_shows_the_command_and_then_the_keys(command, capsys):
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    page = capsys.readouterr().out
    assert page.startswith(f"usage: llmner {command} ")
    assert 0 < page.index("recipe") < page.index("--max_tokens INT") < page.index("--lora_r INT")


def test_a_recipe_of_the_package_is_found_from_any_folder(tmp_path, monkeypatch, capsys):
    data = tmp_path / "ours"
    for split, rows in tagged(EXAMPLES).items():
        rows.to_parquet(data / f"{split}.parquet")
    monkeypatch.chdir(tmp_path)
    mapped = ["--default_datasets", "{en: ours}"]
    command = ["train", "embedded/tune.yaml", "--dry-run", "--datasets", "ours", *mapped]
    assert main(command) == 0
    plan = capsys.readouterr().out
    assert f"of {ROOT / 'llmner_hf' / 'embedded'}," in plan
    assert "dataset   ours: 6 examples" in plan


def test_a_file_where_one_stands_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert found("paper/glm4_9b.yaml") == ROOT / "recipes" / "paper" / "glm4_9b.yaml"
    Path("paper").mkdir()
    Path("paper/glm4_9b.yaml").write_text("{}", encoding="utf-8")
    assert found("paper/glm4_9b.yaml") == Path("paper/glm4_9b.yaml")
    with pytest.raises(InputError, match=r"no\.yaml: no such recipe, neither .* embedded/tune"):
        found("no.yaml")


def test_embedded_is_the_model_of_the_package(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind, recipe in zip(KINDS, ("embedded/tune.yaml", "selector/embedded.yaml"), strict=True):
        _, _, model = parsed(kind, recipe, ["--use_cpu", "true", "--bf16", "false"])
        assert model.model_name_or_path == "embedded"
        assert Path(model_path(model), "tagger.json").is_file()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--max_token", "9"], "--max_token"),
        (["--mixing", "zigzag"], "zigzag"),
        (["--max_tokens", "many"], "argument --max_tokens/--max-tokens: invalid int value: 'many'"),
        (["--corpus_weights", "genia=2"], "'genia=2' is no mapping, as '{en: biored}'"),
        (["--corpus_weights", "{genia: often}"], "corpus_weights must be a mapping"),
        (["--allowed_share", "2"], "allowed_share must lie between 0 and 1"),
        ({"lora_rank": 64}, "lora_rank"),
        (
            {"default_datasets": ["en=genia"]},
            "mapping, as {en: biored}, not ['en=genia']",
        ),
        ({"datasets": []}, "names no datasets"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path, capsys, options, said):
    recipe, stated = tmp_path / "recipe.yaml", {"datasets": ["data/genia"], "use_cpu": True}
    changed = options if isinstance(options, dict) else {}
    recipe.write_text(yaml.safe_dump(stated | changed), encoding="utf-8")
    assert main(["train", str(recipe), *(options if isinstance(options, list) else ())]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("llmner: ")
    assert said in line


def test_mappings_are_written_alike_in_files_as_yaml_and_as_json(tmp_path):
    recipe, stated = tmp_path / "recipe.yaml", {"datasets": ["data/genia"], "use_cpu": True}
    weights = {"genia": 2, "cmeee_v2": 0.5}
    recipe.write_text(yaml.safe_dump(stated | {"corpus_weights": weights}), encoding="utf-8")
    for options in ([], ["{genia: 2, cmeee_v2: 0.5}"], ['{"genia": 2, "cmeee_v2": 0.5}']):
        given = ["--corpus_weights", *options] if options else []
        assert parsed(TrainingSettings, recipe, given)[0].corpus_weights == weights


def test_the_wheel_holds_every_recipe(tmp_path):
    for name in ("llmner_hf", "recipes", "dataset_scripts", "model_cards"):
        copytree(ROOT / name, tmp_path / name, ignore=ignore_patterns("__pycache__", "embedded"))
    copytree(ROOT / "recipes" / "embedded", tmp_path / "recipes" / "embedded")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    code = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    (tmp_path / "llmner_hf" / "embedded").mkdir()
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("llmner_hf/recipes/")}
        archive.extractall(tmp_path / "installed")
    assert held == {f"llmner_hf/recipes/{name}" for name in OWN}
    # In the wheel `parsing` looks beside itself.
    assert parsing.FOLDERS[0] == ROOT / "llmner_hf" / "recipes"
    told = "from llmner_hf.training.parsing import found; print(found('paper/glm4_9b.yaml'))"
    path = subprocess.run(
        [sys.executable, "-c", told],
        cwd=tmp_path / "dist",
        env={"PYTHONPATH": str(tmp_path / "installed")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert path == str(tmp_path / "installed" / "llmner_hf" / "recipes" / "paper" / "glm4_9b.yaml")
