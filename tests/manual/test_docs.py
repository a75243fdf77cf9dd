"""What the documents name exists; that their blocks run is told by tests/manual/test_manual.py."""

import re

import pytest

from tests.conftest import ROOT

TRAINING = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


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


def test_the_index_names_every_page():
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for page in DOCUMENTS[2:]:
        assert page.name == "index.md" or f"({page.name})" in index, page.name


def test_the_plan_on_the_training_page_is_the_file_it_names():
    plan = (ROOT / "docs" / "dry_run" / "glm4_9b.txt").read_text(encoding="utf-8")
    assert f"```text\n{plan}```" in TRAINING
