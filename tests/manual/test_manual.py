"""The manual: every block of every page is run, or has a reason why not; see tests/manual."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from unittest.mock import patch

import pytest

from llmner_hf.readers import read_any
from llmner_hf.readers.formats import READERS
from llmner_hf.terminology.sources.formats import FORMATS
from tests.doubles.hub import Hub
from tests.doubles.hub.folders import finding
from tests.doubles.selecting import adapter_on
from tests.doubles.servers import chat_server
from tests.manual import ground
from tests.manual.pages import ROOT, blocks, pages
from tests.manual.running import NOT_RUN, run
from tests.terminology import files as samples

DOCS = ROOT / "docs"
# huggingface_hub 2.4 puts files by httpx2's old argument: https://github.com/huggingface/huggingface_hub
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")
# It runs on a Hub, whose address the clients read when they are imported.
ON_THE_HUB = "hub.md"


@pytest.fixture(scope="module")
def tagger(tagger_folder, tmp_path_factory):
    """A tiny tagger that finds something."""
    return finding(tagger_folder, tmp_path_factory.mktemp("finding") / "tagger")


@pytest.fixture
def folder(tagger, tmp_path, monkeypatch):
    """The folder in which a page is run."""
    ground.lay(tmp_path, tagger)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def a_server_of_models(tokenizer) -> Iterator[dict[str, str]]:
    """For serving.md: a model's folder, and a server that answers as one would."""
    Path("runs").mkdir()
    Path("runs/mine").symlink_to(Path("llmner_hf/embedded").resolve())
    answer = "protein: The [[IL-2] receptor] binds [IL-2]."
    with chat_server(lambda _: (answer, "stop")) as server:
        yield {"http://127.0.0.1:8000/v1": server.url}


@contextmanager
def tools_to_compare_with(tokenizer) -> Iterator[dict[str, str]]:
    """For baselines.md: what another tool found, and a server whose model finds nothing."""
    ground.lay_annotations(Path("biored.pubtator"), "biored", "test")
    with chat_server(lambda _: ("", "stop")) as server:
        yield {"https://HOST/v1": server.url}


@contextmanager
def the_demo(tokenizer) -> Iterator[dict[str, str]]:
    """For demo.md: the pages do not wait until they are stopped."""
    from llmner_hf.spaces.bioner_demo import app

    Path("namespace").mkdir()
    Path("namespace/tagger").symlink_to(Path("tiny").resolve())
    adapter_on("tiny", "namespace/selector", tokenizer)
    served, addresses = [], {}

    def serve(made, ner, port=None):
        """On the first free port: that of the page may be taken here."""
        served.append(made)
        addresses.setdefault("http://127.0.0.1:7860", real(made, ner, wait=False))

    real = app.serve
    with patch.object(app, "serve", serve), warnings.catch_warnings():
        # Gradio closes no event loop that it makes: https://github.com/gradio-app/gradio
        warnings.simplefilter("ignore", ResourceWarning)
        yield addresses
        for made in served:
            made.close(verbose=False)
        gc.collect()


@contextmanager
def selectors(tokenizer) -> Iterator[dict[str, str]]:
    """For selector.md: what it takes from runs that it shows further down."""
    from transformers import AutoTokenizer

    Path("tagger").symlink_to("tiny")
    adapter_on("tiny", "selector", tokenizer)
    base = "llmner_hf/embedded"
    adapter_on(base, "runs/selector/mined", AutoTokenizer.from_pretrained(base))
    trained = ("cmeee_v2", "genia", "biored", "bc5cdr_chemical")
    ground.lay_run(Path("runs/selector/compare/validation"), "validation", trained, "predicted")
    ground.lay_run(Path("runs/others"), "test", ("genia",), "predicted", "llm_cls")
    Path("runs/embedded").mkdir()
    Path("runs/embedded/initial").symlink_to(Path("tiny").resolve())
    yield {}


@contextmanager
def a_chat_model(tokenizer) -> Iterator[dict[str, str]]:
    """For zero_shot.md: under its name on the Hub, the tiny tagger in its place."""
    Path("zai-org").mkdir()
    Path("zai-org/glm-4-9b-chat-hf").symlink_to(Path("tiny").resolve())
    yield {}


@contextmanager
def a_tuned_adapter(tokenizer) -> Iterator[dict[str, str]]:
    """For training.md: what its runs end with."""
    ground.lay_adapter(Path("runs/paper/glm4_9b"), str(Path("tiny").resolve()), tokenizer)
    yield {}


@contextmanager
def files_of_distributors(tokenizer) -> Iterator[dict[str, str]]:
    """For terminology.md: small ones."""
    for name in ("desc2026.xml", "hgnc_complete_set.txt", "mondo.obo"):
        samples.lay(Path(), name)
    yield {}


AROUND = {
    "baselines.md": tools_to_compare_with,
    "serving.md": a_server_of_models,
    "demo.md": the_demo,
    "selector.md": selectors,
    "training.md": a_tuned_adapter,
    "zero_shot.md": a_chat_model,
    "terminology.md": files_of_distributors,
}
# What a page prints, among other things, and a file that it leaves.
PRINTED = {
    "README.md": ["entities in 8 texts", "95 % intervals over 3 documents", "0.6666666666666666 1"],
    "baselines.md": ["BioRED: 3 texts, P R F1 100.00 100.00 100.00", "Cost(requests="],
    "reproduce.md": ["llmner report runs/reproduce/glm4-9b"],
    "own_corpus.md": ["| mine | 1 | 1 |", "README.md"],  # its score in the card; the files to push
    "serving.md": ["'word': 'IL-2 receptor'", "Usage(requests=1,"],
    "training.md": ["peak memory of one GPU", "merged: "],
    "selector.md": ["held-out candidates: ", "--mined "],
    "embedded.md": ["| NCBI-Disease (unseen) | "],
    "terminology.md": [
        "2 concepts with 4 names: Disease 2",
        "left out 1: obsolete term",
        "Winter Blues: MINE:0002 winter melancholia, Disease (synonym name, written)",
        "1: concept joined by a cross-reference",
        "4 of 4 entities linked: linked.PubTator",
    ],
}
LEFT = {"README.md": "runs/annotated.html", "quickstart.md": "runs/annotated.html"}


@pytest.mark.parametrize(
    "page", [page for page in pages() if page.name != ON_THE_HUB], ids=lambda page: page.name
)
def test_a_page_runs(page, folder, tokenizer, capsys):
    with AROUND.get(page.name, nothing_more)(tokenizer) as replaced:
        run(page, replaced)
    printed = capsys.readouterr().out
    for expected in PRINTED.get(page.name, []):
        assert expected in printed
    assert (folder / LEFT.get(page.name, "")).exists()


def nothing_more(_: object):
    """For pages that need nothing more."""
    return nullcontext({})


def test_the_page_of_the_hub_runs(folder, tagger, tokenizer):
    with Hub() as hub:
        hub.namespaces = ("ns",)
        publish(hub, tagger, "ns/base")
        ground.lay_adapter(Path("runs/ncbi"), "ns/base", tokenizer)
        settings = {
            "HF_ENDPOINT": hub.url,
            "HF_TOKEN": hub.token,
            "HF_HOME": str(folder / "home"),
            "HF_HUB_OFFLINE": "0",
            "HF_DATASETS_OFFLINE": "0",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_UPDATE_DOWNLOAD_COUNTS": "0",
            "PYTHONPATH": str(ROOT),
        }
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tests.manual", str(DOCS / ON_THE_HUB)],
            env=os.environ | settings,
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    pushed = {name for _, name in hub.repositories if name.startswith("ns/")}
    named = {"bioner-genia", "bioner-symbolic", "ncbi-tagger", "bioner_strict", "ncbi", "base"}
    assert pushed == {f"ns/{name}" for name in named}


def publish(hub: Hub, folder: Path, name: str) -> None:
    """Push a model, as whoever made it has done before."""
    from huggingface_hub import HfApi

    from llmner_hf.hub import Destination, contents_of, push

    with (
        patch("huggingface_hub.constants.HF_HUB_OFFLINE", False),
        patch("huggingface_hub.constants.HF_HUB_DISABLE_XET", True),
    ):
        contents = contents_of(folder, lambda _: "---\nlibrary_name: transformers\n---\n# A base\n")
        push(contents, Destination(name), HfApi(endpoint=hub.url, token=hub.token))


@pytest.mark.parametrize("beginning", NOT_RUN)
def test_what_is_not_run_is_in_the_manual_still(beginning):
    print(f"not run: {beginning}: {NOT_RUN[beginning]}")
    titles = (
        title
        for page in pages()
        for block in blocks(page)
        for title in (block.title, *map(" ".join, block.commands))
    )
    assert any(title.startswith(beginning) for title in titles)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("```bash\nls runs\n```\n", "ls runs: say how it is run"),
        ("- a list\n\n  ```bash\n  ls # what is there\n  ```\n", "ls: say how it is run"),
        ("```text\nprinted\n```\n", "printed: say how it is run"),
        ("```python\nassert False\n", "a fence is not closed"),
    ],
)
def test_a_block_that_is_neither_run_nor_excused_fails(tmp_path, text, message):
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises((AssertionError, ValueError), match=message):
        run(page, {})


def test_formats_of_terminologies_are_all_in_their_table():
    page = DOCS / "terminology.md"
    rows = re.findall(r"^\| (`.+?) \|", page.read_text("utf-8"), re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall(r"`(\w+)`", row)) == sorted(FORMATS)


def test_formats_are_all_in_their_table(folder):
    page = DOCS / "formats.md"
    named = re.findall(r"^\| `(\w+)`", page.read_text("utf-8"), re.MULTILINE)
    assert sorted(named) == sorted(READERS)
    run(page, {})
    assert read_any("doc.jsonl").examples[0].entities
