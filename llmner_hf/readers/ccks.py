"""CCKS 2019 task 1 (Yidu-S4K): one hospital record a line, as a JSON object.

    {"originalText": "腹痛三天", "entities":
        [{"label_type": "解剖部位", "overlap": 0, "start_pos": 0, "end_pos": 1}]}

(on one line). ``end_pos`` is **exclusive**. Part 1 of the training records begins with a byte order
mark, which is no part of the text. ``overlap`` is 0 in every record and absent from the test file;
another value is remarked. Mentions keep the blanks at their ends that 108 of them have. Blank lines
are passed over and not numbered.
"""

from __future__ import annotations

from llmner_hf.readers.files import AnyPath, stem
from llmner_hf.readers.reading import Gathering, Mention, numbered_id, reader
from llmner_hf.readers.records import Record, each_line, misnamed


def _stated(record: Record) -> Mention:
    start, end = record.whole_number("start_pos"), record.whole_number("end_pos")
    return Mention(record.place, start, end, record.text("label_type"))


@reader
def read(path: AnyPath, gathering: Gathering) -> None:
    """The records of a CCKS 2019 file; ids number them from 0 in the order of the file."""
    gathering.numbered = True
    for index, record in enumerate(each_line(path)):
        gathering.refuse(*misnamed(record, "entities", ("start_pos", "end_pos")))
        stated = record.records("entities")
        overlapping = sum(mention.fields.get("overlap", 0) != 0 for mention in stated)
        gathering.remarks["mention with overlap set"] += overlapping
        mentions = gathering.each(_stated, stated)
        identifier = numbered_id(gathering.dataset, stem(path), index)
        gathering.add(record.place, identifier, record.text("originalText"), mentions)
