"""How many rows, tokens and steps a run has, and the shape of its batches.

In: prepared rows and settings. Out: the counts of ``Trainer``, without one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from datasets import Dataset
from trl import SFTConfig

from llmner_hf.training.recipe import TrainingSettings
from llmner_hf.training.tagger.run import pack_size, sampler_of


@dataclass(frozen=True, slots=True)
class Schedule:
    """Rows and steps, as ``Trainer`` counts them."""

    batch: int
    accumulation: int
    processes: int
    steps_per_epoch: int
    steps: int

    @classmethod
    def of(cls, rows: int, optimisation: SFTConfig) -> Schedule:
        """The schedule of an epoch of so many rows."""
        batch, processes = optimisation.train_batch_size, optimisation.world_size
        whole = math.floor if optimisation.dataloader_drop_last else math.ceil
        batches = whole(whole(rows / batch) / processes)
        accumulation = optimisation.gradient_accumulation_steps
        an_epoch = max(math.ceil(batches / accumulation), 1)
        in_all = optimisation.max_steps
        if in_all <= 0:
            in_all = math.ceil(optimisation.num_train_epochs * an_epoch)
        return cls(batch, accumulation, processes, an_epoch, in_all)

    def as_text(self) -> str:
        """One line."""
        return (
            f"{self.batch * self.accumulation * self.processes} rows a step ({self.batch} a batch "
            f"x {self.accumulation} accumulated x {self.processes} processes), "
            f"{self.steps_per_epoch:,} steps an epoch, {self.steps:,} in all "
            f"({self.steps / self.steps_per_epoch:.2f} epochs)"
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """The largest batch: packs, their padded width, completion tokens, most allowed at a place.

    Without packing a pack is a row.
    """

    packs: int
    width: int
    answers: int
    allowed: int


@dataclass(frozen=True, slots=True)
class Epoch:
    """The first epoch, batch by batch in its own order.

    Attributes:
        rows: seen, some of them more than once where corpora are weighted.
        tokens: of these rows.
        completion_tokens: of these, in completions.
        computed_tokens: what passes through the model: prefixes once a pack, padding included.
        longest: tokens of the longest row.
        largest: the batch with most tokens, with the most completion tokens of any batch.
    """

    rows: int
    tokens: int
    completion_tokens: int
    computed_tokens: int
    longest: int
    largest: Batch

    @classmethod
    def of(cls, rows: Dataset, settings: TrainingSettings, optimisation: SFTConfig) -> Epoch:
        """The first epoch of prepared rows."""
        pack = pack_size(settings, optimisation)
        sampler = sampler_of(rows, settings, optimisation, pack)
        order = list(range(len(rows)) if sampler is None else sampler)
        lengths, starts = (rows.with_format("numpy")[name][:] for name in ("length", "start"))
        answers = lengths - starts
        prefixes = rows["prefix"][:] if pack > 1 else [0] * len(rows)
        corpora = rows["corpus"][:]
        size = optimisation.per_device_train_batch_size
        batches = [order[begin : begin + size] for begin in range(0, len(order), size)]
        laid = [
            widths([(corpora[i], prefixes[i], int(lengths[i])) for i in batch], pack)
            for batch in batches
        ]
        packs, width = max(((len(w), max(w)) for w in laid), key=lambda shape: shape[0] * shape[1])
        most = max(batches, key=lambda batch: int(answers[batch].sum()))
        legal = (len(choices) for row in rows.select(most)["allowed"] for choices in row)
        return cls(
            rows=len(order),
            tokens=int(lengths[order].sum()),
            completion_tokens=int(answers[order].sum()),
            computed_tokens=sum(len(w) * max(w) for w in laid),
            longest=int(lengths.max()),
            largest=Batch(packs, width, int(answers[most].sum()), max(legal, default=0)),
        )


def widths(batch: Sequence[tuple[str, int, int]], pack: int) -> list[int]:
    """The tokens of each pack of a batch, as the collator lays it.

    Args:
        batch: corpus, tokens of the prefix and tokens of each row.
        pack: the most rows of a pack.

    >>> widths([("genia", 70, 100), ("biored", 50, 90), ("genia", 70, 120)], 2)
    [150, 90]
    >>> widths([("genia", 70, 100), ("biored", 50, 90), ("genia", 70, 120)], 1)
    [100, 90, 120]
    """
    laid: list[int] = []
    waiting: dict[str, tuple[int, int]] = {}  # corpus -> the place of its pack, rows in it
    for corpus, prefix, length in batch:
        place, rows = waiting.get(corpus, (0, pack))
        if rows == pack:
            place, rows = len(laid), 0
            laid.append(prefix)
        laid[place] += length - prefix
        waiting[corpus] = place, rows + 1
    return laid
