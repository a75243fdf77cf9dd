"""A Space with what it needs of this package beside it, since nobody has published the package.

In: the contents of a Space. Out: the same, and, where its files import this package, the package's
source in a folder ``llmner_hf`` beside ``app.py``, where Python looks first. A metric is loaded
without its Space, by `evaluate.load`, which takes no folders: it gets the few modules that it needs
as files of its own folder (`flattening`). No wheel: a Space installs its requirements before its
other files are there. Contents that are no Space, or import nothing of this package, stay as they
are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from llmner_hf.hub.contents import Contents
from llmner_hf.hub.credentials import refuse_credentials
from llmner_hf.hub.flattening import flat, flat_name, relative, uses_package

_PACKAGE = Path(__file__).parents[1]
_METRIC = "metric"  # the tag by which the Hub, too, knows one
_NAMING = "\n# evaluate copies the files that this one names; the others that those need are:\n"

Files = Mapping[str, Path | bytes]


def self_contained(contents: Contents) -> Contents:
    """The contents of a Space, and what it needs of this package.

    Raises:
        InputError: a file of the package holds what must not be pushed, or a metric imports the
            package in a way that cannot be followed.
    """
    if contents.kind != "space":
        return contents
    sources = {path: _text(file) for path, file in contents.files.items() if path.endswith(".py")}
    users = {path: source for path, source in sources.items() if uses_package(source)}
    if not users:
        return contents
    if _METRIC in contents.metadata.get("tags", ()):
        added: dict[str, Path | bytes] = {}
        for path, source in users.items():
            added |= _with_modules(path, source)
        return replace(contents, files={**contents.files, **added})
    package = _package_files()
    return replace(contents, files={**_not_in(contents.files, package), **package})


def _text(file: Path | bytes) -> str:
    return (file if isinstance(file, bytes) else file.read_bytes()).decode("utf-8")


def _with_modules(path: str, source: str) -> dict[str, bytes]:
    """A metric with relative imports, and the modules that it needs."""
    source, needed = relative(source, path)
    modules = flat(needed)
    direct = {f"{flat_name(module)}.py" for module in needed}
    others = [name.removesuffix(".py") for name in modules if name not in direct]
    lines = "".join(f"from .{name} import __name__ as _{name}\n" for name in others)
    named = source + _NAMING + lines if others else source
    return {path: named.encode(), **{name: text.encode() for name, text in modules.items()}}


def _package_files() -> dict[str, Path]:
    """The files of this package, by their paths below the Space."""
    found = {}
    for file in sorted(_PACKAGE.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            path = file.relative_to(_PACKAGE.parent).as_posix()
            refuse_credentials(path, file)
            found[path] = file
    return found


def _not_in(files: Files, package: Mapping[str, Path]) -> dict[str, Path | bytes]:
    """The files of a Space without modules that its ``app.py`` imports from the package."""
    own = {file.resolve() for path, file in package.items() if path.endswith(".py")}
    return {
        path: file
        for path, file in files.items()
        if path == "app.py" or isinstance(file, bytes) or file.resolve() not in own
    }
