"""The copy automaton: no dead end, nothing but text and tags, one walk for each encoding."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise, product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.copying import START, Copying, Move, Place, State
from llmner_hf.core.entities import Entity, EntityType, LabelSet, ordered
from llmner_hf.core.tagging import symbolic
from llmner_hf.core.tagging.base import view
from tests.strategies import Case, cases, label_sets, plain_texts, texts

DNA = LabelSet((EntityType("DNA"),))
TWO = LabelSet((EntityType("DNA"), EntityType("RNA")))
MARKS = {Move.OPEN: "[", Move.CLOSE: "]", Move.END_LINE: "\n", Move.STOP: ""}
SOURCES = st.one_of(texts(), plain_texts())


def written(automaton: Copying, labels: LabelSet, state: State, move: Move | int) -> str:
    """What a move adds to the completion."""
    if isinstance(move, int):
        return symbolic.header(labels.names[move])
    return automaton.text[state.position] if move is Move.COPY else MARKS[move]


def choices(automaton: Copying, state: State) -> list[Move | int]:
    """Headers and moves together."""
    return [*automaton.headers(state), *automaton.moves(state)]


def walk(automaton: Copying, labels: LabelSet, random: Random) -> tuple[str, list[State]]:
    """A finished walk, every choice uniform: what it wrote and the states it passed."""
    state, completion, states = START, "", [START]
    while state.place is not Place.END:
        move = random.choice(choices(automaton, state))
        completion += written(automaton, labels, state, move)
        state = automaton.after(state, move)
        states.append(state)
    return completion, states


def walks(automaton: Copying, labels: LabelSet, state: State = START) -> Iterator[str]:
    """What every finished walk from a state writes."""
    if state.place is Place.END:
        yield ""
    for move in choices(automaton, state):
        here = written(automaton, labels, state, move)
        yield from (here + rest for rest in walks(automaton, labels, automaton.after(state, move)))


def next_move(automaton: Copying, labels: LabelSet, state: State, rest: str) -> Move | int | None:
    """The only move that can begin to write the rest of a completion, legal or not."""
    if state.place is Place.HEADER and rest:
        headers = [symbolic.header(name) for name in labels.names]
        return next((i for i, head in enumerate(headers) if rest.startswith(head)), None)
    if not rest:
        return Move.STOP
    if rest[0] in "[]\n":
        return next(move for move, mark in MARKS.items() if mark == rest[0])
    return Move.COPY if rest[0] == automaton.text[state.position : state.position + 1] else None


def accepts(automaton: Copying, labels: LabelSet, completion: str) -> bool:
    """Whether there is a walk that writes the completion."""
    state, rest = START, completion
    while state.place is not Place.END:
        move = next_move(automaton, labels, state, rest)
        if move is None or move not in choices(automaton, state):
            return False
        rest = rest[len(written(automaton, labels, state, move)) :]
        state = automaton.after(state, move)
    return not rest


@pytest.mark.parametrize(
    ("text", "completion", "accepted"),
    [
        ("IL-2 gene", "", True),
        ("IL-2 gene", "DNA: [IL-2] gene", True),
        ("IL-2 gene", "RNA: [[IL-2] gene]", True),
        ("IL-2 gene", "DNA: [IL-2] gene\nRNA: [IL]-2 [gene]", True),
        ("IL-2 gene", "DNA: IL[-][2] gene", True),
        ("IL-2 gene", "DNA: IL-2 gene", True),  # a line without brackets is legal, though idle
        ("IL-2 gene", "DNA: [[IL-2]] gene", True),  # and so is a span bracketed twice
        ("IL-2 gene", "DNA: I[L-2] gene", False),  # within a word
        ("IL-2 gene", "DNA: [IL-2 ]gene", False),  # behind a blank
        ("IL-2 gene", "DNA: IL-2[ gene]", False),  # before a blank
        ("IL-2 gene", "DNA: []IL-2 gene", False),
        ("IL-2 gene", "DNA: [[IL-2] gene", False),
        ("IL-2 gene", "DNA: IL-2] gene", False),
        ("IL-2 gene", "DNA: IL-2 gene[]", False),
        ("IL-2 gene", "DNA: [[[IL-2]-] gene]", False),
        ("IL-2 gene", "DNA: [[[IL-2]]] gene", False),  # deeper than two
        ("IL-2 gene", "DNA: [IL-2]", False),  # stops early
        ("IL-2 gene", "DNA: [IL-2] genes", False),
        ("IL-2 gene", "DNA: [IL-2] gene\n", False),
        ("IL-2 gene", "RNA: [IL-2] gene\nDNA: [IL-2] gene", False),  # order
        ("IL-2 gene", "DNA: [IL-2] gene\nDNA: IL-2 [gene]", False),  # twice
        ("IL-2 gene", "RNA: [IL-2] gene\nRNA: [IL-2] gene", False),
        ("IL-2 gene", "protein: [IL-2] gene", False),
        ("IL-2 gene", "IL-2 gene", False),
        ("p53", "DNA: [p][53]", True),  # the class changes from letter to digit
        ("p53", "DNA: p[5]3", False),
        ("肺癌", "DNA: [肺]癌", True),
        ("カタ", "DNA: [カ]タ", True),
        ("가나", "DNA: [가]나", False),  # Hangul is written with blanks between words
        ("𠀀𠀁", "DNA: [𠀀]𠀁", True),
        ("豈", "DNA: [豈]", True),
        ("e\u0301x", "DNA: e[\u0301]x", True),
        ("a½b", "DNA: a[½]b", True),
        ("βa", "DNA: [β]a", False),
        ("癌 癌", "DNA: 癌[ 癌]", False),
        ("癌 癌", "DNA: [癌 ]癌", False),
        ("a ", "DNA: [a ]", True),  # at the end of the text every bracket can be closed
        ("a ", "DNA: a[ ]", False),
        ("", "", True),
        ("", "DNA: ", True),
        ("", "DNA: \nRNA: ", True),
        ("", "DNA: []", False),
        (" ", "DNA:  ", True),
        (" ", "DNA: [ ]", False),
    ],
)
def test_table(text: str, completion: str, accepted: bool) -> None:
    automaton = Copying(text, types=2, max_depth=2)
    assert accepts(automaton, TWO, completion) is accepted
    if accepted:
        assert not symbolic.decode(completion, text, TWO).problems


def test_without_types_only_stopping_is_left() -> None:
    assert choices(Copying("a", types=0), START) == [Move.STOP]


def test_nothing_ends_before_the_text() -> None:
    """Neither in a text nor in the empty one, whatever stands at its end."""
    assert [Copying("a b-", 1).may_close(place) for place in range(5)] == [0, 1, 0, 1, 1]
    assert [Copying("a b ", 1).may_open(place) for place in range(5)] == [1, 0, 1, 0, 0]
    assert not Copying("", 1).may_close(0)
    assert not Copying("", 1).may_open(0)


@given(SOURCES, label_sets(), st.integers(0, 4), st.integers(0, 2**32))
def test_random_walks(text: str, labels: LabelSet, max_depth: int, seed: int) -> None:
    """They end, copy the view, nest no deeper, hold no empty brackets, decode without a problem."""
    copy = view(text)
    automaton = Copying(copy, len(labels), max_depth)
    completion, states = walk(automaton, labels, Random(seed))
    assert max(state.depth for state in states) <= max_depth
    assert "[]" not in completion
    decoding = symbolic.decode(completion, text, labels)
    assert decoding.problems == ()
    assert all(automaton.writable(entity) for entity in decoding.entities)
    lines = completion.split("\n") if completion else []
    bodies = [line.split(": ", 1)[1] for line in lines]
    assert all(re.sub(r"[][]", "", body) == copy for body in bodies)
    # The rest of the promise: such a walk is the encoding, but for these two exceptions.
    spans = [span for body in bodies for span in symbolic.read_brackets(body)[1]]
    if all("[" in body for body in bodies) and len(spans) == len(decoding.entities):
        assert completion == symbolic.encode(text, decoding.entities, labels)


@given(SOURCES, st.integers(0, 3), st.integers(0, 2**32))
def test_moves_come_in_their_order(text: str, types: int, seed: int) -> None:
    """And each once; a header state offers types alone, but at the start."""
    automaton = Copying(view(text), types)
    labels = LabelSet(tuple(EntityType(f"type {i}") for i in range(types))) if types else DNA
    order = list(Move)
    for state in walk(automaton, labels, Random(seed))[1]:
        places = [order.index(move) for move in automaton.moves(state)]
        assert places == sorted(set(places))
        if state.place is Place.HEADER:
            assert automaton.moves(state) == ((Move.STOP,) if state == START else ())
        else:
            assert not automaton.headers(state)


def depth(entities: tuple[Entity, ...]) -> int:
    """How deep entities of one type nest, at the deepest character."""
    cover = Counter((e.label, place) for e in entities for place in range(e.start, e.end))
    return max(cover.values(), default=0)


@st.composite
def writable(draw: st.DrawFn) -> Case:
    """A text with entities whose ends lie where brackets may stand and which do not cross."""
    text, labels = draw(SOURCES), draw(label_sets())
    automaton = Copying(view(text), len(labels))
    starts = [place for place in range(len(text)) if automaton.may_open(place)]
    ends = [place for place in range(len(text) + 1) if automaton.may_close(place)]
    kept: list[Entity] = []
    if starts:
        place, label = st.sampled_from(starts), st.sampled_from(labels.names)
        for start, name, number in draw(st.lists(st.tuples(place, label, st.integers(0, 4)))):
            behind = [end for end in ends if end > start]
            entity = Entity(start, behind[min(number, len(behind) - 1)], name)
            if not any(entity.crosses(other) and other.label == name for other in kept):
                kept.append(entity)
    return Case(text, ordered(kept), labels)


@given(writable())
def test_every_writable_set_has_its_walk(case: Case) -> None:
    """Move by move, with the nesting it needs and no less."""
    completion = symbolic.encode(case.text, case.entities, case.labels)
    deepest = depth(case.entities)
    for max_depth in range(deepest + 2):
        automaton = Copying(view(case.text), len(case.labels), max_depth)
        assert accepts(automaton, case.labels, completion) is (max_depth >= deepest)


@given(cases())
def test_only_writable_sets_have_a_walk(case: Case) -> None:
    """What an entity's own answer says is what the automaton does."""
    automaton = Copying(view(case.text), len(case.labels), depth(case.entities))
    completion = symbolic.encode(case.text, case.entities, case.labels)
    possible = all(map(automaton.writable, case.entities))
    assert accepts(automaton, case.labels, completion) is possible


def border(before: str, after: str) -> bool:
    """Whether a bracket may stand between two characters, written down anew."""
    return not re.fullmatch(r"[a-z]{2}|[0-9]{2}| {2}", before + after)


def legal(completion: str, text: str, deepest: int) -> bool:
    """The definition of a completion for the one type DNA, written down anew."""
    if not completion or completion.count("[") != completion.count("]") or "[]" in completion:
        return not completion
    body = completion.removeprefix("DNA: ")
    if body == completion or re.sub(r"[][]", "", body) != text:
        return False
    opened = position = 0
    for mark in body:
        before, after = text[:position][-1:], text[position:][:1]
        if mark == "[":
            opened += 1
            good = after.strip() and border(before, after) and opened <= deepest
        elif mark == "]":
            opened -= 1
            good = opened >= 0 and (not after or (before.strip() and border(before, after)))
        else:
            position, good = position + 1, True
        if not good:
            return False
    return True


# Every character class alone and beside every other; three of one class, three of three.
TINY = ["", *"a1 癌-", *map("".join, product("a1 癌-", repeat=2)), "aaa", "a 癌", "癌-癌"]


@pytest.mark.parametrize("text", TINY)
def test_walks_are_all_that_is_legal(text: str) -> None:
    """Of every string with up to four brackets in every gap, those that the definition allows.

    Four are the most that two deep can need: two close, two open.
    """
    marks = [
        "".join(found)
        for number in range(5 if len(text) < 3 else 4)
        for found in product("[]", repeat=number)
    ]
    if len(text) == 3:
        marks.append("]][[")
    candidates = {""}
    for gaps in product(marks, repeat=len(text) + 1):
        candidates.add("DNA: " + gaps[0] + "".join(map("".join, zip(text, gaps[1:], strict=True))))
    automaton = Copying(text, types=1, max_depth=2)
    found = list(walks(automaton, DNA))
    assert len(found) == len(set(found))
    assert set(found) == {candidate for candidate in candidates if legal(candidate, text, 2)}


@pytest.mark.parametrize("text", ["", "a", "a1"])
def test_no_other_string_is_accepted(text: str) -> None:
    """Headers, line ends and characters in any order, up to six of them."""
    automaton = Copying(text, types=1, max_depth=2)
    for number in range(7):
        for parts in product(["DNA: ", "[", "]", "\n", *text], repeat=number):
            candidate = "".join(parts)
            assert accepts(automaton, DNA, candidate) is legal(candidate, text, 2)


@pytest.mark.parametrize("text", ["ab", "a1", "癌a", "a b", "癌 "])
def test_one_walk_for_each_set(text: str) -> None:
    """But for the two exceptions; the one that is no exception is the encoding."""
    automaton = Copying(text, types=2, max_depth=2)
    found: dict[tuple[Entity, ...], list[str]] = {}
    for completion in walks(automaton, TWO):
        found.setdefault(symbolic.decode(completion, text, TWO).entities, []).append(completion)
    spans = [(a, b) for a in range(len(text)) for b in range(a + 1, len(text) + 1)]
    every = [Entity(a, b, name) for name in TWO.names for a, b in spans]
    usable = [entity for entity in every if automaton.writable(entity)]
    sets = {
        ordered(entity for entity, chosen in zip(usable, choice, strict=True) if chosen)
        for choice in product([False, True], repeat=len(usable))
    }
    sets = {
        chosen
        for chosen in sets
        if depth(chosen) <= 2
        and not any(a.crosses(b) and a.label == b.label for a in chosen for b in chosen)
    }
    assert set(found) == sets
    for entities, completions in found.items():
        exact = [one for one in completions if one.count("[") == len(entities) and not idle(one)]
        assert exact == [symbolic.encode(text, entities, TWO)]


def idle(completion: str) -> bool:
    """Whether a line has no brackets."""
    return bool(completion) and any("[" not in line for line in completion.split("\n"))


@pytest.mark.parametrize("text", TINY)
def test_no_state_is_a_dead_end(text: str) -> None:
    """Every state that can be reached, not only those of a walk by chance."""
    automaton = Copying(text, types=3, max_depth=3)
    reached, waiting = {START}, [START]
    while waiting:
        state = waiting.pop()
        moves = choices(automaton, state)
        assert bool(moves) is (state.place is not Place.END)
        new = {automaton.after(state, move) for move in moves} - reached
        reached |= new
        waiting += new
    assert {state.place for state in reached} == set(Place)
    assert all(state.position <= len(text) for state in reached)


@given(SOURCES, label_sets(), st.integers(0, 2**32))
def test_every_type_gets_its_line(text: str, labels: LabelSet, seed: int) -> None:
    """In order, whatever is in it, and the header is never a choice."""
    automaton = Copying(view(text), len(labels), every_type=True)
    completion, states = walk(automaton, labels, Random(seed))
    lines = completion.split("\n")
    assert [line.split(": ", 1)[0] for line in lines] == [
        symbolic.header(n)[:-2] for n in labels.names
    ]
    assert not symbolic.decode(completion, text, labels).problems
    assert all(len(choices(automaton, s)) == 1 for s in states if s.place is Place.HEADER)


@pytest.mark.parametrize("text", ["", "a", "a b"])
def test_every_type_leaves_the_walks_with_every_line(text: str) -> None:
    """Nothing else is added or lost."""
    present = {w for w in walks(Copying(text, types=2, max_depth=1), TWO) if w.count("\n") == 1}
    assert set(walks(Copying(text, types=2, max_depth=1, every_type=True), TWO)) == present
    assert choices(Copying(text, types=0, every_type=True), START) == [Move.STOP]


def test_a_long_text_is_copied_whole() -> None:
    text = "癌a-1 " * 2_000
    automaton = Copying(text, types=1)
    completion, states = "", [automaton.after(START, 0)]
    random = Random(3)
    while states[-1].place is not Place.END:
        move = random.choice(automaton.moves(states[-1]))
        completion += written(automaton, DNA, states[-1], move)
        states.append(automaton.after(states[-1], move))
    assert sum(b.position == a.position + 1 for a, b in pairwise(states)) == len(text)
    decoding = symbolic.decode("DNA: " + completion, text, DNA)
    assert decoding.problems == ()
    assert len(decoding.entities) > 1_000
