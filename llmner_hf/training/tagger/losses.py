"""The loss of each token of a completion, taken inside the model's own forward.

In: a batch of `training.tagger.trainer.Collator`. Out: the losses of all its completion tokens,
over the vocabulary, over the tokens that the copy automaton allows, or a mixture of both. The loss
is computed inside the forward, because DDP adds up the gradients of all processes only for what a
call of the wrapped model returns. A loss computed beside that call would silently train each
process on its own rows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import torch
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from llmner_hf.tokens.packing import mask_for
from llmner_hf.training.tagger.unpadded import by_parts, can_be_unpadded, unpadded

IGNORED = -100  # PyTorch's and TRL's label of a position without loss
NONE = -1  # padding of the allowed tokens
# Tokens whose logits over the whole vocabulary are in memory at a time: 0.3 GB for 150,000.
FULL_TOKENS = 512


def add_losses(model: Any, share: float, compiled: Callable[[torch.nn.Module], Any]) -> None:
    """Let a causal language model give losses: ``model(..., completion_losses=True)``.

    Called without ``completion_losses``, the model does as before. The losses are (completion
    tokens,).

    Args:
        model: the model below all wrappers and adapters.
        share: the weight of the loss over the allowed tokens.
        compiled: gives what to call in place of the decoder.
    """
    usual = model.forward

    @wraps(usual)
    def forward(*args: Any, completion_losses: bool = False, **inputs: Any) -> Any:
        if not completion_losses:
            return usual(*args, **inputs)
        hidden, labels = states(model, compiled(model.get_decoder()), inputs)
        hidden, gold = hidden[:, :-1], labels[:, 1:]  # (packs, tokens - 1, hidden)
        bears_loss = gold != IGNORED
        head = model.get_output_embeddings().weight
        with torch.autocast(hidden.device.type, enabled=False):  # in the precision of the head
            return mixed_losses(
                hidden[bears_loss].to(head.dtype),
                head,
                gold[bears_loss],
                inputs.get("allowed"),
                share,
                inputs.get("added"),
            )

    model.forward = forward


def states(model: Any, decoder: Any, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """The states before the head, (packs, tokens, hidden), and the labels of the same tokens.

    Args:
        model: the model below all wrappers and adapters.
        decoder: what to call in place of its decoder.
        batch: of `training.tagger.trainer.Collator`.
    """
    if can_be_unpadded(model, decoder is not model.get_decoder()):
        row, parts = unpadded(batch)
        labels = row.pop("labels")
        with by_parts(model):
            found = decoder(**row, parts=parts, use_cache=False)
        return found.last_hidden_state, labels
    found = decoder(
        input_ids=batch["input_ids"],
        position_ids=batch.get("position_ids"),
        **attention_inputs(model, batch),
        use_cache=False,
    )
    return found.last_hidden_state, batch["labels"]


def attention_inputs(model: Any, batch: Mapping[str, Any]) -> dict[str, Any]:
    """What tells the model's attention which token of a batch sees which.

    Raises:
        SettingError: that attention cannot be told.
    """
    if (mask := batch.get("attention_mask")) is not None:
        return {"attention_mask": mask}
    kind = model.config._attn_implementation
    return {"attention_mask": mask_for(kind, batch["segments"], model.dtype)}


def mixed_losses(
    hidden: torch.Tensor,
    head: torch.Tensor,
    gold: torch.Tensor,
    allowed: torch.Tensor | None,
    share: float,
    added: torch.Tensor | None = None,
) -> torch.Tensor:
    """The loss of each token, (tokens,).

    Args:
        hidden: states before the head, (tokens, hidden).
        head: the output matrix, (vocabulary, hidden).
        gold: the right tokens, (tokens,).
        allowed: the allowed tokens, gold first, padded by -1, (tokens, most allowed); not needed
            where ``share`` is 0.
        share: the weight of the loss over the allowed tokens; the rest is over the vocabulary.
        added: what a gazetteer adds to the logits of the allowed tokens, shaped as these.
    """
    losses = torch.zeros(len(gold), device=hidden.device)
    if share and allowed is not None:
        choice = (allowed[:, 1:] != NONE).any(1)  # where one token is allowed, nothing is decided
        rows = head[allowed[choice].clamp(min=0)]  # (choices, most allowed, hidden)
        logits = torch.einsum("nah,nh->na", rows, hidden[choice]).float()
        if added is not None:
            logits = logits + added[choice]
        logits = logits.masked_fill(allowed[choice] == NONE, -torch.inf)
        losses[choice] = share * (logits.logsumexp(1) - logits[:, 0])
    if share < 1:
        losses = losses + (1 - share) * full_losses(hidden, head, gold)
    return losses


def full_losses(hidden: torch.Tensor, head: torch.Tensor, gold: torch.Tensor) -> torch.Tensor:
    """The loss over the whole vocabulary, (tokens,); a few tokens at a time.

    Logits are computed again for the gradient: those of a batch over 150,000 tokens are gigabytes.
    Not the last part's, whose gradient comes first, so that no others are in memory with them.
    """

    def part(hidden: torch.Tensor, gold: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy((hidden @ head.T).float(), gold, reduction="none")

    # The last part is a whole one, for it is the one that is computed once.
    sizes = [len(gold) % FULL_TOKENS, *[FULL_TOKENS] * (len(gold) // FULL_TOKENS)]
    parts = list(zip(hidden.split(sizes), gold.split(sizes), strict=True))
    again = [checkpoint(part, *pair, use_reentrant=False) for pair in parts[:-1]]
    return torch.cat([*again, part(*parts[-1])])
