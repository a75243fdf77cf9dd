import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity, Example, Prediction, ScoredEntity
from llmner_hf.core.errors import FormatError
from llmner_hf.readers.json_lines import gold_row, predicted_row, read, read_predictions, write

# Named apart from the fixture `write`, which makes any file.
write_rows = write


def row(**fields):
    return json.dumps({"id": "1", "text": "IL-2 gene", **fields}, ensure_ascii=False) + "\n"


def entity(start, end, label="protein", **more):
    return {"start": start, "end": end, "type": label, **more}


def test_own_fields_go_before_the_callers(write):
    content = row(entities=[entity(0, 4, text="IL-2")], article="7") + row(
        id="2", entities=[], dataset="other", language="zh", section="title"
    )
    reading = read(write("a.jsonl", content), dataset="toy", language="en")
    assert reading.examples == (
        Example("1", "IL-2 gene", (Entity(0, 4, "protein"),), "toy", "en"),
        Example("2", "IL-2 gene", (), "other", "zh"),
    )
    assert reading.groups == {"1": "7"}
    assert reading.remarks == reading.dropped == {}


def test_the_form_of_a_pipeline_is_read_too(write):
    piped = {"start": 0, "end": 4, "entity_group": "protein", "word": "IL-2", "score": 0.5}
    path = write("a.jsonl", row(entities=[piped]))
    assert read(path, dataset="", language=None).examples[0].entities == (Entity(0, 4, "protein"),)
    (prediction,) = read_predictions(path)
    assert prediction.scored == (ScoredEntity(Entity(0, 4, "protein"), 0.5),)
    other = write("b.jsonl", row(entities=[piped | {"word": "IL-3"}]))
    with pytest.raises(FormatError, match="IL-3"):
        read(other, dataset="", language=None)


def test_bare_texts_are_remarked(write):
    reading = read(write("a.jsonl", row()), dataset="", language=None)
    assert reading.remarks == {'document without "entities"': 1}


def test_scores_are_read_and_default_to_one(write):
    path = write("a.jsonl", row(entities=[entity(0, 4, score=0.25), entity(0, 9)]))
    (prediction,) = read_predictions(path)
    assert [(s.entity.span, s.score) for s in prediction.scored] == [((0, 9), 1.0), ((0, 4), 0.25)]


@pytest.mark.parametrize("score", [-0.1, 1.5, True, "high", None])
def test_scores_are_probabilities(write, score):
    path = write("a.jsonl", row(entities=[entity(0, 4, score=score)]))
    with pytest.raises(FormatError, match=r"a\.jsonl:1: score"):
        read_predictions(path)


def test_predictions_have_ids_of_their_own(write):
    with pytest.raises(FormatError, match=r"a\.jsonl:2: a second document '1'"):
        read_predictions(write("a.jsonl", row() + row()))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (row(entities=[entity(0, 4, text="IL-3")]), "not 'IL-3'"),
        (row(entities=[entity(0, 10)]), "ends behind the text"),
        (row(entities=[entity(0, 4.0)]), "field 'end'"),
        (row(entities=[[0, 4]]), "expected a JSON object"),
        (row(entities={}), "field 'entities'"),
        (row(id=2.5), "field 'id' is 2.5"),
        (row(id=""), "needs an id"),
        (row(text=None), "field 'text'"),
        (row(language="de"), "language 'de'"),
        (row(language=["zh"]), "language ['zh']"),
        ("text\n", "not JSON"),
    ],
)
def test_malformed_rows_name_file_and_line(write, line, reason):
    with pytest.raises(FormatError) as caught:
        read(write("a.jsonl", row(id="0") + line), dataset="", language="en")
    assert "a.jsonl:2: " in str(caught.value)
    assert reason in str(caught.value)


# Everything that UTF-8 can hold: lines must survive U+2028, U+0085, quotes and backslashes.
texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)


@st.composite
def examples(draw):
    text = draw(texts)
    spans = draw(
        st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(1, len(text)), texts))
    )
    entities = tuple(Entity(start, end, label) for start, end, label in spans if start < end)
    return text, entities


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100
)
@given(st.lists(examples()), st.sampled_from(["zh", "en"]), st.sampled_from(["", ".xz"]))
def test_what_is_written_is_read(tmp_path, documents, language, suffix):
    gold = tuple(
        Example(str(i), text, entities, "toy", language)
        for i, (text, entities) in enumerate(documents)
    )
    path = tmp_path / f"gold.jsonl{suffix}"
    assert write_rows(path, map(gold_row, gold)) == len(gold)
    assert read(path, dataset="x", language=None).examples == gold


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50
)
@given(examples(), st.floats(0, 1))
def test_predictions_survive_writing(tmp_path, document, score):
    text, entities = document
    prediction = Prediction("1", tuple(ScoredEntity(entity, score) for entity in entities))
    path = tmp_path / "predicted.jsonl"
    write_rows(path, [predicted_row(text, prediction)])
    assert read_predictions(path) == (prediction,)
    assert read(path, dataset="", language="en").examples[0].entities == prediction.entities


def test_chinese_is_written_as_it_is(tmp_path):
    path = tmp_path / "a.jsonl"
    write_rows(path, [gold_row(Example("1", "发热", (), "toy", "zh"))])
    assert "发热" in path.read_text(encoding="utf-8")
