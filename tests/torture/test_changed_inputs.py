"""A minute of ``make torture`` in every run of the tests: what becomes of changed files."""

from tests.torture import counting, inputs

FINE = {"one line", "read, as many as counted", "read, not to be counted"}


def test_changed_files_are_refused_in_a_line_or_read_whole(tmp_path):
    tried = dict(inputs.files(tmp_path, 40, 1, ()))
    assert len(tried) == len(inputs.WRITTEN) + len(inputs.OTHERS) + 1
    for name, counted in tried.items():
        assert set(counted) <= FINE, name
        assert counted["one line"], name


def test_every_seed_is_read_as_it_is_counted(tmp_path):
    for place, content, count in inputs.seeds(tmp_path):
        place.write_bytes(content)
        read = place.parent if place.suffix == ".ann" else place
        assert inputs.became(read, False, content, count) == "read, as many as counted"
        documents, mentions = count(content)
        assert mentions > documents > 0 or place.name in ("cmeee.json", "ccks.txt")


def test_a_loss_is_noticed(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"id": "1", "text": "Lime", "entities": [{"start": 0, "end": 4, "type": "A"}]}\n'
    )
    content = path.read_bytes()
    assert inputs.became(path, True, content, counting.json_values) == "read, as many as counted"
    for wrong in ((1, 2), (1, 0), (2, 1)):
        assert inputs.became(path, True, content, lambda _, held=wrong: held) == "miscounted"
