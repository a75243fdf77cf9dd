"""CMeEE: a JSON array (versions 1 and 2), or the lines of version 1 as CHIP 2020 gave them out.

    [{"text": "发热三天", "entities":
        [{"start_idx": 0, "end_idx": 1, "type": "sym", "entity": "发热"}]}]

    发热三天|||0    1    sym|||

``end_idx`` is **inclusive** in both. A U+FEFF at the head of a text belongs to it and counts in its
offsets. Two mentions of the version 1 training file end before they start: dropped and counted.
Texts without "entities" (the test part) have none. Refused: a stated surface form that is not in
the text, a line without ``|||``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from llmner_hf.readers.files import AnyPath, Place, head, lines, stem
from llmner_hf.readers.reading import Gathering, Mention, numbered_id, reader
from llmner_hf.readers.records import Record, each_element, misnamed

BARS = "|||"
_ARRAY = re.compile(r"\s*\[\s*[{\]]")

_Document = tuple[Place, str, list[Mention]]


def _stated(record: Record) -> Mention:
    surface = record.text("entity") if "entity" in record else None
    start, end = record.whole_number("start_idx"), record.whole_number("end_idx") + 1
    return Mention(record.place, start, end, record.text("type"), surface)


def _from_array(path: AnyPath, gathering: Gathering) -> Iterator[_Document]:
    for record in each_element(path):
        gathering.refuse(*misnamed(record, "entities", ("start_idx", "end_idx")))
        mentions = gathering.each(_stated, record.records("entities"))
        yield record.place, record.text("text"), mentions


def _barred(stated: tuple[Place, str]) -> Mention:
    place, cell = stated
    parts = cell.split()
    if len(parts) != 3:
        raise place.error(f"{cell[:60]!r}: a mention is 'start end type' between {BARS!r}")
    start, end = (place.number(part) for part in parts[:2])
    return Mention(place, start, end + 1, parts[2])


def _from_lines(path: AnyPath, gathering: Gathering) -> Iterator[_Document]:
    # "utf-8": a U+FEFF at the head of the first line is the first character of a text.
    for place, line in lines(path, encoding="utf-8"):
        text, *cells = line.split(BARS)
        if not cells:
            raise place.error(f"{line[:60]!r}: no {BARS!r} behind the text")
        stated = [(place, cell) for cell in cells if cell.strip()]
        yield place, text, gathering.each(_barred, stated)


@reader
def read(path: AnyPath, gathering: Gathering) -> None:
    """The texts of a CMeEE file; ids number them from 0 in the order of the file."""
    gathering.numbered = True
    read_documents = _from_array if _ARRAY.match(head(path)) else _from_lines
    for index, (place, text, mentions) in enumerate(read_documents(path, gathering)):
        straight = [mention for mention in mentions if mention.start < mention.end]
        gathering.dropped["mention that ends before it starts"] += len(mentions) - len(straight)
        gathering.add(place, numbered_id(gathering.dataset, stem(path), index), text, straight)
