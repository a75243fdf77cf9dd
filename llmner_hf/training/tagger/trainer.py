"""The collator and the trainer: TRL's ``SFTTrainer`` with the loss on the completion alone.

In: rows of `training.tagger.preparation`. With ``allowed_share`` 0 the loss is the usual one, as
TRL's. Otherwise part of the loss is a softmax over the tokens that the copy automaton allows,
instead of over the whole vocabulary. Constrained decoding chooses among these tokens alone, so the
model is trained on the decision that it will make. The restricted loss learns faster, the full one
regularises. TRL's own computation is not used: on a CPU it scores every token of the prompts, too,
with several tiles of 4,096 tokens x 32,768 words in memory at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from zlib import crc32

import numpy as np
import torch
from accelerate.utils import is_compiled_module
from torch.nn import functional as F
from transformers import TrainerCallback
from trl import SFTTrainer

from llmner_hf.tokens.packing import PAD, SHARED
from llmner_hf.training.checkpoints import WholeCheckpoints
from llmner_hf.training.tagger.losses import IGNORED, NONE, add_losses
from llmner_hf.training.tagger.mixing import MixingSampler, SeededSampler


@dataclass
class Collator:
    """Rows to a batch, padded on the right.

    Rows whose prompts begin alike can share that beginning: a pack is one copy of the beginning and
    then the rest of each row. A mask lets every row see the beginning and itself, and positions
    count as if the row stood alone. So a pack has the loss of its rows one by one, in fewer tokens.

    Args:
        pad: the padding token.
        word_dropout: the share of distinct text tokens hidden from an example.
        with_allowed: whether the batch holds the allowed tokens.
        pack: the most rows of a pack; 1 packs nothing.
        seed: seed, epoch and row determine what is hidden. The state of a common generator would
            not do: batches are made ahead of their step, so a run that is resumed within an epoch
            would hide other words.
        epoch: set by `Epochs`.
    """

    pad: int
    word_dropout: float = 0.0
    with_allowed: bool = False
    pack: int = 1
    seed: int = 0
    epoch: int = 0

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """``input_ids``, ``labels`` (packs, tokens); ``allowed`` and ``added`` as below.

        A batch that is not packed has an ``attention_mask``. A packed one, and one of rows whose
        lines do not see each other, has ``position_ids`` instead, and the ``segments`` of which
        `tokens.packing` makes a mask.
        """
        packs = self._packs(rows)
        laid = [self._laid(pack) for pack in packs]
        width = max(len(ids) for ids, _, _, _ in laid)
        ids, labels, segments, positions = (
            torch.stack([F.pad(row, (0, width - len(row)), value=fill) for row in column])
            for column, fill in zip(
                zip(*laid, strict=True), (self.pad, IGNORED, PAD, 0), strict=True
            )
        )
        batch = {"input_ids": ids, "labels": labels}
        if self.pack > 1 or rows[0]["lines"]:
            batch |= {"segments": segments, "position_ids": positions}
        else:
            batch["attention_mask"] = (segments != PAD).long()
        if self.with_allowed:
            ordered = [row for pack in packs for row in pack]
            batch["allowed"] = _padded([row["allowed"] for row in ordered], NONE)
            if ordered[0]["added"]:
                batch["added"] = _padded([row["added"] for row in ordered], 0.0)
        return batch

    def _packs(self, rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
        """The rows that share a prefix, by the first of them, at most ``pack`` together."""
        packs: list[list[dict[str, Any]]] = []
        waiting: dict[tuple[int, ...], list[dict[str, Any]]] = {}
        for row in rows:
            prefix = tuple(row["ids"][: row["prefix"]])
            if prefix not in waiting or len(waiting[prefix]) == self.pack:
                waiting[prefix] = []
                packs.append(waiting[prefix])
            waiting[prefix].append(row)
        return packs

    def _laid(
        self, pack: list[dict[str, Any]]
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Tokens, labels, segments (see `tokens.packing`) and positions of a pack."""
        shared = pack[0]["prefix"]
        ids, labels = [torch.tensor(pack[0]["ids"][:shared])], [torch.full((shared,), IGNORED)]
        segments, positions = [torch.full((shared,), SHARED)], [torch.arange(shared)]
        for number, row in enumerate(pack, SHARED + 1):
            own = torch.tensor(row["ids"][shared:])
            gold = own.clone()
            gold[: row["start"] - shared] = IGNORED
            ids.append(self._dropped(own, row))
            labels.append(gold)
            lines = row["lines"][shared:]  # with these, a pack is a row
            segments.append(torch.tensor(lines) if lines else torch.full_like(own, number))
            counted = row["positions"] or range(len(row["ids"]))
            positions.append(torch.tensor(counted[shared:]))
        return torch.cat(ids), torch.cat(labels), torch.cat(segments), torch.cat(positions)

    def _dropped(self, ids: torch.Tensor, row: dict[str, Any]) -> torch.Tensor:
        """The ids with some words hidden: wherever they stand, or the other copy would tell."""
        if not self.word_dropout:
            return ids
        words = torch.tensor(row["text_ids"])
        drawn = crc32(f"{self.seed}/{self.epoch}/{row['ids']}".encode())
        chances = torch.rand(len(words), generator=torch.Generator().manual_seed(drawn))
        hidden = words[chances < self.word_dropout]
        return torch.where(torch.isin(ids, hidden), self.pad, ids)


def _padded(rows: Sequence[Sequence[Sequence[float]]], fill: float) -> torch.Tensor:
    """What belongs to the allowed tokens of each completion token, the gold token first.

    Returns:
        (completion tokens of the whole batch, most allowed).
    """
    tokens = [each for row in rows for each in row]
    lengths = np.fromiter(map(len, tokens), int, len(tokens))
    filled = np.arange(lengths.max()) < lengths[:, None]
    padded = np.full(filled.shape, fill, np.float32 if isinstance(fill, float) else np.int64)
    padded[filled] = list(chain.from_iterable(tokens))  # a tensor a token takes as long as the step
    return torch.from_numpy(padded)


class Epochs(TrainerCallback):
    """Says to sampler and collator which epoch begins.

    Accelerate tells the sampler neither in several processes nor where batches are skipped.
    """

    def __init__(self, trainer: TaggerTrainer) -> None:
        self.trainer = trainer

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A run that is resumed within an epoch begins with that one."""
        epoch = int(state.epoch or 0)
        collator: Any = self.trainer.data_collator
        collator.epoch = epoch
        if self.trainer.sampler is not None:
            self.trainer.sampler.set_epoch(epoch)


class TaggerTrainer(WholeCheckpoints, SFTTrainer):
    """``SFTTrainer`` for packed rows, with part of the loss over the allowed tokens.

    Args:
        sampler: the order of the rows; if absent, ``train_sampling_strategy`` decides.
        allowed_share: the weight of the loss over the allowed tokens, in [0, 1].
        **kwargs: the arguments of ``SFTTrainer``.
    """

    def __init__(
        self,
        *,
        sampler: MixingSampler | SeededSampler | None = None,
        allowed_share: float = 0.0,
        **kwargs: Any,
    ) -> None:
        self.sampler = sampler
        self.allowed_share = allowed_share
        self._compilation: Any = None
        super().__init__(**kwargs)
        self.add_callback(Epochs(self))
        add_losses(self._language_model(self.model), allowed_share, self._compiled)

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The mean loss of a completion token; arguments as in ``Trainer.compute_loss``."""
        if return_outputs:
            inputs = {k: v for k, v in inputs.items() if k not in ("allowed", "added")}
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        if is_compiled_module(model):  # by accelerate, whole; see `_compiled`
            model = model._orig_mod  # type: ignore[assignment]
        with self.accelerator.autocast():  # for a model that accelerate did not prepare
            losses = model(**inputs, completion_losses=True)
        # As in TRL: the count is that of all ranks, and gradients are averaged over them.
        if num_items_in_batch is None:
            return losses.mean()
        return losses.sum() / num_items_in_batch * self.accelerator.num_processes

    def _send_telemetry(self) -> None:
        """TRL tells the Hub about each run; a run on patients' texts tells nobody."""

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        if self.sampler is None:
            usual = super()._get_train_sampler(train_dataset)
            self.sampler = SeededSampler(usual, self.args.seed)
        return self.sampler

    def _language_model(self, model: Any) -> Any:
        """The model below accelerate's and PEFT's wrappers; adapters sit inside it."""
        language_model: Any = self.accelerator.unwrap_model(model)
        if hasattr(language_model, "get_base_model"):
            language_model = language_model.get_base_model()
        return language_model

    def _compiled(self, decoder: torch.nn.Module) -> Any:
        """The decoder, compiled for rows of any length where the recipe says ``torch_compile``.

        Not in place: validation decodes with a cache, in shapes that would compile anew each step.
        """
        if not self.args.torch_compile:
            return decoder
        if self._compilation is None:
            backend = self.args.torch_compile_backend or "inductor"
            self._compilation = torch.compile(decoder, backend=backend, dynamic=True)
        return self._compilation
