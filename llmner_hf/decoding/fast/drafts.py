"""Guesses of what a model will write next: they change how fast it is verified, never what it says.

In: a row, half written. Out: tokens that the automaton allows, with the cells before each. The
plain draft copies on to the end of the line, and over it into at most one further line. The prior
adds the brackets of known mentions; hints add those that the last pass showed behind the
place where its draft was refused. Hints were read in the wrong context, but where a model wants to
open a bracket mostly does not depend on what is open elsewhere.
"""

from __future__ import annotations

from llmner_hf.core.copying import Place
from llmner_hf.decoding.fast.automaton import Automaton, Cell
from llmner_hf.decoding.fast.knowledge import STOPS, Knowledge
from llmner_hf.decoding.fast.walk import Walk
from llmner_hf.tokens.prior import Prior

# How far a draft goes on behind a bracket whose partner nobody foretold. Ours: mentions are short.
UNCLOSED = 24


class Drafter:
    """The policy of drafts.

    Args:
        hints: whether to use what a pass showed behind a refused token.
        further_lines: how many lines behind the present one are drafted.
    """

    def __init__(self, *, hints: bool = True, further_lines: int = 1) -> None:
        self.hints = hints
        self.further_lines = further_lines

    def knowledge(self, automaton: Automaton, prior: Prior) -> Knowledge:
        """What this policy uses of what is known about a text: everything."""
        return Knowledge(prior)

    def draft(
        self,
        automaton: Automaton,
        cell: Cell,
        line: int,
        known: Knowledge,
        open: list[int],
        most: int,
    ) -> Walk:
        """A guess of at most ``most`` tokens.

        Args:
            automaton: that of the text.
            cell: where the row stands.
            line: the line it is in; -1 before the first.
            known: the row's own knowledge.
            open: where the spans begin whose brackets are open.
            most: the longest draft in tokens.
        """
        walk = Walk(automaton, cell, line)
        for further in range(self.further_lines + 1):
            if not self._to_line(walk, known, most):
                break
            if not self._copy(walk, known, open if not further else [], most):
                break
        else:
            self._to_line(walk, known, most)
        walk.cut(most)
        return walk

    def _to_line(self, walk: Walk, known: Knowledge, most: int) -> bool:
        """Over the end of a line and through a header; whether a line begins or goes on."""
        tokens = walk.automaton.lattice.grammar.tokens
        while walk.cell is not None and not walk.in_body and len(walk.tokens) < most:
            cell = walk.cell
            if len(cell.tokens) == 1:
                walk.push(cell.tokens[0])
                continue
            if cell.at.node is None:
                guess = known.next_line(walk.line)
                if guess == STOPS:
                    walk.push(tokens.stop if tokens.stop in cell.steps else cell.draft)
                    return False
                if tokens.line_end in cell.steps:
                    walk.push(tokens.line_end)
                    continue
                for token in walk.automaton.lattice.grammar.header_ids[guess]:
                    if walk.cell is None or token not in walk.cell.steps:
                        return False
                    walk.push(token)
            else:  # the types that are left share the beginning of their headers
                guess = known.next_line(walk.line)
                header = () if guess == STOPS else walk.automaton.lattice.grammar.header_ids[guess]
                token = next(iter(header[cell.at.node.count :]), cell.draft)
                walk.push(token if token in cell.steps else cell.draft)
        return walk.in_body and len(walk.tokens) < most

    def _copy(self, walk: Walk, known: Knowledge, open: list[int], most: int) -> bool:
        """To the end of a line, with the brackets that are guessed; whether it was reached."""
        marks = self._marks(walk, known, open)
        end, unforetold = len(walk.automaton.lattice.text), most
        # Each turn writes a token or is done with a mark, so there is an end to it.
        while walk.in_body and len(walk.tokens) < min(most, unforetold):
            # One character before the bracket: there the token of blank and bracket may be due.
            walk.copy(marks[-1][0] - 1 if marks else end, most)
            cell = walk.cell
            assert cell is not None
            if marks:
                if self._toward(walk, *marks[-1]):
                    marks.pop()
                continue
            # A bracket that is open, and no guess where it closes: the draft will soon be wrong.
            if cell.depth and unforetold == most:
                unforetold = len(walk.tokens) + UNCLOSED
            walk.push(cell.draft)
        return not walk.in_body and len(walk.tokens) < most

    @staticmethod
    def _toward(walk: Walk, place: int, opens: bool) -> bool:
        """Write a guessed bracket, or go on towards it; whether one is done with it.

        Args:
            walk: in the body of a line, before the bracket.
            place: the character before which it is to stand.
            opens: whether it opens.
        """
        automaton, cell = walk.automaton, walk.cell
        assert cell is not None
        tokens, text = automaton.lattice.grammar.tokens, automaton.lattice.text
        token, spaced = tokens.open if opens else tokens.close, tokens.spaced_open
        if cell.here == place and token in cell.steps:
            walk.push(token)
            return True
        # An opening bracket takes the blank before it with it, so it is due one character earlier.
        if opens and spaced is not None and cell.here == place - 1 and spaced in cell.steps:
            walk.push(spaced)
            return True
        # The copy is there, and the automaton allows no bracket: too deep, or inside a word.
        if cell.here >= place:
            return True
        # Inside a piece the tokens of its beginning lead there; they differ from those of the whole
        # piece, and are legal only where a bracket may follow. Otherwise the copy goes on.
        blank = opens and spaced is not None and text[place - 1] == " "
        for step in automaton.route(cell, place - blank) or (cell.draft,):
            if walk.cell is None or step not in walk.cell.steps:
                return True
            walk.push(step)
        return False

    @staticmethod
    def _marks(walk: Walk, known: Knowledge, open: list[int]) -> list[tuple[int, bool]]:
        """The brackets guessed for the rest of a line, (character, opens), the next one last."""
        assert walk.cell is not None
        # Inside a character ``here`` is -1, and the state is that of the piece's beginning.
        behind = max(walk.cell.here, walk.cell.at.state.position)
        marks: list[tuple[int, bool]] = []
        inner = behind
        for start in reversed(open):
            end = known.close(start, walk.line, inner)
            if end is None:
                return marks
            marks.append((end, False))
            inner = end - 1  # what was opened before closes at the same character or behind it
        # New spans begin where all open ones have closed, and do not overlap.
        barrier = marks[-1][0] if marks else behind
        for start, end in known.spans(walk.line, barrier):
            if start >= barrier:
                marks += [(start, True), (end, False)]
                barrier = end
        return marks[::-1]

    def learn(self, walk: Walk, choices: list[int], refused: int, known: Knowledge) -> None:
        """Note what a pass showed behind the token that was refused.

        Args:
            walk: the draft.
            choices: the model's choice at every cell of it.
            refused: the first place where choice and draft differ.
            known: the row's knowledge, to which it is added.
        """
        if not self.hints:
            return
        for index in range(refused + 1, len(choices)):
            cell, line = walk.cells[index], walk.lines[index]
            after = cell.steps[choices[index]].state
            if cell.at.state.place is Place.HEADER or after.place is not Place.BODY:
                self._learn_line(walk.automaton, cell, line, choices[index], known)
                continue
            hints = known.hints[line]
            if cell.depth == 0 and cell.here >= 0:
                hints.read = max(hints.read, cell.here + 1)
                hints.opens.discard(cell.here)
            if after.depth > cell.depth:
                if cell.depth == 0:
                    hints.opens.add(after.position)
            elif after.depth < cell.depth:
                hints.closes.add(after.position)

    @staticmethod
    def _learn_line(
        automaton: Automaton, cell: Cell, line: int, choice: int, known: Knowledge
    ) -> None:
        """Note which line would have followed."""
        grammar = automaton.lattice.grammar
        if cell.at.node is not None:
            return
        if choice == grammar.tokens.stop:
            known.following[line] = STOPS
        elif choice == grammar.tokens.line_end:
            if known.following.get(line, STOPS) == STOPS:
                known.following[line] = line + 1
        else:
            known.following[line] = next(
                number
                for number, ids in enumerate(grammar.header_ids)
                if number > line and ids[0] == choice
            )
