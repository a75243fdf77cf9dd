"""The collator and the trainer: TRL's ``SFTTrainer`` with the loss on the completion alone.

In: rows of `training.preparation`. With ``allowed_share`` 0 the loss is TRL's own. Otherwise part
of it is taken over the tokens that the copy automaton allows (softmax over copy or bracket instead
of over the whole vocabulary): constrained decoding chooses among those alone, so this is the
decision that it makes. The restricted loss learns faster, the full one regularises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint
from torch.utils.data import Sampler
from trl import SFTTrainer

IGNORED = -100  # PyTorch's and TRL's label of a position without loss
NONE = -1  # padding of the allowed tokens
PAD = -1  # the segment of padding
# Tokens whose logits over the whole vocabulary are in memory at a time: 0.3 GB for 150,000.
FULL_TOKENS = 512


@dataclass
class Collator:
    """Rows to a batch, padded on the right.

    Rows whose prompts begin alike can share that beginning: a pack is one copy of it and then the
    rest of each row. A mask lets every row see the beginning and itself, and positions count as if
    it stood alone, so the loss is that of the rows one by one, and the tokens are fewer.

    Args:
        pad: the padding token.
        word_dropout: the share of distinct text tokens hidden from an example.
        with_allowed: whether the batch holds the allowed tokens.
        pack: the most rows of a pack; 1 packs nothing.
    """

    pad: int
    word_dropout: float = 0.0
    with_allowed: bool = False
    pack: int = 1

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """``input_ids``, ``labels`` (packs, tokens); ``attention_mask``; ``allowed`` as below.

        Without packs a pack is a row and the mask (rows, tokens); otherwise it is (packs, 1,
        tokens, tokens), true where a token is seen, and there are ``position_ids``.
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
        if self.pack > 1:
            batch |= {"attention_mask": seen(segments), "position_ids": positions}
        else:
            batch["attention_mask"] = (segments != PAD).long()
        if self.with_allowed:
            batch["allowed"] = self._allowed([row for pack in packs for row in pack])
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
        """Tokens, labels, segments (0 is the prefix) and positions of a pack."""
        shared = pack[0]["prefix"]
        ids, labels = [torch.tensor(pack[0]["ids"][:shared])], [torch.full((shared,), IGNORED)]
        segments, positions = [torch.zeros(shared, dtype=torch.long)], [torch.arange(shared)]
        for number, row in enumerate(pack, 1):
            own = torch.tensor(row["ids"][shared:])
            gold = own.clone()
            gold[: row["start"] - shared] = IGNORED
            ids.append(self._dropped(own, row["text_ids"]))
            labels.append(gold)
            segments.append(torch.full_like(own, number))
            positions.append(torch.arange(shared, shared + len(own)))
        return torch.cat(ids), torch.cat(labels), torch.cat(segments), torch.cat(positions)

    def _dropped(self, ids: torch.Tensor, text_ids: list[int]) -> torch.Tensor:
        """A word is hidden wherever it stands, else the model reads it off its other copy."""
        if not self.word_dropout:
            return ids
        words = torch.tensor(text_ids)
        hidden = words[torch.rand(len(words)) < self.word_dropout]
        return torch.where(torch.isin(ids, hidden), self.pad, ids)

    @staticmethod
    def _allowed(rows: Sequence[dict[str, Any]]) -> torch.Tensor:
        """(completion tokens of the whole batch, most allowed), the gold token first."""
        legal = [choices for row in rows for choices in row["allowed"]]
        allowed = torch.full((len(legal), max(map(len, legal))), NONE)
        for index, choices in enumerate(legal):
            allowed[index, : len(choices)] = torch.tensor(choices)
        return allowed


def seen(segments: torch.Tensor) -> torch.Tensor:
    """Which token sees which: itself, what stands before it in its row, and the prefix.

    Args:
        segments: the number of each token's row, 0 for the prefix, (packs, tokens).

    Returns:
        (packs, 1, tokens, tokens), the token that looks first.
    """
    place = torch.arange(segments.shape[1])
    own = segments[:, :, None] == segments[:, None, :]
    prefix = segments[:, None, :] == 0
    return ((place[:, None] >= place) & (own | prefix))[:, None]


class TaggerTrainer(SFTTrainer):
    """``SFTTrainer`` that can take part of the loss over the allowed tokens, of packed rows too.

    Args:
        sampler: the order of the rows; TRL's own if absent.
        allowed_share: the weight of that part, in [0, 1].
        full_sample: the share of tokens on which the rest of the loss is estimated, in (0, 1].
        **kwargs: the arguments of ``SFTTrainer``.
    """

    def __init__(
        self,
        *,
        sampler: Sampler[int] | None = None,
        allowed_share: float = 0.0,
        full_sample: float = 1.0,
        **kwargs: Any,
    ) -> None:
        self.sampler = sampler
        self.allowed_share = allowed_share
        self.full_sample = full_sample
        self._compilation: Any = None
        super().__init__(**kwargs)

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> Any:
        """The mean loss of a completion token; arguments as in ``Trainer.compute_loss``."""
        packed = "position_ids" in inputs
        if return_outputs or not (self.allowed_share or packed):
            inputs.pop("allowed", None)
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels = inputs["labels"]
        language_model = self._language_model(model)
        decoder = self._compiled(language_model.get_decoder())
        with self.accelerator.autocast():  # its own wrapper is around the whole model's forward
            hidden = decoder(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                position_ids=inputs.get("position_ids"),
                use_cache=False,
            ).last_hidden_state[:, :-1]
        bears_loss = labels[:, 1:] != IGNORED
        head = language_model.get_output_embeddings().weight
        losses = mixed_losses(
            hidden[bears_loss].to(head.dtype),
            head,
            labels[:, 1:][bears_loss],
            inputs.get("allowed"),
            self.allowed_share,
            self.full_sample if language_model.training else 1.0,
        )
        # As in TRL: the count is that of all ranks, and gradients are averaged over them.
        if num_items_in_batch is None:
            return losses.mean()
        return losses.sum() / num_items_in_batch * self.accelerator.num_processes

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return self.sampler or super()._get_train_sampler(train_dataset)

    def _language_model(self, model: torch.nn.Module) -> Any:
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


def mixed_losses(
    hidden: torch.Tensor,
    head: torch.Tensor,
    gold: torch.Tensor,
    allowed: torch.Tensor | None,
    share: float,
    sample: float = 1.0,
) -> torch.Tensor:
    """The loss of each token, (tokens,).

    Args:
        hidden: states before the head, (tokens, hidden).
        head: the output matrix, (vocabulary, hidden).
        gold: the right tokens, (tokens,).
        allowed: the allowed tokens, gold first, padded by -1, (tokens, most allowed); not needed
            where ``share`` is 0.
        share: the weight of the loss over the allowed tokens; the rest is over the vocabulary.
        sample: the share of tokens, drawn at random, on which the latter is estimated.
    """
    losses = torch.zeros(len(gold), device=hidden.device)
    if share and allowed is not None:
        choice = (allowed[:, 1:] != NONE).any(1)  # where one token is allowed, nothing is decided
        rows = head[allowed[choice].clamp(min=0)]  # (choices, most allowed, hidden)
        logits = torch.einsum("nah,nh->na", rows, hidden[choice]).float()
        logits = logits.masked_fill(allowed[choice] == NONE, -torch.inf)
        losses[choice] = share * (logits.logsumexp(1) - logits[:, 0])
    if share < 1:
        drawn = torch.rand(len(gold), device=hidden.device) < sample
        losses[drawn] += (1 - share) / sample * full_losses(hidden[drawn], head, gold[drawn])
    return losses


def full_losses(hidden: torch.Tensor, head: torch.Tensor, gold: torch.Tensor) -> torch.Tensor:
    """The loss over the whole vocabulary, (tokens,); a few tokens at a time.

    Logits are computed again for the gradient: those of a batch over 150,000 tokens are gigabytes.
    """

    def part(hidden: torch.Tensor, gold: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy((hidden @ head.T).float(), gold, reduction="none")

    parts = zip(hidden.split(FULL_TOKENS), gold.split(FULL_TOKENS), strict=True)
    return torch.cat([checkpoint(part, *pair, use_reentrant=False) for pair in parts])
