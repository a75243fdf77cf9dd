"""A tagger that brings its code: it finds the same where this package is not installed."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import transformers

import llmner_hf
from llmner_hf.cli import main
from llmner_hf.core.errors import InputError
from llmner_hf.hub import Destination, contents_of, push, with_code
from llmner_hf.hub.flattening import relative
from tests.conftest import ROOT
from tests.doubles.elsewhere import without
from tests.doubles.hub import Hub
from tests.doubles.hub.folders import adapter, dataset, finding

# huggingface_hub 2.4 puts files by httpx2's old argument: https://github.com/huggingface/huggingface_hub
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

NAME = "tester/tagger-1.5"
TEXTS = ["The CD28 receptor binds IL-2.", "患者有高血压。"]
ELSEWHERE = without(
    ("llmner_hf", "trl", "peft", "datasets", "evaluate", "bitsandbytes"),
    """
from transformers import pipeline

name, texts = json.loads(sys.argv[1])
ner = pipeline("bioner", model=name, trust_remote_code=True)
assert "llmner_hf" not in sys.modules
print(json.dumps([sys.modules[type(ner).__module__].__file__, ner(texts)]))
""",
)


@pytest.fixture(scope="module")
def finding_tagger(tagger_folder, tmp_path_factory):
    return finding(tagger_folder, tmp_path_factory.mktemp("finding") / "tagger")


@pytest.fixture(scope="module")
def tagger(finding_tagger):
    """What is pushed of a tagger with its code."""
    return with_code(contents_of(finding_tagger, lambda _: "# A tagger of the tests\n"))


@pytest.fixture(scope="module")
def hub(tagger):
    with Hub() as running, pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        patch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        from huggingface_hub import HfApi

        push(tagger, Destination(NAME), HfApi(endpoint=running.url, token=running.token))
        yield running


def asked(hub: Hub, home: Path):
    """A process whose home and caches are empty, on the network as far as the loopback."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    place = {"HF_HOME": str(home), "HF_ENDPOINT": hub.url, "HF_HUB_OFFLINE": "0"}
    return subprocess.run(
        [sys.executable, "-I", "-c", ELSEWHERE, json.dumps([NAME, TEXTS])],
        env=kept | place | {"HF_HUB_DISABLE_TELEMETRY": "1"},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_it_finds_the_same_without_this_package(hub, finding_tagger, tmp_path):
    done = asked(hub, tmp_path)
    assert done.returncode == 0, done.stderr
    place, found = json.loads(done.stdout.splitlines()[-1])
    assert place.startswith(str(tmp_path))
    expected = llmner_hf.pipeline("bioner", model=str(finding_tagger))(TEXTS)
    assert any(expected)
    assert [[(e["start"], e["end"], e["entity_group"]) for e in text] for text in found] == [
        [(e["start"], e["end"], e["entity_group"]) for e in text] for text in expected
    ]


@pytest.fixture
def folder(tagger, tmp_path):
    """The tagger with its code, downloaded; the code must not run."""
    for name, file in tagger.files.items():
        (tmp_path / name).write_bytes(file if isinstance(file, bytes) else file.read_bytes())
    (tmp_path / "bioner.py").write_text("raise AssertionError")
    return tmp_path


def test_every_module_is_a_file_as_it_stands_here_but_for_its_imports(tagger):
    files = [path for path in tagger.files if path.startswith("llmner_")]
    assert len(files) > 30
    for path in files:
        name = path.removeprefix("llmner_").removesuffix(".py")
        (original,) = (
            source
            for source in (ROOT / "llmner_hf").rglob("*.py")
            if "_".join(source.relative_to(ROOT / "llmner_hf").with_suffix("").parts)
            in (name, f"{name}___init__")
        )
        kept = ast.parse(tagger.files[path])
        assert not [node for node in ast.walk(kept) if imports_this_package(node)]
        assert ast.dump(without_imports(kept)) == ast.dump(
            without_imports(ast.parse(original.read_text(encoding="utf-8")))
        )


def imports_this_package(node):
    return isinstance(node, ast.ImportFrom) and (node.module or "").startswith("llmner_hf")


def without_imports(tree):
    """A module whose imports, and the `try` around an optional one, are taken out."""
    for node in ast.walk(tree):
        for body in ("body", "orelse", "finalbody"):
            if isinstance(getattr(node, body, None), list):
                kept = [one for one in getattr(node, body) if not is_import(one)]
                setattr(node, body, kept or [ast.Pass()])
    return tree


def is_import(node):
    if isinstance(node, ast.Try) and not node.handlers:
        return all(map(is_import, node.body)) and isinstance(node.finalbody[0], ast.Pass)
    return isinstance(node, ast.Import | ast.ImportFrom)


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("from llmner_hf.core.entities import Entity", "from .llmner_core_entities import Entity"),
        (
            "from llmner_hf.core.scoring import score as count",
            "from .llmner_core_scoring_scores import score as count",
        ),
        (
            "from llmner_hf.core.tagging import html",
            "from . import llmner_core_tagging_html as html\n"
            "from .llmner_core_tagging_html import __name__ as _html",
        ),
        (
            "from llmner_hf import BioNerPipeline as B",
            "from .llmner_pipelines_local import BioNerPipeline as B",
        ),
        ("import peft", "try:\n    import peft\nfinally:\n    pass"),
        ("import re, torch", "import re, torch"),
        ("from . import beside", "from . import beside"),
    ],
)
def test_imports_become_relative(line, written):
    assert relative(line, "a.py")[0] == written
    indented = "def f():\n    " + written.replace("\n", "\n    ")
    assert relative(f"def f():\n    {line}", "a.py")[0] == indented


def test_relative_imports_of_the_package_start_from_its_folder():
    package = "llmner_hf.core.scoring"
    assert relative("from .counts import Counts", "a.py", package) == (
        "from .llmner_core_scoring_counts import Counts",
        {"llmner_hf.core.scoring.counts"},
    )
    assert relative("from ..entities import Entity", "a.py", package)[1] == {
        "llmner_hf.core.entities"
    }


@pytest.mark.parametrize(
    "line",
    [
        "import llmner_hf.core",
        "from llmner_hf.core.errors import *",
        "from llmner_hf import looked_up_when_asked_for",
    ],
)
def test_an_import_that_cannot_be_followed_is_refused(line):
    with pytest.raises(InputError, match=r"a\.py:1: .*cannot be followed"):
        relative(line, "a.py")


def test_nobody_runs_it_unasked(folder):
    with pytest.raises(ValueError, match="trust_remote_code=True"):
        transformers.pipeline("bioner", model=str(folder))


def test_whoever_has_this_package_need_not_trust_it(folder):
    ner = llmner_hf.pipeline(model=folder)
    assert type(ner) is llmner_hf.BioNerPipeline
    ner.save_pretrained(folder / "saved")


def test_the_command_takes_it_along(finding_tagger, capsys):
    assert main(["push", str(finding_tagger), NAME, "--with-code", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "  bioner.py\n" in said
    assert "  llmner_pipelines_local.py\n" in said


def test_an_adapter_or_a_dataset_brings_none(tmp_path):
    for made in (adapter(tmp_path / "adapter"), dataset(tmp_path / "dataset")):
        with pytest.raises(InputError, match="by `llmner merge`"):
            with_code(contents_of(made))
