"""``pipeline("bioner")`` with a model in memory: transformers' face of an annotator.

In: a string, any sequence of texts (a list, a tuple, a dataset's column, a pandas Series), or an
iterator. Out: for each text a list of dictionaries ``{"entity_group", "score", "word", "start",
"end"}``, as transformers' grouped token-classification pipeline gives them, sorted by start, then
longest first; ``word`` is ``text[start:end]``. How a text becomes entities: `pipelines.annotator`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from transformers import Pipeline

from llmner_hf.core.entities import Prediction
from llmner_hf.core.errors import InputError, SettingError
from llmner_hf.decoding.fast.constrained import ConstrainedDecoder
from llmner_hf.decoding.free import FreeDecoder
from llmner_hf.decoding.reference import ReferenceDecoder
from llmner_hf.pipelines.annotator import Annotator
from llmner_hf.pipelines.answers import Face, as_dictionaries
from llmner_hf.pipelines.asking import Call
from llmner_hf.selector.filtering import Selector, with_threshold
from llmner_hf.settings import TaggerSettings
from llmner_hf.settings.origin import EMBEDDED, Origin
from llmner_hf.settings.terms import Trust, with_terms
from llmner_hf.tagger.folder import BESIDE
from llmner_hf.tagger.tagger import Tagger
from llmner_hf.terminology.opening import Place, linker_of, names_of
from llmner_hf.terminology.store import Terminology

TASK = "bioner"

Decoder = ConstrainedDecoder | ReferenceDecoder | FreeDecoder
ENGINES: Mapping[str, type[Decoder]] = {
    "constrained": ConstrainedDecoder,
    "reference": ReferenceDecoder,
    "free": FreeDecoder,
}
Engine = Literal["constrained", "reference", "free"]


class BioNerPipeline(Face, Pipeline):
    """Named entities of biomedical texts.

    Arguments of the call, each of which can also be given to ``pipeline`` as a default, are those
    of `pipelines.annotator.Call` and ``batch_size``: texts at a time, which changes speed and
    memory, never a result.

    With a selector every entity is judged a second time in its sentence: one that is improbable is
    dropped (paper, II-C) and counted in ``dropped``, and the ``score`` of the others is their
    calibrated probability. Without one it is the product of the probabilities of the tokens from
    the opening to the closing bracket (`decoding.record`); in free decoding, where no probability
    is known, 1.0.

    What went wrong is counted by kind in ``problems``, over all texts so far: sentences that had to
    be cut, completions that the model was driven to by the constraint against its own judgement
    ("derailed"), and in free decoding whatever could not be read or placed.

    Args:
        model: a causal language model that was loaded; transformers' ``pipeline`` gives it.
        tokenizer: its tokenizer.
        tagger: a tagger, in place of model, tokenizer, settings and selector.
        settings: how the model was tuned; read from the ``tagger.json`` beside it if absent.
        engine: "constrained"; "reference" for the same result one token at a time, which also
            serves models whose attention has windows; "free" for models not tuned for copying.
        selector: see ``Tagger.from_pretrained``.
        terminology: where the concepts of entities are looked up, the ``links`` of an entity: a
            file (`terminology.opening`), the name of a store on the Hub, a ``Terminology`` or a
            ``Linker``.
        terms: a file or a ``Terminology`` of names that are known to be entities. Names of types
            that the model knows are evidence for it; those of other types are found by name alone.
        trust: how far ``terms`` count: "sure" for a short list of one's own, "unsure" for a
            terminology, whose names often mean something else (`settings.terms`).
        **kwargs: those of ``transformers.Pipeline`` and of the call.
    """

    def __init__(
        self,
        model: Any = None,
        tokenizer: Any = None,
        *,
        tagger: Tagger | None = None,
        settings: TaggerSettings | None = None,
        engine: Engine = "constrained",
        selector: str | Path | Origin | Selector | None = BESIDE,
        terminology: Place | None = None,
        terms: str | Path | Terminology | None = None,
        trust: Trust = "sure",
        **kwargs: Any,
    ) -> None:
        if engine not in ENGINES:
            known = ", ".join(map(repr, ENGINES))
            raise InputError(f"engine {engine!r} is not one of {known}")
        if tagger is None:
            tagger = Tagger.around(model, tokenizer, settings=settings, selector=selector)
        kwargs.setdefault("task", TASK)
        tokenizer = cast("Any", tagger.tokenizer)  # transformers names one of its two classes
        super().__init__(model=tagger.model, tokenizer=tokenizer, **kwargs)
        with_threshold(tagger.selector, self._preprocess_params["call"].threshold)  # checks it
        self.tagger = tagger
        names = None
        if terms is None and trust != "sure":
            raise SettingError(f"trust {trust!r} says how far terms count, and there are none")
        if terms is not None:
            used, names = with_terms(tagger.settings, names_of(terms), trust)
            tagger = tagger.with_settings(used)
        decoder = ENGINES[engine](tagger.model, tagger.tokenizer, tagger.settings)
        context = tagger.model.config.max_position_embeddings
        self.annotator = Annotator(
            decoder, tagger.settings, tagger.selector, context, linker_of(terminology), names
        )

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path,
        *,
        device: Any = None,
        engine: Engine = "constrained",
        settings: TaggerSettings | None = None,
        terminology: Place | None = None,
        terms: str | Path | Terminology | None = None,
        trust: Trust = "sure",
        defaults: Mapping[str, Any] | None = None,
        **loading: Any,
    ) -> BioNerPipeline:
        """The pipeline of a tagger in a folder or on the Hub.

        Args:
            name_or_path: see ``Tagger.from_pretrained``, as ``loading``.
            device: where the model goes. Default: the first accelerator, else the CPU.
            engine: see above.
            settings: in place of those that lie beside the model.
            terminology: see above.
            terms: see above.
            trust: see above.
            defaults: arguments of the call.
            **loading: those of ``Tagger.from_pretrained``.
        """
        tagger = Tagger.from_pretrained(name_or_path, **loading)
        tagger = tagger.with_settings(settings) if settings else tagger
        placed = {} if device is None else {"device": device}
        own: dict[str, Any] = {"engine": engine, "terminology": terminology}
        own |= {"terms": terms, "trust": trust}
        made = cls(tagger=tagger, **own, **placed, **(defaults or {}))
        again = {"device": device, **own, "settings": settings, "defaults": defaults}
        made._made_by = (str(name_or_path), again | loading)
        return made

    _made_by: tuple[str, dict[str, Any]] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Loaded anew where it is unpickled, as in the processes of ``datasets.map``.

        Raises:
            SettingError: it was made of a model in memory.
        """
        if self._made_by is None or isinstance(self._made_by[1].get("selector"), Selector):
            raise SettingError(
                "a pipeline of a model in memory cannot be pickled; save it, and make it by its "
                "folder, or make it inside the function that num_proc runs"
            )
        return _again, self._made_by

    @property
    def call(self) -> Call:
        """What a call asks for where it says nothing else."""
        call: Call = self._preprocess_params["call"]
        return call

    def save_pretrained(self, save_directory: str | Path, **_: Any) -> None:  # type: ignore[override]
        """Write the tagger; see ``Tagger.save_pretrained``."""
        self.tagger.save_pretrained(save_directory)

    def push_to_hub(self, repo_id: str, **options: Any) -> str:
        """Push the tagger; see ``Tagger.push_to_hub``."""
        return self.tagger.push_to_hub(repo_id, **options)

    def __call__(  # type: ignore[override]
        self,
        inputs: Any,
        *,
        batch_size: int | None = None,
        num_workers: int | None = None,
        **given: Any,
    ) -> Any:
        """The entities of a text, or of each text.

        Args:
            inputs: a text, a sequence of texts, which gives a list, or an iterator of texts, which
                gives an iterator.
            batch_size: texts at a time. Default: that of the constructor, or 1.
            num_workers: taken since transformers' pipelines take it; there is nothing to do for
                workers, since a text is prepared while it is decoded.
            **given: `pipelines.annotator.Call`.
        """
        size = batch_size or self._batch_size or 1
        return self.answers(inputs, self.call.but(**given), size)

    # What transformers' own loop would call; ours is `__call__`.

    def _sanitize_parameters(self, **given: Any) -> tuple[dict[str, Any], dict[str, Any], Any]:
        return {"call": Call().but(**given)}, {}, {}

    def preprocess(self, text: str, call: Call | None = None) -> dict[str, Any]:  # type: ignore[override]
        """A text, and what is asked of it."""
        return {"text": text, "call": call or Call()}

    def _forward(self, asked: dict[str, Any]) -> dict[str, Any]:  # type: ignore[override]
        (prediction,) = self.annotator.annotate([asked["text"]], asked["call"])
        return {"text": asked["text"], "prediction": prediction}

    def postprocess(self, found: dict[str, Any]) -> list[dict[str, Any]]:  # type: ignore[override]
        """The entities of a text as dictionaries."""
        prediction: Prediction = found["prediction"]
        return as_dictionaries(found["text"], prediction)


def _again(name_or_path: str, options: dict[str, Any]) -> BioNerPipeline:
    """A pipeline that was pickled."""
    return BioNerPipeline.from_pretrained(name_or_path, **options)


def pipeline(
    task: str = TASK,
    model: str | Path | Any = None,
    *,
    endpoint: str | None = None,
    **options: Any,
) -> Any:
    """The "bioner" pipeline, or any other of transformers'.

    Args:
        task: "bioner", or any other of transformers'.
        model: folder or Hub id of a model or of an adapter, whose own tokenizer is taken, or a
            model in memory; the embedded model if absent.
        endpoint: URL of a server that has the model of that name; nothing is loaded then.
        **options: of the call, of ``BioNerPipeline`` and ``Tagger.from_pretrained`` (as
            ``revision``, ``token``, ``selector``), of ``EndpointPipeline``, or of transformers'.
    """
    if endpoint is not None:
        from llmner_hf.pipelines.endpoint import EndpointPipeline

        return EndpointPipeline(endpoint, model=str(model) if model else None, **options)
    by_name = model is None or isinstance(model, str | Path)
    if task == TASK and by_name:
        defaults = {name: options.pop(name) for name in _CALL if name in options}
        options |= options.pop("model_kwargs", None) or {}
        place = EMBEDDED if model is None else model
        return BioNerPipeline.from_pretrained(place, defaults=defaults, **options)
    import transformers

    if task == TASK:
        # Said, because transformers would take the code that a model brings, and ask to trust it.
        options.setdefault("pipeline_class", BioNerPipeline)
    make: Any = transformers.pipeline
    return make(task, model=str(model) if isinstance(model, Path) else model, **options)


_CALL = (*Call.__dataclass_fields__, "batch_size")
