"""What a user is told while texts are annotated: warnings, each of them once.

In: what an annotator met. Out: warnings of the logging module, each of which says what to do.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from llmner_hf.core.entities import Span
from llmner_hf.settings import TaggerSettings

logger = logging.getLogger(__name__)

MOST_NAMES = 10  # that a warning lists
MOST_PLACES = 5
HTML = (
    "a text holds entities or tags of HTML, as &alpha; or <sub>, which are read as they are "
    "written; html=True or --read-html reads them as a browser shows them"
)


class Remarks:
    """Warns, and does not repeat itself."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def say(self, remark: str) -> None:
        """A warning, once."""
        if remark not in self._said:
            self._said.add(remark)
            logger.warning(remark)


def about_cut(cut: Sequence[Span], context: int | None) -> str:
    """What is said of sentences that the context does not hold.

    Args:
        cut: their characters.
        context: the tokens that fit.
    """
    places = ", ".join(f"{start}:{end}" for start, end in cut[:MOST_PLACES])
    more = f" and {len(cut) - MOST_PLACES} more" if len(cut) > MOST_PLACES else ""
    return (
        f"{len(cut)} sentences are longer than the context of {context} tokens and were cut: "
        f"characters {places}{more}; an entity across a cut cannot be found"
    )


def about_uncalibrated(unseen: Sequence[str]) -> str:
    """What is said of types that a model answers and nobody has validated."""
    return (
        f"no validation text had types named {', '.join(unseen[:MOST_NAMES])}: their scores are "
        "not calibrated, so choose a threshold on texts of your own"
    )


def about_names(types: Sequence[str], score: float) -> str:
    """What is said of types that are found by name alone."""
    return (
        f"the model does not know the types {', '.join(types[:MOST_NAMES])}: their names are "
        f"entities wherever they stand, and the score of {score} says only that no model has "
        "judged them"
    )


def about_unread(unread: Sequence[str], settings: TaggerSettings) -> str:
    """What is said of types that a model does not know, and what would serve."""
    named = ", ".join(unread[:MOST_NAMES])
    if len(unread) > MOST_NAMES:
        named += f" and {len(unread) - MOST_NAMES} more"
    return (
        f"the model was trained on no type named {named} and reads names alone, so it "
        f"is not asked for them; it knows {', '.join(settings.names)}. For others take a list of "
        "terms, a model tuned with style prefix, which reads definitions, or tune one on a dataset "
        "of these types"
    )
