"""What is written of one completion, and the entities that it holds so far.

In: tokens in the order in which they are written, with their probabilities. Out: a prediction. The
score of an entity is the product of the probabilities of all tokens from its opening to its closing
bracket: not opened elsewhere, not closed earlier. In a study this told right from wrong entities
better than the two brackets alone (AUC 0.76 against 0.73). It is conditional on everything written
before, and it is not calibrated. A model that gives little of its probability to copying and
tagging is not doing the task; a sample of the tokens outside of entities is enough to notice that.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, log

from llmner_hf.core.entities import Entity, Prediction, Problem, ProblemKind, ScoredEntity

# The geometric mean, over a completion, of the probability that the model gives to the allowed
# tokens together. Ours: in a study it was 0.98 on average and 0.28 for one completion in a hundred,
# and a model that gives copying less than an even chance is not tagging the text.
LEAST_MASS = 0.5
# Outside of entities one token in so many is asked for that probability, and stands for all of
# them: each reads the whole output matrix. Ours.
SAMPLED = 4


class Record:
    """One completion as it is being written."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.tokens: list[int] = []
        self.open: list[tuple[int, int]] = []  # start of the span; place of the bracket's token
        self._spans: list[tuple[Entity, range]] = []  # and the tokens from bracket to bracket
        self._logs: dict[int, float] = {}
        self._masses: dict[int, float] = {}

    def write(self, *tokens: int) -> None:
        """Take the next tokens."""
        self.tokens += tokens

    def opened(self, start: int) -> None:
        """The last token was an opening bracket before this character."""
        self.open.append((start, len(self.tokens) - 1))

    def closed(self, end: int, label: str) -> None:
        """The last token was a closing bracket before this character."""
        start, first = self.open.pop()
        self._spans.append((Entity(start, end, label), range(first, len(self.tokens))))

    @property
    def _tagged(self) -> set[int]:
        """The tokens of all entities, by number, their brackets included."""
        return {place for _, places in self._spans for place in places}

    @property
    def judged(self) -> list[int]:
        """The tokens, by number, on whose probabilities the prediction rests, ascending.

        All those of entities, their brackets included, and a sample of the others.
        """
        return sorted(self._tagged.union(range(0, len(self.tokens), SAMPLED)))

    def weigh(self, logs: Sequence[float], masses: Sequence[float]) -> None:
        """Take the log probabilities of the judged tokens, when all tokens are written.

        Args:
            logs: of the tokens.
            masses: of all allowed tokens together, at each place.
        """
        self._logs = dict(zip(self.judged, logs, strict=True))
        self._masses = dict(zip(self.judged, masses, strict=True))

    @property
    def prediction(self) -> Prediction:
        """What was found; a completion that is not one of the model's own is a problem."""
        found = tuple(
            ScoredEntity(entity, exp(min(fsum(self._logs[place] for place in places), 0.0)))
            for entity, places in self._spans
        )
        tagged = self._tagged
        stands_for = {place: 1 if place in tagged else SAMPLED for place in self._masses}
        total = fsum(stands_for[place] * mass for place, mass in self._masses.items())
        mass = total / max(sum(stands_for.values()), 1)
        problems: tuple[Problem, ...] = ()
        if mass < log(LEAST_MASS):
            detail = f"the model gives the allowed tokens {exp(mass):.0%} of its probability"
            problems = (Problem(ProblemKind.DERAILED, 0, detail),)
        return Prediction(self.id, found, problems)
