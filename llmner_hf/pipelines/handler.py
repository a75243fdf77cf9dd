"""``EndpointHandler``: a pushed tagger behind Hugging Face's Inference Endpoints.

In: the JSON of a request, ``{"inputs": text or list of texts, "parameters": {...}}``, whose
parameters are those of a call of the pipeline. Out: the pipeline's dictionaries for a text, a list
of such lists for a list. Refused, with one line that says why: what is no text, unknown parameters,
values that are none of theirs, more text or types than one request may hold, and a request that
takes too long.

The endpoint looks for a file ``handler.py`` beside the model; `write` puts one there that imports
this class, and the ``requirements.txt`` that installs the package.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, get_args

from llmner_hf import pipeline
from llmner_hf.core.entities import Language
from llmner_hf.core.errors import InputError
from llmner_hf.pipelines.asking import Progress

# The most characters of all texts of a request. Ours: a request has to end before gateways give up.
MOST_CHARACTERS = 200_000
MOST_TEXTS = 1000
# The most types, and the most characters of a name and of a definition: each is read with every
# sentence. Ours: the corpora have 53 types at most, and definitions of 300 characters.
MOST_TYPES = 64
MOST_NAME = 100
MOST_DEFINITION = 1000
# Seconds after which no further sentences are begun.
MOST_SECONDS = 120
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
        check_texts(texts, inputs)
        if not isinstance(parameters, dict) or not LOCAL.isdisjoint(parameters):
            named = " and ".join(sorted(LOCAL))
            raise InputError(f"parameters are those of the pipeline's call, without {named}")
        check_parameters(parameters)
        options = {"batch_size": BATCH_SIZE, "progress": within(MOST_SECONDS), **parameters}
        found = self.pipeline(texts, **options) if texts else []
        return list(found[0] if isinstance(inputs, str) else found)


def within(seconds: float) -> Progress:
    """The progress of a request that begins now; it ends the request when its time is over."""
    ends = monotonic() + seconds

    def progress(done: int, total: int) -> None:
        if monotonic() > ends:
            raise InputError(
                f"{done} of {total} sentences took {seconds:.0f} seconds; send less text in one "
                "request"
            )

    return progress


def check_texts(texts: Any, inputs: Any) -> None:
    """Refuse what are no texts, or too many.

    Raises:
        InputError: which.
    """
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise InputError(f"inputs must be a text or a list of texts, not {inputs!r:.60}")
    if len(texts) > MOST_TEXTS:
        raise InputError(
            f"{len(texts):,} texts in one request, and at most {MOST_TEXTS:,} may be; send several"
        )
    if (size := sum(map(len, texts))) > MOST_CHARACTERS:
        raise InputError(
            f"{size:,} characters in one request, and at most {MOST_CHARACTERS:,} may be; send "
            "several"
        )


def check_parameters(parameters: dict[str, Any]) -> None:
    """Refuse parameters that a request does not have, and values that are none of theirs.

    Raises:
        InputError: which.
    """
    known: dict[str, tuple[Callable[[Any], bool], str]] = {
        "entity_types": (_types, f"a list or a mapping of at most {MOST_TYPES} names"),
        "dataset": (lambda v: isinstance(v, str) and len(v) <= MOST_NAME, "the name of a dataset"),
        "language": (lambda v: v in get_args(Language), "zh or en"),
        "sentences": (lambda v: isinstance(v, bool), "true or false"),
        "repeats": (lambda v: isinstance(v, bool), "true or false"),
        "threshold": (_share, "a number from 0 to 1"),
    }
    for name, value in parameters.items():
        if name not in known:
            raise InputError(f"unknown argument {name[:60]} of the bioner pipeline")
        fits, meant = known[name]
        if value is not None and not fits(value):
            raise InputError(f"{name} must be {meant}, not {value!r:.60}")


def _share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _types(value: Any) -> bool:
    if not isinstance(value, list | dict) or len(value) > MOST_TYPES:
        return False
    definitions = value.values() if isinstance(value, dict) else ()
    return all(isinstance(name, str) and len(name) <= MOST_NAME for name in value) and all(
        isinstance(text, str) and len(text) <= MOST_DEFINITION for text in definitions
    )


def write(folder: str | Path) -> None:
    """Put ``handler.py`` and ``requirements.txt`` beside a model."""
    Path(folder, "handler.py").write_text(_SHIM, encoding="utf-8")
    Path(folder, "requirements.txt").write_text("llmner_hf\n", encoding="utf-8")
