"""CoNLL columns: a token and its tag on a line, an empty line between sentences.

    Aspirin	B-Chemical
    helps	O

Columns are separated by tabs, or by blanks where a line has no tab, and every row has as many as
the others. The token stands in the first and the tag in the last, but for two known layouts: a
first column that counts tokens (CoNLL-U), and NERsuite's (tag, start, end, token, ...). Tags are
IOB1, IOB2, BIOES, BILOU or BMES, with a type or, throughout the file, without one; an inside tag
that continues nothing begins an entity, as conlleval has it.

A sentence is an example, and its text is **rebuilt** (`columns.rebuilt`), with offsets referring to
that. Written, a text becomes one sentence of tokens. A byte order mark at the head of the file is
no part of the first token. Rows that are marks and comments are skipped and remarked. Refused: a
row with more or fewer columns than the others, without a tag or without a token, an unknown tag.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain

from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import UnrepresentableError
from llmner_hf.core.writing import word_spans
from llmner_hf.readers.columns import Row, rebuilt, sentences_of, separator
from llmner_hf.readers.files import AnyPath, stem, write_lines
from llmner_hf.readers.reading import Gathering, Mention, numbered_id, reader

DOCUMENT_MARK = "-DOCSTART-"
TAG = re.compile(r"O|[BIESLUMW]-(\S.*)")
BARE_TAG = re.compile(r"[OBIESLUMW]")
UNNAMED = "Entity"
_NUMBER = re.compile(r"\d+(?:[-.]\d+)*")

_TaggedRow = tuple[Row, str, str]  # with its token and its tag


def _is_tag(cell: str) -> bool:
    """Whether a cell can be a tag, with a type or without."""
    return bool(TAG.fullmatch(cell) or BARE_TAG.fullmatch(cell))


@reader
def read(
    path: AnyPath,
    gathering: Gathering,
    column: int | None = None,
    type: str | None = None,
    skip: Collection[str] = (DOCUMENT_MARK,),
) -> None:
    """The sentences of a CoNLL file; there is nothing to skip, since tags fit their tokens.

    Args:
        path: the file.
        gathering: takes them.
        column: of the tag, from 0 or from the end; None takes the last, or a known layout's.
        type: the type of tags without one; None calls it "Entity".
        skip: rows whose token is one of these are marks ("<ALL>" and "</ALL>" in BioRED's).
    """
    gathering.numbered, file = True, stem(path)
    chosen = -1 if column is None else column
    sentences = sentences_of(path, skip, gathering.remarks, _is_tag)
    at_token, at_tag = _layout(sentences, chosen) if column is None else (0, chosen)
    tagged = [[_tagged(row, at_token, at_tag) for row in rows] for rows in sentences]
    bare = not any("-" in tag for rows in tagged for _, _, tag in rows)
    for row, _, tag in chain.from_iterable(tagged):
        _require_tag(row, tag, bare)
    if bare:
        gathering.remarks["tag without a type"] += sum(tag != "O" for s in tagged for *_, tag in s)
    between = separator(token for rows in tagged for _, token, _ in rows)
    for index, rows in enumerate(tagged):
        text, starts = rebuilt([token for _, token, _ in rows], between)
        mentions = _mentions(rows, starts, type or UNNAMED)
        identifier = numbered_id(gathering.dataset, file, index)
        gathering.add(rows[0][0].place, identifier, text, mentions)


def _layout(sentences: Sequence[Sequence[Row]], column: int) -> tuple[int, int]:
    """The columns of token and tag.

    Raises:
        FormatError: the first column holds something else than tokens.
    """
    rows = [row for sentence in sentences for row in sentence]
    if not rows or len(rows[0].cells) < 3:
        return 0, column
    first = rows[0]
    if all(TAG.fullmatch(row.cells[0]) for row in rows) and any(r.cells[0] != "O" for r in rows):
        if all(_is_nersuite(row.cells) for row in rows):
            return 3, 0
        raise first.place.error(
            f"the first column holds tags, as {first.cells[0]!r}; put the token first and the tag "
            "last"
        )
    if len(rows) > len(sentences) and all(_counts(sentence) for sentence in sentences):
        return 1, column
    if len(rows) > 2 and all(_NUMBER.fullmatch(row.cells[0]) for row in rows):
        raise first.place.error("the first column holds numbers alone; put the token first")
    if max(map(len, sentences)) > 2 and all(len({r.cells[0] for r in s}) == 1 for s in sentences):
        raise first.place.error(
            f"the first column is {first.cells[0][:60]!r} all through the sentence; put the token "
            "first"
        )
    return 0, column


def _is_nersuite(cells: Sequence[str]) -> bool:
    """Whether a row is tag, start, end, token, with offsets that have the token's length."""
    if len(cells) < 4 or not all(cell.isdecimal() and len(cell) < 16 for cell in cells[1:3]):
        return False
    return int(cells[2]) - int(cells[1]) == len(cells[3])


def _counts(sentence: Sequence[Row]) -> bool:
    """Whether the first column counts the tokens of a sentence from 0 or 1."""
    start = 0 if sentence[0].cells[0] == "0" else 1
    return all(row.cells[0] == str(number) for number, row in enumerate(sentence, start))


def _tagged(row: Row, at_token: int, at_tag: int) -> _TaggedRow:
    """A row with its token and its tag."""
    try:
        token, tag = row.cells[at_token], row.cells[at_tag].strip()
    except IndexError:
        raise row.place.error(f"{row.shown} has no column {at_tag}") from None
    if len(row.cells) < 2 or not token:
        raise row.place.error(f"{row.shown}: a row is a token, columns, and a tag")
    return row, token, tag


def _require_tag(row: Row, tag: str, bare: bool) -> None:
    if not (TAG.fullmatch(tag) or (bare and BARE_TAG.fullmatch(tag))):
        raise row.place.error(
            f"tag {tag[:60]!r} is not O and not a letter of BIOESLUMW, '-' and a type"
        )


def _mentions(rows: list[_TaggedRow], starts: Sequence[int], unnamed: str) -> Iterator[Mention]:
    """The entities of a sentence, offsets in its rebuilt text."""
    going_on = False
    open_mention: Mention | None = None
    for (row, token, tag), position in zip(rows, starts, strict=True):
        letter, label, end = tag[0], tag[2:].strip() or unnamed, position + len(token)
        inside = open_mention and going_on and letter in "IELM" and label == open_mention.label
        if open_mention and not inside:
            yield open_mention
            open_mention = None
        if letter != "O":
            at, start = (
                (open_mention.place, open_mention.start) if open_mention else (row.place, position)
            )
            open_mention = Mention(at, start, end, label)
        going_on = letter in "BIM"
    if open_mention:
        yield open_mention


def write(path: AnyPath, examples: Iterable[Example]) -> Counter[str]:
    """Write every text as a sentence of tokens with IOB2 tags; what columns cannot hold, counted.

    Raises:
        UnrepresentableError: a label would be read as something else.
        RunError: the file cannot be written.
    """
    lost: Counter[str] = Counter()
    write_lines(path, (line for example in examples for line in _lines(example, lost)))
    return +lost


def _lines(example: Example, lost: Counter[str]) -> Iterator[str]:
    """The rows of a text and the empty line behind them."""
    flat = _flat(example.entities)
    lost["entity inside or across another"] += len(example.entities) - len(flat)
    opened = {entity.start: entity for entity in flat}
    borders = {border for entity in flat for border in entity.span}
    tokens = [token for span in word_spans(example.text) for token in _cut(span, borders)]
    covered = sum(end - start for start, end in tokens)
    lost["character between tokens"] += len(example.text) - covered
    inside: Entity | None = None
    for start, end in tokens:
        inside = inside if inside and start < inside.end else None
        at = next((opened.pop(place) for place in range(start, end) if place in opened), None)
        inside, mark = (at, "B") if at else (inside, "I")
        yield f"{example.text[start:end]}\t{f'{mark}-{_label(example, inside)}' if inside else 'O'}"
    yield ""
    lost["entity without a token"] += len(opened)


def _label(example: Example, entity: Entity) -> str:
    if not entity.label.isprintable() or entity.label != entity.label.strip():
        raise UnrepresentableError(
            f"{example.id}: the label {entity.label!r} cannot be a tag in CoNLL; use JSON lines"
        )
    return entity.label


def _cut(span: tuple[int, int], borders: Collection[int]) -> Iterator[tuple[int, int]]:
    """A token cut where an entity begins or ends inside it."""
    start = span[0]
    for place in range(span[0] + 1, span[1]):
        if place in borders:
            yield start, place
            start = place
    yield start, span[1]


def _flat(entities: Sequence[Entity]) -> list[Entity]:
    """The entities that begin behind the one before: of nested ones the outermost."""
    kept: list[Entity] = []
    for entity in entities:
        if not kept or entity.start >= kept[-1].end:
            kept.append(entity)
    return kept
