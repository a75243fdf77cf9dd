"""Modules of this package as files of one folder, for loaders that take no folders of code.

In: the modules that somebody else's loader is to import. Out: these and all modules of this package
that they need, at once or later, each a file to read by itself: ``llmner_hf.core.entities`` becomes
``llmner_core_entities.py``. Only its imports are rewritten, relative to the folder
(``from .llmner_core_errors import InputError``), since transformers and evaluate take along the
files that such lines name. A name that a package only passes on is imported from where it is
defined. Refused: imports that cannot be followed, as ``import llmner_hf.core``, or of a name that
a package looks up only when it is asked for.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from llmner_hf.core.errors import InputError

_PACKAGE = __name__.partition(".")[0]
_ROOT = Path(__file__).parents[2]
# What every user of transformers with torch has. transformers looks for all packages that a file
# imports, unless they are imported within a `try`, and refuses the model where one is missing.
_ALWAYS_THERE = {
    *sys.stdlib_module_names,
    *("torch", "transformers", "huggingface_hub", "safetensors", "tokenizers", "numpy"),
}


def flat(entries: Iterable[str]) -> dict[str, str]:
    """The files that some modules of this package need, by name.

    Raises:
        InputError: a module imports in a way that cannot be followed.
    """
    found: dict[str, str] = {}
    waiting = list(entries)
    while waiting:
        module = _Module(waiting.pop())
        file = f"{flat_name(module.name)}.py"
        if file not in found:
            found[file], needed = module.rewritten()
            waiting += sorted(needed)
    return dict(sorted(found.items()))


def flat_name(module: str) -> str:
    """The name of a module in the folder.

    >>> flat_name("llmner_hf.core.entities")
    'llmner_core_entities'
    """
    return module.replace(_PACKAGE, "llmner", 1).replace(".", "_")


def relative(source: str, name: str, package: str = "") -> tuple[str, set[str]]:
    """A source whose imports of this package are relative to the folder, and what it imports.

    Args:
        source: of any file that imports this package.
        name: the file, for errors.
        package: the package of this package that it is in, from which its own relative imports
            start; those of other files stay as they are.

    Raises:
        InputError: it imports in a way that cannot be followed.
    """
    lines, needed = source.split("\n"), set[str]()
    # From the end, so that the line numbers of what comes before stay right.
    for node in sorted(_imports(source, package), key=lambda node: -node.lineno):
        written = lines[node.lineno - 1 : node.end_lineno]
        indent = " " * node.col_offset
        if _PACKAGE in _packages(node):
            rewritten = _rewritten(node) if isinstance(node, ast.ImportFrom) else None
            if rewritten is None:
                raise InputError(
                    f"{name}:{node.lineno}: {written[0].strip()!r} cannot be followed; import "
                    "names from the modules that define them"
                )
            new, modules = rewritten
            needed |= modules
            written = [indent + line for line in new]
        elif _packages(node) - _ALWAYS_THERE:
            inside = ("    " + line for line in written)
            written = [f"{indent}try:", *inside, f"{indent}finally:", f"{indent}    pass"]
        lines[node.lineno - 1 : node.end_lineno] = written
    return "\n".join(lines), needed


def uses_package(source: str) -> bool:
    """Whether a source imports this package."""
    return any(_PACKAGE in _packages(node) for node in _imports(source))


def _imports(source: str, package: str = "") -> list[ast.Import | ast.ImportFrom]:
    """Every import, those inside functions too; relative ones absolute, given their package."""
    nodes = ast.walk(ast.parse(source))
    found = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in found:
        if isinstance(node, ast.ImportFrom) and node.level and package:
            above = package.split(".")[: package.count(".") + 2 - node.level]
            node.module, node.level = ".".join(filter(None, (*above, node.module))), 0
    return found


def _packages(node: ast.Import | ast.ImportFrom) -> set[str]:
    """The packages that an import names; none where it is relative."""
    if isinstance(node, ast.ImportFrom):
        return set() if node.level else {str(node.module).partition(".")[0]}
    return {alias.name.partition(".")[0] for alias in node.names}


def _rewritten(node: ast.ImportFrom) -> tuple[list[str], set[str]] | None:
    """An import from this package as relative lines, and its modules; None if it cannot be."""
    lines, needed = [], set()
    names: dict[str, list[str]] = {}
    for alias in node.names:
        if (found := _home(str(node.module), alias.name)) is None:
            return None
        home, inner = found
        known = alias.asname or alias.name
        needed.add(home)
        if inner is None:
            # The second line names the file as those see it who copy it.
            lines += [f"from . import {flat_name(home)} as {known}"]
            lines += [f"from .{flat_name(home)} import __name__ as _{known}"]
        else:
            names.setdefault(home, []).append(inner if inner == known else f"{inner} as {known}")
    for home, wanted in names.items():
        line = f"from .{flat_name(home)} import {', '.join(wanted)}"
        if len(line) + node.col_offset <= 100:
            lines.append(line)
        else:
            lines += [f"from .{flat_name(home)} import ("]
            lines += [*(f"    {one}," for one in wanted), ")"]
    return lines, needed


def _home(module: str, name: str) -> tuple[str, str | None] | None:
    """The module that defines a name, and its name there, which is None for a module itself."""
    while True:
        if _file(f"{module}.{name}"):
            return f"{module}.{name}", None
        passed_on = _Module(module).passed_on
        if name not in passed_on:
            return (module, name) if name in _Module(module).defined else None
        module, name = passed_on[name]


def _file(module: str) -> Path | None:
    """The file of a module or package of this package."""
    path = _ROOT.joinpath(*module.split("."))
    files = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in files if file.is_file()), None)


@dataclass(frozen=True)
class _Module:
    """A module of this package.

    Attributes:
        name: its dotted name.
    """

    name: str

    @cached_property
    def file(self) -> Path:
        """Where its source is."""
        found = _file(self.name)
        if found is None:
            raise InputError(f"there is no module {self.name}")
        return found

    @cached_property
    def source(self) -> str:
        """Its text."""
        return self.file.read_text(encoding="utf-8")

    @cached_property
    def defined(self) -> set[str]:
        """The names that it assigns, defines or imports, wherever."""
        nodes = list(ast.walk(ast.parse(self.source)))
        made = {n.name for n in nodes if isinstance(n, ast.ClassDef | ast.FunctionDef)}
        assigned = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        imports = (n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom))
        return made | assigned | {a.asname or a.name for n in imports for a in n.names}

    @cached_property
    def passed_on(self) -> Mapping[str, tuple[str, str]]:
        """Name -> module and name there, of what a package imports only to pass it on."""
        return dict(self._passed_on()) if self.file.name == "__init__.py" else {}

    def _passed_on(self) -> Iterator[tuple[str, tuple[str, str]]]:
        body = ast.parse(self.source).body
        # A package with a lazy table imports the same names for type checkers alone.
        typing = (one for node in body if isinstance(node, ast.If) for one in node.body)
        for node in (*body, *typing):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE):
                for alias in node.names:
                    yield alias.asname or alias.name, (str(node.module), alias.name)

    def rewritten(self) -> tuple[str, set[str]]:
        """Its text with relative imports, and the modules that it imports."""
        packed = self.file.name == "__init__.py"
        return relative(
            self.source, self.name, self.name if packed else self.name.rpartition(".")[0]
        )
