"""A key-value cache in which every row is written at a place of its own.

In: a model with full attention in every layer. Out: a cache for stock ``transformers`` models: the
slot of a token is its position in the row, so a draft that was refused is masked by plain causality
and overwritten by what follows, a row can be given to the next text at any time, and the prefix of
a prompt is copied in. Refused: models with windows, recurrent layers, or flash attention.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import CacheLayerMixin

from llmner_hf.core.errors import SettingError

# Slots are added this many at a time.
BLOCK = 128


class RowLayer(CacheLayerMixin):
    """Keys and values of one layer, (rows, heads, slots, head size)."""

    is_sliding = False

    def __init__(self, control: RowCache) -> None:
        super().__init__()
        self.control = control

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Make room for the whole batch, as long as the cache says."""
        rows, room = self.control.size, self.control.room
        self.keys = key_states.new_zeros(rows, key_states.shape[1], room, key_states.shape[3])
        self.values = value_states.new_zeros(
            rows, value_states.shape[1], room, value_states.shape[3]
        )
        self.is_initialized = True

    def roomy(self, like: torch.Tensor, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values with as many slots as the cache says."""
        if not self.is_initialized:
            self.lazy_initialization(like, values)
        assert self.keys is not None
        assert self.values is not None
        more = self.control.room - self.keys.shape[2]
        if more > 0:
            self.keys = torch.nn.functional.pad(self.keys, (0, 0, 0, more))
            self.values = torch.nn.functional.pad(self.values, (0, 0, 0, more))
        return self.keys, self.values

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write the states at their rows' slots; returns what the rows can attend to."""
        rows, slots, view = self.control.rows, self.control.slots, self.control.view
        keys, values = self.roomy(key_states, value_states)
        keys[rows[:, None], :, slots] = key_states.transpose(1, 2)
        values[rows[:, None], :, slots] = value_states.transpose(1, 2)
        if len(rows) < len(keys):
            return keys[rows, :, :view], values[rows, :, :view]
        return keys[:, :, :view], values[:, :, :view]

    def fill(self, row: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        """Copy a prefix, (1, heads, tokens, head size), to the beginning of a row."""
        own_keys, own_values = self.roomy(keys, values)
        own_keys[row, :, : keys.shape[2]] = keys[0]
        own_values[row, :, : keys.shape[2]] = values[0]

    def keep(self, rows: torch.Tensor) -> None:
        """Drop all rows but these."""
        if self.is_initialized:
            assert self.keys is not None
            assert self.values is not None
            self.keys, self.values = self.keys[rows], self.values[rows]

    def get_seq_length(self) -> int:
        """Not one number; the masks are made by `RowCache`."""
        return self.control.view

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """The keys that a pass sees."""
        return self.control.view, 0

    def get_max_length(self) -> int:
        """No limit."""
        return -1


class RowCache(Cache):
    """The cache of a batch."""

    def __init__(self, model: Any, size: int) -> None:
        self.own = [RowLayer(self) for _ in range(layers_of(model))]
        super().__init__(layers=[*self.own])
        self.model = model
        self.size = size
        self.lengths = np.zeros(size, dtype=np.int64)  # tokens kept of each row
        self.room = self.view = 0
        self.rows = self.slots = torch.empty(0, dtype=torch.long)
        self._additive = model.config._attn_implementation == "eager"

    def place(
        self, rows: Sequence[int], width: int, hidden: np.ndarray | None = None
    ) -> torch.Tensor:
        """Get ready for a pass of these rows, each with this many new tokens (padding included).

        Args:
            rows: their numbers.
            width: new tokens of each.
            hidden: for each of these tokens half-open slots that it does not see, (rows, width, 2).

        Returns:
            The mask, (rows, 1, width, keys): a token sees the slots up to its own.
        """
        # New tokens follow what is kept of their own row, so rows write at different slots. What a
        # refused draft left behind there is overwritten, and hidden until then: a slot that this
        # row has not written anew lies behind all slots that its tokens see.
        slots = self.lengths[list(rows)][:, None] + np.arange(width)
        self.view = int(slots.max()) + 1  # keys of a pass: up to the longest row's last slot
        if self.view > self.room:
            self.room = -(-self.view // BLOCK) * BLOCK
        device = self.model.device
        self.rows = torch.tensor(rows, device=device)
        self.slots = torch.from_numpy(slots).to(device)
        keys = torch.arange(self.view, device=device)
        mask = keys <= self.slots[:, :, None]
        # A token still sees its own slot, which lies in its line: no softmax is over nothing.
        if hidden is not None and (hidden[..., 0] < hidden[..., 1]).any():
            begin, end = torch.from_numpy(hidden).to(device)[..., None].unbind(2)
            mask &= (keys < begin) | (keys >= end)
        if self._additive:
            dtype = self.model.dtype
            mask = torch.zeros(mask.shape, dtype=dtype, device=device).masked_fill(
                ~mask, torch.finfo(dtype).min
            )
        return mask[:, None]

    def begin(self, row: int, prefix: Prefix) -> None:
        """Give a row to a new text, whose prompt begins with this prefix."""
        self.lengths[row] = prefix.length
        self.room = max(self.room, prefix.length)
        for layer, (keys, values) in zip(self.own, prefix.layers, strict=False):
            layer.fill(row, keys, values)

    def keep(self, rows: Sequence[int]) -> None:
        """Drop all rows but these."""
        chosen = torch.tensor(rows, dtype=torch.long, device=self.model.device)
        for layer in self.own:
            layer.keep(chosen)
        self.lengths = self.lengths[list(rows)]
        self.size = len(rows)


class Prefix:
    """Keys and values of the tokens that the prompts of a label set have in common."""

    def __init__(self, layers: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        self.layers = layers
        self.length = layers[0][0].shape[2] if layers else 0
        self.bytes = sum(t.numel() * t.element_size() for pair in layers for t in pair)


class Prefixes:
    """The prefixes used last, up to a bound in bytes.

    Args:
        model: the causal language model.
        most_bytes: the bound; a prefix that alone is larger is used and not kept.
    """

    def __init__(self, model: Any, most_bytes: int) -> None:
        self.model = model
        self.most_bytes = most_bytes
        self.bytes = 0
        self._kept: OrderedDict[tuple[int, ...], Prefix] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, ids: tuple[int, ...]) -> Prefix:
        """The prefix of these tokens, computed if it is not at hand."""
        prefix = self._kept.pop(ids, None)
        if prefix is None:
            prefix = self._computed(ids)
            self.bytes += prefix.bytes
        self._kept[ids] = prefix
        while self._kept and self.bytes > self.most_bytes:
            _, dropped = self._kept.popitem(last=False)
            self.bytes -= dropped.bytes
        return prefix

    def _computed(self, ids: tuple[int, ...]) -> Prefix:
        if not ids:
            return Prefix([])
        cache: Any = DynamicCache(config=self.model.config)
        tokens = torch.tensor([ids], device=self.model.device)
        self.model.get_decoder()(input_ids=tokens, past_key_values=cache, use_cache=True)
        return Prefix([(layer.keys, layer.values) for layer in cache.layers])


def layers_of(model: Any) -> int:
    """The number of layers of a model that the row cache can serve.

    Raises:
        SettingError: it has windows, recurrent layers or flash attention; the message says which.
    """
    config = model.config.get_text_config(decoder=True)
    name = getattr(config, "model_type", "this model")
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"}:
        raise SettingError(
            f"{name} has layers of other kinds than full attention ({', '.join(sorted(kinds))}); "
            'use engine="reference"'
        )
    window = getattr(config, "sliding_window", None)
    if window is not None and getattr(config, "use_sliding_window", True):
        raise SettingError(f'{name} attends to a window of {window} tokens; use engine="reference"')
    if "flash" in str(config._attn_implementation):
        raise SettingError(
            "flash attention takes no mask for every row; load the model with "
            'attn_implementation="sdpa"'
        )
    return int(config.num_hidden_layers)
