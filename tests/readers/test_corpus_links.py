"""Ids of BC5CDR, NCBI-Disease and BioRED, against the files' own lines, and written and read."""

import lzma
import re
from collections import Counter

import pytest

from llmner_hf.readers import read_any
from llmner_hf.readers.entries import entries_of
from llmner_hf.readers.writing import write_any

MENTION = re.compile(r"(\d+)\t(\d+)\t(\d+)\t[^\t]*\t([^\t]+)\t([^\t\r\n]*)")
NUMBER = re.compile(r"OMIM:\d+|CVCL_\w+|[CD]\d+|(?<![-\w:])\d+")
PREFIX = re.compile(r"^(MESH|NCBIGene|NCBITaxon|dbSNP|tmVar|HGVS):")


def stated(path):
    """Mention -> the ids of its line, by a pattern alone, and how often none is known."""
    found, unknown = {}, 0
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as file:
        mentions = [MENTION.match(line) for line in file]
    for mention in mentions:
        if mention:
            document, start, end, label, cell = mention.groups()
            ids = {cell.strip()} if label == "SequenceVariant" else set(NUMBER.findall(cell))
            if any(re.fullmatch(r"\d+_\d+", id) for id in ids):
                unknown += 1
            elif cell.strip():
                found[document, int(start), int(end), label] = ids
    return found, unknown


def told(reading):
    """The same of a reading."""
    return {
        (document, entity.start, entity.end, entity.label): {
            PREFIX.sub("", link.id).replace("CVCL:", "CVCL_") for link in links
        }
        for document, linked in reading.links.items()
        for entity, links in linked.items()
    }


@pytest.mark.parametrize(
    ("name", "mentions", "ids", "without"),
    [
        ("bc5cdr/CDR_TrainingSet.PubTator.txt.xz", 9385, 9412, 76),
        ("bc5cdr/CDR_DevelopmentSet.PubTator.txt.xz", 9591, 9635, 59),
        ("bc5cdr/CDR_TestSet.PubTator.txt.xz", 9809, 9800, 91),
        ("ncbi_disease/NCBItrainset_corpus.txt.xz", 5134, 5259, 0),
        ("ncbi_disease/NCBIdevelopset_corpus.txt.xz", 787, 821, 0),
        ("ncbi_disease/NCBItestset_corpus.txt.xz", 960, 979, 0),
        ("biored/Train.PubTator.xz", 13349, 13904, 31),
        ("biored/Dev.PubTator.xz", 3533, 3629, 20),
        ("biored/Test.PubTator.xz", 3535, 3633, 12),
    ],
)
def test_ids_are_those_of_the_file(corpora, tmp_path, name, mentions, ids, without):
    reading = read_any(corpora / name, "pubtator", language="en")
    expected, unknown = stated(corpora / name)
    assert told(reading) == expected
    assert reading.remarks["concept id of no known terminology, left out"] == unknown
    counted = Counter(not found for found in expected.values())
    assert (len(expected), sum(map(len, expected.values())), counted[True]) == (
        mentions, ids, without,
    )  # fmt: skip
    for other in ("a.pubtator", "a.jsonl", "a.xml", "a.json", "a.csv"):
        lost = write_any(tmp_path / other, entries_of(reading))
        assert not any("concept" in what for what in lost)
        assert read_any(tmp_path / other, language="en").links == reading.links


@pytest.mark.parametrize("part", ["Train", "Dev", "Test"])
def test_biored_names_the_same_ids_in_bioc(corpora, part):
    one, other = (
        read_any(corpora / "biored" / f"{part}.{name}.xz", language="en")
        for name in ("PubTator", "BioC.XML")
    )
    assert one.links == other.links
