"""Free generation by a server, read by alignment; no weights are loaded here.

In: a server with a model, the settings to ask it with. Out: predictions as `decoding.free` gives
them: entities that were placed on the source with certainty, and problems for everything else. The
server applies the chat template. What went over the wire is counted: requests and tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from llmner_hf.core.entities import Prediction
from llmner_hf.core.prompting import Message, messages
from llmner_hf.decoding.remote.answers import Answers
from llmner_hf.decoding.remote.server import Answer, Server, Usage
from llmner_hf.decoding.request import Request
from llmner_hf.settings import TaggerSettings


class RemoteDecoder:
    """Free generation with the model of a server.

    Args:
        server: where it is, or one whose answers are kept.
        settings: strategy and style of the prompt.
        most_tokens: the longest completion; one that reaches it is marked as truncated. Default:
            that of `decoding.free`.
    """

    def __init__(
        self, server: Server | Answers, settings: TaggerSettings, most_tokens: int = 1024
    ) -> None:
        self.server = server
        self.settings = settings
        self.most_tokens = most_tokens
        self.usage = Usage()

    def prepare(self, request: Request) -> Request:
        """The request with its messages, which are then made once."""
        return replace(request, prompt=self.prompt(request))

    def prompt(self, request: Request) -> tuple[Message, ...]:
        """The messages of a request."""
        if isinstance(request.prompt, tuple):
            return request.prompt
        style, strategy = self.settings.style, self.settings.strategy
        return messages(request.text, request.schema, style=style, strategy=strategy)

    def length(self, request: Request) -> int:
        """An upper bound of prompt and longest completion in tokens.

        In bytes: a token of byte-level BPE has one at least. A chat template's own are not in it.
        """
        prompt = sum(len(message.content.encode()) for message in self.prompt(request))
        return prompt + self.most_tokens

    def decode(self, requests: Sequence[Request], batch_size: int = 16) -> list[Prediction]:
        """The predictions of all requests, in their order; scores are 1.0.

        Raises:
            RunError: the server failed; what was still waiting is not asked.
        """
        predictions = []
        with ThreadPoolExecutor(batch_size) as pool:
            for request, answer in zip(requests, pool.map(self._ask, requests), strict=True):
                self.usage += answer.usage
                read = request.answered(answer.text, self.settings.strategy, answer.truncated)
                predictions.append(read)
        return predictions

    def _ask(self, request: Request) -> Answer:
        return self.server.complete(self.prompt(request), self.most_tokens)
