import json

import pytest

from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import FormatError
from llmner_hf.readers.cmeee import read

ROWS = [
    {
        "text": "患者咳嗽<sup>2</sup>。",
        "entities": [
            {"start_idx": 2, "end_idx": 3, "type": "sym", "entity": "咳嗽"},
            {"start_idx": 2, "end_idx": 2, "type": "bod", "entity": "咳"},
        ],
    },
    {
        "text": "\ufeff心 衰[重]",
        "entities": [{"start_idx": 1, "end_idx": 3, "type": "dis", "entity": "心 衰"}],
    },
    {"text": "无标注"},
    {"text": "空", "entities": []},
]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("lead", ["", "\ufeff"])
def test_ends_are_inclusive_and_a_leading_mark_in_a_text_counts(write, indent, lead):
    path = write("dev.json", lead + json.dumps(ROWS, ensure_ascii=False, indent=indent))
    reading = read(path, dataset="toy", language="zh")
    assert [e.id for e in reading.examples] == [f"toy-dev-0000{i}" for i in range(4)]
    assert [e.text for e in reading.examples] == [row["text"] for row in ROWS]
    assert [e.entities for e in reading.examples] == [
        (Entity(2, 4, "sym"), Entity(2, 3, "bod")),
        (Entity(1, 4, "dis"),),
        (),
        (),
    ]
    assert reading.dropped == reading.remarks == {}


def test_the_lines_of_version_1(write):
    content = "患者咳嗽。|||2    3    sym|||2    2    bod|||\n\ufeff心衰|||1    2    dis|||\n无|||"
    reading = read(write("chip.train", content), dataset="toy", language="zh")
    assert [e.id for e in reading.examples] == [f"toy-chip.train-0000{i}" for i in range(3)]
    assert [e.text for e in reading.examples] == ["患者咳嗽。", "\ufeff心衰", "无"]
    assert [len(e.entities) for e in reading.examples] == [2, 1, 0]
    assert reading.examples[1].entities == (Entity(1, 3, "dis"),)


def test_a_mark_at_the_head_of_the_first_line_is_text(write):
    reading = read(
        write("chip.train", "\ufeff心衰|||1    2    dis|||\n"), dataset="", language="zh"
    )
    assert reading.examples[0].entities[0].surface(reading.examples[0].text) == "心衰"


def test_a_mention_that_ends_before_it_starts_is_dropped_and_counted(write):
    reason = "mention that ends before it starts"
    lines = write("chip.train", "患者咳嗽。|||3    2    sym|||2    3    sym|||\n")
    rows = [{"text": "咳嗽", "entities": [{"start_idx": 1, "end_idx": 0, "type": "sym"}]}]
    array = write("a.json", json.dumps(rows))
    assert read(lines, dataset="", language="zh").dropped == {reason: 1}
    assert read(array, dataset="", language="zh").dropped == {reason: 1}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("咳嗽", "no '|||'"),
        ("", "no '|||'"),
        ("咳嗽|||0    1|||", "a mention is"),
        ("咳嗽|||0    x    sym|||", "'x' is not an offset"),
        ("咳嗽|||0    2    sym|||", "ends behind the text of 2 characters"),
    ],
)
def test_malformed_lines_name_file_and_line(write, line, reason):
    with pytest.raises(FormatError) as caught:
        read(write("chip.train", f"咳嗽|||\n{line}\n"), dataset="", language="zh")
    assert "chip.train:2: " in str(caught.value)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("mention", "reason"),
    [
        ({"start_idx": 0, "end_idx": 1, "type": "sym", "entity": "发热"}, "not '发热'"),
        ({"start_idx": 0, "end_idx": 2, "type": "sym"}, "ends behind the text"),
        ({"start_idx": -2, "end_idx": 1, "type": "sym"}, "needs 0 <= start < end"),
        ({"start_idx": "0", "end_idx": 1, "type": "sym"}, "field 'start_idx'"),
        ({"start_idx": 0, "end_idx": 1}, "field 'type' is missing"),
    ],
)
def test_malformed_mentions_name_the_line_of_their_text(write, mention, reason):
    rows = ['{"text": "咳嗽"}', json.dumps({"text": "咳嗽", "entities": [mention]})]
    with pytest.raises(FormatError) as caught:
        read(write("a.json", "[\n" + ",\n".join(rows) + "\n]"), dataset="", language="zh")
    assert "a.json:3: " in str(caught.value)
    assert reason in str(caught.value)
