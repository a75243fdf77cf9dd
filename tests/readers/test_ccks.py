import json

import pytest

from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import FormatError
from llmner_hf.readers.ccks import read


def record(text, *mentions, **more):
    entities = [
        {"label_type": label, "start_pos": start, "end_pos": end, **more}
        for start, end, label in mentions
    ]
    return json.dumps({"originalText": text, "entities": entities}, ensure_ascii=False) + "\n"


def test_ends_are_exclusive_and_the_byte_order_mark_is_no_text(write):
    text = "，左肺 ，右 肺[一]\u3000\ue236。"
    content = record(text, (1, 4, "解剖部位"), (5, 8, "解剖部位"), overlap=0) + "\n" + record("无")
    path = write("part1.txt", "\ufeff" + content.replace("\n", "\r\n"))
    reading = read(path, dataset="toy", language="zh")
    assert [e.id for e in reading.examples] == ["toy-part1-00000", "toy-part1-00001"]
    assert reading.examples[0].text == text
    assert reading.examples[0].entities == (Entity(1, 4, "解剖部位"), Entity(5, 8, "解剖部位"))
    assert reading.examples[0].entities[0].surface(text) == "左肺 "
    assert reading.dropped == reading.remarks == {}


def test_the_test_file_has_no_overlap_field_and_a_set_one_is_remarked(write):
    path = write(
        "a.json", record("左肺", (0, 2, "解剖部位")) + record("肝", (0, 1, "解剖部位"), overlap=1)
    )
    reading = read(path, dataset="", language="zh")
    assert len(reading.examples) == 2
    assert reading.remarks == {"mention with overlap set": 1}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (record("左肺", (0, 3, "解剖部位")), "ends behind the text"),
        (record("左肺", (1, 1, "解剖部位")), "needs 0 <= start < end"),
        ('{"entities": []}', "field 'originalText' is missing"),
        ('{"originalText": "肝", "entities": 1}', "field 'entities'"),
        ("肝", "not JSON"),
    ],
)
def test_malformed_records_name_file_and_line(write, row, reason):
    with pytest.raises(FormatError) as caught:
        read(write("a.json", "\n" + record("肝") + row), dataset="", language="zh")
    assert "a.json:3: " in str(caught.value)
    assert reason in str(caught.value)
