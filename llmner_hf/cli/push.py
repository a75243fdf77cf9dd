"""``llmner push``: dataset, adapter, model or Space -> repository on the Hub, by one commit."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from llmner_hf.hub import Contents, Destination

NAME = "push"

_SPACES = Path(__file__).parent.parent / "spaces"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument(
        "what",
        nargs="+",
        help="a folder that build, train or merge wrote; several datasets for one repository; a "
        "store that terminology build wrote; or a Space of this package, as bioner_strict",
    )
    parser.add_argument("repo_id", metavar="REPO_ID", help="NAMESPACE/NAME on the Hub")
    parser.add_argument("--revision", default="main", help="branch, made if it is not there")
    parser.add_argument("--private", action="store_true", help="make or demand it private")
    parser.add_argument("--replace", action="store_true", help="remove all else that is there")
    parser.add_argument(
        "--with-code",
        action="store_true",
        help="let a whole tagger run, by trust_remote_code, where this package is not installed",
    )
    parser.add_argument("--collection", metavar="TITLE", help="add it to this collection")
    parser.add_argument(
        "--i-have-the-rights", action="store_true", help="publish a corpus of restricted terms"
    )
    parser.add_argument("--dry-run", action="store_true", help="list files and sizes, push nothing")


def run(given: argparse.Namespace, _: list[str]) -> None:
    """``llmner push``."""
    from llmner_hf.hub import Destination, contents_of
    from llmner_hf.hub.cards import model_card
    from llmner_hf.hub.terminologies import contents_of_store

    to = Destination(
        given.repo_id, given.revision, given.private, given.replace, given.i_have_the_rights
    )
    card = partial(model_card, name=given.repo_id)
    with TemporaryDirectory() as scratch:
        if [Path(name).suffix for name in given.what] == [".safetensors"]:
            parts = [contents_of_store(Path(given.what[0]), given.repo_id)]
        else:
            places = [_whole(_folder(name), Path(scratch)) for name in given.what]
            parts = [contents_of(place, card) for place in places]
        _push(given, parts, to)


def _whole(folder: Path, scratch: Path) -> Path:
    """A folder as it is pushed: a selector whose base is the model around it becomes whole."""
    if not (folder / "adapter_config.json").is_file():
        return folder
    from llmner_hf.selector.storage import AROUND, based_on, export

    if based_on(folder) != AROUND:
        return folder
    print(f"{folder}: made whole, since its base is the model around it")
    export(folder, scratch / folder.name)
    return scratch / folder.name


def _push(given: argparse.Namespace, parts: Sequence[Contents], to: Destination) -> None:
    from llmner_hf.hub import check_rights, collect, joined, push, self_contained, with_code

    contents = self_contained(parts[0]) if len(parts) == 1 else joined(parts)
    if given.with_code:
        contents = with_code(contents)
    if given.dry_run:
        for path, size in contents.sizes.items():
            print(f"{size:>15,}  {path}")
        print(f"{sum(contents.sizes.values()):>15,}  bytes to {contents.kind} {to.repository}")
    for name in contents.left_out:
        print(f"left out: {name}")
    check_rights(contents, to)
    if given.dry_run:
        return
    done = push(contents, to)
    print(f"{'pushed' if done.changed else 'nothing to change'}: {done.url}")
    for path in done.others:
        print(f"kept, though not in this push: {path}")
    if given.collection:
        print(f"collected: {collect(to, contents.kind, given.collection)}")


def _folder(name: str) -> Path:
    """The folder of that name, here or among the Spaces of this package."""
    space = _SPACES / name
    return space if not Path(name).exists() and space.is_dir() else Path(name)
