"""Rules that a corpus obeys by its guidelines, whatever the sentence.

In: scored entities of texts, and the name of a rule set, which is that of a corpus. Out: those that
are consistent; where two contradict each other, the more probable one stays. Texts that were not
asked for the types of that corpus stay as they are. Off unless asked for, and reported apart: a
rule knows the guidelines, which a model was to learn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.entities import Entity, Prediction, ScoredEntity
from llmner_hf.core.errors import SettingError
from llmner_hf.core.schema import Schema


@dataclass(frozen=True, slots=True)
class Nesting:
    """Which types of a dataset may hold other entities.

    >>> Nesting("Ours", frozenset({"sym"})).forbids(Entity(0, 9, "dis"), Entity(0, 4, "bod"))
    True

    Attributes:
        title: the dataset's, as prompts name it.
        containers: those types.
    """

    title: str
    containers: frozenset[str]

    def forbids(self, one: Entity, other: Entity) -> bool:
        """Whether the two cannot both be entities, in either order."""
        outer, inner = (one, other) if one.order <= other.order else (other, one)
        inside = outer.start <= inner.start and inner.end <= outer.end
        return inside and outer.span != inner.span and outer.label not in self.containers


# CMeEE-V2's guidelines let clinical manifestations ("sym") alone contain entities.
RULES: Mapping[str, Nesting] = MappingProxyType(
    {"cmeee_v2": Nesting(CORPORA["cmeee_v2"].title, frozenset({"临床表现"}))}
)


def rules_named(name: str) -> Nesting:
    """A rule set by the name of its corpus.

    Raises:
        SettingError: there is none of that name.
    """
    if name not in RULES:
        raise SettingError(f"no rules are named {name!r}; known are {', '.join(RULES)}")
    return RULES[name]


def obeying(scored: Iterable[ScoredEntity], rule: Nesting) -> tuple[ScoredEntity, ...]:
    """The entities that no more probable one forbids, in their order.

    >>> found = [ScoredEntity(Entity(0, 9, "dis"), 0.6), ScoredEntity(Entity(0, 4, "bod"), 0.9)]
    >>> [str(kept.entity) for kept in obeying(found, RULES["cmeee_v2"])]
    ['bod[0:4]']
    """
    scored = tuple(scored)
    kept: list[ScoredEntity] = []
    for candidate in sorted(scored, key=lambda found: (-found.score, found.entity.order)):
        if not any(rule.forbids(candidate.entity, other.entity) for other in kept):
            kept.append(candidate)
    return tuple(candidate for candidate in scored if candidate in kept)


def enforced(
    predictions: Sequence[Prediction], schemas: Sequence[Schema], rule: Nesting
) -> list[Prediction]:
    """The predictions without what the rule forbids in the texts that it is for."""
    return [
        replace(prediction, scored=obeying(prediction.scored, rule))
        if schema.title == rule.title
        else prediction
        for prediction, schema in zip(predictions, schemas, strict=True)
    ]
