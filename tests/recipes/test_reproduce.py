"""`make reproduce`: the whole grid at tiny size, and that nothing finished is made again."""

import os
import runpy
import signal
import subprocess
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from datasets import Dataset

from llmner_hf.cli import main as llmner
from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import InputError
from llmner_hf.core.schema import Schema
from llmner_hf.corpora.rows import FEATURES, to_row
from llmner_hf.paper.runs import runs
from llmner_hf.training.parsing import parsed
from llmner_hf.training.recipe import TrainingSettings
from recipes.reproduce.__main__ import main as reproduce
from recipes.reproduce.grid import (
    BACKBONES,
    COMPARED,
    HERE,
    SEEN,
    UNSEEN,
    Backbone,
    Cell,
    Grid,
    Step,
)
from recipes.reproduce.making import make_all, spawner
from tests.conftest import ROOT
from tests.doubles.models import tiny

TEXTS = {"en": ("the IL-{} gene binds", 4, 8), "zh": ("患者{}有高血压", 4, 7)}
SIZES = {"train": 6, "validation": 3, "test": 3}
SMALL = {
    "max_steps": 2,
    "warmup_steps": 0,
    "per_device_train_batch_size": 2,
    "validation_size": 1,
    "bf16": False,
    "save_strategy": "no",
    "disable_tqdm": True,
}


REPORT = Step(("llmner", "report"), Path("report"))


def grid_of(backbone, start="START", out=Path("OUT"), data=Path("DATA"), rows=2):
    return Grid(backbone, str(start), data, out, rows, "python -m recipes.reproduce tiny")


def example(name, split, number):
    """A text of a corpus with one entity, of its first type."""
    text, start, end = TEXTS[CORPORA[name].language]
    entity = Entity(start, end, CORPORA[name].labels.types[0].name)
    identifier = f"{name}-{split}-{number}"
    language = CORPORA[name].language
    return Example(identifier, text.format(number), (entity,), name, language)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The six corpora in small; CCKS2019-AS has no validation split."""
    folder = tmp_path_factory.mktemp("data")
    for name in CORPORA:
        (folder / name).mkdir()
        for split, size in SIZES.items():
            if (name, split) == ("ccks2019_as", "validation"):
                continue
            rows = [
                to_row(
                    example(name, split, i),
                    Schema.of_corpus(name),
                    style="brief",
                    strategy="symbolic",
                )
                for i in range(size)
            ]
            path = folder / name / f"{split}.parquet"
            Dataset.from_list(rows, features=FEATURES).to_parquet(path)
    return folder


@pytest.fixture(scope="module")
def small(tokenizer, tmp_path_factory):
    """The embedded backbone with a tiny model, by its own recipes but for the sizes."""
    folder = tmp_path_factory.mktemp("small")
    tiny("glm", tokenizer, max_position_embeddings=8192).save_pretrained(folder / "start")
    tokenizer.save_pretrained(folder / "start")
    for name in ("embedded", "selector"):
        recipe = yaml.safe_load((ROOT / HERE / f"{name}.yaml").read_text(encoding="utf-8"))
        changed = {k: v for k, v in SMALL.items() if name == "embedded" or k != "validation_size"}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(recipe | changed), encoding="utf-8")
    backbone = Backbone(
        name="embedded",
        tagger=str(folder / "embedded.yaml"),
        selector=str(folder / "selector.yaml"),
        options=BACKBONES["embedded"].options,
        on_tagger=True,
        untuned_engine="constrained",
    )
    return grid_of(backbone, folder / "start", folder / "grid")


def here(step):
    """Run a command in this process: importing everything anew takes longer than a step."""
    program, *rest = step.argv
    if program == "llmner":
        assert llmner(rest) == 0
    elif rest[0] == "-m":
        in_module(rest[1], rest[2:])
    else:
        in_module(ROOT / rest[0], rest[1:])


def in_module(place, argv):
    """Run a script or module with other arguments."""
    kept, sys.argv = sys.argv, [str(place), *argv]
    run = runpy.run_path if isinstance(place, Path) else runpy.run_module
    try:
        run(str(place), run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
    finally:
        sys.argv = kept


def test_the_whole_grid_in_small_goes_on_where_it_was_stopped(small, data, monkeypatch):
    monkeypatch.chdir(ROOT)
    grid = grid_of(small.backbone, small.start, small.out, data)
    cells, report = grid.cells(), grid.report()
    ran = Counter()

    def twelve_steps(step):
        if sum(ran.values()) == 12:
            raise KeyboardInterrupt
        here(step)
        ran[step] += 1

    with pytest.raises(KeyboardInterrupt):
        make_all(cells, report, twelve_steps)
    assert len(runs(small.out)) < len(cells)  # what is not finished is no run folder yet

    def counted(step):
        here(step)
        ran[step] += 1

    assert make_all(cells, report, counted) == []
    assert report.makes.exists()
    once = Counter(step for cell in cells for step in cell.steps)
    assert ran == once + Counter([report])
    assert all(cell.done for cell in cells)
    again = []
    assert make_all(cells, report, again.append) == []
    assert again == [report]
    found = {run.name: run for run in runs(small.out)}
    assert found.keys() == {cell.folder.name for cell in cells}
    (trial,) = found["genia"].trials
    assert trial.found.keys() == {"predicted", "bert_cls", "llm_causal", "llm_cls"}
    assert {t.name for t in found["joint"].trials} == {*SEEN, *UNSEEN}
    assert all("llm_cls" in trial.found for trial in found["joint"].trials)
    assert found["joint"].system.rows == dict.fromkeys((*SEEN, *UNSEEN), 2)
    assert found["joint"].system.command.endswith("--only joint")


def test_a_cell_that_fails_does_not_stop_the_others(tmp_path, capsys):
    good, bad = (
        Cell(tmp_path / name, (Step(("python", name), tmp_path / name / "made"),), None)
        for name in ("good", "bad")
    )

    def run(step):
        if step in bad.steps:
            raise subprocess.CalledProcessError(1, step.argv)
        if step in good.steps:
            step.makes.touch()

    (failure,) = make_all([bad, good], REPORT, run)
    assert failure.startswith("bad: ")
    assert failure in capsys.readouterr().err
    assert (good.done, bad.done) == (True, False)


def test_a_cell_begun_by_other_commands_is_refused(tmp_path):
    def cell(rows):
        step = Step(("python", "texts", "--rows", rows), tmp_path / "cell" / "made")
        return Cell(tmp_path / "cell", (step,), None)

    ran = []
    assert make_all([cell("2")], REPORT, ran.append) == []
    (failure,) = make_all([cell("3")], REPORT, ran.append)
    assert "steps.sh" in failure
    assert ran == [*cell("2").steps, REPORT, REPORT]


LONG = """
import sys
from pathlib import Path
from recipes.reproduce.grid import Step
from recipes.reproduce.making import spawner
with spawner(Path(sys.argv[1])) as run:
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    run(Step(("python", "-c", code), Path("made")))
"""


def test_what_outlives_a_killed_run_keeps_others_out(tmp_path):
    argv = [sys.executable, "-c", LONG, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=ROOT) as driver:
        left = int(driver.stdout.readline())
        driver.kill()
    with pytest.raises(InputError, match="another run"), spawner(tmp_path):
        pass
    os.kill(left, signal.SIGKILL)
    free = False
    while not free:  # a killed process lives for a moment
        with suppress(InputError), spawner(tmp_path):
            free = True


def options_of(step):
    """What the recipe and the options of a training come to."""
    recipe, *options = step.argv[2:]
    return parsed(TrainingSettings, ROOT / recipe, ["--use_cpu", "true", *options])


@pytest.mark.parametrize("name", BACKBONES)
def test_every_cell_of_the_papers_tables_is_there(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    trained = {}
    for cell in grid_of(BACKBONES[name]).cells():
        for step in cell.steps:
            if step.argv[:2] == ("llmner", "train"):
                settings, optimisation, model = options_of(step)
                assert model.model_name_or_path == "START"
                assert Path(optimisation.output_dir) == cell.folder / "tagger"
                names = tuple(Path(place).name for place in settings.datasets)
                trained[names, settings.strategy] = cell
                assert settings.every_type == (
                    name == "embedded" and settings.strategy == "symbolic"
                )
    singles = {((each,), "symbolic") for each in SEEN}
    strategies = {((each,), other) for each in COMPARED for other in ("html", "json_list")}
    assert trained.keys() == singles | strategies | {(SEEN, "symbolic")}
    for each in COMPARED:
        made = {step.makes.name for step in trained[(each,), "symbolic"].steps}
        assert made >= {f"{each}.{kind}.jsonl" for kind in ("bert_cls", "llm_causal", "llm_cls")}
    made = {step.makes.name for step in trained[SEEN, "symbolic"].steps}
    assert made >= {f"{each}.predicted.jsonl" for each in (*SEEN, *UNSEEN)}


def test_a_plan_is_printed_and_nothing_is_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    out = tmp_path / "grid"
    assert reproduce(["glm4-9b", "--dry-run", "-o", str(out), "--only", "html-genia"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (train,) = [line for line in lines if line.startswith("llmner train ")]
    assert "recipes/paper/glm4_9b.yaml" in train
    assert "--strategy html" in train
    assert lines[-1] == f"llmner report {out} -o {out}/report"
    assert not out.exists()


def test_what_is_missing_is_said_in_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    assert reproduce(["--start", str(tmp_path), "-o", str(tmp_path / "grid")]) == 2
    assert "recipes/embedded/initialise.py" in capsys.readouterr().err
    assert reproduce(["--only", "nothing", "--dry-run"]) == 2
    assert "no cell nothing; there are dictionary, zero-shot" in capsys.readouterr().err
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert reproduce(["qwen2.5-7b", "-o", str(tmp_path / "grid")]) == 2
    assert "needs a CUDA GPU" in capsys.readouterr().err
