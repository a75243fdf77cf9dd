"""A tagger: a tuned model, its tokenizer, how it is asked, and the selector that judges it."""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from llmner_hf.selector.filtering import Selector
from llmner_hf.settings import TaggerSettings


@dataclass(frozen=True, slots=True, eq=False)
class Tagger:
    """Everything that one needs to annotate.

    Attributes:
        model: a causal language model, with its adapter if it has one.
        tokenizer: its tokenizer.
        settings: how it was tuned and is asked.
        selector: what judges its entities; None for the tagger alone.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    settings: TaggerSettings
    selector: Selector | None = None
