"""``pipeline("bioner", endpoint=URL)``: the model on a server, and the same answers.

In: texts. Out: the dictionaries of `pipelines.local`. The server generates freely and what comes is
aligned with the text (`decoding.remote.decoder`). No model and no tokenizer is loaded.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from llmner_hf.core.errors import SettingError
from llmner_hf.decoding.remote.answers import Answers
from llmner_hf.decoding.remote.decoder import RemoteDecoder
from llmner_hf.decoding.remote.server import Server
from llmner_hf.pipelines.annotator import Annotator
from llmner_hf.pipelines.answers import Face
from llmner_hf.pipelines.asking import Call
from llmner_hf.selector.filtering import with_threshold
from llmner_hf.selector.sharing import selector_at
from llmner_hf.settings import TaggerSettings
from llmner_hf.terminology.opening import Place, linker_of


class EndpointPipeline(Face):
    """Named entities of biomedical texts, found by the model of a server.

    Called as `pipelines.local.BioNerPipeline` is. ``batch_size`` is the number of texts at a time,
    default 16; at least as many sentences, and at least 16, are on their way to the server at once.
    ``decoder.usage`` counts requests and tokens.

    Args:
        endpoint: the server's URL up to ``/v1``.
        model: the name under which it serves the model.
        api_key: its key, if it wants one.
        settings: how the model was tuned; by default it is asked zero-shot.
        answers: a file that keeps every answer, so that none is asked for twice.
        selector: folder or Hub id of a selector, loaded here, that judges what the server finds.
        terminology: see `pipelines.local.BioNerPipeline`.
        **defaults: those of the call.

    Raises:
        SettingError: no model is named, or the URL is none of a server.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        model: str | None = None,
        api_key: str | None = None,
        settings: TaggerSettings | None = None,
        answers: str | Path | None = None,
        selector: str | Path | None = None,
        terminology: Place | None = None,
        **defaults: Any,
    ) -> None:
        if not model:
            raise SettingError(f"{endpoint}: name the model to ask there, model=NAME")
        self.call = Call().but(**defaults)
        settings = settings or TaggerSettings()
        server = Server(endpoint, model, api_key)
        decoder = RemoteDecoder(Answers(server, Path(answers)) if answers else server, settings)
        chosen = selector_at(str(selector)) if selector else None
        if chosen:
            chosen = replace(chosen, gazetteer=settings.gazetteer)
        with_threshold(chosen, self.call.threshold)  # checks it
        self.annotator = Annotator(decoder, settings, chosen, linker=linker_of(terminology))

    def __repr__(self) -> str:
        return f"EndpointPipeline({self.decoder.server!r})"

    def __call__(self, inputs: Any, *, batch_size: int = 16, **given: Any) -> Any:
        """The entities of a text, or of each text; see `pipelines.local.BioNerPipeline`."""
        return self.answers(inputs, self.call.but(**given), batch_size)
