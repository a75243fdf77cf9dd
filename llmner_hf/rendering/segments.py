"""Where the lines under a text run: lanes for the entities, segments for the text.

HTML elements nest and spans may cross, so the text is cut at every boundary of every entity; a
segment carries the entities that cover all of it. Each entity has a lane, 0 right under the text:
an inner entity lies above the ones that contain it, and no two that share a character share a
lane. Entities beyond the last lane are not drawn, and counted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from llmner_hf.core.entities import ScoredEntity

# GENIA (as derived) nests three deep, CMeEE-V2 two; more than eight lines are noise, and a
# completion of nothing but brackets would otherwise cost the square of its length.
LANES = 8


@dataclass(frozen=True, slots=True)
class Cover:
    """An entity on its lane."""

    scored: ScoredEntity
    lane: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of the text, half-open, and what covers it, the outermost (lowest) lane first."""

    start: int
    end: int
    covers: tuple[Cover, ...]


def lanes(scored: Sequence[ScoredEntity]) -> list[Cover]:
    """The entities with their lanes, shortest first, so that an inner one gets the upper lane.

    >>> from llmner_hf.core.entities import Entity
    >>> spans = [Entity(0, 9, "DNA"), Entity(0, 4, "protein"), Entity(5, 9, "DNA")]
    >>> [(c.scored.entity.span, c.lane) for c in lanes([ScoredEntity(e, 1.0) for e in spans])]
    [((0, 4), 0), ((5, 9), 0), ((0, 9), 1)]
    """
    places = sorted({place for one in scored for place in one.entity.span})
    free = [0] * len(places)  # the lowest lane that is free from one place to the next
    covers = []
    for one in sorted(
        scored, key=lambda one: (one.entity.end - one.entity.start, *one.entity.span)
    ):
        start, end = (bisect_left(places, place) for place in one.entity.span)
        # Whatever this entity contains was shorter and is drawn; so its lane lies below theirs.
        lane = max(free[start:end])
        free[start:end] = [lane + 1] * (end - start)
        covers.append(Cover(one, lane))
    return covers


def segments(length: int, covers: Sequence[Cover]) -> list[Segment]:
    """The whole text of that many characters, cut at every boundary of the entities.

    >>> from llmner_hf.core.entities import Entity
    >>> crossing = lanes([ScoredEntity(Entity(*span), 1.0) for span in ((0, 3, "x"), (2, 5, "y"))])
    >>> [(s.start, s.end, [c.scored.entity.label for c in s.covers]) for s in segments(6, crossing)]
    [(0, 2, ['x']), (2, 3, ['y', 'x']), (3, 5, ['y']), (5, 6, [])]
    """
    inner = {place for cover in covers for place in cover.scored.entity.span}
    places = sorted(inner | {0, length})
    stacks: list[list[Cover]] = [[] for _ in places]
    for cover in sorted(covers, key=lambda cover: -cover.lane):
        start, end = (bisect_left(places, place) for place in cover.scored.entity.span)
        for stack in stacks[start:end]:
            stack.append(cover)
    # Shorter than the places: the last one begins no segment.
    cuts = zip(pairwise(places), stacks, strict=False)
    return [Segment(start, end, tuple(stack)) for (start, end), stack in cuts]
