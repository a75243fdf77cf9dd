"""Concepts of entities in what the pipeline gives, and in the files that are made of it."""

import json

from llmner_hf.core.entities import Entity, Link, Prediction, ScoredEntity
from llmner_hf.pipelines.answers import as_dictionaries
from llmner_hf.pipelines.files import prediction
from llmner_hf.readers.json_lines import predicted_row, read_predictions, write

TEXT = "Aspirin and asthma."
LINK = Link("MESH:D001241", "Aspirin", 0.75)
FOUND = Prediction(
    "1",
    (
        ScoredEntity(Entity(0, 7, "Chemical"), 0.5, (LINK,)),
        ScoredEntity(Entity(12, 18, "Disease"), 0.25),
    ),
)


def test_dictionaries_have_links_where_an_entity_has():
    aspirin, asthma = as_dictionaries(TEXT, FOUND)
    assert aspirin["links"] == [{"id": "MESH:D001241", "name": "Aspirin", "score": 0.75}]
    assert "links" not in asthma
    assert prediction("1", [aspirin, asthma]) == FOUND
    assert json.loads(json.dumps([aspirin])) == [aspirin]


def test_files_of_what_was_found_keep_the_links(tmp_path):
    row = predicted_row(TEXT, prediction("1", as_dictionaries(TEXT, FOUND)))
    write(tmp_path / "a.jsonl", [row])
    assert read_predictions(tmp_path / "a.jsonl") == (FOUND,)
