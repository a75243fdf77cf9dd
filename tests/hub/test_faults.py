"""A fault at every step of every push, and the tables in docs/hub.md that say what comes of it.

One table is made without Xet, one with it. ``python -m tests.hub.test_faults`` prints them anew;
with ``--patience`` it prints how long hf_xet, left to itself, asks for leave that it never gets.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from llmner_hf.core.errors import RunError
from llmner_hf.hub import Contents, Destination, collect, contents_of, push
from tests.conftest import ROOT
from tests.doubles.hub import Fault, Hub, xet

# huggingface_hub 2.4 puts files by httpx2's old argument: https://github.com/huggingface/huggingface_hub
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

DOCUMENT = ROOT / "docs" / "hub.md"
STEPS = {
    "make the repository": ("POST", "/api/repos/create"),
    "make the branch": ("POST", "/branch/"),
    "read its head": ("GET", "/revision/"),
    "check the card": ("POST", "/api/validate-yaml"),
    "ask how files go": ("POST", "/preupload/"),
    "ask leave to upload": ("GET", "/xet-write-token/"),
    "ask where to": ("POST", "/objects/batch"),
    "upload": ("PUT", "/lfs/"),
    "verify": ("POST", "/info/lfs/verify"),
    "commit": ("POST", "/commit/"),
    "make the collection": ("POST", "/api/collections$"),
    "add to it": ("POST", "/items$"),
}
# The steps of each way that large files can go; collections hold none.
WAYS = {
    "lfs": STEPS.keys() - {"ask leave to upload"},
    "xet": STEPS.keys() - {"ask where to", "upload", "verify", "make the collection", "add to it"},
}
# hf_xet waits longer and longer between its attempts; here it makes one more, and at once.
IMPATIENT = {"HF_XET_CLIENT_RETRY_MAX_ATTEMPTS": "1", "HF_XET_CLIENT_RETRY_BASE_DELAY": "10ms"}
ALWAYS = 10**6
FAULTS = {
    "dropped": {"kind": "drop"},
    "answer lost": {"kind": "lost"},
    "truncated": {"kind": "truncate"},
    "500": {"kind": "error"},
    "429": {"kind": "error", "status": 429},
    "500 for ever": {"kind": "error", "times": ALWAYS},
}
SUCCESS, AGAIN = "succeeds", "error, then succeeds"
CARDS = {
    "dataset": "---\nconfigs:\n  - config_name: own\n    data_files: x.parquet\n---\n",
    "adapter": "---\nlibrary_name: peft\n---\n",
    "model": "---\nlibrary_name: transformers\n---\n",
    "Space": "---\nsdk: gradio\n---\n",
}
FILES = {
    "dataset": {"x.parquet": "P" * 300},
    "adapter": {
        "adapter_config.json": '{"base_model_name_or_path": "tester/base"}',
        "adapter_model.safetensors": "S" * 300,
    },
    "model": {"config.json": "{}", "model.safetensors": "M" * 300},
    "Space": {"app.py": "1\n"},
}


def contents(folder: Path, what: str) -> Contents:
    for name, text in ({"README.md": CARDS[what]} | FILES[what]).items():
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return contents_of(folder)


def outcome(hub: Hub, made: Contents, to: Destination, act: Callable[[], object]) -> str:
    """What comes of one push under the fault that is set; the same again must always succeed."""
    key = made.kind, to.repository

    def held() -> dict[str, bytes]:
        repository = hub.repositories.get(key)
        found = repository.find(to.revision) if repository else None
        files = found.files if found else {}
        return {path: file.data for path, file in files.items() if path != ".gitattributes"}

    expected = {
        path: file if isinstance(file, bytes) else file.read_bytes()
        for path, file in made.files.items()
    }
    said = SUCCESS
    try:
        act()
    except RunError as error:
        said = str(error)
    if said != SUCCESS:
        assert re.match(rf"{to.repository}: not pushed: .+; run the command again", said)
        assert held() in ({}, expected), "half a push"
    assert hub.faults.taken, "the step was never reached"
    hub.faults.set()
    act()
    assert held() == expected
    # The Hub's own, and exactly one of ours.
    assert len(hub.repositories[key].history(to.revision)) == 2
    return SUCCESS if said == SUCCESS else AGAIN


def cells(hub: Hub, folder: Path, way: str) -> Iterator[tuple[str, str, set[str]]]:
    """Step, fault and the outcomes of all pushes that have this step."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=hub.token)
    # By Xet one kind stands for all that have a large file.
    kinds = FILES if way == "lfs" else ["adapter"]
    pushes = {what: contents(folder / what, what) for what in kinds}
    numbers = itertools.count()
    steps = {step: place for step, place in STEPS.items() if step in WAYS[way]}
    for (step, place), (name, fault) in itertools.product(steps.items(), FAULTS.items()):
        outcomes = set()
        for what, made in pushes.items():
            if what == "Space" and step in ("ask where to", "upload", "verify"):
                continue  # it holds no large file
            number = next(numbers)
            # No two the same, or the large file would be there from the push before.
            made = distinct(made, folder / str(number), number)
            to = Destination(f"tester/{what}-{number}", revision="next")
            act = acting(api, made, to, f"NER {number}" if "coll" in step or "add" in step else "")
            hub.faults.set(Fault(method=place[0], path=place[1], **fault))
            outcomes.add(outcome(hub, made, to, act))
        yield step, name, outcomes


def distinct(made: Contents, folder: Path, number: int) -> Contents:
    folder.mkdir()
    for path, file in made.files.items():
        assert isinstance(file, Path)
        more = f"{number}".encode() if path.endswith((".parquet", ".safetensors")) else b""
        (folder / path).write_bytes(file.read_bytes() + more)
    return contents_of(folder)


def acting(api: Any, made: Contents, to: Destination, title: str) -> Callable[[], object]:
    def act() -> None:
        push(made, to, api, sleep=lambda _: None)
        if title:
            collect(to, made.kind, title, api, sleep=lambda _: None)

    return act


def table(folder: Path, way: str) -> str:
    """The table of a way, made by pushing."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http, disable_progress_bars
    from huggingface_hub.utils._xet import abort_xet_session

    disable_progress_bars()
    quick = SimpleNamespace(sleep=lambda _: None, time=_http.time.time)
    with (
        Hub() as hub,
        patch.object(_http, "time", quick),
        patch.object(constants, "HF_HUB_OFFLINE", False),
        patch.object(constants, "HF_HUB_DISABLE_XET", way == "lfs"),
        patch.dict(os.environ, IMPATIENT),
    ):
        abort_xet_session()  # one that another test began knows nothing of our environment
        rows: dict[str, list[str]] = {}
        for step, name, outcomes in cells(hub, folder, way):
            assert len(outcomes) == 1, f"{step}, {name}: {outcomes}"
            rows.setdefault(step, []).extend(outcomes)
    head = ["step", *FAULTS]
    lines = [head, ["---"] * len(head), *([step, *row] for step, row in rows.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


@pytest.mark.parametrize("way", WAYS)
def test_every_fault_at_every_step_ends_well_and_the_manual_says_so(tmp_path, way):
    if way == "xet" and not xet.works():
        pytest.skip("the installed hf_xet takes no local:// folder for a server")
    assert table(tmp_path, way) in DOCUMENT.read_text(encoding="utf-8")


@pytest.fixture
def by_xet(monkeypatch):
    """A Hub, and a client of it that uploads by Xet and waits for nothing."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.utils._xet import abort_xet_session

    if not xet.works():
        pytest.skip("the installed hf_xet takes no local:// folder for a server")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    for name, value in IMPATIENT.items():
        monkeypatch.setenv(name, value)
    abort_xet_session()
    with Hub() as hub:
        yield hub, HfApi(endpoint=hub.url, token=hub.token)


def test_a_store_of_xet_that_cannot_be_written_is_one_error(by_xet, tmp_path):
    hub, api = by_xet
    made, to = contents(tmp_path / "adapter", "adapter"), Destination("tester/unwritable")
    store = hub.cas
    (store / "file").touch()
    hub.cas = store / "file" / "below"
    with pytest.raises(RunError, match=r"not pushed: .*run the command again"):
        push(made, to, api, sleep=pytest.fail)
    assert set(hub.repositories["model", to.repository].find("main").files) == {".gitattributes"}
    hub.cas = store
    assert push(made, to, api, sleep=pytest.fail).changed


def test_what_a_store_of_xet_lost_before_the_commit_is_uploaded_again(by_xet, tmp_path):
    hub, api = by_xet
    made, to = contents(tmp_path / "adapter", "adapter"), Destination("tester/lost")
    hub.faults.set(Fault("error", "POST", "/commit/", times=ALWAYS))
    with pytest.raises(RunError):
        push(made, to, api, sleep=lambda _: None)
    hub.faults.set()
    shutil.rmtree(hub.cas / "xet")
    assert push(made, to, api, sleep=pytest.fail).changed
    found = hub.repositories["model", to.repository].find("main").files
    assert found["adapter_model.safetensors"].data == b"S" * 300


def patience(folder: Path) -> str:
    """Seconds, requests and the error of a push by Xet whose leave is refused for ever."""
    from huggingface_hub import HfApi, constants

    with Hub() as hub, patch.object(constants, "HF_HUB_OFFLINE", False):
        hub.faults.set(Fault("error", "GET", "/xet-write-token/", times=ALWAYS))
        api, began = HfApi(endpoint=hub.url, token=hub.token), time.monotonic()
        try:
            push(contents(folder / "adapter", "adapter"), Destination("tester/patience"), api)
        except RunError as error:
            return f"{time.monotonic() - began:.0f} s, {hub.faults.taken} requests: {error}"
    raise AssertionError("it was pushed")


if __name__ == "__main__":
    import sys
    import tempfile

    if "--patience" in sys.argv:
        print(patience(Path(tempfile.mkdtemp())))
    else:
        print(*(table(Path(tempfile.mkdtemp()), way) for way in WAYS), sep="\n\n")
