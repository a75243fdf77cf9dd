"""What the texts of one label set share on their way to tokens: tries of headers and of pieces.

In: the canonical tokenisation, a schema, the deepest nesting, the cuts inside words. Out: for
the types that may still get a line, the trie of their headers; for a piece of a text, the trie of
its tokenisation and of those of its beginnings. Tries are kept, since words recur.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from llmner_hf.core.borders import NO_CUTS, Cuts
from llmner_hf.core.schema import Schema
from llmner_hf.core.tagging.symbolic import header
from llmner_hf.tokens.canonical import Tokens

# Tries of pieces are forgotten at this many. Ours.
TRIES = 10_000


@dataclass(slots=True)
class Node:
    """A node of a trie of token sequences.

    Attributes:
        children: token -> the node behind it.
        value: what the sequence up to here stands for.
        count: its tokens.
    """

    children: dict[int, Node] = field(default_factory=dict)
    value: int | None = None
    count: int = 0

    def add(self, ids: Sequence[int], value: int) -> None:
        """Put a sequence in; of two equal sequences the first keeps its value."""
        node = self
        for token in ids:
            node = node.children.setdefault(token, Node(count=node.count + 1))
        if node.value is None:
            node.value = value


class Grammar:
    """What the lattices of one tokenizer and label set share: tries of headers and of pieces."""

    def __init__(
        self,
        tokens: Tokens,
        schema: Schema,
        max_depth: int,
        *,
        every_type: bool = False,
        cuts: Cuts = NO_CUTS,
    ) -> None:
        self.tokens = tokens
        self.labels = schema.labels
        self.max_depth = max_depth
        self.every_type = every_type
        self.cuts = cuts
        self.header_ids = [self._header(name) for name in schema.labels.names]
        self._headers: dict[range, Node] = {}
        self._tries: dict[tuple[str, tuple[int, ...]], Node] = {}

    def _header(self, name: str) -> tuple[int, ...]:
        return self.tokens.text_ids(header(name))

    def headers(self, types: range) -> Node:
        """The trie of the headers of these types."""
        root = self._headers.get(types)
        if root is None:
            root = self._headers[types] = Node()
            for index in types:
                root.add(self.header_ids[index], index)
        return root

    def piece(self, text: str, cuts: tuple[int, ...]) -> Node:
        """The trie of a piece and of its beginnings of the given lengths in characters."""
        root = self._tries.get((text, cuts))
        if root is None:
            if len(self._tries) >= TRIES:
                self._tries.clear()
            root = self._tries[text, cuts] = Node()
            for cut in (len(text), *cuts):
                root.add(self.tokens.piece_ids(text[:cut]), cut)
        return root
