"""The copy automaton in token ids: which tokens may come next, and the state after each.

In: the canonical tokenisation, a text, a label set. Out: for every state a dictionary from legal
token to next state. It lifts `core.copying` from characters to tokens: inside a piece of the text a
token is legal when it continues the tokenisation of the whole piece, or of a beginning of it behind
which a bracket may stand. So a token shorter than usual already announces a bracket, every set of
entities has exactly one path, and a token may hold half a Chinese character. An opening bracket
takes the one blank before it with it where the vocabulary has that token.

No dead ends: a beginning of a piece is only offered where, at this depth, a bracket is legal
behind it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from llmner_hf.core.copying import START, Copying, Move, Place, State
from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import UnrepresentableError
from llmner_hf.core.tagging.base import checked, refuse_crossing, view
from llmner_hf.tokens.canonical import Span
from llmner_hf.tokens.grammar import Grammar, Node

# Characters that are cut into pieces at a time behind a bracket, and the pieces at their end that
# what follows might change.
WINDOW, UNSURE = 128, 2


class Position(NamedTuple):
    """Where a walk stands.

    Attributes:
        state: the automaton's state at the beginning of the current piece, or at the header.
        segment: where the pieces are counted from: the character behind the last bracket until its
            pieces end where one of the whole text does, then the text's beginning.
        piece: the number of the current piece among these.
        node: the place within the current piece or header; None at its beginning.
    """

    state: State
    segment: int = 0
    piece: int = 0
    node: Node | None = None


class Lattice:
    """The token automaton of one text.

    Attributes:
        start: the position before the first token of a completion.
    """

    def __init__(self, grammar: Grammar, text: str) -> None:
        self.grammar = grammar
        self.text = view(text)
        self.copying = Copying(
            self.text,
            len(grammar.labels),
            grammar.max_depth,
            every_type=grammar.every_type,
            cuts=grammar.cuts,
        )
        self.start = Position(START)
        whole = tuple(grammar.tokens.spans(self.text))
        starts = *(start for start, _ in whole), len(self.text)
        self._borders = {start: index for index, start in enumerate(starts)}
        self._pieces: dict[int, tuple[Span, ...]] = {0: whole}

    def steps(self, at: Position) -> dict[int, Position]:
        """The legal tokens and the position after each; empty at the end of a completion."""
        if at.state.place is Place.HEADER:
            return self._header_steps(at)
        if at.state.place is Place.END:
            return {}
        return self._copy_steps(at) | self._tag_steps(at)

    def pieces(self, segment: int) -> tuple[Span, ...]:
        """The pieces from a character on, up to the first border they share with the whole text's.

        From there on they agree, since a tokenizer cuts a text looking ahead, never back.
        """
        found = self._pieces.get(segment)
        if found is None:
            found = self._pieces[segment] = self._until_shared(segment)
        return found

    def _until_shared(self, segment: int) -> tuple[Span, ...]:
        """Cuts no more of the text than is needed: it may be long, and have many brackets."""
        width = WINDOW
        while True:
            part = self.text[segment : segment + width]
            spans = [(a + segment, b + segment) for a, b in self.grammar.tokens.spans(part)]
            # A tokenizer looks ahead: more text behind the window could move the last borders in
            # it. Only pieces that what follows cannot change are compared.
            whole = segment + width >= len(self.text)
            sure = len(spans) if whole else len(spans) - UNSURE
            for count in range(1, sure + 1):
                # It never looks back: from a border that both cuttings have, all further pieces
                # are those of the whole text, and `_next_piece` goes on there.
                if spans[count - 1][1] in self._borders:
                    return tuple(spans[:count])
            # The end of the text is a border of both, so only a segment that begins there, and has
            # no pieces, is still without one.
            if whole:
                return tuple(spans)
            width *= 4

    def place(self, at: Position) -> int:
        """Which token of the plain text's own tokenisation the next copied token copies, from 0.

        Exact outside of brackets and behind them at borders of pieces; behind one inside a piece,
        whose rest may be tokenised otherwise, as near as can be told.
        """
        if at.state.place is not Place.BODY:
            return 0
        pieces = self.pieces(at.segment)
        if at.piece == len(pieces):
            return self._numbers[-1]
        return self._number(pieces[at.piece][0]) + (at.node.count if at.node else 0)

    @cached_property
    def _numbers(self) -> list[int]:
        """For each piece of the text the number of its first token; last, the count of all."""
        tokens = self.grammar.tokens
        lengths = (len(tokens.piece_ids(self.text[a:b])) for a, b in self._pieces[0])
        return [0, *accumulate(lengths)]

    def _number(self, character: int) -> int:
        """The number of the token that a character begins, or that it lies in."""
        border = self._borders.get(character)
        if border is not None:
            return self._numbers[border]
        piece = bisect_right(self._pieces[0], (character, len(self.text))) - 1
        before = self.text[self._pieces[0][piece][0] : character]
        passed = len(self.grammar.tokens.piece_ids(before)) if before.strip() else 0
        return min(self._numbers[piece] + passed, self._numbers[piece + 1] - 1)

    def _next_piece(self, segment: int, piece: int) -> tuple[int, int]:
        """Segment and number of the piece behind a piece."""
        pieces = self.pieces(segment)
        if segment and piece + 1 == len(pieces):
            return 0, self._borders[pieces[piece][1]]
        return segment, piece + 1

    def _header_steps(self, at: Position) -> dict[int, Position]:
        node = at.node or self.grammar.headers(self.copying.headers(at.state))
        steps = {}
        for token, child in node.children.items():
            if child.value is None:
                steps[token] = at._replace(node=child)
            else:
                steps[token] = Position(self.copying.after(at.state, child.value))
        if at.node is None and Move.STOP in self.copying.moves(at.state):
            steps[self.grammar.tokens.stop] = Position(self.copying.after(at.state, Move.STOP))
        return steps

    def _copy_steps(self, at: Position) -> dict[int, Position]:
        """Tokens that copy the text."""
        pieces = self.pieces(at.segment)
        if at.piece == len(pieces):
            return {}
        start, end = pieces[at.piece]
        node = at.node or self._piece(start, end, at.state.depth)
        steps = {}
        for token, child in node.children.items():
            if child.value == end - start:
                state = State(Place.BODY, at.state.next_type, end, at.state.depth)
                steps[token] = Position(state, *self._next_piece(at.segment, at.piece))
            else:
                steps[token] = at._replace(node=child)
        return steps

    def _tag_steps(self, at: Position) -> dict[int, Position]:
        """Brackets, the end of the line and the end of the completion."""
        state = at.state
        if at.node is not None:
            if at.node.value is None:
                return {}
            here = self.pieces(at.segment)[at.piece][0] + at.node.value
            state = State(Place.BODY, state.next_type, here, state.depth)
        tokens = self.grammar.tokens
        steps = {}
        for move in self.copying.moves(state):
            if move is Move.OPEN and self._opens_plainly(state.position, at.segment):
                steps[tokens.open] = _behind(self.copying.after(state, move))
            elif move is Move.CLOSE:
                steps[tokens.close] = _behind(self.copying.after(state, move))
            elif move is Move.END_LINE:
                steps[tokens.line_end] = Position(self.copying.after(state, move))
            elif move is Move.STOP:
                steps[tokens.stop] = Position(self.copying.after(state, move))
        if tokens.spaced_open is not None and self._opens_spaced(state.position, state.depth):
            blank = self.copying.after(state, Move.COPY)
            steps[tokens.spaced_open] = _behind(self.copying.after(blank, Move.OPEN))
        return steps

    def _opens_plainly(self, position: int, segment: int) -> bool:
        """Whether the bracket before this character is written without a blank.

        ``segment`` is the character behind the last bracket: a blank before it is already written.
        """
        if self.grammar.tokens.spaced_open is None or position == segment:
            return True
        return self.text[position - 1] != " "

    def _opens_spaced(self, position: int, depth: int) -> bool:
        return (
            self.text[position : position + 1] == " "
            and depth < self.copying.max_depth
            and self.copying.may_open(position + 1)
        )

    def _piece(self, start: int, end: int, depth: int) -> Node:
        """The trie of a piece, and of its beginnings behind which a bracket is legal."""
        copying, may_open = self.copying, depth < self.copying.max_depth
        spaced = self.grammar.tokens.spaced_open is not None
        cuts = tuple(
            place - start
            for place in range(start + 1, end)
            if (depth > 0 and copying.may_close(place))
            or (may_open and copying.may_open(place) and self._opens_plainly(place, start))
            or (spaced and self._opens_spaced(place, depth))
        )
        return self.grammar.piece(self.text[start:end], cuts)

    def writable(self, entity: Entity, entities: Iterable[Entity]) -> bool:
        """Whether brackets may stand at both ends of an entity, as deep as these entities nest."""
        return self.copying.writable(entity) and entity.depth(entities) <= self.copying.max_depth

    def encode(self, entities: Iterable[Entity]) -> list[int]:
        """The canonical token ids of the symbolic completion, the end token included.

        Raises:
            UnrepresentableError: entities of one type cross.
            LabelError, OffsetError: an entity does not fit the label set or the text.
        """
        found = checked(self.text, entities, self.grammar.labels)
        tokens, ids = self.grammar.tokens, list[int]()
        for index, name in enumerate(self.grammar.labels.names):
            of_type = tuple(entity for entity in found if entity.label == name)
            refuse_crossing(of_type, "symbolic")
            if of_type or self.grammar.every_type:
                ids += [tokens.line_end] if ids else []
                ids += [*self.grammar.header_ids[index], *self._line(of_type)]
        return [*ids, tokens.stop]

    def _line(self, entities: tuple[Entity, ...]) -> Iterator[int]:
        """The ids of one line behind its header."""
        tokens, position = self.grammar.tokens, 0
        # Closing (0) goes before opening (1) at one position.
        marks = sorted([(e.end, 0) for e in entities] + [(e.start, 1) for e in entities])
        for place, opens in marks:
            token = tokens.open if opens else tokens.close
            cut = place
            # The token of blank and bracket writes the blank, so the copy stops one character
            # earlier; behind either token it goes on at the bracket's own place.
            if opens and not self._opens_plainly(place, position):
                token, cut = tokens.spaced_open or token, place - 1
            yield from self._copy(position, cut)
            yield token
            position = place
        yield from self._copy(position, len(self.text))

    def _copy(self, start: int, end: int) -> Iterator[int]:
        """The ids of the text from one bracket to the next."""
        segment, piece, place = start, 0, start
        while place < end:
            a, b = self.pieces(segment)[piece]
            # A bracket inside a piece ends its copy there: the beginning is tokenised by itself,
            # and behind the bracket a new segment begins.
            yield from self.grammar.tokens.piece_ids(self.text[a : min(b, end)])
            segment, piece = self._next_piece(segment, piece)
            place = b

    def along(self, ids: Sequence[int]) -> Iterator[tuple[Position, dict[int, Position]]]:
        """The position before each token of a completion, and the legal steps from there.

        Raises:
            UnrepresentableError: the completion is not one that the automaton can write.
        """
        at = self.start
        for count, token in enumerate(ids):
            steps = self.steps(at)
            if token not in steps:
                raise UnrepresentableError(
                    f"token {count} of the completion may not stand there: a bracket inside a "
                    f"word, or nesting deeper than {self.grammar.max_depth}"
                )
            yield at, steps
            at = steps[token]


def _behind(state: State) -> Position:
    """The position behind a bracket: a new segment of text begins."""
    return Position(state, state.position)
