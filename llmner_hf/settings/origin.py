"""Where a model and the files beside it come from: a folder, or one commit of a repository.

In: a name with a revision and a token. Out: its files, each fetched when it is asked for, all from
the same commit. A file that is not there is told from one that cannot be reached: the first is
``None``, the second an error, since a tagger without its ``tagger.json`` would answer otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import hf_hub_download
from huggingface_hub.constants import is_offline_mode
from huggingface_hub.errors import (
    EntryNotFoundError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from transformers.utils import extract_commit_hash

from llmner_hf.core.errors import InputError, RunError, SettingError

# The model that comes with this package goes by the name "embedded".
EMBEDDED = Path(__file__).parents[1] / "embedded"

# A repository has one of these, by which its commit is found out.
_FIRST = ("config.json", "adapter_config.json")
# Files by which a model in a folder is known, and how much of the beginning and the end of each is
# looked at: weights that differ do so everywhere.
_KNOWN_BY = (".safetensors", ".bin", ".json", ".jinja")
_ENDS = 1 << 20


@dataclass(frozen=True, slots=True)
class Origin:
    """A folder, or a repository of the Hub at a revision.

    Attributes:
        name: a folder, or the name of a repository.
        revision: branch, tag or commit of the repository. Default: its main branch.
        token: what opens a private repository. Default: the one that this computer is logged in by.
        cache_dir: where downloads are kept. Default: huggingface_hub's.
        local_files_only: whether to look at what was downloaded before and nowhere else.
        kind: of the repository.
    """

    name: str
    revision: str | None = None
    token: str | bool | None = field(default=None, repr=False)
    cache_dir: str | Path | None = None
    local_files_only: bool = False
    kind: Literal["model", "dataset"] = "model"

    @classmethod
    def of(cls, place: str | Path | Origin, *where: Any) -> Origin:
        """The origin of that name, or the one that is given; "embedded" is the embedded model.

        Args:
            place: a folder, or the name of a repository.
            *where: the other attributes, in their order.
        """
        if isinstance(place, Origin):
            return place
        named = str(place) == EMBEDDED.name and not Path(place).exists()
        return cls(str(EMBEDDED if named else place), *where)

    @property
    def folder(self) -> Path | None:
        """The folder; None for a repository."""
        return Path(self.name) if Path(self.name).is_dir() else None

    @property
    def loading(self) -> dict[str, Any]:
        """The arguments of ``from_pretrained`` that say where from."""
        return {
            "revision": self.revision,
            "token": self.token,
            "cache_dir": self.cache_dir,
            "local_files_only": self.local_files_only,
        }

    def file(self, name: str) -> Path | None:
        """Where a file lies on this computer, fetched if need be; None where there is none.

        Raises:
            InputError: there is no such repository or revision, or the token does not open it.
            RunError: the Hub does not answer.
        """
        if self.folder:
            path = self.folder / name
            return path if path.is_file() else None
        try:
            return Path(hf_hub_download(self.name, name, repo_type=self.kind, **self.loading))
        except HFValidationError:
            raise InputError(f"{self.name}: no such folder, and no name of a repository") from None
        except RevisionNotFoundError:
            raise InputError(f"{self.name}: no revision {self.revision!r} there") from None
        except RepositoryNotFoundError:
            raise InputError(
                f"{self.name}: no such folder or repository; one that is private needs a token "
                "that may read it"
            ) from None
        except LocalEntryNotFoundError as error:
            if self.local_files_only or is_offline_mode():
                return None
            raise RunError(f"{self.name}: {name} cannot be fetched: {first_line(error)}") from None
        except EntryNotFoundError:
            return None

    def identity(self) -> list[str | None]:
        """By what two models are told apart: name and commit, or a folder's name and its files.

        Where the folder lies is no part of it. Left out are files that a run leaves beside a model.
        """
        folder = self.folder
        if folder is None:
            return [self.name, self.revision]
        digest = sha256()
        for path in sorted(folder.iterdir()):
            if path.suffix in _KNOWN_BY and path.name not in ("run.json", "begun.json"):
                size = path.stat().st_size
                digest.update(f"{path.name} {size} ".encode())
                with path.open("rb") as file:
                    digest.update(file.read(_ENDS))
                    file.seek(max(size - _ENDS, 0))
                    digest.update(file.read(_ENDS))
        return [folder.resolve().name, digest.hexdigest()[:16]]

    def pinned(self) -> Origin:
        """The same at the commit that the revision names now, so that all files fit each other.

        Raises:
            SettingError: neither a model nor an adapter lies there.
        """
        found = next(filter(None, map(self.file, _FIRST)), None)
        if found is None:
            raise SettingError(f"{self.name}: no {' and no '.join(_FIRST)} there")
        commit = None if self.folder else extract_commit_hash(str(found), None)
        return replace(self, revision=commit) if commit else self


def first_line(error: BaseException) -> str:
    """The first line of an error, or its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
