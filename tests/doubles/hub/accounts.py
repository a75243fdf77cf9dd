"""Who asks, and whether a card's metadata is sound."""

from __future__ import annotations

import yaml

from tests.doubles.hub.messages import Answer, Refusal, Request
from tests.doubles.hub.store import front_matter

_NEEDED = {"space": ("sdk",), "model": (), "dataset": ()}
_LISTS = ("tags", "datasets", "metrics", "configs", "model-index", "task_categories")
_TEXTS = ("library_name", "pipeline_tag", "license_name", "pretty_name", "sdk")


def who_am_i(request: Request) -> Answer:
    if not request.authenticated:
        raise Refusal(401, "Invalid username or password.")
    user, *organisations = request.hub.namespaces
    return Answer(
        {
            "type": "user",
            "name": user,
            "fullname": user,
            "email": f"{user}@example.org",
            "orgs": [{"name": name} for name in organisations],
            "auth": {"type": "access_token", "accessToken": {"displayName": "t", "role": "write"}},
        }
    )


def validate_yaml(request: Request) -> Answer:
    """The rules of the Hub that can be told from its documentation; not all that it has."""
    errors = []
    try:
        data = front_matter(request.json["content"])
        errors += [
            f'"{n}" must be an array' for n in _LISTS if not isinstance(data.get(n, []), list)
        ]
        errors += [
            f'"{n}" must be a string' for n in _TEXTS if not isinstance(data.get(n, ""), str)
        ]
        needed = _NEEDED[request.json.get("repoType") or "model"]
        errors += [f'"{n}" is required' for n in needed if n not in data]
    except yaml.YAMLError as error:
        errors = [f"YAML: {error}"]
    body = {"errors": [{"message": text} for text in errors], "warnings": []}
    return Answer(body, 400 if errors else 200)


ROUTES = (
    ("GET", "/api/whoami-v2", who_am_i),
    ("POST", "/api/validate-yaml", validate_yaml),
)
