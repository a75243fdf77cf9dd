"""Drifting completions: what is placed, what becomes a problem, and that nothing is misplaced."""

import json
import random
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmner_hf.core.alignment import align
from llmner_hf.core.alignment.folding import Folded
from llmner_hf.core.alignment.passages import PassageFinder
from llmner_hf.core.entities import Decoding, Entity, EntityType, LabelSet, Problem, ProblemKind
from llmner_hf.core.tagging import html, json_list, symbolic
from tests.strategies import Case, cases, plain_texts, texts

CODECS = {"symbolic": symbolic, "html": html, "json_list": json_list}
LABELS = LabelSet((EntityType("protein"), EntityType("DNA"), EntityType("cell_type")))
K = ProblemKind
strategies = pytest.mark.parametrize("strategy", list(CODECS))

TEXT = "IL-2 binds “CD28” (T cells); IL-4 binds no CD28, it’s clear."
IL2, CD28, CELLS, IL4, LAST = (
    "protein[0:4]",
    "protein[12:16]",
    "cell_type[19:26]",
    "protein[29:33]",
    "protein[43:47]",
)
LINE = "protein: [IL-2] binds “[CD28]” (T cells); [IL-4] binds no [CD28], it’s clear."
ALL = {IL2, CD28, IL4, LAST}

# name: (completion, entities, kinds of problems)
SYMBOLIC = {
    "two blanks": (LINE.replace("binds", " binds "), ALL, [K.COPY_DRIFT]),
    "no blanks": (LINE.replace(" binds ", "binds"), ALL, [K.COPY_DRIFT]),
    "other blanks": (LINE.replace(" binds ", "\u3000binds\t"), ALL, [K.COPY_DRIFT]),
    "blanks in brackets": (LINE.replace("[IL-4]", "[ IL-4 ]"), ALL, [K.COPY_DRIFT]),
    "quotes": (LINE.replace("“", '"').replace("”", '"').replace("’", "'"), ALL, [K.COPY_DRIFT]),
    "case": (LINE.replace("[CD28]", "[cd28]").replace("IL", "il"), ALL, [K.COPY_DRIFT]),
    "width": (LINE.replace("(", "（").replace(";", "；").replace("2", "２"), ALL, [K.COPY_DRIFT]),
    "dashes": (LINE.replace("-", "–"), ALL, [K.COPY_DRIFT]),
    "invisible": (LINE.replace("binds", "bi\u200bnds\ufeff"), ALL, [K.COPY_DRIFT]),
    "missing word": (LINE.replace(" no ", " "), ALL, [K.COPY_DRIFT]),
    "doubled word": (LINE.replace(" no ", " no no "), ALL, [K.COPY_DRIFT]),
    "other word": (LINE.replace("clear", "certain"), ALL, [K.COPY_DRIFT]),
    "misspelt entity": (LINE.replace("[IL-4]", "[IL-5]"), ALL - {IL4}, [K.COPY_DRIFT, K.UNPLACED]),
    "doubled entity": (LINE.replace("[CD28]”", "[CD28] CD28”"), ALL, [K.COPY_DRIFT]),
    "doubled in brackets": (LINE.replace("[CD28]”", "[CD28] [CD28]”"), ALL, [K.COPY_DRIFT]),
    "missing passage": (
        "protein: [IL-2] binds [CD28], it’s clear.",
        {IL2, LAST},
        [K.COPY_DRIFT],
    ),
    "another sentence": (
        "protein: A protein, [IL-4], and [CD28] too",
        {IL4},
        [K.COPY_DRIFT, K.AMBIGUOUS],
    ),
    "part of a word": ("protein: the [IL] family", set(), [K.COPY_DRIFT, K.AMBIGUOUS]),
    "moved": (
        "protein: [IL-4] binds no CD28, it’s clear. IL-2 binds “[CD28]” (T cells);",
        {IL4},
        [K.COPY_DRIFT, K.AMBIGUOUS],
    ),
    "cut off": (LINE[:44], {IL2, CD28}, [K.UNCLOSED, K.TRUNCATED]),
    "cut off in a header": (LINE + "\nDN", ALL, [K.TRUNCATED]),
    "drift, then cut off": (LINE[:56].replace("“", '"'), {IL2, CD28, IL4}, [K.TRUNCATED]),
    "full-width colon": (LINE.replace(": ", "："), ALL, [K.MALFORMED]),
    "blank before the colon": (LINE.replace(":", " :"), ALL, [K.MALFORMED]),
    "markdown": ("- **" + LINE.replace(":", ":**"), ALL, [K.MALFORMED, K.COPY_DRIFT]),
    "markdown within": ("**" + LINE.replace(":", "**:"), ALL, [K.MALFORMED]),
    "list number": ("1. " + LINE, ALL, [K.MALFORMED]),
    "case of the type": ("Protein" + LINE[7:], ALL, [K.MALFORMED]),
    "words of the type": (
        "Cell type: IL-2 binds “CD28” ([T cells]); IL-4 binds no CD28, it’s clear.",
        {CELLS},
        [K.MALFORMED],
    ),
    "header above": ("protein:\n" + LINE[9:], ALL, [K.MALFORMED]),
    "header above, colon below": ("protein:\nSo: [IL-4]", {IL4}, [K.MALFORMED, K.COPY_DRIFT]),
    "empty line of a type": ("DNA:\n" + LINE, ALL, [K.MALFORMED]),
    "twice": (LINE + "\n" + LINE, ALL, [K.REPEATED_LINE]),
    "unknown type": ("RNA: [IL-2] binds\n" + LINE, ALL, [K.UNKNOWN_LABEL]),
    "no type": ("[IL-2] binds\n" + LINE, ALL, [K.NO_HEADER]),
    "preamble": ("Here is the result:\n\n" + LINE, ALL, [K.NO_HEADER]),
    "fences": ("```\n" + LINE + "\n```", ALL, []),
    "carriage returns": (LINE + "\r\nDNA: " + TEXT + "\r\n", ALL, []),
    "unclosed": (LINE.replace("no [CD28]", "no [CD28"), ALL - {LAST}, [K.UNCLOSED]),
    "unopened": (LINE.replace("no [CD28]", "no CD28]"), ALL - {LAST}, [K.UNOPENED]),
    "empty": (LINE.replace("no", "[]no"), ALL, [K.EMPTY_SPAN]),
    "blank alone": (LINE.replace(" no", "[ ] no"), ALL, [K.COPY_DRIFT, K.EMPTY_SPAN]),
    "thought": ("<think>\nDNA: [it]\n</think>\n\n" + LINE, ALL, []),
    "thought, drift": ("</think>" + LINE.replace("IL", "il"), ALL, [K.COPY_DRIFT]),
    "still thinking": ("<think>\n" + LINE, set(), [K.TRUNCATED]),
    "refusal": ("I cannot help with that.", set(), [K.NO_HEADER]),
}
TAGGED = (
    "<protein:IL-2>IL-2</protein:IL-2> binds “<protein:CD28>CD28</protein:CD28>” (T cells); "
    "<protein:IL-4>IL-4</protein:IL-4> binds no <protein:CD28>CD28</protein:CD28>, it’s clear."
)
HTML = {
    "two blanks": (TAGGED.replace(" binds ", "  binds "), ALL, [K.COPY_DRIFT]),
    "quotes, case": (TAGGED.replace("“", '"').replace("I", "i"), ALL, [K.COPY_DRIFT]),
    "missing word": (TAGGED.replace(" no ", " "), ALL, [K.COPY_DRIFT]),
    "doubled word": (TAGGED.replace(" no ", " no no "), ALL, [K.COPY_DRIFT]),
    "cut off": (TAGGED[:100].replace("“", '"'), {IL2, CD28}, [K.UNCLOSED, K.TRUNCATED]),
    "cut off exactly": (TAGGED[: TAGGED.index("; ")], {IL2, CD28}, [K.TRUNCATED]),
    "case of the type": (TAGGED.replace("protein", "Protein"), ALL, []),
    "full-width colons": (TAGGED.replace("protein:", "protein："), ALL, []),
    "bare closing tags": (TAGGED.replace("</protein:IL-2>", "</protein>"), ALL, [K.MALFORMED]),
    "bare tags": (
        "<protein>IL-2</protein> binds “CD28”",
        {IL2},
        [K.MALFORMED, K.MALFORMED, K.TRUNCATED],
    ),
    "fences, preamble": ("Here:\n```html\n" + TAGGED + "\n```", ALL, [K.COPY_DRIFT]),
    "thought": ("<think>x</think>" + TAGGED, ALL, []),
    "unknown type": (
        TAGGED.replace("it’s", "<RNA:it’s>it's</RNA:it’s>"),
        ALL,
        [K.COPY_DRIFT, K.UNKNOWN_LABEL],
    ),
    "unclosed": (
        TAGGED.replace("</protein:IL-4>", ""),
        ALL - {IL4},
        [K.UNCLOSED],
    ),
    "unopened": (TAGGED.replace("<protein:IL-4>", ""), ALL - {IL4}, [K.UNOPENED]),
    "empty": ("<DNA:></DNA:>" + TAGGED, ALL, [K.EMPTY_SPAN]),
    "other surface": (TAGGED.replace("n:IL-4", "n:IL-5"), ALL - {IL4}, [K.UNPLACED]),
    "crossing": (
        TAGGED.replace(
            "(T cells); <protein:IL-4>IL-4</protein:IL-4>",
            "(T <DNA:cells); IL>cells); <protein:IL-4>IL</DNA:cells); IL>-4</protein:IL-4>",
        ),
        {*ALL, "DNA[21:31]"},
        [K.CROSSING],
    ),
    "markup stays text": (TAGGED + "<sup>2</sup> p<0.05: a > b", ALL, [K.COPY_DRIFT]),
    "cut off in a tag": (TAGGED + "<protein:IL-2", ALL, [K.UNCLOSED]),
    "cut off in a closing tag": (TAGGED[:116], {IL2, CD28, IL4}, [K.TRUNCATED]),
}


def items(*rows: tuple[object, object, str, str]) -> str:
    keys = ("start_idx", "end_idx", "type", "entity")
    return json.dumps([dict(zip(keys, row, strict=True)) for row in rows], ensure_ascii=False)


ONE = items((1, 6, "protein", "IL-2"))
JSON = {
    "wrong offsets": (ONE, {IL2}, [K.COPY_DRIFT]),
    "offsets as text": (items(("0", "4", "protein", "IL-2")), {IL2}, [K.COPY_DRIFT]),
    "no offsets": ('[{"type": "protein", "entity": "IL-2"}]', {IL2}, [K.COPY_DRIFT]),
    "inclusive end": (items((12, 15, "protein", "CD28")), {CD28}, [K.COPY_DRIFT]),
    "only the end": (items((40, 47, "protein", "CD28")), {LAST}, [K.COPY_DRIFT]),
    "start and end disagree": (
        items((12, 47, "protein", "CD28")),
        set(),
        [K.COPY_DRIFT, K.AMBIGUOUS],
    ),
    "two places": (items((13, 18, "protein", "CD28")), set(), [K.COPY_DRIFT, K.AMBIGUOUS]),
    "two items for two places": (
        items((13, 18, "protein", "CD28"), (40, 45, "protein", "CD28")),
        {CD28, LAST},
        [K.COPY_DRIFT, K.COPY_DRIFT],
    ),
    "one item twice for two places": (
        items((13, 18, "protein", "CD28"), (13, 18, "protein", "CD28")),
        set(),
        [K.COPY_DRIFT] * 2 + [K.AMBIGUOUS] * 2,
    ),
    "one place is left": (
        items((12, 16, "protein", "CD28"), (40, 45, "protein", "CD28")),
        {CD28, LAST},
        [K.COPY_DRIFT],
    ),
    "case, blanks": (items((0, 0, "protein", "il- 2")), {IL2}, [K.COPY_DRIFT]),
    "blank at the end": (items((0, 5, "cell_type", "T cells ")), {CELLS}, [K.COPY_DRIFT]),
    "no such surface": (items((0, 4, "protein", "IL-3")), set(), [K.COPY_DRIFT, K.UNPLACED]),
    "part of a word": (items((5, 6, "protein", "bind")), set(), [K.COPY_DRIFT, K.UNPLACED]),
    "case of the type": (items((0, 4, "PROTEIN", "IL-2")), {IL2}, [K.COPY_DRIFT]),
    "unknown type": (items((0, 4, "RNA", "IL-2")), set(), [K.UNKNOWN_LABEL]),
    "type is no text": ('[{"type": 1, "entity": "IL-2"}]', set(), [K.MALFORMED]),
    "surface is no text": ('[{"type": "DNA", "entity": null}]', set(), [K.MALFORMED]),
    "blank surface": (items((0, 4, "DNA", "\u200b ")), set(), [K.EMPTY_SPAN]),
    "fences": ("```json\n" + ONE + "\n```", {IL2}, [K.MALFORMED, K.COPY_DRIFT]),
    "preamble": ("The entities: " + ONE, {IL2}, [K.MALFORMED, K.COPY_DRIFT]),
    "inside an object": ('{"entities": ' + ONE + "}", {IL2}, [K.MALFORMED, K.COPY_DRIFT]),
    "one a line": (ONE[1:-1] + "\n" + ONE[1:-1], {IL2}, [K.MALFORMED] + [K.COPY_DRIFT] * 2),
    "cut off": (ONE[:-1] + ', {"start_idx": 1', {IL2}, [K.TRUNCATED, K.COPY_DRIFT]),
    "broken item": (
        "[" + ONE[1:-1] + ", {oops}, " + ONE[1:],
        {IL2},
        [K.MALFORMED] + [K.COPY_DRIFT] * 2,
    ),
    "not an item": ('[1, {"type": "DNA"}, ' + ONE[1:], {IL2}, [K.MALFORMED] * 2 + [K.COPY_DRIFT]),
    "thought": ("<think>[]</think>\n" + items((0, 4, "protein", "IL-2")), {IL2}, []),
    "refusal": ("I cannot.", set(), [K.MALFORMED]),
}
TABLE = [
    pytest.param(strategy, *row, id=f"{strategy}-{name}")
    for strategy, table in [("symbolic", SYMBOLIC), ("html", HTML), ("json_list", JSON)]
    for name, row in table.items()
]


@pytest.mark.parametrize(("strategy", "completion", "entities", "problems"), TABLE)
def test_repairs(
    strategy: str, completion: str, entities: set[str], problems: list[ProblemKind]
) -> None:
    decoding = align(completion, TEXT, LABELS, strategy)
    assert {str(entity) for entity in decoding.entities} == entities
    assert [problem.kind for problem in decoding.problems] == problems


# Texts that need one of their own: (strategy, text, completion, entities, kinds of problems)
APART = [
    # the text holds the marks of thinking itself
    ("symbolic", "a </think> b", "DNA: A </think> [b]", {"DNA[11:12]"}, [K.COPY_DRIFT]),
    # half a character is no surface
    ("symbolic", "ﬁn", "DNA: f[in]", set(), [K.COPY_DRIFT, K.UNPLACED]),
    ("symbolic", "a ﬁ b", "DNA: a [fi] b", {"DNA[2:3]"}, [K.COPY_DRIFT]),
    ("symbolic", "a ﬁ", "DNA: b fi [i]", set(), [K.COPY_DRIFT, K.UNPLACED]),
    ("json_list", "a ﬁ", items((0, 1, "DNA", "f")), set(), [K.COPY_DRIFT, K.UNPLACED]),
    # blanks at the ends count where the copy has as many as the text
    ("symbolic", "A b  c.", "DNA: a[ b  ]c.", {"DNA[1:5]"}, [K.COPY_DRIFT]),
    ("symbolic", "A b  c.", "DNA: a[  b  ]c.", {"DNA[2:5]"}, [K.COPY_DRIFT]),
    # a letter that two passages could claim
    ("symbolic", "a b x b c", "DNA: a [b] c", set(), [K.COPY_DRIFT, K.AMBIGUOUS]),
    # no place is sought behind the 64th
    ("json_list", "ab a" + " b" * 99, items((0, 0, "DNA", "b")), set(), [K.COPY_DRIFT, K.UNPLACED]),
    # a mark of the text that the copy did not escape
    ("html", "<DNA:x>x", "<DNA:x>x y", set(), [K.AMBIGUOUS, K.COPY_DRIFT]),
    # a surface with angle brackets that are not escaped, or escaped in the copy too
    ("html", "a<b>c d", "<DNA:a<b>c>a<b>c</DNA:a<b>c> D", {"DNA[0:5]"}, [K.COPY_DRIFT]),
    ("html", "p<1 d", "<DNA:p&lt;1>p&lt;1</DNA:p&lt;1> D", {"DNA[0:3]"}, [K.COPY_DRIFT]),
    ("html", "a<1 &lt; d", "<DNA:a<1>a<1</DNA:a<1> &lt; D", {"DNA[0:3]"}, [K.COPY_DRIFT]),
]


@pytest.mark.parametrize(("strategy", "text", "completion", "entities", "problems"), APART)
def test_repairs_of_other_texts(
    strategy: str,
    text: str,
    completion: str,
    entities: set[str],
    problems: list[ProblemKind],
) -> None:
    decoding = align(completion, text, LABELS, strategy)
    assert {str(entity) for entity in decoding.entities} == entities
    assert [problem.kind for problem in decoding.problems] == problems


def test_positions_count_characters_of_the_whole_completion() -> None:
    completion = "<think>x</think>\nprotein: [IL-4"
    assert align(completion, "IL-4", LABELS, "symbolic").problems == (
        Problem(K.UNCLOSED, completion.index("["), "protein"),
    )


def test_two_types_that_are_written_alike_are_not_guessed() -> None:
    labels = LabelSet((EntityType("cell type"), EntityType("cell_type")))
    assert align("Cell type: [x]", "x", labels, "symbolic").entities == ()
    assert align("cell_type: [x]", "x", labels, "symbolic").entities == (Entity(0, 1, "cell_type"),)


@strategies
@given(case=cases())
def test_an_exact_copy_is_what_the_codec_decodes(strategy: str, case: Case) -> None:
    completion = CODECS[strategy].encode(case.text, case.entities, case.labels)
    decoding = align(completion, case.text, case.labels, strategy)
    assert decoding == Decoding(case.entities, ())


@strategies
@given(case=cases(), data=st.data())
def test_any_string_is_aligned(strategy: str, case: Case, data: st.DataObject) -> None:
    written = CODECS[strategy].encode(case.text, case.entities, case.labels)
    place = data.draw(st.integers(0, len(written)))
    behind = data.draw(st.integers(place, len(written)))
    changed = written[:place] + data.draw(texts(max_parts=4)) + written[behind:]
    for completion in [data.draw(texts()), changed]:
        decoding = align(completion, case.text, case.labels, strategy)
        case.labels.require(decoding.entities)
        assert all(entity.end <= len(case.text) for entity in decoding.entities)
        assert all(0 <= problem.position <= len(completion) for problem in decoding.problems)


@st.composite
def sentences(draw: st.DrawFn) -> tuple[Case, list[int]]:
    """A sentence with entities that begin and end at words, and where its words begin."""
    text = draw(plain_texts())
    begins = [i for i in range(len(text)) if i == 0 or text[i - 1] == " "]
    chosen = draw(st.lists(st.sampled_from(begins), unique=True, min_size=1, max_size=4))
    found = [Entity(i, (text + " ").index(" ", i), "protein") for i in chosen]
    return Case(text, tuple(sorted(found, key=lambda entity: entity.order)), LABELS), begins


CHANGES = {
    "blanks doubled": lambda text: text.replace(" ", "  "),
    "blanks gone": lambda text: text.replace(" ", ""),
    "other blanks": lambda text: text.replace(" ", "\u00a0"),
    "lower case": str.lower,
    "upper case": str.upper,
    "quotes": lambda text: text.replace('"', "’"),
    "width": lambda text: text.replace(",", "，").replace("(", "（").replace("I", "Ｉ"),
}


@pytest.mark.parametrize("change", CHANGES)
@given(sentence=sentences())
def test_a_change_of_form_loses_nothing(change: str, sentence: tuple[Case, list[int]]) -> None:
    case, _ = sentence
    change_form = CHANGES[change]
    line = "protein: " + change_form(symbolic.encode(case.text, case.entities, LABELS)[9:])
    assert align(line, case.text, LABELS, "symbolic").entities == case.entities
    row = [(-1, -1, e.label, change_form(e.surface(case.text))) for e in case.entities]
    if len({e.surface(case.text).lower() for e in case.entities}) == len(case.entities):
        found = align(items(*row), case.text, LABELS, "json_list").entities
        assert set(found) <= set(case.entities)


@given(sentence=sentences(), data=st.data())
def test_one_word_lost_doubled_or_changed_misplaces_nothing(
    sentence: tuple[Case, list[int]], data: st.DataObject
) -> None:
    """What is placed is gold, however often its words occur; every other entity is a problem."""
    case, begins = sentence
    begin = data.draw(st.sampled_from(begins))
    end = data.draw(st.sampled_from([i for i in [*begins[1:], len(case.text)] if i > begin]))
    put = data.draw(st.sampled_from(["", "twice", "oops "]))
    put = case.text[begin:end] if put == "twice" else put
    marks: dict[int, str] = {}
    for entity in case.entities:
        if not begin <= entity.start < end:
            marks[entity.start] = "["
            marks[entity.end] = "]" + marks.get(entity.end, "")
    parts = [marks.get(i, "") + c for i, c in enumerate(case.text)] + [
        marks.get(len(case.text), "")
    ]
    kept = "".join(parts[:begin]), "".join(parts[begin:end]), "".join(parts[end:])
    brackets = "".join(c for c in kept[1] if c == "]")
    line = f"protein: {kept[0]}{brackets}{put}" + kept[2]
    decoding = align(line, case.text, LABELS, "symbolic")
    assert set(decoding.entities) <= set(case.entities)
    lost = [p for p in decoding.problems if p.kind in {K.AMBIGUOUS, K.UNPLACED}]
    assert len(decoding.entities) + len(lost) == line.count("[")


@given(text=texts())
def test_folding_keeps_track_of_every_character(text: str) -> None:
    folded = Folded(text)
    assert len(folded.letters) == len(folded.place)
    for position in range(len(text)):
        begin, end = folded.first_letter[position], folded.first_letter[position + 1]
        if begin < end:
            assert folded.characters(begin, end) == (position, position + 1)
            assert folded.place[begin:end] == [position] * (end - begin)


# The examples: strings at two shifts that overlap; a passage that its two neighbours share out.
@example("baababb", "aabababbbaa")
@example("bbaabaaabbabbabbbaaaaababbb", "aaaaabbaabaaaabbabbabbabbbaaaaababbabbab")
@given(st.text("abc", max_size=40), st.text("abc", max_size=40))
def test_certain_passages_stand_in_the_source_in_order(source: str, copy: str) -> None:
    end = behind = 0
    for passage in PassageFinder(source).certain(copy):
        assert end <= passage.begin < passage.end
        assert behind <= passage.place
        end, behind = passage.end, passage.place + passage.end - passage.begin
        assert copy[passage.begin : end] == source[passage.place : behind]


UNITS = ["a", "ab", "IL-2", "患", "the cells ", "<DNA:a>", "</DNA:a>", "[a]", "[", "{", '{"type":']


@pytest.mark.parametrize("unit", UNITS)
@strategies
def test_hostile_texts_are_aligned_in_bounded_time(strategy: str, unit: str) -> None:
    generator = random.Random(11)
    text = unit * (10_000 // len(unit))
    entities = [Entity(i, i + 1, "DNA") for i in generator.sample(range(9_000), 300)]
    completion = CODECS[strategy].encode(text, entities, LABELS)
    cut = generator.randrange(3_000, 6_000)
    for drifting in [
        completion[:cut] + completion[cut + 50 :],
        completion + " " + completion[:300],
        "DNA: " + text + "x\n" + "DNA: [a\n" * 1_000,
        "DNA: " + "[a] " * 2_000,
        '[{"type": "DNA", "entity": "a"}' * 500,
    ]:
        start = time.process_time()
        decoding = align(drifting, text, LABELS, strategy)
        assert time.process_time() - start < 2
        assert decoding.problems
