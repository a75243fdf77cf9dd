"""Commits: how each file is to come, then all changes at once."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping

from tests.doubles.hub import xet
from tests.doubles.hub.messages import Answer, Refusal, Request
from tests.doubles.hub.store import File

# The real rule is the repository's .gitattributes, the size and whether the sample is binary.
_LARGE = (".safetensors", ".parquet", ".png", ".bin", ".gz")
_MOST = 10 * 2**20


def preupload(request: Request) -> Answer:
    repository = request.repository(write=True)
    files = request.commit(repository).files
    answers = []
    for entry in request.json["files"]:
        path, sample = entry["path"], base64.b64decode(entry["sample"])
        large = path.endswith(_LARGE) or entry["size"] > _MOST or b"\0" in sample
        there = files.get(path)
        oid = there and (there.sha256 if there.lfs else there.oid)
        mode = "lfs" if large else "regular"
        answers.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return Answer({"files": answers})


def commit(request: Request) -> Answer:
    """All or nothing: every change is made ready before the first of them counts."""
    repository, branch = request.repository(write=True), request.found["revision"]
    lines = [json.loads(line) for line in request.body.splitlines() if line]
    header = next(line["value"] for line in lines if line["key"] == "header")
    changes: dict[str, File | None] = {}
    for line in lines:
        if line["key"] != "header":
            changes[line["value"]["path"].rstrip("/")] = _file(request, line["key"], line["value"])
    with request.hub.lock:
        if branch not in repository.branches:
            raise Refusal(404, f"Invalid rev id: {branch}", "RevisionNotFound")
        if header.get("parentCommit", repository.branches[branch]) != repository.branches[branch]:
            raise Refusal(412, "The parent commit is not the head of the branch")
        made = repository.commit(branch, header["summary"], header.get("description", ""), changes)
    url = f"{request.hub.url}/{repository.prefix}{repository.id}/commit/{made.oid}"
    return Answer({"success": True, "commitOid": made.oid, "commitUrl": url})


def _file(request: Request, key: str, value: Mapping[str, str]) -> File | None:
    """The file of one line of a commit; None for one that goes."""
    if key in ("deletedFile", "deletedFolder"):
        return None
    if key == "file":
        return File(base64.b64decode(value["content"]))
    stored = request.hub.objects.get(value["oid"])
    if stored is not None and hashlib.sha256(stored).hexdigest() == value["oid"]:
        return File(stored, lfs=True)
    came = xet.find(request.hub.cas, value["oid"], int(value.get("size", 0)))
    if came is None:
        raise Refusal(400, f"{value['path']}: its content {value['oid']} was not uploaded")
    return came


ROUTES = (
    ("POST", "/api/{kind}/{id}/preupload/{revision}", preupload),
    ("POST", "/api/{kind}/{id}/commit/{revision}", commit),
)
