"""What a gazetteer says of a text before the model has read it, as logits of brackets.

In: the mentions known in a text, and the weights of a dataset. Out: for a line and a character what
is added to the logits of an opening or a closing bracket: a log-linear mixture of two experts, of
which the model knows the context and the gazetteer the words. Nothing is added inside brackets that
are open, lest a mention be opened twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from llmner_hf.core.copying import State
from llmner_hf.core.entities import Entity
from llmner_hf.settings import Weights
from llmner_hf.tokens.canonical import Tokens


class Prior:
    """The prior of one text.

    Attributes:
        opens, closes: for each line, character -> what is added there.
        places: for each line, the characters before a bracket, or the blank before it, to which
            something is added; that of no line, the last, is empty.
        weighs: whether anything is added anywhere.
    """

    __slots__ = ("bias", "closes", "opens", "places", "weighs")

    def __init__(
        self, names: tuple[str, ...], known: Iterable[tuple[Entity, bool]], weights: Weights
    ) -> None:
        self.bias = weights.bias
        self.opens: list[dict[int, float]] = [{} for _ in names]
        self.closes: list[dict[int, float]] = [{} for _ in names]
        line = {name: number for number, name in enumerate(names)}
        for entity, sure in known:
            weight = weights.sure if sure else weights.unsure
            self.opens[line[entity.label]][entity.start] = weight
            self.closes[line[entity.label]][entity.end] = weights.close
        self.places = [
            {place - back for place in opens for back in (0, 1)} | closes.keys()
            for opens, closes in zip(self.opens, self.closes, strict=True)
        ]
        self.places.append(set())
        self.weighs = bool(self.bias or any(self.places))

    def added(self, tokens: Tokens, line: int, depth: int, after: State, token: int) -> float:
        """What is added to the logit of a legal token.

        Args:
            tokens: says which tokens are brackets.
            line: the number of the type whose line is being written.
            depth: brackets open before the token.
            after: the state behind it.
            token: the token.
        """
        if after.depth > depth and token in tokens.opening:
            return self.opening(line, after.position, depth)
        if after.depth < depth and token == tokens.close:
            return self.closing(line, after.position)
        return 0.0

    def raises(self, tokens: Tokens, before: State, after: State, token: int) -> float:
        """The same for a token between two states, which know the line."""
        return self.added(tokens, after.next_type - 1, before.depth, after, token)

    def opening(self, line: int, start: int, depth: int) -> float:
        """What is added to the logit of a bracket that opens before a character."""
        return self.bias + (self.opens[line].get(start, 0.0) if not depth else 0.0)

    def closing(self, line: int, end: int) -> float:
        """What is added to the logit of a bracket that closes behind a character."""
        return self.closes[line].get(end, 0.0)
