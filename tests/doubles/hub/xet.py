"""Xet, by the folder that hf_xet takes for a server where the address begins with ``local://``.

An undocumented gift of xet-core to tests, whose layout on disk may move: `works` says whether the
installed hf_xet still has it.
"""

from __future__ import annotations

import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.doubles.hub.messages import Answer, Request
from tests.doubles.hub.store import File

_RECORD = 48
_VERIFIED, _DESCRIBED = 0x80000000, 0x40000000


def works() -> bool:
    """Whether what is uploaded to a folder can be found in it and read back."""
    try:
        import hf_xet

        with tempfile.TemporaryDirectory() as folder:
            address = {"endpoint": f"local://{folder}", "token": "x"}
            expiry = {"token_expiry_unix_secs": 9_999_999_999}
            session = hf_xet.XetSession()
            with session.new_upload_commit(**address, **expiry) as commit:
                done = commit.start_upload_bytes(b"probe", sha256=hf_xet.COMPUTE_SHA256)
            found = find(Path(folder), done.result().xet_info.sha256, 5)
            return found is not None and found.data == b"probe"
    except (ImportError, AttributeError, TypeError, RuntimeError, OSError):
        return False


def token(request: Request) -> Answer:
    request.repository(write="write" in request.path)
    url, expiry = f"local://{request.hub.cas}", int(time.time()) + 3600
    headers = {"X-Xet-Cas-Url": url, "X-Xet-Access-Token": "x"}
    headers["X-Xet-Token-Expiration"] = str(expiry)
    return Answer({"casUrl": url, "accessToken": "x", "exp": expiry}, headers=headers)


def find(cas: Path, sha256: str, size: int) -> File | None:
    """The file of that name among what was uploaded by Xet."""
    for shard in cas.glob("xet/xorbs/shards/*.mdb"):
        for name, oid in _records(shard.read_bytes()):
            if oid == sha256:
                return File(_bytes(cas, name, size), lfs=True, xet=name)
    return None


def _records(shard: bytes) -> Iterator[tuple[str, str]]:
    """Xet hash and sha256 of every file that a shard describes."""
    place = _RECORD
    while shard[place : place + 32] != b"\xff" * 32:
        name = "".join(f"{part:016x}" for part in struct.unpack("<4Q", shard[place : place + 32]))
        flags, entries = struct.unpack("<2I", shard[place + 32 : place + 40])
        place += _RECORD * (1 + entries * (2 if flags & _VERIFIED else 1))
        if flags & _DESCRIBED:
            oid = "".join(
                f"{part:016x}" for part in struct.unpack("<4Q", shard[place : place + 32])
            )
            yield name, oid
            place += _RECORD


def _bytes(cas: Path, name: str, size: int) -> bytes:
    import hf_xet

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        group = hf_xet.XetSession().new_file_download_group(
            endpoint=f"local://{cas}", token="x", token_expiry_unix_secs=9_999_999_999
        )
        with group:
            group.start_download_file(hf_xet.XetFileInfo(name, size), str(path))
        return path.read_bytes()


ROUTES = (
    ("GET", "/api/{kind}/{id}/xet-write-token/{revision}", token),
    ("GET", "/api/{kind}/{id}/xet-read-token/{revision}", token),
)
