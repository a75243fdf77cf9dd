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
from torch.nn import functional
from trl import SFTTrainer

IGNORED = -100  # PyTorch's and TRL's label of a position without loss
NONE = -1  # padding of the allowed tokens


@dataclass
class Collator:
    """Rows to a batch, padded on the right.

    Args:
        pad: the padding token.
        word_dropout: the share of distinct text tokens hidden from an example.
        with_allowed: whether the batch holds the allowed tokens.
    """

    pad: int
    word_dropout: float = 0.0
    with_allowed: bool = False

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """``input_ids``, ``attention_mask``, ``labels`` (batch, tokens); ``allowed`` as below."""
        width = max(len(row["ids"]) for row in rows)
        ids = torch.full((len(rows), width), self.pad)
        mask = torch.zeros(len(rows), width, dtype=torch.long)
        labels = torch.full((len(rows), width), IGNORED)
        for index, row in enumerate(rows):
            own = torch.tensor(row["ids"])
            labels[index, row["start"] : len(own)] = own[row["start"] :]
            ids[index, : len(own)] = self._dropped(own, row["text_ids"])
            mask[index, : len(own)] = 1
        batch = {"input_ids": ids, "attention_mask": mask, "labels": labels}
        if self.with_allowed:
            batch["allowed"] = self._allowed(rows)
        return batch

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


class TaggerTrainer(SFTTrainer):
    """``SFTTrainer`` that can take part of the loss over the allowed tokens.

    Args:
        allowed_share: the weight of that part, in [0, 1].
        full_sample: the share of tokens on which the rest of the loss is estimated, in (0, 1].
        **kwargs: the arguments of ``SFTTrainer``.
    """

    def __init__(
        self, *, allowed_share: float = 0.0, full_sample: float = 1.0, **kwargs: Any
    ) -> None:
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
        if not self.allowed_share or return_outputs:
            inputs.pop("allowed", None)
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels, allowed = inputs["labels"], inputs["allowed"]
        language_model = self._language_model(model)
        decoder = self._compiled(language_model.get_decoder())
        with self.accelerator.autocast():  # its own wrapper is around the whole model's forward
            hidden = decoder(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                use_cache=False,
            ).last_hidden_state[:, :-1]
        bears_loss = labels[:, 1:] != IGNORED
        head = language_model.get_output_embeddings().weight
        losses = mixed_losses(
            hidden[bears_loss].to(head.dtype),
            head,
            labels[:, 1:][bears_loss],
            allowed,
            self.allowed_share,
            self.full_sample if language_model.training else 1.0,
        )
        # As in TRL: the count is that of all ranks, and gradients are averaged over them.
        if num_items_in_batch is None:
            return losses.mean()
        return losses.sum() / num_items_in_batch * self.accelerator.num_processes

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
    allowed: torch.Tensor,
    share: float,
    sample: float = 1.0,
) -> torch.Tensor:
    """The loss of each token, (tokens,).

    Args:
        hidden: states before the head, (tokens, hidden).
        head: the output matrix, (vocabulary, hidden).
        gold: the right tokens, (tokens,).
        allowed: the allowed tokens, gold first, padded by -1, (tokens, most allowed).
        share: the weight of the loss over the allowed tokens; the rest is over the vocabulary.
        sample: the share of tokens, drawn at random, on which the latter is estimated.
    """
    losses = hidden.new_zeros(len(gold))
    choice = (allowed[:, 1:] != NONE).any(1)  # where one token is allowed, nothing is decided
    rows = head[allowed[choice].clamp(min=0)]  # (choices, most allowed, hidden)
    logits = torch.einsum("nah,nh->na", rows, hidden[choice]).float()
    logits = logits.masked_fill(allowed[choice] == NONE, -torch.inf)
    losses[choice] = share * (logits.logsumexp(1) - logits[:, 0])
    if share < 1:
        drawn = torch.rand(len(gold), device=hidden.device) < sample
        logits = (hidden[drawn] @ head.T).float()
        full = functional.cross_entropy(logits, gold[drawn], reduction="none")
        losses[drawn] += (1 - share) / sample * full
    return losses
