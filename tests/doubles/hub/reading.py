"""Files read: resolved with ranges, listed as a tree with pages, looked up by path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, quote

from tests.doubles.hub.messages import Answer, Refusal, Request
from tests.doubles.hub.store import DATE, Commit, File


def resolve(request: Request) -> Answer:
    repository = request.repository()
    commit = request.commit(repository)
    file = commit.files.get(request.found["path"])
    if file is None:
        raise Refusal(404, "Entry not found", "EntryNotFound", X_Repo_Commit=commit.oid)
    etag = file.sha256 if file.lfs else file.oid
    headers = {"ETag": f'"{etag}"', "X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
    if file.lfs:
        headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(file.data))}
    if file.xet:
        token = f"{request.hub.url}/api/{repository.kind}s/{repository.id}/xet-read-token"
        link = f'<{token}/{commit.oid}>; rel="xet-auth"'
        headers |= {"X-Xet-Hash": file.xet, "Link": link}
    return _ranged(file.data, request.headers.get("Range", ""), headers)


def _ranged(data: bytes, asked: str, headers: Mapping[str, str]) -> Answer:
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", asked)
    if not found:
        return Answer(data, headers=headers)
    first, last = found.groups()
    start = int(first) if first else max(len(data) - int(last), 0)
    end = min(int(last) + 1, len(data)) if first and last else len(data)
    if start >= len(data):
        return Answer(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
    place = {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}
    return Answer(data[start:end], 206, {**headers, **place})


def tree(request: Request) -> Answer:
    """The entries of a folder, by pages of the server's size."""
    repository = request.repository()
    commit = request.commit(repository)
    folder = request.found.get("path", "").strip("/")
    recursive = request.option("recursive").lower() in ("true", "1")
    expand = request.option("expand").lower() in ("true", "1")
    entries = list(_entries(commit, folder, recursive, expand))
    if folder and not entries:
        message = f"{folder} does not exist on {request.found['revision']}"
        raise Refusal(404, message, "EntryNotFound", X_Repo_Commit=commit.oid)
    start, size = int(request.option("cursor", "0")), request.hub.page_size
    headers = {}
    if start + size < len(entries):
        query = f"recursive={recursive}&expand={expand}&cursor={start + size}"
        headers["Link"] = f'<{request.hub.url}{request.path}?{query}>; rel="next"'
    return Answer(entries[start : start + size], headers=headers)


def _entries(
    commit: Commit, folder: str, recursive: bool, expand: bool
) -> Iterator[dict[str, Any]]:
    above = f"{folder}/" if folder else ""
    seen = set()
    last = {"id": commit.oid, "title": commit.title, "date": DATE}
    more = {"lastCommit": last} if expand else {}
    for path in sorted(commit.files):
        if not path.startswith(above):
            continue
        *folders, _ = path[len(above) :].split("/")
        for depth in range(1, len(folders) + 1 if recursive else min(len(folders), 1) + 1):
            name = above + "/".join(folders[:depth])
            if name not in seen:
                seen.add(name)
                yield {"type": "directory", "oid": commit.oid, "size": 0, "path": name, **more}
        if recursive or not folders:
            yield _entry(path, commit.files[path]) | more


def _entry(path: str, file: File) -> dict[str, Any]:
    entry = {"type": "file", "oid": file.oid, "size": len(file.data), "path": path}
    if file.lfs:
        sizes = {"size": len(file.data), "pointerSize": len(file.pointer)}
        entry["lfs"] = {"oid": file.sha256, **sizes}
    return entry | ({"xetHash": file.xet} if file.xet else {})


def paths_info(request: Request) -> Answer:
    """What is known of the paths asked for; unknown ones are left out."""
    commit = request.commit(request.repository())
    asked = parse_qs(request.body.decode()).get("paths", [])
    return Answer([_entry(path, commit.files[path]) for path in asked if path in commit.files])


def listed(request: Request) -> Answer:
    """The repositories of a kind, by author."""
    author = request.option("author")
    return Answer(
        [
            {"_id": quote(name), "id": name, "private": repository.private, "tags": []}
            for (kind, name), repository in request.hub.repositories.items()
            if kind == request.kind
            and name.startswith(f"{author}/" if author else "")
            and (not repository.private or request.authenticated)
        ]
    )


ROUTES = (
    ("GET", "/{prefix}{id}/resolve/{revision}/{path}", resolve),
    ("GET", "/api/{kind}/{id}/tree/{revision}", tree),
    ("GET", "/api/{kind}/{id}/tree/{revision}/{path}", tree),
    ("POST", "/api/{kind}/{id}/paths-info/{revision}", paths_info),
    ("GET", "/api/{kind}", listed),
)
