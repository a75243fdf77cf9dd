"""``EndpointHandler``: a pushed tagger behind Hugging Face's Inference Endpoints.

In: the JSON of a request, ``{"inputs": text or list of texts, "parameters": {...}}``, whose
parameters are those of a call of the pipeline. Out: the pipeline's dictionaries for a text, a list
of such lists for a list. Refused, with one line that says why: what is no text, unknown parameters,
and more text than one request may hold.

The endpoint looks for a file ``handler.py`` beside the model; `write` puts one there that imports
this class, and the ``requirements.txt`` that installs the package.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llmner_hf import pipeline
from llmner_hf.core.errors import InputError

# The most characters of all texts of a request. Ours: a request has to end before gateways give up.
MOST_CHARACTERS = 200_000
BATCH_SIZE = 16
# Arguments of the pipeline's call that a request does not have.
LOCAL = frozenset({"batch_size", "progress"})

_SHIM = '''"""Loaded by Hugging Face's Inference Endpoints."""

from llmner_hf.pipelines.handler import EndpointHandler

__all__ = ["EndpointHandler"]
'''


class EndpointHandler:
    """What an endpoint makes once and calls for every request.

    Args:
        path: the folder of the model or adapter; empty for the embedded model.
    """

    def __init__(self, path: str = "") -> None:
        self.pipeline = pipeline(model=path or None)

    def __call__(self, data: dict[str, Any]) -> list[Any]:
        """The entities of a request's texts.

        Raises:
            InputError: the request is not one; the endpoint answers with the message.
        """
        inputs, parameters = data.get("inputs"), data.get("parameters") or {}
        texts = [inputs] if isinstance(inputs, str) else inputs
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise InputError(f"inputs must be a text or a list of texts, not {inputs!r:.60}")
        if (size := sum(map(len, texts))) > MOST_CHARACTERS:
            raise InputError(
                f"{size:,} characters in one request, and at most {MOST_CHARACTERS:,} may be; send "
                "several"
            )
        if not isinstance(parameters, dict) or not LOCAL.isdisjoint(parameters):
            named = " and ".join(sorted(LOCAL))
            raise InputError(f"parameters are those of the pipeline's call, without {named}")
        found = self.pipeline(texts, batch_size=BATCH_SIZE, **parameters) if texts else []
        return list(found[0] if isinstance(inputs, str) else found)


def write(folder: str | Path) -> None:
    """Put ``handler.py`` and ``requirements.txt`` beside a model."""
    Path(folder, "handler.py").write_text(_SHIM, encoding="utf-8")
    Path(folder, "requirements.txt").write_text("llmner_hf\n", encoding="utf-8")
