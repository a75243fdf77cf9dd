"""Whether a model that was loaded is the one that was saved: tensors, adapter, tokenizer, answers.

In: a folder or repository and what was loaded from it. Refused, in one line that names the place:
a file that cannot be read, tensors that the model lacks or does not know, an adapter's likewise,
a tokenizer with more tokens than the embedding has rows, and a model whose answers are not numbers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from transformers import PreTrainedTokenizerBase

from llmner_hf.core.errors import LlmnerError, SettingError

# Rows of an embedding beyond the tokenizer's tokens: models pad up to some hundred, and a quarter
# is left to those that had tokens taken out.
SPARE = 1024
NAMED = 3  # tensors that a message names
_BEFORE = "base_model.model."


@contextmanager
def in_one_line(place: str) -> Iterator[None]:
    """Turn whatever a library raises over files from strangers into one line about the place."""
    try:
        yield
    except (LlmnerError, ConnectionError):
        raise
    except Exception as error:
        told = (" ".join(str(error).split()) or type(error).__name__)[:300]
        told = f"no {told}" if isinstance(error, KeyError) else told
        raise SettingError(f"{place}: cannot be loaded: {told}") from error


def loaded(
    kind: Any, place: str, left: Collection[str] = (), new: Collection[str] = (), **options: Any
) -> Any:
    """The model of a folder or repository, with each tensor in its place.

    Args:
        kind: what has ``from_pretrained``.
        place: folder or Hub id.
        left: beginnings of names that the files may hold and the model not.
        new: beginnings of names that the model may have and the files not.
        **options: of ``from_pretrained``.

    Raises:
        SettingError: it cannot be loaded, or tensors are missing, unknown or of another shape.
    """
    with in_one_line(place):
        model, told = kind.from_pretrained(place, output_loading_info=True, **options)
        missing = [name for name in told["missing_keys"] if not name.startswith(tuple(new))]
        unknown = [name for name in told["unexpected_keys"] if not name.startswith(tuple(left))]
        other = [str(entry[0]) for entry in told["mismatched_keys"]]
        refuse(place, missing, unknown, other)
    return model


def check_adapter(model: Any, file: Path, place: str) -> None:
    """Refuse an adapter of which a tensor is missing, or found no place in the model.

    Raises:
        SettingError: which tensors.
    """
    from peft.utils import get_peft_model_state_dict  # only here: it is slow to import

    with in_one_line(place):
        own = get_peft_model_state_dict(model, save_embedding_layers=False)
        wanted = {name.removeprefix(_BEFORE) for name in own}
        with safe_open(file, "pt") as tensors:
            held = {name.removeprefix(_BEFORE) for name in tensors.keys()}  # noqa: SIM118  no mapping
        whole = (".embed_tokens.weight", "lm_head.weight", ".word_embeddings.weight")
        unknown = {name for name in held - wanted if not name.endswith(whole)}
        refuse(place, sorted(wanted - held), sorted(unknown), ())


def refuse(
    place: str, missing: Collection[str], unknown: Collection[str], other: Collection[str]
) -> None:
    """Refuse tensors that are missing, unknown or of another shape.

    Raises:
        SettingError: there are some.
    """
    kinds = {"missing": missing, "unknown to the model": unknown, "of another shape": other}
    told = [
        f"{len(names)} tensors are {kind}, as {', '.join(sorted(names)[:NAMED])}"
        for kind, names in kinds.items()
        if names
    ]
    if told:
        raise SettingError(f"{place}: {'; '.join(told)}; the files are damaged, fetch them anew")


def check_tokenizer(model: Any, tokenizer: PreTrainedTokenizerBase, place: str) -> None:
    """Refuse a tokenizer that does not fit a model's embedding.

    Raises:
        SettingError: it has more tokens than the embedding has rows, or so few that its ids
            cannot be those that the model was trained on.
    """
    rows, tokens = model.get_input_embeddings().weight.shape[0], len(tokenizer)
    if tokens > rows:
        raise SettingError(
            f"{place}: its tokenizer has {tokens} tokens and the embedding {rows} rows; the "
            "tokenizer is another model's"
        )
    # Not a warning: what another model's tokenizer makes of a text is wrong all through.
    if rows - tokens > max(SPARE, rows // 4):
        raise SettingError(
            f"{place}: its tokenizer has {tokens} tokens and the embedding {rows} rows; the "
            "tokenizer is another model's, or the model was not cut to it: "
            "model.resize_token_embeddings"
        )


def check_answers(model: Any, place: str) -> None:
    """Refuse a model whose logits are not numbers: of damaged weights, or of a wrong config.

    Raises:
        SettingError: they are not, or it cannot compute any.
    """
    if any(parameter.is_meta for parameter in model.parameters()):
        return  # its weights lie elsewhere, and are fetched as they are needed
    with in_one_line(place), torch.no_grad():
        device = next(model.get_input_embeddings().parameters()).device
        ids = torch.arange(4, device=device)[None]
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        if not torch.isfinite(logits).all():
            raise SettingError(
                f"{place}: the model computes what is no number; its weights or its config are "
                "damaged"
            )


def check_context(config: Any, place: str) -> None:
    """Refuse a config whose context is no number of tokens.

    Raises:
        SettingError: what it says.
    """
    context = getattr(config, "max_position_embeddings", None)
    if not isinstance(context, int) or isinstance(context, bool) or context < 1:
        raise SettingError(
            f"{place}: max_position_embeddings in config.json must be a number of tokens, not "
            f"{context!r:.40}"
        )
