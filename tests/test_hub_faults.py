"""A fault at every step of every push, and the table in docs/hub.md that says what comes of it.

``python -m tests.test_hub_faults`` prints the table anew.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest

from llmner_hf.core.errors import RunError
from llmner_hf.hub import Contents, Destination, collect, contents_of, push
from tests.hub import Fault, Hub

# huggingface_hub 2.4 puts files by httpx2's old argument: https://github.com/huggingface/huggingface_hub
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")

DOCUMENT = Path(__file__).parents[1] / "docs" / "hub.md"
STEPS = {
    "make the repository": ("POST", "/api/repos/create"),
    "make the branch": ("POST", "/branch/"),
    "read its head": ("GET", "/revision/"),
    "check the card": ("POST", "/api/validate-yaml"),
    "ask how files go": ("POST", "/preupload/"),
    "ask where to": ("POST", "/objects/batch"),
    "upload": ("PUT", "/lfs/"),
    "verify": ("POST", "/info/lfs/verify"),
    "commit": ("POST", "/commit/"),
    "make the collection": ("POST", "/api/collections$"),
    "add to it": ("POST", "/items$"),
}
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


def cells(hub: Hub, folder: Path) -> Iterator[tuple[str, str, set[str]]]:
    """Step, fault and the outcomes of all pushes that have this step."""
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub.url, token=hub.token)
    pushes = {what: contents(folder / what, what) for what in FILES}
    numbers = itertools.count()
    for (step, place), (name, fault) in itertools.product(STEPS.items(), FAULTS.items()):
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


def table(folder: Path) -> str:
    """The table, made by pushing."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http, disable_progress_bars

    disable_progress_bars()
    quick = SimpleNamespace(sleep=lambda _: None, time=_http.time.time)
    with (
        Hub() as hub,
        patch.object(_http, "time", quick),
        patch.object(constants, "HF_HUB_OFFLINE", False),
        patch.object(constants, "HF_HUB_DISABLE_XET", True),
    ):
        rows: dict[str, list[str]] = {}
        for step, name, outcomes in cells(hub, folder):
            assert len(outcomes) == 1, f"{step}, {name}: {outcomes}"
            rows.setdefault(step, []).extend(outcomes)
    head = ["step", *FAULTS]
    lines = [head, ["---"] * len(head), *([step, *row] for step, row in rows.items())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def test_every_fault_at_every_step_ends_well_and_the_manual_says_so(tmp_path):
    assert table(tmp_path) in DOCUMENT.read_text(encoding="utf-8")


if __name__ == "__main__":
    import tempfile

    print(table(Path(tempfile.mkdtemp())))
