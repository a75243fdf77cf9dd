"""What a push takes of a folder: a tagged dataset, an adapter, a whole model or a Space.

In: a folder. Out: its kind, the files that go to the Hub, and what stays behind, by name. A model
or a dataset gives only files that are known to belong to one: checkpoints, optimizer states, logs
and pickles stay. Refused: a folder that is none of the four, one without a card, an adapter whose
base is a folder of this machine, and whatever `credentials` finds.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import RepoCard
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.errors import FormatError, InputError, SettingError
from llmner_hf.hub.credentials import refuse_credentials
from llmner_hf.settings import SELECTOR_FILE, TAGGER_FILE

Kind = Literal["dataset", "model", "space"]

CARD = "README.md"
ADAPTER_FILE = "adapter_config.json"
UNFILLED = "[More Information Needed]"  # as huggingface_hub's template has it

_MODEL = (
    *(CARD, "LICENSE*", "*.safetensors", "*.safetensors.index.json", "*.png", "*.py"),
    *("config.json", "generation_config.json", ADAPTER_FILE, "requirements.txt"),
    *(TAGGER_FILE, SELECTOR_FILE),
    *("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json"),
    *("added_tokens.json", "vocab.json", "vocab.txt", "merges.txt", "chat_template.jinja"),
)
_TAKEN: Mapping[Kind, tuple[str, ...]] = {
    "dataset": (CARD, "LICENSE*", "report.json", "*.parquet"),
    # A tagger's selector travels in its folder `selector`.
    "model": (*_MODEL, *(f"selector/{name}" for name in _MODEL)),
    "space": ("*", "*/*"),
}
_NEVER = (".*", "*/.*", "__pycache__/*", "*.pyc")


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes to a repository.

    Attributes:
        kind: the repository's.
        files: path in the repository -> the file, or its bytes where it is made for the push.
        left_out: what stays behind: files, and folders with the number of their files.
        restricted: the corpora in it whose terms do not clearly allow publishing them anew.
        bases: the repositories that adapters in it name as their bases.
    """

    kind: Kind
    files: Mapping[str, Path | bytes]
    left_out: tuple[str, ...] = ()
    restricted: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()

    @property
    def sizes(self) -> dict[str, int]:
        """The bytes of each file."""
        return {
            path: len(file) if isinstance(file, bytes) else file.stat().st_size
            for path, file in self.files.items()
        }

    @property
    def metadata(self) -> dict[str, Any]:
        """The front matter of the card."""
        return metadata(self.files[CARD])


def contents_of(folder: Path, card: Callable[[Path], str] | None = None) -> Contents:
    """What a push takes of a folder.

    Args:
        folder: what `llmner build`, `train` or `merge` wrote, or the folder of a Space.
        card: writes the card where the folder holds none, or only the template that PEFT leaves.

    Raises:
        InputError: the folder is nothing that can be pushed, or holds what must not be.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    kind = _kind(folder)
    files: dict[str, Path | bytes] = {}
    left: Counter[str] = Counter()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if _belongs(name, kind):
            files[name] = path
        else:
            left[name.partition("/")[0] + "/" * ("/" in name)] += 1
    if CARD not in files or UNFILLED in (folder / CARD).read_text(encoding="utf-8"):
        if card is None:
            raise InputError(f"{folder / CARD}: the card is missing, or a template not filled in")
        files[CARD] = card(folder).encode()
    for name, file in files.items():
        refuse_credentials(f"{folder / name}", file)
    adapters = [folder / name for name in files if Path(name).name == ADAPTER_FILE]
    bases = tuple(base for path in adapters if (base := _base(path, folder)))
    names = [f"{name} ({n} files)" if name.endswith("/") else name for name, n in left.items()]
    return Contents(kind, files, tuple(names), _restricted(kind, files), bases)


def metadata(card: Path | bytes) -> dict[str, Any]:
    """The front matter of a card.

    Raises:
        FormatError: it is not YAML, or not a mapping.
    """
    text = card.decode() if isinstance(card, bytes) else card.read_text(encoding="utf-8")
    try:
        return RepoCard(text, ignore_metadata_errors=False).data.to_dict()
    except ValueError as error:
        place = CARD if isinstance(card, bytes) else card
        raise FormatError(place, 0, f"the metadata of the card is malformed: {error}") from error


def _kind(folder: Path) -> Kind:
    card = folder / CARD
    if card.is_file() and "sdk" in metadata(card):
        return "space"
    if any(folder.glob("*.parquet")):
        return "dataset"
    whole = (folder / "config.json").is_file() or (folder / ADAPTER_FILE).is_file()
    if whole and any(folder.glob("*.safetensors")):
        return "model"
    raise InputError(
        f"{folder}: neither a dataset (*.parquet), nor a model or an adapter (*.safetensors with "
        f"config.json or {ADAPTER_FILE}), nor a Space ({CARD} with sdk); name the folder that "
        "`llmner build`, `train` or `merge` wrote"
    )


def _belongs(name: str, kind: Kind) -> bool:
    """Whether a file is pushed; a pattern's folders are the name's, one for one."""

    def fits(pattern: str) -> bool:
        return name.count("/") == pattern.count("/") and fnmatchcase(name, pattern)

    hidden = any(fnmatchcase(name, pattern) for pattern in _NEVER)
    return not hidden and any(fits(pattern) for pattern in _TAKEN[kind])


def _base(path: Path, pushed: Path) -> str | None:
    """The base of an adapter, a name on the Hub; None for one that travels with it.

    Raises:
        SettingError: it is a folder of this machine.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        base = str(stored.get("base_model_name_or_path") or "")
    except (ValueError, AttributeError) as error:
        raise FormatError(path, 0, f"not the configuration of an adapter: {error}") from error
    if base == "..":  # a selector on the model around it
        if path.parent != pushed and (path.parents[1] / "config.json").is_file():
            return None
        raise SettingError(
            f"{path}: its base is the model in whose folder it lies; push that folder, or a whole "
            "selector that `llmner merge` makes"
        )
    try:
        validate_repo_id(base)
        local = base.count("/") != 1 or Path(base).exists()
    except HFValidationError:
        local = True
    if local:
        raise SettingError(
            f"{path}: its base {base!r} is no name on the Hub, where nobody else has your folders; "
            "let base_model_name_or_path name the base there, or push what `llmner merge` makes"
        )
    return base


def _restricted(kind: Kind, files: Mapping[str, Path | bytes]) -> tuple[str, ...]:
    """The corpora whose texts are in the files."""
    if kind != "dataset":
        return ()
    configs = metadata(files[CARD]).get("configs") or ()
    names = (str(config.get("config_name")) for config in configs)
    return tuple(n for n in names if n in CORPORA and not CORPORA[n].redistributable)
