"""Large files by git LFS: a batch says where to, a PUT brings the bytes, verify looks at them."""

from __future__ import annotations

import hashlib
import math

from tests.doubles.hub.messages import Answer, Refusal, Request


def batch(request: Request) -> Answer:
    repository = request.repository(write=True)
    place = f"{request.hub.url}/{repository.prefix}{repository.id}.git/info/lfs/verify"
    objects = []
    multipart = False
    for entry in request.json["objects"]:
        answer = {"oid": entry["oid"], "size": entry["size"]}
        if not _whole(request, entry["oid"], entry["size"]):
            parts = math.ceil(entry["size"] / request.hub.part_size)
            upload = _upload(request, entry["oid"], parts)
            answer["actions"] = {"upload": upload, "verify": {"href": place}}
            multipart = multipart or parts > 1
        objects.append(answer)
    return Answer({"transfer": "multipart" if multipart else "basic", "objects": objects})


def _upload(request: Request, oid: str, parts: int) -> dict:
    href = f"{request.hub.url}/lfs/{oid}"
    if parts <= 1:
        return {"href": href}
    places = {f"{part:05d}": f"{href}/{part}" for part in range(1, parts + 1)}
    return {"href": href, "header": {"chunk_size": str(request.hub.part_size), **places}}


def _whole(request: Request, oid: str, size: int) -> bool:
    stored = request.hub.objects.get(oid, b"")
    return len(stored) == size and hashlib.sha256(stored).hexdigest() == oid


def put(request: Request) -> Answer:
    request.hub.objects[request.found["oid"]] = request.body
    return Answer()


def put_part(request: Request) -> Answer:
    request.hub.parts[request.found["oid"], int(request.found["part"])] = request.body
    return Answer(headers={"ETag": f'"{hashlib.sha256(request.body).hexdigest()}"'})


def complete(request: Request) -> Answer:
    """The parts of a file as one."""
    oid, parts = request.found["oid"], request.json["parts"]
    pieces = [request.hub.parts[oid, part["partNumber"]] for part in parts]
    request.hub.objects[oid] = b"".join(pieces)
    return Answer({"completed": True})


def verify(request: Request) -> Answer:
    request.repository(write=True)
    if not _whole(request, request.json["oid"], request.json["size"]):
        request.hub.objects.pop(request.json["oid"], None)
        raise Refusal(422, f"the stored bytes are not those of {request.json['oid']}")
    return Answer({})


ROUTES = (
    ("POST", "/{prefix}{id}.git/info/lfs/objects/batch", batch),
    ("POST", "/{prefix}{id}.git/info/lfs/verify", verify),
    ("PUT", "/lfs/{oid}", put),
    ("PUT", "/lfs/{oid}/{part}", put_part),
    ("POST", "/lfs/{oid}", complete),
)
