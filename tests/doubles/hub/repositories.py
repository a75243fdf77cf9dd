"""Repositories made, described, changed and removed; their branches and tags."""

from __future__ import annotations

from tests.doubles.hub.messages import Answer, Refusal, Request
from tests.doubles.hub.store import DATE, Repository, front_matter


def create(request: Request) -> Answer:
    given = request.json
    kind = given.get("type") or "model"
    name = f"{given.get('organization') or request.hub.namespaces[0]}/{given['name']}"
    request.require_writer(name)
    private = given.get("visibility") == "private" or bool(given.get("private"))
    with request.hub.lock:
        known = request.hub.repositories.get((kind, name))
        repository = known or Repository(kind, name, private, given.get("sdk"))
        request.hub.repositories[kind, name] = repository
    url = f"{request.hub.url}/{repository.prefix}{name}"
    if known:
        body = {"error": f"You already created this {kind} repo: {name}", "url": url}
        return Answer(body, 409)
    return Answer({"url": url, "name": name, "id": name})


def describe(request: Request) -> Answer:
    repository = request.repository()
    commit = request.commit(repository)
    card = commit.files.get("README.md")
    data = front_matter(card.data.decode()) if card else {}
    siblings = [{"rfilename": path} for path in commit.files]
    if request.option("blobs"):
        siblings = [
            {"rfilename": path, "size": len(file.data), "blobId": file.oid}
            for path, file in commit.files.items()
        ]
    body = {
        "_id": repository.id,
        "id": repository.id,
        "author": repository.id.partition("/")[0],
        "sha": commit.oid,
        "lastModified": DATE,
        "createdAt": DATE,
        "private": repository.private,
        "gated": False,
        "disabled": False,
        "downloads": 0,
        "likes": 0,
        "tags": data.get("tags", []),
        "cardData": data,
        "siblings": siblings,
    }
    body |= {key: data[key] for key in ("pipeline_tag", "library_name") if key in data}
    if repository.kind == "space":
        body |= {"sdk": repository.sdk, "runtime": {"stage": "RUNNING", "hardware": {}}}
    return Answer(body)


def change(request: Request) -> Answer:
    repository, given = request.repository(write=True), request.json
    if "visibility" in given or "private" in given:
        repository.private = given.get("visibility") == "private" or bool(given.get("private"))
    return Answer({"private": repository.private})


def remove(request: Request) -> Answer:
    given = request.json
    key = given.get("type") or "model", f"{given.get('organization')}/{given['name']}"
    request.require_writer(key[1])
    if request.hub.repositories.pop(key, None) is None:
        raise Refusal(404, "Repository not found", "RepoNotFound")
    return Answer({})


def references(request: Request) -> Answer:
    repository = request.repository()

    def listed(kind: str, names: dict[str, str]) -> list[dict[str, str]]:
        return [
            {"name": name, "ref": f"refs/{kind}/{name}", "targetCommit": oid}
            for name, oid in names.items()
        ]

    branches, tags = listed("heads", repository.branches), listed("tags", repository.tags)
    return Answer({"branches": branches, "tags": tags, "converts": [], "pullRequests": []})


def history(request: Request) -> Answer:
    repository = request.repository()
    commits = repository.history(request.commit(repository).oid)
    return Answer(
        [
            {"id": c.oid, "title": c.title, "message": c.message, "date": DATE, "authors": []}
            for c in commits
        ]
    )


def add_branch(request: Request) -> Answer:
    repository = request.repository(write=True)
    if request.found["name"] in repository.branches:
        raise Refusal(409, "Reference already exists")
    start = repository.find(request.json.get("startingPoint") or "main")
    if start is None:
        raise Refusal(404, "Invalid rev id", "RevisionNotFound")
    repository.branches[request.found["name"]] = start.oid
    return Answer({})


def remove_branch(request: Request) -> Answer:
    return _removed(request.repository(write=True).branches, request.found["name"])


def add_tag(request: Request) -> Answer:
    repository = request.repository(write=True)
    if request.json["tag"] in repository.tags:
        raise Refusal(409, "Reference already exists")
    repository.tags[request.json["tag"]] = request.commit(repository).oid
    return Answer({})


def remove_tag(request: Request) -> Answer:
    return _removed(request.repository(write=True).tags, request.found["name"])


def _removed(references: dict[str, str], name: str) -> Answer:
    if references.pop(name, None) is None:
        raise Refusal(404, f"Invalid rev id: {name}", "RevisionNotFound")
    return Answer({})


ROUTES = (
    ("POST", "/api/repos/create", create),
    ("DELETE", "/api/repos/delete", remove),
    ("GET", "/api/{kind}/{id}/refs", references),
    ("GET", "/api/{kind}/{id}/commits/{revision}", history),
    ("GET", "/api/{kind}/{id}/revision/{revision}", describe),
    ("POST", "/api/{kind}/{id}/branch/{name}", add_branch),
    ("DELETE", "/api/{kind}/{id}/branch/{name}", remove_branch),
    ("POST", "/api/{kind}/{id}/tag/{revision}", add_tag),
    ("DELETE", "/api/{kind}/{id}/tag/{name}", remove_tag),
    ("PUT", "/api/{kind}/{id}/settings", change),
    ("GET", "/api/{kind}/{id}", describe),
)
