"""Pushes to the loopback Hub: one commit or none, private or not, and never with the token."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from llmner_hf.cli import main
from llmner_hf.core.errors import InputError, RunError
from llmner_hf.hub import Contents, Destination, Pushed, collect, contents_of, joined, push
from tests.conftest import ROOT
from tests.doubles.hub import Fault, Hub
from tests.doubles.hub.folders import adapter, dataset, on_disk, space

# huggingface_hub 2.4 puts files by httpx2's old argument: https://github.com/huggingface/huggingface_hub
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")


@pytest.fixture(scope="module")
def hub():
    with Hub() as running:
        yield running


@pytest.fixture(autouse=True)
def client(hub, monkeypatch):
    """The real client, on the network as far as the loopback, without its waiting."""
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    hub.faults.set()
    hub.requests.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", hub.token)
    quick = SimpleNamespace(sleep=lambda _: None, time=_http.time.time)
    monkeypatch.setattr(_http, "time", quick)


@pytest.fixture
def api(hub):
    from huggingface_hub import HfApi

    return HfApi(endpoint=hub.url, token=hub.token)


@pytest.fixture
def name(request):
    """A repository of this test alone."""
    return "tester/" + re.sub(r"\W+", "-", request.node.name).strip("-")[:80]


def at_once(contents: Contents, to: Destination, api: Any) -> Pushed:
    return push(contents, to, api, sleep=lambda _: None)


def files(hub: Hub, kind: str, name: str, revision: str = "main") -> dict[str, bytes]:
    """What the repository holds, but for what it was made with."""
    found = hub.repositories[kind, name].find(revision).files
    return {path: file.data for path, file in found.items() if path != ".gitattributes"}


@pytest.mark.parametrize(
    ("make", "kind"), [(dataset, "dataset"), (adapter, "model"), (space, "space")]
)
def test_a_push_is_one_commit_and_the_same_again_is_none(hub, api, name, tmp_path, make, kind):
    contents = contents_of(make(tmp_path / "made"))
    assert contents.kind == kind
    to = Destination(name)
    first, second = at_once(contents, to, api), at_once(contents, to, api)
    assert (first.changed, second.changed) == (True, False)
    assert files(hub, kind, name) == on_disk(tmp_path / "made")
    assert len(hub.repositories[kind, name].history("main")) == 2  # with the Hub's own


def test_large_files_come_in_parts(hub, api, name, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "part_size", 100)
    folder = adapter(tmp_path / "made")
    (folder / "adapter_model.safetensors").write_bytes(bytes(range(250)) * 3)
    at_once(contents_of(folder), Destination(name), api)
    assert files(hub, "model", name) == on_disk(folder)
    assert len([path for _, path in hub.requests if re.search(r"/lfs/\w+/\d+$", path)]) == 8


def test_xet_pushes_the_same(hub, api, name, tmp_path, monkeypatch):
    from huggingface_hub import constants

    from tests.doubles.hub import xet

    if not xet.works():
        pytest.skip("the installed hf_xet takes no local:// folder for a server")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    folder = adapter(tmp_path / "made")
    (folder / "adapter_model.safetensors").write_bytes(b"xet" * 5000)
    contents = contents_of(folder)
    assert at_once(contents, Destination(name), api).changed
    assert not at_once(contents, Destination(name), api).changed
    assert files(hub, "model", name) == on_disk(folder)
    assert hub.repositories["model", name].find("main").files["adapter_model.safetensors"].xet
    assert not [path for _, path in hub.requests if "lfs" in path]


def test_a_branch_is_made_and_main_is_left_alone(hub, api, name, tmp_path):
    contents = contents_of(space(tmp_path / "made"))
    for _ in range(2):
        at_once(contents, Destination(name, revision="v1/next"), api)
    assert files(hub, "space", name) == {}
    assert set(files(hub, "space", name, "v1/next")) == {"README.md", "app.py"}


def test_what_is_there_besides_is_kept_and_told_or_replaced(hub, api, name, tmp_path):
    folder = space(tmp_path / "made")
    (folder / "old.py").write_text("")
    at_once(contents_of(folder), Destination(name), api)
    (folder / "old.py").unlink()
    contents = contents_of(folder)
    assert at_once(contents, Destination(name), api) == Pushed(
        f"{hub.url}/spaces/{name}/commit/{hub.repositories['space', name].branches['main']}",
        False,
        ("old.py",),
    )
    assert at_once(contents, Destination(name, replace=True), api).others == ()
    assert files(hub, "space", name) == on_disk(folder)


def test_the_card_of_an_adapter_is_ours(hub, api, name, tmp_path):
    """The template that PEFT leaves in the folder is no card, so one is made."""
    folder = adapter(tmp_path / "made")
    (folder / "README.md").write_text("---\nlibrary_name: peft\n---\n[More Information Needed]\n")
    with pytest.raises(InputError, match=r"README\.md: the card is missing"):
        contents_of(folder)
    contents = contents_of(folder, card=lambda path: f"---\nlibrary_name: peft\n---\n{path.name}\n")
    at_once(contents, Destination(name), api)
    assert files(hub, "model", name)["README.md"] == b"---\nlibrary_name: peft\n---\nmade\n"
    assert api.model_info(name).library_name == "peft"


def test_restricted_corpora_go_to_private_places_alone(hub, api, name, tmp_path):
    restricted = contents_of(dataset(tmp_path / "made", "cmeee_v2", "other"))
    assert restricted.restricted == ("cmeee_v2",)
    with pytest.raises(InputError, match=r"CBLUE benchmark.*add --private, or --i-have-the-rights"):
        at_once(restricted, Destination(name), api)
    assert ("dataset", name) not in hub.repositories
    at_once(restricted, Destination(name, private=True), api)
    assert hub.repositories["dataset", name].private
    at_once(restricted, Destination(f"{name}-public", rights=True), api)
    assert not hub.repositories["dataset", f"{name}-public"].private


def test_a_private_push_never_lands_in_a_public_place(hub, api, name, tmp_path):
    at_once(contents_of(dataset(tmp_path / "public")), Destination(name), api)
    before = files(hub, "dataset", name)
    restricted = contents_of(dataset(tmp_path / "made", "cmeee_v2", "other"))
    with pytest.raises(InputError, match="is public, so nothing private is pushed to it"):
        at_once(restricted, Destination(name, private=True), api)
    assert files(hub, "dataset", name) == before


def test_a_collection_holds_each_repository_once(hub, api, name, tmp_path):
    to = Destination(name)
    at_once(contents_of(space(tmp_path / "made")), to, api)
    for _ in range(2):
        address = collect(to, "space", "Biomedical NER", api)
    (item,) = hub.collections[address.split("/collections/")[1]]["items"]
    assert (item["id"], item["type"]) == (name, "space")


def test_anothers_commit_in_between_is_built_upon(hub, api, name, tmp_path, monkeypatch):
    from huggingface_hub import HfApi

    contents = contents_of(space(tmp_path / "made"))
    real, others = HfApi.create_commit, iter([{"theirs.py": b"1"}])

    def crossed(client, *given, **named):
        for changes in others:
            files = {path: replace(made(hub, name), data=data) for path, data in changes.items()}
            hub.repositories["space", name].commit("main", "theirs", "", files)
        return real(client, *given, **named)

    monkeypatch.setattr(HfApi, "create_commit", crossed)
    done = at_once(contents, Destination(name), api)
    assert (done.changed, done.others) == (True, ("theirs.py",))
    assert set(files(hub, "space", name)) == {"README.md", "app.py", "theirs.py"}


def made(hub: Hub, name: str) -> Any:
    """Any file of a new repository."""
    return hub.repositories["space", name].find("main").files[".gitattributes"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"token": "hf_" + "wrong" * 8}, "the Hub knows no user by this token"),
        ({"repository": "stranger/x"}, "the token may not write to stranger"),
        (
            {"card": "---\ntags: biomedical\n---\n"},
            'refused: Invalid metadata in README.md.*"tags" must be an array',
        ),
        ({"offline": True}, "HF_HUB_OFFLINE is set"),
    ],
)
def test_what_cannot_succeed_is_said_at_once(
    hub, api, name, tmp_path, monkeypatch, change, message
):
    folder = adapter(tmp_path / "made")
    if "card" in change:
        (folder / "README.md").write_text(change["card"])
    if "token" in change:
        api.token = change["token"]
    if "offline" in change:
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises((InputError, RunError), match=message) as caught:
        push(
            contents_of(folder), Destination(change.get("repository", name)), api, sleep=pytest.fail
        )
    assert "hf_" not in str(caught.value)


def test_the_command_lists_pushes_and_collects(hub, name, tmp_path, capsys, monkeypatch):
    from huggingface_hub import HfApi, hf_api

    monkeypatch.setattr("llmner_hf.hub.pushing.HfApi", lambda: HfApi(endpoint=hub.url))
    assert hf_api.get_token() == hub.token
    folder = dataset(tmp_path / "made")
    (folder / "run.json").write_text("{}")
    assert main(["push", str(folder), name, "--dry-run"]) == 0
    listed = capsys.readouterr().out
    assert f"{(folder / 'genia-train.parquet').stat().st_size:>15,}  genia-train.parquet" in listed
    assert "left out: run.json" in listed
    restricted = dataset(tmp_path / "restricted", "cmeee_v2", "other")
    assert main(["push", str(restricted), name, "--dry-run"]) == 2
    assert "add --private" in capsys.readouterr().err
    assert hub.requests == []
    assert main(["push", str(folder), name, "--collection", "NER", "--private"]) == 0
    assert "pushed: " in capsys.readouterr().out
    assert main(["push", str(folder), name, "--private"]) == 0
    assert "nothing to change: " in capsys.readouterr().out
    assert main(["push", "bioner_strict", f"{name}-metric"]) == 0
    metric = files(hub, "space", f"{name}-metric")
    assert metric.keys() > on_disk(ROOT / "llmner_hf" / "spaces" / "bioner_strict").keys()
    assert main(["push", str(tmp_path / "none"), name]) == 2
    assert "no such folder" in capsys.readouterr().err


STEPS = ("/api/repos/create", "/revision/", "/preupload/", "/objects/batch", "/lfs/", "/commit/")


@pytest.mark.parametrize("step", STEPS)
def test_the_token_is_in_no_error_log_output_or_commit(
    hub, name, tmp_path, monkeypatch, capsys, caplog, step
):
    from huggingface_hub import HfApi

    monkeypatch.setattr("llmner_hf.hub.pushing.HfApi", lambda: HfApi(endpoint=hub.url))
    monkeypatch.setattr("llmner_hf.hub.pushing.WAITS", (0.0,))
    folder = adapter(tmp_path / "made")
    # Made for this test alone: what was uploaded once is not uploaded again.
    (folder / "adapter_model.safetensors").write_bytes(name.encode() * 9)
    caplog.set_level("DEBUG")
    hub.faults.set(
        *(Fault("error", method, step, times=10**6) for method in ("GET", "POST", "PUT"))
    )
    assert main(["push", str(folder), name]) == 1
    hub.faults.set()
    assert main(["push", str(folder), name]) == 0
    printed = capsys.readouterr()
    assert "not pushed" in printed.err
    assert hub.token not in printed.out + printed.err + caplog.text
    for commit in hub.repositories["model", name].commits.values():
        assert hub.token not in commit.title + commit.message
        assert not any(hub.token.encode() in file.data for file in commit.files.values())


def test_the_token_is_in_no_record_of_a_run(hub, tmp_path):
    from trl import ModelConfig, SFTConfig

    from llmner_hf.training.outcome import record_of
    from llmner_hf.training.recipe import TrainingSettings

    optimisation = SFTConfig(
        str(tmp_path), hub_token=hub.token, hub_model_id="tester/x", report_to="none", use_cpu=True
    )
    record = record_of(TrainingSettings(), optimisation, ModelConfig(), {}, {})
    assert re.fullmatch(r"\w+, \d+ cores", record["hardware"])
    assert "tester/x" in json.dumps(record, default=str)
    assert hub.token not in json.dumps(record, default=str)


def test_our_cards_are_what_the_hub_takes(hub, tagger_folder, tmp_path, monkeypatch):
    from huggingface_hub import RepoCard, metadata_load

    from llmner_hf.hub.cards import model_card

    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    spaces = (ROOT / "llmner_hf" / "spaces").glob("*/README.md")
    cards = [("space", path.read_text(encoding="utf-8")) for path in spaces]
    several = joined([contents_of(dataset(tmp_path / n, n)) for n in ("genia", "biored")])
    cards += [("dataset", several.files["README.md"].decode())]
    cards += [("model", model_card(tagger_folder, name="tester/tagger"))]
    assert len(cards) == 4
    for kind, text in cards:
        RepoCard(text).validate(repo_type=kind)
        (tmp_path / "README.md").write_text(text, encoding="utf-8")
        assert metadata_load(tmp_path / "README.md") == RepoCard(text).data.to_dict()
    assert [path for _, path in hub.requests] == ["/api/validate-yaml"] * 4


@pytest.mark.parametrize("kind", ["drop", "error"])
def test_xet_turned_away_is_tried_again(hub, api, name, tmp_path, monkeypatch, kind):
    from huggingface_hub import constants

    from tests.doubles.hub import xet

    if not xet.works():
        pytest.skip("the installed hf_xet takes no local:// folder for a server")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    folder = adapter(tmp_path / "made")
    (folder / "adapter_model.safetensors").write_bytes(name.encode() * 9)  # not there already
    hub.faults.set(Fault(kind, "GET", "/xet-write-token/"))
    assert at_once(contents_of(folder), Destination(name), api).changed
    assert files(hub, "model", name) == on_disk(folder)
    assert hub.faults.taken == 1


@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_is_tried_again(hub, api, name, tmp_path, status):
    hub.faults.set(Fault("error", "POST", "/commit/", status=status))
    assert at_once(contents_of(space(tmp_path / "made")), Destination(name), api).changed
    assert hub.faults.taken == 1


def test_what_was_uploaded_is_not_uploaded_again(hub, api, name, tmp_path):
    folder = adapter(tmp_path / "made")
    (folder / "adapter_model.safetensors").write_bytes(name.encode() * 9)
    hub.faults.set(Fault("error", "POST", "/commit/", times=10**6))
    with pytest.raises(RunError, match="run the command again"):
        at_once(contents_of(folder), Destination(name), api)
    hub.faults.set()
    at_once(contents_of(folder), Destination(name), api)
    assert files(hub, "model", name) == on_disk(folder)
    assert len([1 for method, _ in hub.requests if method == "PUT"]) == 1


def test_a_slow_hub_is_waited_for(hub, api, name, tmp_path):
    hub.faults.set(Fault("slow", "POST", "/commit/", seconds=0.3))
    assert at_once(contents_of(space(tmp_path / "made")), Destination(name), api).changed


def test_a_download_that_breaks_off_is_resumed(hub, api, name, tmp_path):
    folder = adapter(tmp_path / "made")
    (folder / "adapter_model.safetensors").write_bytes(bytes(range(256)) * 1000)
    at_once(contents_of(folder), Destination(name), api)
    hub.faults.set(Fault("truncate", "GET", "/adapter_model.safetensors$"))
    path = api.hf_hub_download(name, "adapter_model.safetensors", cache_dir=tmp_path / "cache")
    assert Path(path).read_bytes() == (folder / "adapter_model.safetensors").read_bytes()
    assert hub.faults.taken == 1


def test_a_tree_comes_in_pages(hub, api, name, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "page_size", 2)
    at_once(contents_of(dataset(tmp_path / "made")), Destination(name), api)
    found = api.list_repo_files(name, repo_type="dataset")
    assert found == [".gitattributes", "README.md", "genia-train.parquet", "report.json"]
