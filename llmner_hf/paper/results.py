"""The scores of every system on every test set: counted once, looked up by every table.

In: runs. Out: `Results`, a result for each setup, corpus and selector. A setup tells the rows of a
table apart: by backbone, strategy and training of a language model, by the title of anything else.
Several runs may add to one setup, for instance one run for each corpus. Where two runs would give
the same cell, they must agree text for text and entity for entity, and the first by name counts;
runs that disagree are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from llmner_hf.core.catalogue import CORPORA
from llmner_hf.core.errors import InputError
from llmner_hf.core.prompting import Strategy
from llmner_hf.core.scoring import Comparison, Interval, Intervals, Scores, bootstrap
from llmner_hf.paper.runs import TAGGER, Run, System, Training, Trial
from llmner_hf.paper.tables import NOT_RUN, Cell

# The selector that Tables V to VIII take.
SELECTOR = "llm_cls"
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
TRAININGS: tuple[Training | None, ...] = ("joint", "single", "zero-shot", None)

Source = tuple[Run, Trial, str]  # the last is the selector


@dataclass(frozen=True, slots=True)
class Setup:
    """By what the rows of a table differ; only what is no language model has a ``title``."""

    backbone: str
    training: Training | None
    strategy: Strategy | None = "symbolic"
    title: str = ""

    @classmethod
    def of(cls, system: System) -> Setup:
        """The setup of a run."""
        title = "" if system.training else system.title
        return cls(system.backbone, system.training, system.strategy, title)

    @property
    def name(self) -> str:
        """The name of the setup for people.

        >>> Setup("embedded", "single", "html").name
        'embedded, single, html'
        """
        parts = [self.backbone, self.training, self.strategy if self.strategy != "symbolic" else ""]
        return self.title or ", ".join(part for part in parts if part)

    @property
    def order(self) -> tuple[int, str, int, str]:
        """Joint training first, then by backbone."""
        strategy = STRATEGIES.index(self.strategy) if self.strategy else -1
        return TRAININGS.index(self.training), self.backbone, strategy, self.title


@dataclass(frozen=True, slots=True)
class Result:
    """What one system scores on one test set."""

    setup: Setup
    trial: Trial
    selector: str
    scores: Scores
    intervals: Intervals
    gained: Comparison | None

    @property
    def f1(self) -> Interval:
        """Strict F1 in per cent."""
        return per_cent(self.intervals.f1)


@dataclass(frozen=True, slots=True)
class Results:
    """All results: setups in order, the corpora of each in the order of the catalogue."""

    all: tuple[Result, ...]

    @property
    def setups(self) -> list[Setup]:
        """The setups that have a result."""
        return sorted({result.setup for result in self.all}, key=lambda setup: setup.order)

    def backbones(self, *trainings: Training) -> list[str]:
        """The backbones that were trained, or asked, in one of these ways."""
        return sorted({s.backbone for s in self.setups if s.training in trainings})

    def find(self, setup: Setup, corpus: str, selector: str = TAGGER) -> Result | None:
        """The result of a cell; None where it was not run."""
        for result in self.all:
            if (result.setup, result.trial.name, result.selector) == (setup, corpus, selector):
                return result
        return None

    def tuned(self, backbone: str, corpus: str) -> Result | None:
        """The tagger alone: its result in the joint run, or without one in the single run."""
        joint, single = Setup(backbone, "joint"), Setup(backbone, "single")
        return self.find(joint, corpus) or self.find(single, corpus)

    def zero_shot(self, backbone: str, corpus: str) -> Result | None:
        """Without training, by the first strategy that was run: symbolic, html, json_list."""
        setups = (Setup(backbone, "zero-shot", strategy) for strategy in STRATEGIES)
        return next((r for setup in setups if (r := self.find(setup, corpus))), None)


def measure(runs: Iterable[Run], samples: int = 1000) -> Results:
    """Score every system on every test set; all but the tagger are compared with it.

    Raises:
        InputError: two runs disagree about a cell.
    """
    found = [
        _result(Setup.of(run.system), trial, selector, samples)
        for run, trial, selector in _distinct(runs)
    ]
    return Results(tuple(sorted(found, key=_place)))


def _place(result: Result) -> tuple[object, ...]:
    known = [*CORPORA, result.trial.name]
    return result.setup.order, known.index(result.trial.name), result.trial.name


def _distinct(runs: Iterable[Run]) -> list[Source]:
    """The first trial that gives each cell; the others must agree with it."""
    first: dict[tuple[Setup, str, str], Source] = {}
    for run in runs:
        for trial in run.trials:
            for selector in trial.found:
                source = run, trial, selector
                key = Setup.of(run.system), trial.name, selector
                _require_agreement(first.setdefault(key, source), source)
    return list(first.values())


def _require_agreement(one: Source, other: Source) -> None:
    (run, trial, selector), (rival, again, _) = one, other
    if (trial.examples, trial.found[selector]) != (again.examples, again.found[selector]):
        raise InputError(
            f"{run.name} and {rival.name} are both {Setup.of(run.system).name!r} and differ in "
            f"{trial.name}.{selector}.jsonl or its gold file; name another backbone (or title) in "
            "one system.json, or report them apart"
        )


def _result(setup: Setup, trial: Trial, name: str, samples: int) -> Result:
    intervals = bootstrap(trial.gold, trial.found[name], samples=samples)
    gained = trial.against_tagger(name, samples) if name != TAGGER else None
    return Result(setup, trial, name, trial.scores(name), intervals, gained)


def per_cent(interval: Interval) -> Interval:
    """Shares in per cent."""
    return replace(
        interval, value=100 * interval.value, low=100 * interval.low, high=100 * interval.high
    )


def f1_cell(result: Result | None) -> Cell:
    """F1 in per cent with its interval, or that it was not run."""
    return result.f1 if result else NOT_RUN


def score_cells(result: Result | None) -> tuple[Cell, Cell, Cell]:
    """Precision, recall and F1, in per cent, or three times that they were not run."""
    if not result:
        return NOT_RUN, NOT_RUN, NOT_RUN
    strict = result.scores.strict
    return 100 * strict.precision, 100 * strict.recall, result.f1


def texts_cell(results: Sequence[Result | None]) -> Cell:
    """How many texts the cells of a row come from; apart where they differ."""
    counts = [str(len(result.trial.examples)) if result else "–" for result in results]
    if len(set(counts)) == 1:
        return counts[0]
    return " / ".join(counts)


def corpus_title(name: str) -> str:
    """The corpus's own name."""
    return CORPORA[name].title
