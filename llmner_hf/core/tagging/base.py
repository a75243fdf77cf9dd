r"""What the three codecs share: the view of a text, the codec protocol, and nesting order.

The model never sees the raw text but its *view*: the same length, character for character, with
``[`` and ``]`` as ``(`` and ``)``, every Unicode blank as a space and a lone surrogate as U+FFFD.
So a bracket in a completion is always a tag, a line is always a line, and a position in the view
is a position in the text.

>>> view("[3H]calcitriol\tand\u3000VDR")
'(3H)calcitriol and VDR'
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from llmner_hf.core.entities import Decoding, Entity, LabelSet, ordered
from llmner_hf.core.errors import OffsetError, UnrepresentableError

# Every blank lies below U+3001. A lone surrogate is no character: no tokenizer takes it.
_VIEW = (
    {place: " " for place in range(0x3001) if chr(place).isspace()}
    | {ord("["): "(", ord("]"): ")"}
    | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
)


def view(text: str) -> str:
    """The text as prompts and completions hold it; of the same length, so offsets stay right."""
    return text.translate(_VIEW)


class Codec(Protocol):
    """A tagging strategy.

    ``decode(encode(text, entities, labels), text, labels)`` gives back the same entities and no
    problems. ``decode`` takes any string whatever, never raises, and every entity it returns lies
    inside the text.
    """

    def encode(self, text: str, entities: Iterable[Entity], labels: LabelSet) -> str:
        """The completion; raises UnrepresentableError where the strategy cannot write it."""
        ...

    def decode(self, completion: str, text: str, labels: LabelSet) -> Decoding:
        """The entities of a completion that copies the view exactly, and what was wrong."""
        ...


def checked(text: str, entities: Iterable[Entity], labels: LabelSet) -> tuple[Entity, ...]:
    """The entities sorted and unique; raises LabelError or OffsetError for the first misfit."""
    result = ordered(entities)
    labels.require(result)
    for entity in result:
        if entity.end > len(text):
            raise OffsetError(f"{entity} ends behind the text of {len(text)} characters")
    return result


def refuse_crossing(entities: tuple[Entity, ...], strategy: str) -> None:
    """Raise UnrepresentableError naming the first two spans that cross."""
    open_spans: list[Entity] = []
    for entity in entities:
        open_spans = [outer for outer in open_spans if outer.end > entity.start]
        for outer in open_spans:
            if outer.crosses(entity):
                raise UnrepresentableError(
                    f"{outer} and {entity} cross, which {strategy} tagging cannot write; "
                    "use the json_list strategy or drop one"
                )
        open_spans.append(entity)
