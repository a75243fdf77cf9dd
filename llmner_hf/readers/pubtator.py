"""PubTator: one article in a title line, an abstract line, mention lines and relation lines.

    101|t|Aspirin and asthma.
    101|a|We saw asthma after aspirin.
    101	0	7	Aspirin	Chemical	D001241
    101	CID	D001241	D001249

The text is title + one blank + abstract, offsets run through both, and the end is exclusive (the
BioRED README's "last character" is wrong: all 20,419 of its mentions say so). A mention has a
number in its second column, a relation a word; relations are not entities and are passed over. The
sixth column names concepts, several at once or ``-`` for none (`core.linking.identifiers`). A
seventh column lists the individual mentions of a composite one: the mention stays one span and is
remarked. Refused: a mention whose surface form is not in the text at its offsets, a line of another
article. The article number is both id and group.

"-NoAbstract-" in place of an abstract is none, and a mention of it is dropped and counted.

Written, a mention whose concepts are not known has five columns. The title is what the reader knew
as such, or else the first line of the text. A line break or a tab, which the format cannot hold,
becomes one blank, and the abstract of a text of one line is empty, so that it is read back with one
blank more at its end; all offsets stay.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from llmner_hf.core.entities import Entity, Example
from llmner_hf.core.errors import UnrepresentableError
from llmner_hf.readers.files import AnyPath, Place, lines, write_lines
from llmner_hf.readers.links import Links, cell, of_cell
from llmner_hf.readers.reading import Gathering, Mention, reader

HEAD = re.compile(r"([^|\t]+)\|([ta])\|(.*)", re.DOTALL)
_MOST_COLUMNS = 7
# Everything that one program or another takes for the end of a line or of a column.
_BREAKS = str.maketrans(dict.fromkeys("\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029", " "))
_FIRST_BREAK = re.compile(r"[\n\r]|$")


def _is_no_abstract(text: str) -> bool:
    """Whether a text is the marker of an article without abstract, as "-NoAbstract-"."""
    return text.strip(" -").casefold().replace(" ", "") == "noabstract"


@dataclass(slots=True)
class _Article:
    place: Place
    number: str
    title: str
    abstract: str | None = None
    mentions: list[Mention] = field(default_factory=list)
    composite: int = 0

    @property
    def text(self) -> str:
        abstract = self.abstract or ""
        return f"{self.title} {'' if _is_no_abstract(abstract) else abstract}"

    def take(self, place: Place, line: str, gathering: Gathering) -> None:
        """A mention or relation line of this article."""
        cells = line.split("\t")
        if len(cells) < 4:
            raise place.error(
                f"{line[:60]!r} is neither a title, nor an abstract, nor a mention of 5 to 7 "
                "columns, nor a relation of 4 or 5"
            )
        if self._is_relation(cells):
            return
        if _is_no_abstract(cells[3]):
            gathering.dropped["marker of a missing abstract"] += 1
            return
        remarks = gathering.remarks
        self.mentions += gathering.each(lambda row: self._mention(place, row, remarks), [cells])
        self.composite += len(cells) == _MOST_COLUMNS and bool(cells[6].strip())

    def _is_relation(self, cells: Sequence[str]) -> bool:
        """Whether a line is article, name, two concepts, and in BioRED whether it is new.

        A mention whose start is no number has as many cells, but a number and words of the text.
        """
        mention = cells[2].isdecimal() and not cells[3].isdecimal() and cells[3] in self.text
        named = cells[1][:1].isalpha() and len(cells) <= 5 and cells[0] == self.number
        return named and not mention

    def _mention(self, place: Place, cells: Sequence[str], remarks: Counter[str]) -> Mention:
        if cells[0] != self.number:
            raise place.error(
                f"a line of article {cells[0][:60]!r} among those of {self.number[:60]!r}; a title "
                "has to come first"
            )
        if not 5 <= len(cells) <= _MOST_COLUMNS:
            raise place.error(f"a mention has 5 to {_MOST_COLUMNS} columns, not {len(cells)}")
        start, end = (place.number(cell) for cell in cells[1:3])
        links = of_cell(cells[5], cells[4], remarks) if len(cells) > 5 else None
        return Mention(place, start, end, cells[4], cells[3], links=links)

    def take_abstract(self, place: Place, number: str, abstract: str) -> None:
        """The abstract line, which follows the title at once."""
        if number != self.number or self.abstract is not None or self.mentions:
            raise place.error(f"an abstract of {number!r} has to follow its title at once")
        self.abstract = abstract


def _articles(path: AnyPath, gathering: Gathering) -> Iterator[_Article]:
    article: _Article | None = None
    for place, line in lines(path):
        if not line.strip():
            continue
        head = HEAD.fullmatch(line)
        if head and head[2] == "t":
            if article:
                yield article
            article = _Article(place, head[1], head[3])
        elif article is None:
            raise place.error(f"{line[:60]!r} comes before any title line (number|t|title)")
        elif head:
            article.take_abstract(place, head[1], head[3])
        else:
            article.take(place, line, gathering)
    if article:
        yield article


@reader
def read(path: AnyPath, gathering: Gathering) -> None:
    """The articles of a PubTator file."""
    for article in _articles(path, gathering):
        number, text = article.number, article.text
        if gathering.add(article.place, number, text, article.mentions, number):
            gathering.titles[number] = len(article.title)
        gathering.remarks["composite mention, kept as one span"] += article.composite
        gathering.remarks["abstract is a marker that there is none"] += _is_no_abstract(
            article.abstract or ""
        )


def write(
    path: AnyPath,
    examples: Iterable[Example],
    titles: Mapping[str, int] = MappingProxyType({}),
    links: Mapping[str, Mapping[Entity, Links]] = MappingProxyType({}),
) -> int:
    """Write articles, all or nothing; the number of articles.

    Args:
        path: the file.
        examples: the articles.
        titles: example id -> the characters of its title, which a blank follows.
        links: example id -> the concepts of its entities; ids that no cell can hold are left out.

    Raises:
        UnrepresentableError: an id or a label would be read as something else.
        RunError: the file cannot be written.
    """
    rows = (_written(e, titles.get(e.id), links.get(e.id, {})) for e in examples)
    return write_lines(path, rows)


def altered(example: Example, title: int | None) -> int:
    """How many characters of a text are written as blanks, or added at its end."""
    cut, text = _cut(example, title), example.text
    breaks = sum(one != two for one, two in zip(text, text.translate(_BREAKS), strict=True))
    return breaks + (cut == len(text))


def _cut(example: Example, title: int | None) -> int:
    """Where the title ends (characters)."""
    if title is not None:
        return title
    return _FIRST_BREAK.search(example.text).start()  # type: ignore[union-attr]


def _written(example: Example, title: int | None, links: Mapping[Entity, Links]) -> str:
    """An article as its lines; the empty one at the end parts it from the next."""
    number = example.id
    _require_cell(number, f"the id {number[:60]!r}", "|")
    cut = _cut(example, title)
    text = example.text.translate(_BREAKS)
    rows = [f"{number}|t|{text[:cut]}", f"{number}|a|{text[cut + 1 :]}"]
    for entity in example.entities:
        _require_cell(entity.label, f"{number}: the label {entity.label!r}")
        cells = [number, str(entity.start), str(entity.end), entity.surface(text), entity.label]
        concepts = cell(links.get(entity), entity.label)
        rows.append("\t".join(cells if concepts is None else [*cells, concepts]))
    return "\n".join([*rows, ""])


def _require_cell(cell: str, what: str, mark: str = "\t") -> None:
    if not cell.strip() or cell != cell.translate(_BREAKS) or mark in cell:
        raise UnrepresentableError(
            f"{what} cannot be written in PubTator, where it must not be blank or hold a tab, a "
            f"line break or {mark!r}; rename it or use JSON lines"
        )
