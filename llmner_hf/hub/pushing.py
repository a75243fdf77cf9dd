"""A push: one commit that is whole or absent, tried again until the connection holds.

In: contents and a destination. Out: the address, and whether there was anything to commit. The
attempt as a whole can be repeated: the repository is made if it is not there, its head is read, and
the commit names that head as its parent. So a commit whose answer was lost is found on the next
attempt as nothing left to do, another's commit in between is seen (412) and built upon, and a large
file that was uploaded is not uploaded again. The clients alone do not do this: huggingface_hub
neither retries a commit nor, with Xet, puts a folder into a single one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    DatasetInfo,
    HfApi,
    ModelInfo,
    SpaceInfo,
)
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils import httpx, validate_repo_id

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.errors import InputError, RunError
from llmner_hf.hub.contents import Contents, Kind
from llmner_hf.hub.credentials import without_secrets
from llmner_hf.settings.origin import first_line

logger = logging.getLogger(__name__)
T = TypeVar("T")

# Seconds before the next attempt. Ours: huggingface_hub waits as long for a single request.
WAITS = (1.0, 2.0, 4.0, 8.0)
# Asking again changes nothing about these; everything else a server says may pass.
_FINAL = frozenset({400, 401, 403, 404, 410, 413})
_ATTRIBUTES = ".gitattributes"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a push goes.

    Attributes:
        repository: its name on the Hub, namespace first.
        revision: the branch; made from the default one if it is not there.
        private: the repository must be private, and is made so.
        replace: whether files that are there and not in the push are removed by its commit.
        rights: whoever pushes states that they may publish every corpus in it.
    """

    repository: str
    revision: str = "main"
    private: bool = False
    replace: bool = False
    rights: bool = False

    @property
    def namespace(self) -> str:
        """The user or organisation."""
        return self.repository.partition("/")[0]

    def __post_init__(self) -> None:
        if self.repository.count("/") != 1 or not all(self.repository.split("/")):
            raise InputError(f"{self.repository!r}: name the repository as NAMESPACE/NAME")
        try:
            validate_repo_id(self.repository)
        except HFValidationError as error:
            told = " ".join(str(error).split())
            raise InputError(f"{self.repository!r}: no name of a repository: {told}") from None


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did.

    Attributes:
        url: the commit that holds all of it.
        changed: whether there was something to commit; False as well where the answer to the commit
            was lost, and the next attempt found it there.
        others: the files that are there besides, kept.
    """

    url: str
    changed: bool
    others: tuple[str, ...]


def check_rights(contents: Contents, to: Destination) -> None:
    """Refuse to publish a corpus whose terms do not clearly allow it.

    Raises:
        InputError: there is one, neither private nor with the rights stated.
    """
    if contents.restricted and not (to.private or to.rights):
        terms = "; ".join(f"{name}: {CORPORA[name].licence}" for name in contents.restricted)
        raise InputError(
            f"{to.repository}: not pushed publicly: the terms do not clearly allow it ({terms}); "
            "add --private, or --i-have-the-rights if its rights holders have agreed"
        )


def push(
    contents: Contents,
    to: Destination,
    api: HfApi | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Pushed:
    """Make a repository hold the contents.

    Args:
        contents: what `contents_of` took.
        to: the destination.
        api: the client, whose token and endpoint are used.
        sleep: waits between attempts.

    Raises:
        InputError: the corpora in it may not be published, the base of an adapter is nothing on the
            Hub, the repository is not private though it must be, or the Hub refuses the card.
        RunError: it did not succeed; the repository is as it was, or holds all of it.
    """
    check_rights(contents, to)
    client = api or HfApi()
    return _persist(lambda: _attempt(contents, to, client), to, sleep)


def collect(
    to: Destination,
    kind: Kind,
    title: str,
    api: HfApi | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> str:
    """Put a repository into the collection of that title in its namespace; returns its address.

    Raises:
        RunError: it did not succeed.
    """
    client = api or HfApi()

    def attempt() -> str:
        found = client.create_collection(
            title, namespace=to.namespace, private=to.private, exists_ok=True
        )
        client.add_collection_item(found.slug, to.repository, kind, exists_ok=True)
        return found.url

    return _persist(attempt, to, sleep)


def _attempt(contents: Contents, to: Destination, api: HfApi) -> Pushed:
    """The whole push, once."""
    name, kind = to.repository, contents.kind
    for base in contents.bases:  # a folder may be spelt as a repository is
        if not api.repo_exists(base):
            raise InputError(
                f"{name}: the base of its adapter, {base!r}, is no repository that this token can "
                "see; let base_model_name_or_path name one, or push what `llmner merge` makes"
            )
    sdk = contents.metadata["sdk"] if kind == "space" else None
    api.create_repo(name, repo_type=kind, private=to.private or None, space_sdk=sdk, exist_ok=True)
    if to.revision != "main":
        api.create_branch(name, repo_type=kind, branch=to.revision, exist_ok=True)
    head = api.repo_info(name, repo_type=kind, revision=to.revision)
    assert isinstance(head, ModelInfo | DatasetInfo | SpaceInfo)
    if to.private and not head.private:
        raise InputError(
            f"{name}: is public, so nothing private is pushed to it; make it private on its page, "
            "or name another repository"
        )
    there = {file.rfilename for file in head.siblings or ()}
    others = sorted(there - set(contents.files) - {_ATTRIBUTES})
    # New operations for each attempt: the client keeps in them what it saw of the old head.
    operations: list[CommitOperationAdd | CommitOperationCopy | CommitOperationDelete] = [
        CommitOperationAdd(path, file) for path, file in contents.files.items()
    ]
    if to.replace:
        operations += [CommitOperationDelete(path) for path in others]
    done = api.create_commit(
        name,
        operations,
        repo_type=kind,
        commit_message=f"llmner push: {len(contents.files)} files",
        revision=to.revision,
        parent_commit=head.sha,
    )
    return Pushed(done.commit_url, done.oid != head.sha, () if to.replace else tuple(others))


def _persist(
    attempt: Callable[[], T],
    to: Destination,
    sleep: Callable[[float], None],
) -> T:
    """The result of the first attempt that succeeds."""
    for wait in (*WAITS, None):
        try:
            return attempt()
        except InputError:
            raise
        except (httpx.HTTPError, RuntimeError, OSError, ValueError) as error:
            # A large file's failure is the cause of the error that names the file.
            cause = error.__cause__ or error if isinstance(error, RuntimeError) else error
            if wait is None or not _may_pass(cause):
                raise _explained(error, cause, to) from None
            logger.warning(
                "%s: %s; trying again", to.repository, without_secrets(first_line(cause))
            )
            sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, HfHubHTTPError):
        return error.response.status_code not in _FINAL
    return isinstance(error, httpx.TransportError)


def _explained(error: Exception, cause: BaseException, to: Destination) -> InputError | RunError:
    """The error that tells what to do; the original, which holds the request, is not chained."""
    status = cause.response.status_code if isinstance(cause, HfHubHTTPError) else 0
    if isinstance(error, ValueError) and not status:
        said = " ".join(str(error).split())
        return InputError(f"{to.repository}: refused: {said}")
    if isinstance(cause, OfflineModeIsEnabled):
        return RunError(f"{to.repository}: HF_HUB_OFFLINE is set; unset it to push")
    if status == 401:
        return RunError(
            f"{to.repository}: the Hub knows no user by this token; run `hf auth login`, or set "
            "HF_TOKEN to one that may write"
        )
    if status == 403:
        return RunError(
            f"{to.repository}: the token may not write to {to.namespace}; use one that may, or "
            "another namespace"
        )
    said = first_line(error) if error is cause else f"{first_line(error)} ({first_line(cause)})"
    return RunError(
        f"{to.repository}: not pushed: {without_secrets(said)}; it holds what it held before, or "
        "all of the push; run the command again, and what was uploaded is not uploaded again"
    )
