"""Free greedy generation, read by alignment: for models that were not tuned for copying.

In: a causal language model, its tokenizer, the settings to ask it with. Out: predictions whose
entities were placed on the source with certainty, and problems for everything else. The authors'
script samples at temperature 0.5; here it is greedy, so that a run can be repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from llmner_hf.core.entities import Prediction
from llmner_hf.core.errors import SettingError
from llmner_hf.decoding.request import Request
from llmner_hf.settings import TaggerSettings
from llmner_hf.tokens.canonical import Prompt, Tokens
from llmner_hf.tokens.layout import layout_of


class FreeDecoder:
    """Free generation with one model.

    Args:
        model: a causal language model.
        tokenizer: its tokenizer.
        settings: strategy and style of the prompt.
        most_tokens: the longest completion; one that reaches it is marked as truncated. Default:
            ours, the paper's 1,024 for prompt and completion together.

    Raises:
        SettingError: the model was tuned to write its lines apart, which ``generate`` does not.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: PreTrainedTokenizerBase,
        settings: TaggerSettings,
        most_tokens: int = 1024,
    ) -> None:
        if not layout_of(settings).counts_on:
            raise SettingError(
                "this model was tuned with lines_apart, for positions that free generation does "
                'not give; use engine="constrained"'
            )
        self.model = model
        self.tokenizer = tokenizer
        self.tokens = Tokens(tokenizer)
        self.settings = settings
        self.most_tokens = most_tokens

    def prepare(self, request: Request) -> Request:
        """The request with its prompt, which is then made once."""
        if request.prompt is not None:
            return request
        style, strategy = self.settings.style, self.settings.strategy
        prompt = self.tokens.prompt(request.text, request.schema, style=style, strategy=strategy)
        return replace(request, prompt=prompt)

    def prompt(self, request: Request) -> list[int]:
        """The token ids of a request's prompt."""
        found = self.prepare(request).prompt
        assert isinstance(found, Prompt)
        return found.ids

    def length(self, request: Request) -> int:
        """Prompt and longest completion in tokens."""
        return len(self.prompt(request)) + self.most_tokens

    @torch.inference_mode()
    def decode(self, requests: Sequence[Request], batch_size: int = 16) -> list[Prediction]:
        """The predictions of all requests, in their order; scores are 1.0."""
        predictions = []
        for start in range(0, len(requests), batch_size):
            chosen = requests[start : start + batch_size]
            for request, ids in zip(chosen, self._generate(chosen), strict=True):
                predictions.append(self._read(request, ids))
        return predictions

    def _generate(self, requests: Sequence[Request]) -> list[list[int]]:
        """The completions in token ids, with whatever follows their end."""
        prompts = [self.prompt(request) for request in requests]
        width = max(map(len, prompts))
        stop = self.tokens.stop
        ids = torch.tensor([[stop] * (width - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
        device = self.model.device
        written = self.model.generate(
            ids.to(device),
            attention_mask=mask.to(device),
            max_new_tokens=self.most_tokens,
            do_sample=False,
            pad_token_id=stop,
        )
        return [row.tolist() for row in written[:, width:]]

    def _read(self, request: Request, ids: list[int]) -> Prediction:
        """A completion aligned with its text."""
        ends = {self.tokens.stop, *_as_list(self.model.generation_config.eos_token_id)}
        length = next((i for i, token in enumerate(ids) if token in ends), len(ids))
        completion = str(self.tokenizer.decode(ids[:length], skip_special_tokens=True))
        return request.answered(completion, self.settings.strategy, length == self.most_tokens)


def _as_list(value: int | list[int] | None) -> list[int]:
    """The end tokens of a generation config, which may be one or several."""
    if value is None:
        return []
    return [value] if isinstance(value, int) else value
