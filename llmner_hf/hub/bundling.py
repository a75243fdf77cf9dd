"""A whole tagger with the code that runs it, for those who have transformers and not this package.

In: the contents of a model. Out: the same, with the code and a ``config.json`` that names it, so
that ``transformers.pipeline("bioner", model=..., trust_remote_code=True)`` finds entities. The code
is ``bioner.py`` and the modules of this package that it needs, one a file beside it (`flattening`):
transformers takes no folders, and whoever trusts the code should be able to read it file by file.
Refused: an adapter, for which transformers looks beside its base.
"""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version

from llmner_hf.core.errors import InputError
from llmner_hf.hub.contents import ADAPTER_FILE, Contents
from llmner_hf.hub.flattening import flat, flat_name
from llmner_hf.settings import TAGGER_FILE

CODE = "bioner.py"
_CONFIG = "config.json"
_ENTRY, _CLASS = "llmner_hf.pipelines.local", "BioNerPipeline"
_TASK = {"impl": f"bioner.{_CLASS}", "pt": ["AutoModelForCausalLM"]}
_FORM = '''\
"""Named entities of biomedical texts, by llmner_hf {version}.

The other files are those modules of the package that this one needs, with relative imports.
"""

from .{entry} import {name} as {name}
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
    made = {_CONFIG: json.dumps(named, indent=2).encode()}
    made |= {name: source.encode() for name, source in code().items()}
    return replace(contents, files={**contents.files, **made})


def code() -> dict[str, str]:
    """The files of the code, by name."""
    entry = _FORM.format(version=version("llmner_hf"), entry=flat_name(_ENTRY), name=_CLASS)
    return {CODE: entry, **flat([_ENTRY])}
