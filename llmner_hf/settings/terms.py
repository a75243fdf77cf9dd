"""A user's own list of names beside what a tagger has learnt.

In: a tagger's settings, and names by their type. Out: the settings with these names as mentions of
the types that mean the same (`core.linking.types`), and a dictionary of the names whose types the
model does not know: they can be found by name alone.

A short list of names that are entities wherever they stand is *sure*, and goes before what training
texts showed. A terminology holds thousands of names that also mean other things: it is *unsure*,
and training texts go before it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal, get_args

from llmner_hf.core.errors import SettingError
from llmner_hf.core.linking.types import type_of
from llmner_hf.core.mentions import Dictionary
from llmner_hf.core.tagging.base import view
from llmner_hf.settings.gazetteer import Gazetteer
from llmner_hf.settings.tagging import TaggerSettings

logger = logging.getLogger(__name__)

Trust = Literal["sure", "unsure"]

# The dataset of the names under their own types, for types that a call makes up.
OWN = "names of the user"


def with_terms(
    settings: TaggerSettings, terms: Mapping[str, Iterable[str]], trust: Trust = "sure"
) -> tuple[TaggerSettings, Dictionary]:
    """The settings that know these names, and those to be found by name alone.

    Args:
        settings: a tagger's; they stay as they are.
        terms: type -> names.
        trust: how far they count.

    Raises:
        SettingError: they cannot count so.
    """
    if trust not in get_args(Trust):
        raise SettingError(f"trust {trust!r} is not one of {', '.join(get_args(Trust))}")
    types = tuple(terms)
    strange = set(types) - _labels(settings.names, types).keys()
    known = dict(settings.gazetteer.dictionaries) if settings.gazetteer else {}
    # A name of several types has the last of them, and one that the model knows above all.
    ordered = sorted(terms.items(), key=lambda each: each[0] not in strange)
    named = {name: of_type for of_type, names in ordered for name in names}
    if several := sum(len(set(names)) for names in terms.values()) - len(named):
        logger.warning("%d names stand under several types; each counts for one of them", several)
    for schema in settings.schemas.values():
        labels = _labels(schema.labels.names, types)
        own = _dictionary({name: labels[t] for name, t in named.items() if t in labels}, trust)
        both = [own, known.get(schema.title) or Dictionary({}, hashed=True)]
        known[schema.title] = Dictionary.joined(both if trust == "sure" else both[::-1])
    known[OWN] = _dictionary(named, trust)
    # As texts are shown to a model, and searched for these names.
    alone = Dictionary({view(name): t for name, t in named.items() if t in strange})
    return replace(settings, gazetteer=Gazetteer(known)), alone


def _dictionary(named: Mapping[str, str], trust: Trust) -> Dictionary:
    """Names with their types, hashed."""
    found = Dictionary(named).digested()
    return found if trust == "sure" else replace(found, unsure=frozenset(found.mentions))


def _labels(names: Iterable[str], types: tuple[str, ...]) -> dict[str, str]:
    """The first label that means each type."""
    found: dict[str, str] = {}
    for name in names:
        if (of_type := type_of(name, types)) is not None:
            found.setdefault(of_type, name)
    return found
