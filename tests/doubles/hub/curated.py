"""Collections: a title, and the repositories in it."""

from __future__ import annotations

from typing import Any

from tests.doubles.hub.messages import Answer, Refusal, Request
from tests.doubles.hub.store import DATE


def create(request: Request) -> Answer:
    given = request.json
    request.require_writer(given["namespace"])
    slug = f"{given['namespace']}/{given['title'].lower().replace(' ', '-')}-{'0' * 24}"
    if slug in request.hub.collections:
        return Answer({"error": "This collection already exists", "slug": slug}, 409)
    request.hub.collections[slug] = {
        "slug": slug,
        "title": given["title"],
        "description": given.get("description"),
        "owner": {"name": given["namespace"]},
        "items": [],
        "lastUpdated": DATE,
        "position": 0,
        "private": bool(given.get("private")),
        "theme": "blue",
        "upvotes": 0,
    }
    return Answer(request.hub.collections[slug])


def show(request: Request) -> Answer:
    return Answer(_collection(request))


def add(request: Request) -> Answer:
    collection, item = _collection(request), request.json["item"]
    request.require_writer(collection["slug"])
    if any((i["id"], i["type"]) == (item["id"], item["type"]) for i in collection["items"]):
        raise Refusal(409, "This item is in the collection already")
    place = len(collection["items"])
    collection["items"].append({"_id": f"{place:024x}", "position": place, **item})
    return Answer(collection)


def _collection(request: Request) -> dict[str, Any]:
    try:
        return request.hub.collections[request.found["slug"]]
    except KeyError:
        raise Refusal(404, "Collection not found") from None


ROUTES = (
    ("POST", "/api/collections", create),
    ("GET", "/api/collections/{slug}", show),
    ("POST", "/api/collections/{slug}/items", add),
)
