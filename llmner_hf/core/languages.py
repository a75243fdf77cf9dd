"""The types of two languages as one set of types.

In: entities whose types have names of either language. Out: the same entities, each with the name
of its type in one language where that has one. Types that mean the same by their definitions
(`core.catalogue`) are matched; a name without a match stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from llmner_hf.core.entities import Language, ScoredEntity

# Ours. BioRED's Disease holds symptoms too, which CMeEE-V2 keeps apart as 临床表现; its Chemical
# holds reagents besides what is given to patients.
SAME: Mapping[Language, Mapping[str, str]] = MappingProxyType(
    {
        "en": {"疾病": "Disease", "疾病和诊断": "Disease", "药物": "Chemical"},
        "zh": {"Disease": "疾病", "Chemical": "药物"},
    }
)


def in_words_of(language: Language, scored: Iterable[ScoredEntity]) -> tuple[ScoredEntity, ...]:
    """The entities with names of their types in that language; of equal ones the best.

    >>> from llmner_hf.core.entities import Entity
    >>> [one.entity.label for one in in_words_of("en", [ScoredEntity(Entity(0, 2, "疾病"), 0.9)])]
    ['Disease']
    """
    best: dict[object, ScoredEntity] = {}
    for one in scored:
        entity = replace(one.entity, label=SAME[language].get(one.entity.label, one.entity.label))
        if entity not in best or best[entity].score < one.score:
            best[entity] = ScoredEntity(entity, one.score)
    return tuple(best.values())
