"""What holds for the files of all distributors."""

import random

import pytest

from llmner_hf.core.errors import InputError
from llmner_hf.terminology.concept import LONGEST_NAME
from llmner_hf.terminology.sources.formats import FORMATS, format_of
from llmner_hf.terminology.sources.source import Source
from tests.terminology.files import SAMPLES, concepts_of, lay, source_of

DAMAGES = 60


@pytest.mark.parametrize("name", SAMPLES)
def test_a_file_is_recognised_and_gives_concepts(tmp_path, name):
    path = lay(tmp_path, name)
    assert format_of(path) == SAMPLES[name]
    source = source_of(path)
    found = concepts_of(source)
    assert found
    assert len({concept.id for concept in found}) == len(found)


def test_every_format_but_a_store_has_a_sample():
    assert {*SAMPLES.values()} == FORMATS.keys() - {"store"}


@pytest.mark.parametrize("name", SAMPLES)
def test_damage_is_counted_or_refused_in_one_line(tmp_path, name):
    """Bytes that are changed, left out or doubled: concepts that hold, or an error that says so."""
    whole = lay(tmp_path, name).read_bytes()
    chance = random.Random(name)
    for _ in range(DAMAGES):
        start = chance.randrange(len(whole))
        end = start + chance.choice((0, 1, 1, 5, 200))
        put = bytes(chance.choices(b'\x00\xff"<>|\t\n{}:;A1', k=chance.randrange(4)))
        path = lay(tmp_path, name, whole[:start] + put + whole[end:])
        told = outcome(path)
        assert told is None or (name in told and "\n" not in told)


def outcome(path):
    """What an error says; None where there is none, and then every concept holds."""
    try:
        found = concepts_of(source_of(path))
    except InputError as error:
        return str(error)
    assert all(0 < len(known) <= LONGEST_NAME for concept in found for known in concept.names)
    return None


@pytest.mark.parametrize("content", ["", " \n\n"])
def test_an_empty_file_is_refused(tmp_path, content):
    with pytest.raises(InputError, match=r"mine.tsv: an empty file"):
        format_of(lay(tmp_path, "mine.tsv", content))


def test_a_file_of_no_known_format_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a.doc: of no known format; name it \(--format\): store"):
        format_of(lay(tmp_path, "a.doc", "Dear reader\n"))


def made(source, names=("a",), **told):
    place = source.place(7)
    return list(source.concepts(place, told.pop("id", "M:1"), "Disease", names, **told))


def test_a_name_of_ten_kilobytes_is_refused_as_a_name(tmp_path):
    source = Source(tmp_path / "a.tsv")
    (kept,) = made(source, ["x" * 10_000, "short", "y" * LONGEST_NAME])
    assert kept.names == ("short", "y" * LONGEST_NAME)
    assert source.dropped == {"name of more than 1,000 characters": 1}
    assert source.places == {"name of more than 1,000 characters": ["line 7"]}


def test_blanks_of_a_name_are_made_one(tmp_path):
    (kept,) = made(Source(tmp_path / "a.tsv"), ["  two\u00a0 \n words ", "two words", " "])
    assert kept.names == ("two words",)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"names": ["", " "]}, "concept without a name"),
        ({"id": ""}, "id that is none, as it is empty or holds a blank"),
        ({"id": "M:"}, "id that is none, as it is empty or holds a blank"),
        ({"id": "M:1 2"}, "id that is none, as it is empty or holds a blank"),
    ],
)
def test_what_is_no_concept_is_counted_with_its_place(tmp_path, told, reason):
    source = Source(tmp_path / "a.tsv")
    assert made(source, **told) == []
    assert source.dropped == {reason: 1}
    assert source.places == {reason: ["line 7"]}


def test_a_reference_to_itself_or_with_a_blank_is_not_kept(tmp_path):
    source = Source(tmp_path / "a.tsv")
    (kept,) = made(source, parents=["M:1", "M:2", "M:2"], same=["N:1 2", "N:3"])
    assert (kept.parents, kept.same) == (("M:2",), ("N:3",))
    assert source.dropped == {"id of another concept that holds a blank": 1}


def test_only_the_first_places_are_kept(tmp_path):
    source = Source(tmp_path / "a.tsv")
    for line in range(1, 9):
        source.drop(source.place(line), "odd line")
    assert source.dropped["odd line"] == 8
    assert source.places["odd line"] == ["line 1", "line 2", "line 3"]
