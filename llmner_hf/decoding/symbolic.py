"""What every decoder of symbolic completions needs: prompts, lattices, and a fitting model.

In: a causal language model, its tokenizer, the settings it was tuned with. Out: for a request its
prompt and the token automaton of its text.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from llmner_hf.core.errors import SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.decoding.request import Request
from llmner_hf.settings import TaggerSettings
from llmner_hf.tokens.canonical import Prompt, Tokens
from llmner_hf.tokens.grammar import Grammar
from llmner_hf.tokens.lattice import Lattice
from llmner_hf.tokens.layout import layout_of
from llmner_hf.tokens.prior import Prior

# Rows of the output matrix's product at a time, where a confidence needs all tokens.
FULL_ROWS = 256
# Label sets whose tries are kept at a time. Ours: a service may see many made up by its users.
GRAMMARS = 64


class SymbolicDecoder:
    """A model that writes symbolic completions.

    Args:
        model: a causal language model, with its adapter if it has one.
        tokenizer: its tokenizer.
        settings: how it was tuned.

    Raises:
        SettingError: it was not tuned for symbolic tagging, its tokenizer cannot copy, or its
            logits are not its output matrix times its states.
    """

    def __init__(
        self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, settings: TaggerSettings
    ) -> None:
        if settings.strategy != "symbolic":
            raise SettingError(
                f"constrained decoding writes symbolic tags, and this model was tuned for "
                f"{settings.strategy!r}; use free decoding"
            )
        self.model = model
        self.tokens = Tokens(tokenizer)
        _check_head(model, self.tokens.line_end)
        self.settings = settings
        self.layout = layout_of(settings)
        self._grammars: OrderedDict[Schema, Grammar] = OrderedDict()

    def lattice(self, request: Request) -> Lattice:
        """The token automaton of a request's text."""
        schema = request.schema
        grammar = self._grammars.pop(schema, None) or Grammar(
            self.tokens,
            schema,
            self.settings.max_depth,
            every_type=self.settings.every_type,
            cuts=self.settings.cuts,
        )
        self._grammars[schema] = grammar
        if len(self._grammars) > GRAMMARS:
            self._grammars.popitem(last=False)
        return Lattice(grammar, request.text)

    def prepare(self, request: Request) -> Request:
        """The request with its prompt: whoever measures it first and decodes it then makes one."""
        return replace(request, prompt=self.prompt(request))

    def prompt(self, request: Request) -> Prompt:
        """The prompt of a request."""
        if isinstance(request.prompt, Prompt):
            return request.prompt
        return self.tokens.prompt(request.text, request.schema, style=self.settings.style)

    def prior(self, request: Request) -> Prior:
        """What is added to the logits of the brackets of a request."""
        schema, settings = request.schema, self.settings
        dictionary, weights = settings.dictionary(schema), settings.weights_of(schema)
        return Prior.of(request.text, schema.labels.names, dictionary, weights)

    def logits(self, states: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Each token's logit behind its own state, by its row of the output matrix alone, in fp32.

        Args:
            states: of the last layer, (places, hidden).
            tokens: (places,).
        """
        head = self.model.get_output_embeddings()
        found = (head.weight[tokens].float() * states.float()).sum(1)
        return found if getattr(head, "bias", None) is None else found + head.bias[tokens].float()

    def log_probabilities(self, states: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Each token's log probability behind its own state, over the whole vocabulary.

        Args:
            states: of the last layer, (places, hidden).
            tokens: (places,).
        """
        head, found = self.model.get_output_embeddings(), []
        for part, own in zip(states.split(FULL_ROWS), tokens.split(FULL_ROWS), strict=True):
            every = head(part).float()
            found.append(every.gather(1, own[:, None])[:, 0] - every.logsumexp(1))
        return torch.cat(found)

    def length(self, request: Request) -> int:
        """The tokens that prompt and completion need, were there a line for every type."""
        prompt = self.prompt(request)
        return len(prompt.ids) + len(prompt.text) * len(request.schema.labels)


@torch.inference_mode()
def _check_head(model: PreTrainedModel, token: int) -> None:
    """Refuse a model that scales or caps what its output matrix gives (Granite, Cohere, Gemma).

    Args:
        model: it is asked once.
        token: any but padding.

    Raises:
        SettingError: it does; its scores would be wrong.
    """
    asked = torch.tensor([[token]], device=model.device)
    found = model(asked, use_cache=False, output_hidden_states=True)
    expected = model.get_output_embeddings()(found.hidden_states[-1])
    if (found.logits - expected).abs().max() > 0.05 * expected.abs().max():  # more than rounding
        raise SettingError(
            f"{model.config.model_type} scales or caps its logits, which the decoders of symbolic "
            'tags do not know; use engine="free"'
        )
