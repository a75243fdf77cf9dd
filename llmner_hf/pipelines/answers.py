"""Predictions as transformers' pipelines give them, for texts in any form in which they come.

In: an annotator, and what a caller gave for texts. Out: dictionaries for one text, a list or an
iterator for several. Refused: what holds no texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from llmner_hf.core.entities import Link, Prediction, ProblemKind
from llmner_hf.core.errors import InputError
from llmner_hf.pipelines.annotator import Annotator
from llmner_hf.pipelines.asking import Call
from llmner_hf.selector.filtering import Selector
from llmner_hf.settings import TaggerSettings


class Face:
    """What a pipeline shows of its annotator.

    Attributes:
        annotator: finds the entities.
    """

    annotator: Annotator

    @property
    def settings(self) -> TaggerSettings:
        """How the model was tuned and is asked."""
        return self.annotator.settings

    @property
    def selector(self) -> Selector | None:
        """What judges the entities."""
        return self.annotator.selector

    @property
    def decoder(self) -> Any:
        """What finds them."""
        return self.annotator.decoder

    @property
    def problems(self) -> Counter[ProblemKind]:
        """What went wrong, by kind."""
        return self.annotator.problems

    @property
    def dropped(self) -> int:
        """How many entities the selector has dropped."""
        return self.annotator.dropped

    def answers(self, inputs: Any, call: Call, batch_size: int) -> Any:
        """The entities of texts in any form in which they come, as dictionaries."""

        def answer(texts: Iterable[str]) -> Iterator[list[dict[str, Any]]]:
            for text, prediction in self.annotator.stream(texts, call, batch_size):
                yield as_dictionaries(text, prediction)

        return answered(inputs, answer)


def as_dictionaries(text: str, prediction: Prediction) -> list[dict[str, Any]]:
    """The entities of a text as transformers' grouped token classification gives them.

    One that is linked to concepts has "links" beside that: "id", "name" and "score" of each.
    """
    return [
        {
            "entity_group": found.entity.label,
            "score": found.score,
            "word": found.entity.surface(text),
            "start": found.entity.start,
            "end": found.entity.end,
            **({"links": [asdict(link) for link in found.links]} if found.links else {}),
        }
        for found in prediction.scored
    ]


def links_of(entity: Mapping[str, Any]) -> tuple[Link, ...]:
    """The links of such a dictionary."""
    return tuple(Link(**link) for link in entity.get("links", ()))


def answered(inputs: Any, answer: Callable[[Iterable[str]], Iterator[list[dict[str, Any]]]]) -> Any:
    """The answer to any form in which texts come: the one place where forms are told apart.

    Args:
        inputs: a text; a sequence of texts, as a list, a tuple, a column of a dataset or a pandas
            Series, which gives a list; or an iterator, which gives an iterator.
        answer: the entities of each text.

    Raises:
        InputError: it is none of these.
    """
    if isinstance(inputs, str):
        return next(answer([inputs]))
    counted = hasattr(inputs, "__len__")
    listed = counted and hasattr(inputs, "__getitem__") and not hasattr(inputs, "__iter__")
    if isinstance(inputs, Mapping | bytes) or not (listed or hasattr(inputs, "__iter__")):
        raise InputError(f"a text must be a string, not {type(inputs).__name__}")
    # transformers' `KeyDataset` has items and no iterator.
    texts = (inputs[number] for number in range(len(inputs))) if listed else inputs
    return list(answer(texts)) if counted else answer(texts)
