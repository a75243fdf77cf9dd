"""The copy automaton: given what has been written, what may come next.

A symbolic completion may only be type headers, the view of the text, brackets and line ends. This
module says so in characters, one move at a time; `tokens.lattice` lifts it to token ids. In: a
view, the number of types, the deepest nesting to allow. Out: a start state, the moves legal in a
state, and the state after a move. Every state but the last has a legal move (no dead end), and
every finished walk decodes without a problem. A set of entities that may be written, none of which
cross within a type, has exactly one walk that is its encoding; the other walks that decode to it
bracket a span twice or write a line without brackets.

Brackets may stand at borders (`core.borders`). An opening one never stands before a blank, and a
closing one never behind a blank. On the training parts of the corpora 99.7 % (BioRED) to 100 %
(BC5CDR) of the entities keep to this, and all of them with the cuts of these texts. An entity that
does not is counted when a dataset is prepared. A closing bracket at the end of the text is always
legal, so that whatever was opened can be closed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from llmner_hf.core.borders import NO_CUTS, Cuts, borders
from llmner_hf.core.entities import Entity


class Place(Enum):
    """Where in the completion a state stands."""

    HEADER = "before a header"
    BODY = "in the copy of the text"
    END = "behind the end"


class Move(Enum):
    """What can be written next, apart from a header (which is the index of a type)."""

    COPY = "the next character of the text"
    OPEN = "["
    CLOSE = "]"
    END_LINE = "line end, a header follows"
    STOP = "end of the completion"


@dataclass(frozen=True, slots=True)
class State:
    """What has been written so far, as far as it matters for what follows.

    Attributes:
        place: before a header, in a body, or at the end.
        next_type: index of the first type that may still get a line.
        position: characters of the view already copied in this line.
        depth: brackets open.
        just_opened: the last move was OPEN, so that closing would make an empty span.
    """

    place: Place
    next_type: int = 0
    position: int = 0
    depth: int = 0
    just_opened: bool = False


START = State(Place.HEADER)


class Copying:
    """The automaton of one view.

    Args:
        text: the view; a text with ``[`` or a line break in it cannot be copied unambiguously.
        types: how many types may get a line, in their order.
        max_depth: the deepest nesting of brackets within a line.
        every_type: whether every type gets a line, those without entities too.
        cuts: places inside words where brackets may stand.

    >>> automaton = Copying("IL-2", types=1)
    >>> state = automaton.after(START, 0)
    >>> [move.name for move in automaton.moves(state)]
    ['COPY', 'OPEN']
    """

    def __init__(
        self,
        text: str,
        types: int,
        max_depth: int = 3,
        *,
        every_type: bool = False,
        cuts: Cuts = NO_CUTS,
    ) -> None:
        self.text = text
        self.types = types
        self.max_depth = max_depth
        self.every_type = every_type
        self._border = borders(text, cuts)
        self._blank = [character.isspace() for character in text]

    def may_open(self, position: int) -> bool:
        """Whether an entity may begin before the character at this position."""
        return position < len(self.text) and self._border[position] and not self._blank[position]

    def may_close(self, position: int) -> bool:
        """Whether an entity may end before the character at this position."""
        if position in (0, len(self.text)):
            return position > 0
        return self._border[position] and not self._blank[position - 1]

    def writable(self, entity: Entity) -> bool:
        """Whether both ends of an entity lie where brackets may stand."""
        return self.may_open(entity.start) and self.may_close(entity.end)

    def headers(self, state: State) -> range:
        """The types that may get the next line; empty outside a header."""
        if state.place is not Place.HEADER:
            return range(0)
        last = min(state.next_type + 1, self.types) if self.every_type else self.types
        return range(state.next_type, last)

    def moves(self, state: State) -> tuple[Move, ...]:
        """The legal moves apart from headers, in the order of `Move`."""
        if state.place is Place.HEADER:
            return (Move.STOP,) if state == START and self._may_stop(state) else ()
        if state.place is Place.END:
            return ()
        found = []
        at_end = state.position == len(self.text)
        if not at_end:
            found.append(Move.COPY)
        if state.depth < self.max_depth and self.may_open(state.position):
            found.append(Move.OPEN)
        if state.depth and not state.just_opened and self.may_close(state.position):
            found.append(Move.CLOSE)
        if at_end and not state.depth:
            found += [Move.END_LINE] * (state.next_type < self.types)
            found += [Move.STOP] * self._may_stop(state)
        return tuple(found)

    def _may_stop(self, state: State) -> bool:
        return not self.every_type or state.next_type == self.types

    def after(self, state: State, move: Move | int) -> State:
        """The state after a legal move, or after the header of a type given by its index."""
        if isinstance(move, int):
            return State(Place.BODY, next_type=move + 1)
        next_type, position, depth = state.next_type, state.position, state.depth
        if move is Move.COPY:
            return State(Place.BODY, next_type, position + 1, depth)
        if move is Move.OPEN:
            return State(Place.BODY, next_type, position, depth + 1, just_opened=True)
        if move is Move.CLOSE:
            return State(Place.BODY, next_type, position, depth - 1)
        return State(Place.HEADER if move is Move.END_LINE else Place.END, next_type)
