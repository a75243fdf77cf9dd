"""Examples of the real corpora: decoding an encoding gives its entities, in all strategies.

The files are read directly, so that a reader cannot hide a loss. Their licences bar shipping them;
the folder is named by the environment variable LLMNER_SHARED.
"""

import json
import lzma
import os
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest

from llmner_hf.core.alignment import align
from llmner_hf.core.entities import Entity, EntityType, LabelSet
from llmner_hf.core.errors import UnrepresentableError
from llmner_hf.core.tagging import html, json_list, symbolic
from tests.conftest import ROOT

SHARED = Path(os.environ.get("LLMNER_SHARED", ROOT.parent / "shared"))
CODECS = {"symbolic": symbolic, "html": html, "json_list": json_list}
Text = tuple[str, tuple[Entity, ...]]


def read(name: str) -> str:
    path = SHARED / "corpora" / name
    if not path.is_file():
        pytest.skip(f"{path} is missing: set LLMNER_SHARED to the folder that holds corpora/")
    return lzma.decompress(path.read_bytes()).decode("utf-8-sig")


def genia(name: str) -> Iterator[Text]:
    for line in read(name).splitlines():
        row = json.loads(line)
        yield row["text"], tuple(Entity(e["start"], e["end"], e["type"]) for e in row["entities"])


def cmeee(name: str) -> Iterator[Text]:
    for row in json.loads(read(name)):
        found = (Entity(e["start_idx"], e["end_idx"] + 1, e["type"]) for e in row["entities"])
        yield row["text"], tuple(found)


def ccks(name: str) -> Iterator[Text]:
    for line in read(name).split("\n"):
        row = json.loads(line) if line.strip() else {"originalText": "", "entities": []}
        found = (Entity(e["start_pos"], e["end_pos"], e["label_type"]) for e in row["entities"])
        yield row["originalText"], tuple(found)


def pubtator(name: str) -> Iterator[Text]:
    for block in read(name).replace("\r\n", "\n").strip("\n").split("\n\n"):
        title, abstract, *rest = block.split("\n")
        text = f"{title.split('|', 2)[2]} {abstract.split('|', 2)[2]}"
        cells = [line.split("\t") for line in rest]
        found = (Entity(int(c[1]), int(c[2]), c[4]) for c in cells if len(c) > 4 and c[1].isdigit())
        yield text, tuple(found)


CORPORA = [
    (genia, "genia/derived/genia_train.jsonl.xz"),
    (genia, "genia/derived/genia_dev.jsonl.xz"),
    (genia, "genia/derived/genia_test.jsonl.xz"),
    (cmeee, "cmeee_v2/CMeEE-V2_dev.json.xz"),
    (ccks, "ccks2019/subtask1_training_part1.txt.xz"),
    (ccks, "ccks2019/subtask1_training_part2.txt.xz"),
    (ccks, "ccks2019/subtask1_test_set_with_answer.json.xz"),
    *((pubtator, f"biored/{part}.PubTator.xz") for part in ("Train", "Dev", "Test")),
    *(
        (pubtator, f"bc5cdr/CDR_{part}Set.PubTator.txt.xz")
        for part in ("Training", "Development", "Test")
    ),
    *(
        (pubtator, f"ncbi_disease/NCBI{part}set_corpus.txt.xz")
        for part in ("train", "develop", "test")
    ),
]


@pytest.mark.parametrize(("reader", "name"), CORPORA, ids=[name for _, name in CORPORA])
def test_round_trip(reader: Callable[[str], Iterator[Text]], name: str) -> None:
    examples = list(reader(name))
    names = sorted({entity.label for _, entities in examples for entity in entities})
    labels = LabelSet(tuple(EntityType(label) for label in names))
    assert sum(len(entities) for _, entities in examples) > 700
    for text, entities in examples:
        for strategy, codec in CODECS.items():
            try:
                completion = codec.encode(text, entities, labels)
            except UnrepresentableError:
                crossing = [(a, b) for a, b in combinations(entities, 2) if a.crosses(b)]
                assert codec is html or any(a.label == b.label for a, b in crossing)
                assert crossing
                continue
            decoding = align(completion, text, labels, strategy)
            assert set(decoding.entities) == set(entities)
            assert decoding.problems == ()
