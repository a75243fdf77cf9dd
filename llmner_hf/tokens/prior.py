"""What is known of a text before the model reads it, as logits of brackets.

In: a text, a dictionary of known mentions if there is one, and the weights of a dataset. Out: for a
line and a character what is added to the logits of an opening or a closing bracket. So two experts
are mixed, log-linearly: the model knows the context and the dictionary the words. Nothing is added
inside brackets that are open, lest a mention be opened twice. Without a dictionary no mention is
known, and without weights nothing is added: whoever uses a prior need not ask. The mentions are
looked up once, and drafts are made of them too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from llmner_hf.core.copying import State
from llmner_hf.core.entities import Entity
from llmner_hf.core.mentions import Dictionary
from llmner_hf.settings import Weights
from llmner_hf.tokens.canonical import Tokens


class Prior:
    """The prior of one text.

    Attributes:
        mentions: for each line the known mentions of its type, start -> end.
        opens, closes: for each line, character -> what is added there.
        places: for each line, the characters before a bracket, or the blank before it, to which
            something is added; that of no line, the last, is empty.
        weighs: whether anything is added anywhere.
    """

    __slots__ = ("_dictionary", "_text", "bias", "closes", "mentions", "opens", "places", "weighs")

    def __init__(
        self, names: tuple[str, ...], known: Iterable[tuple[Entity, bool]], weights: Weights
    ) -> None:
        self.bias = weights.bias
        self.mentions: list[dict[int, int]] = [{} for _ in names]
        self.opens: list[dict[int, float]] = [{} for _ in names]
        self.closes: list[dict[int, float]] = [{} for _ in names]
        line = {name: number for number, name in enumerate(names)}
        for entity, sure in known:
            number = line[entity.label]
            self.mentions[number][entity.start] = entity.end
            if weight := weights.sure if sure else weights.unsure:
                self.opens[number][entity.start] = weight
            if weights.close:
                self.closes[number][entity.end] = weights.close
        self.places = [
            {place - back for place in opens for back in (0, 1)} | closes.keys()
            for opens, closes in zip(self.opens, self.closes, strict=True)
        ]
        self.places.append(set())
        self.weighs = bool(self.bias or any(self.places))
        self._text = ""
        self._dictionary: Dictionary | None = None

    @classmethod
    def of(
        cls, text: str, names: tuple[str, ...], dictionary: Dictionary | None, weights: Weights
    ) -> Prior:
        """The prior of a text."""
        known = dictionary.matches(text, frozenset(names)) if dictionary else ()
        prior = cls(names, known, weights)
        prior._text, prior._dictionary = text, dictionary
        return prior

    def ends(self, start: int) -> Iterator[int]:
        """Where known mentions of any type that begin at a character end, longest first."""
        return self._dictionary.ends(self._text, start) if self._dictionary else iter(())

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
