"""A whole tagger with the code that runs it, for those who have transformers and not this package.

In: the contents of a model. Out: the same, with ``bioner.py`` and a ``config.json`` that names it,
so that ``transformers.pipeline("bioner", model=..., trust_remote_code=True)`` finds entities.
``bioner.py`` holds the modules of this package that the pipeline imports, each as it stands here:
one file, because transformers takes no folders; sources, because whoever trusts them should be able
to read them. Refused: an adapter, for which transformers looks beside its base.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from llmner_hf.core.errors import InputError
from llmner_hf.hub.contents import ADAPTER_FILE, Contents
from llmner_hf.settings import TAGGER_FILE

CODE = "bioner.py"
_CONFIG = "config.json"
_ROOT = Path(__file__).parents[2]
_ENTRY = "llmner_hf.pipelines.local"
_TASK = {"impl": "bioner.BioNerPipeline", "pt": ["AutoModelForCausalLM"]}
_FORM = '''\
"""Named entities of biomedical texts: what `BioNerPipeline` needs of llmner_hf {version}.

An installed llmner_hf goes before these sources.
"""

import sys
from importlib import import_module
from importlib.abc import ExecutionLoader, MetaPathFinder
from importlib.util import spec_from_loader

SOURCES = {{
{sources}}}


class _Sources(MetaPathFinder, ExecutionLoader):
    def find_spec(self, name, path=None, target=None):
        return spec_from_loader(name, self) if name in SOURCES else None

    def get_source(self, name):
        return SOURCES[name]

    def get_filename(self, name):
        return f"{{__file__}}/{{name}}.py"

    def is_package(self, name):
        return any(other.startswith(name + ".") for other in SOURCES)


sys.meta_path.append(_Sources())
BioNerPipeline = import_module("{entry}").BioNerPipeline
'''


def with_code(contents: Contents) -> Contents:
    """The contents of a whole tagger, and the code that runs it.

    Raises:
        InputError: it is no tagger, or an adapter.
    """
    config = contents.files.get(_CONFIG)
    if config is None or TAGGER_FILE not in contents.files or ADAPTER_FILE in contents.files:
        raise InputError(
            f"the code goes with a whole tagger alone ({_CONFIG} and {TAGGER_FILE}, and no "
            f"{ADAPTER_FILE}); make one of an adapter by `llmner merge`"
        )
    text = config if isinstance(config, bytes) else config.read_bytes()
    named = json.loads(text) | {"custom_pipelines": {"bioner": _TASK}}
    made = {CODE: code().encode(), _CONFIG: json.dumps(named, indent=2).encode()}
    return replace(contents, files={**contents.files, **made})


def code() -> str:
    """The text of ``bioner.py``."""
    sources = "".join(f"    {name!r}: {_quoted(text)},\n" for name, text in _sources().items())
    return _FORM.format(version=version("llmner_hf"), sources=sources, entry=_ENTRY)


def _quoted(source: str) -> str:
    """A source as a literal: readable as it is unless it holds the quotes itself."""
    return repr(source) if "'''" in source else f"r'''{source}'''"


def _sources() -> dict[str, str]:
    """The modules that the pipeline imports, at once or later, by name."""
    found: dict[str, str] = {}
    waiting = [_ENTRY]
    while waiting:
        name = waiting.pop()
        path = _path(name)
        if name not in found and path is not None:
            found[name] = path.read_text(encoding="utf-8")
            waiting += [name.rpartition(".")[0], *_imported(found[name])]
    return dict(sorted(found.items()))


def _path(name: str) -> Path | None:
    """The file of a module or package; None for what is in one, or of another package."""
    place = _ROOT.joinpath(*name.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py")
    own = name.partition(".")[0] == "llmner_hf"
    return next((file for file in files if own and file.is_file()), None)


def _imported(source: str) -> Iterator[str]:
    """The names in a source's imports, each of which may be a module's."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
