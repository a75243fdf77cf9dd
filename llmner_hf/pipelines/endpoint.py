"""``pipeline("bioner", endpoint=URL)``: the same pipeline, with the model on a server.

In: texts. Out: the dictionaries of `pipelines.local`. The server generates freely and what comes is
aligned with the text (`decoding.remote.decoder`). No model and no tokenizer is loaded, so nothing
of transformers' own machinery runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from llmner_hf.core.entities import ProblemKind
from llmner_hf.core.errors import SettingError
from llmner_hf.core.schema import Schema
from llmner_hf.core.sentences import Span, split
from llmner_hf.decoding.remote.answers import Answers
from llmner_hf.decoding.remote.decoder import RemoteDecoder
from llmner_hf.decoding.remote.server import Server
from llmner_hf.pipelines.local import BioNerPipeline
from llmner_hf.selector.filtering import with_threshold
from llmner_hf.selector.rules import rules_named
from llmner_hf.selector.sharing import selector_at
from llmner_hf.settings import TaggerSettings


class EndpointPipeline(BioNerPipeline):
    """Named entities of biomedical texts, found by the model of a server.

    Called as `BioNerPipeline` is, a list giving a list and an iterator an iterator. ``batch_size``
    is the number of texts at a time, default 16; at least as many sentences, and at least 16, are
    on their way to the server at once. ``decoder.usage`` counts requests and tokens.

    Args:
        endpoint: the server's URL up to ``/v1``.
        model: the name under which it serves the model.
        api_key: its key, if it wants one.
        settings: how the model was tuned; by default it is asked zero-shot.
        answers: a file that keeps every answer, so that none is asked for twice.
        selector: folder or Hub id of a selector, loaded here, that judges what the server finds.
        threshold: in place of all of the selector's own.
        rules: see `BioNerPipeline`.
        **defaults: those of the call.

    Raises:
        SettingError: no model is named, or the URL is none of a server.
    """

    # transformers' constructor is for a model in memory, and there is none.
    def __init__(
        self,
        endpoint: str,
        *,
        model: str | None = None,
        api_key: str | None = None,
        settings: TaggerSettings | None = None,
        answers: str | Path | None = None,
        selector: str | Path | None = None,
        threshold: float | None = None,
        rules: str | None = None,
        **defaults: Any,
    ) -> None:
        if not model:
            raise SettingError(f"{endpoint}: name the model to ask there, model=NAME")
        self.settings = settings or TaggerSettings()
        server = Server(endpoint, model, api_key)
        self.decoder: RemoteDecoder = RemoteDecoder(  # type: ignore[assignment]
            Answers(server, Path(answers)) if answers else server, self.settings
        )
        chosen = selector_at(str(selector)) if selector else None
        if chosen:
            chosen = replace(chosen, gazetteer=self.settings.gazetteer)
        self.selector = with_threshold(chosen, threshold)
        self.problems: Counter[ProblemKind] = Counter()
        self.dropped = self.forbidden = 0
        self.rules = rules_named(rules) if rules else None
        self._sanitize_parameters(**defaults)
        self._defaults = defaults

    def __repr__(self) -> str:
        return f"EndpointPipeline({self.decoder.server!r})"

    def __call__(  # type: ignore[override]
        self, inputs: str | Iterable[str], batch_size: int = 16, **given: Any
    ) -> Any:
        """The entities of a text, or of each text."""
        options = self._sanitize_parameters(**(self._defaults | given))[:2]
        if isinstance(inputs, str):
            return next(self._annotated([inputs], 1, *options))
        found = self._annotated(inputs, batch_size, *options)
        return list(found) if isinstance(inputs, Sequence) else found

    def _annotated(
        self,
        texts: Iterable[str],
        batch_size: int,
        preparing: dict[str, Any],
        decoding: dict[str, Any],
    ) -> Iterator[list[dict[str, Any]]]:
        """The entities of each text, a batch of texts at a time."""
        rest = iter(texts)
        while batch := list(islice(rest, batch_size)):
            prepared = [self.preprocess(text, **preparing) for text in batch]
            requests = [one["requests"] for one in prepared]
            found = self._forward({"text": batch, "requests": requests}, **decoding)
            for text, predictions in zip(batch, found["predictions"], strict=True):
                yield self.postprocess({"text": text, "predictions": predictions})

    def _chunks(self, text: str, schema: Schema, sentences: bool) -> list[Span]:
        """The sentences, or the whole; the server alone knows how long its context is."""
        spans = split(text, schema.language)
        return list(spans if sentences or not spans else [(spans[0][0], spans[-1][1])])
