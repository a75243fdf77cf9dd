"""The metric's Space: loads offline from its folder, says what the core says, and its page runs."""

from __future__ import annotations

import doctest
import re
import runpy
import socket
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity
from llmner_hf.core.scoring import score
from tests.conftest import ROOT

SPACE = ROOT / "llmner_hf" / "spaces" / "bioner_strict"

Row = dict[str, Any]


def row(start: int, end: int, label: str) -> Row:
    """An entity as the metric takes it."""
    return {"start": start, "end": end, "type": label}


ROWS = st.lists(
    st.builds(
        lambda start, length, label: row(start, start + length, label),
        st.integers(0, 9),
        st.integers(1, 5),
        st.sampled_from(["protein", "DNA", "身体"]),
    ),
    max_size=4,
)


@pytest.fixture(scope="module", autouse=True)
def evaluate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The library, with caches of its own, in the root of the repository, without a network."""

    def refuse(*address: object) -> None:
        raise AssertionError(f"the metric reached for the network: {address}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        patch.chdir(ROOT)
        patch.setattr(sys, "path", list(sys.path))
        import evaluate

        cache = tmp_path_factory.mktemp("evaluate")
        patch.setattr(evaluate.config, "HF_MODULES_CACHE", cache / "modules")
        patch.setattr(evaluate.config, "HF_METRICS_CACHE", cache / "metrics")
        patch.setattr(socket.socket, "connect", refuse)
        yield evaluate
    # The copies that `evaluate.load` imported lie in the cache above, which is gone after this.
    for name in [name for name in sys.modules if name.split(".")[0] == "evaluate_modules"]:
        del sys.modules[name]


@pytest.fixture(scope="module")
def metric(evaluate: ModuleType) -> Any:
    """The metric, loaded by its folder."""
    return evaluate.load("llmner_hf/spaces/bioner_strict")


def front_matter() -> dict[str, Any]:
    """The YAML block of the card."""
    block = re.match(r"---\n(.*?)\n---\n", (SPACE / "README.md").read_text("utf-8"), re.DOTALL)
    assert block
    card: dict[str, Any] = yaml.safe_load(block[1])
    return card


@settings(max_examples=15, deadline=None)
@given(pairs=st.lists(st.tuples(ROWS, ROWS), min_size=1, max_size=4))
def test_it_says_what_the_core_says(metric: Any, pairs: list[tuple[list[Row], list[Row]]]) -> None:
    predictions, references = ([pair[side] for pair in pairs] for side in (0, 1))
    results = metric.compute(predictions=predictions, references=references)
    predicted, gold = (
        {str(n): [Entity(*one.values()) for one in rows] for n, rows in enumerate(side)}
        for side in (predictions, references)
    )
    scores = score(gold, predicted)
    strict, errors = scores.strict, scores.errors
    assert results == {
        "precision": strict.precision,
        "recall": strict.recall,
        "f1": strict.f1,
        "macro_f1": scores.macro_f1,
        "correct": strict.correct,
        "predicted": strict.predicted,
        "gold": strict.gold,
        **{f"f1_{label}": counts.f1 for label, counts in scores.per_type.items()},
        "errors_type": errors.type,
        "errors_span": errors.span,
        "errors_type_span": errors.type_span,
        "errors_spurious": errors.spurious,
        "errors_missed": errors.missed,
    }


def test_batches_add_up(metric: Any) -> None:
    metric.add(prediction=[row(0, 4, "DNA")], reference=[row(0, 4, "DNA"), row(5, 9, "DNA")])
    metric.add_batch(predictions=[[], [row(1, 2, "RNA")]], references=[[row(3, 4, "RNA")], []])
    results = metric.compute()
    assert (results["correct"], results["predicted"], results["gold"]) == (1, 2, 3)
    assert (results["f1_DNA"], results["f1_RNA"]) == (pytest.approx(2 / 3), 0.0)


def test_no_entity_anywhere_is_zero(metric: Any) -> None:
    results = metric.compute(predictions=[[]], references=[[]])
    assert set(results.values()) == {0}


def test_an_inclusive_end_is_refused_by_place(metric: Any) -> None:
    with pytest.raises(ValueError, match=r"references\[1\]\[0\]: DNA\[3:3\].*the end is exclusive"):
        metric.compute(predictions=[[], []], references=[[], [row(3, 3, "DNA")]])


def piped(one: Row) -> Row:
    """An entity as the pipeline gives it."""
    said = {"entity_group": one["type"], "score": 0.5, "word": "x" * (one["end"] - one["start"])}
    return {"start": one["start"], "end": one["end"], **said}


@settings(max_examples=15, deadline=None)
@given(pairs=st.lists(st.tuples(ROWS, ROWS), min_size=1, max_size=4))
def test_the_form_of_the_pipeline_counts_the_same(
    metric: Any, pairs: list[tuple[list[Row], list[Row]]]
) -> None:
    predictions, references = ([pair[side] for pair in pairs] for side in (0, 1))
    expected = metric.compute(predictions=predictions, references=references)
    both = [[[piped(one) for one in rows] for rows in side] for side in (predictions, references)]
    assert metric.compute(predictions=both[0], references=references) == expected
    assert metric.compute(predictions=predictions, references=both[1]) == expected


def test_a_pipeline_and_a_column_of_a_dataset_as_they_are(metric: Any) -> None:
    from datasets import Dataset

    from llmner_hf import pipeline
    from llmner_hf.core.entities import Example
    from llmner_hf.core.schema import Schema
    from llmner_hf.corpora.rows import FEATURES, to_row

    text, schema = "The CD28 receptor binds IL-2.", Schema.of_corpus("genia")
    ner = pipeline("bioner")
    found = [Entity(e["start"], e["end"], e["entity_group"]) for e in ner(text, dataset="genia")]
    assert len(found) > 1
    rows = [
        to_row(Example(name, text, entities, "genia", "en"), schema, style="brief", strategy="html")
        for name, entities in (("1", tuple(found[:1])), ("2", ()))
    ]
    dataset = Dataset.from_list(rows, features=FEATURES)
    results = metric.compute(
        predictions=ner(list(dataset["text"]), dataset="genia"), references=dataset["entities"]
    )
    assert (results["correct"], results["gold"]) == (1, 1)
    assert results["predicted"] == 2 * len(found)


def test_concepts_are_scored_where_references_have_them(metric: Any) -> None:
    aspirin, asthma = row(0, 7, "Drug"), row(12, 18, "Disease")
    references = [
        [aspirin | {"links": ["MESH:D001241"]}, asthma | {"links": []}, row(20, 22, "Drug")],
        [aspirin | {"links": ["MESH:D001241", "MESH:D001249"]}],
    ]
    named = {"id": "MESH:D001241", "name": "Aspirin", "score": 0.9}
    predictions = [
        [piped(aspirin) | {"links": [named]}, asthma | {"links": ["MESH:D001249"]}],
        [aspirin | {"links": [named]}],
    ]
    results = metric.compute(predictions=predictions, references=references)
    linked = {key: value for key, value in results.items() if key.startswith("links_")}
    third, two_fifths = pytest.approx(1 / 3), pytest.approx(0.4)
    assert linked == {
        "links_accuracy": 0.5,
        "links_precision": third,
        "links_recall": 0.5,
        "links_f1": two_fifths,
        "links_f1_documents": pytest.approx(4 / 6),
    }
    plain = [[{k: v for k, v in one.items() if k != "links"} for one in s] for s in references]
    without = metric.compute(predictions=predictions, references=plain)
    assert without == {key: value for key, value in results.items() if key not in linked}
    card = (SPACE / "README.md").read_text("utf-8")
    assert [key for key in linked if f"`{key}`" not in card] == []


@pytest.mark.parametrize("links", ["MESH:D001241", {"id": "x"}, 7, [7], [{"name": "x"}], [""]])
def test_links_that_are_none_are_named_by_their_place(metric: Any, links: Any) -> None:
    with pytest.raises(ValueError, match=r"references\[0\]\[0\], links is .*a list of ids"):
        metric.compute(predictions=[[]], references=[[row(0, 7, "Drug") | {"links": links}]])


@pytest.mark.parametrize(
    ("entities", "reason"),
    [
        ([{"start": 0.5, "end": 4, "type": "DNA"}], r"predictions\[0\]\[0\], start is 0.5"),
        ([{"start": True, "end": 4, "type": "DNA"}], r"\[0\], start is True; an offset is a whole"),
        ([{"start": 0, "end": "4", "type": "DNA"}], r"\[0\], end is '4'"),
        ([{"start": 0, "end": 4.0, "type": "DNA"}], r"\[0\], end is 4.0"),
        ([row(0, 4, "DNA"), {"start": 0}], r"predictions\[0\]\[1\] has no end and no type;"),
        ([{"start": 0, "end": 4, "entity_group": None}], r"has no entity_group"),
        ([{"word": "IL-2"}], r"has no start and no end and no type; an entity is a dictionary"),
        (["O", "B-DNA"], r"predictions\[0\]\[0\] is 'O', not an entity.* no tags of tokens"),
        (row(0, 4, "DNA"), r"predictions\[0\] is \{'start'.*a list of entities for each document"),
        (None, r"predictions\[0\] is None; give a list of entities"),
    ],
)
def test_what_is_no_entity_is_named_by_its_place(metric: Any, entities: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        metric.compute(predictions=[entities], references=[[]])
    with pytest.raises(ValueError, match=reason.replace("predictions", "prediction")):
        metric.add(prediction=entities, reference=[])


def test_offsets_of_numpy_are_whole_numbers(metric: Any) -> None:
    import numpy as np

    given = [[{"start": np.int32(0), "end": np.int64(4), "type": "DNA"}]]
    assert metric.compute(predictions=given, references=[[row(0, 4, "DNA")]])["f1"] == 1.0


def test_evaluators_compare_tags_and_are_told_so(metric: Any, evaluate: ModuleType) -> None:
    with pytest.raises(KeyError, match="Unknown task bioner"):
        evaluate.evaluator("bioner")
    tags = evaluate.evaluator("token-classification")
    given = {"predictions": [["O", "B-DNA"]], "references": [["O", "B-DNA"]]}
    with pytest.raises(ValueError, match=r"compute\(predictions=ner\(texts\), references="):
        tags.compute_metric(metric, given)


def test_the_example_in_its_description_runs(metric: Any) -> None:
    example = doctest.DocTestParser().get_doctest(
        metric.inputs_description, {}, "bioner_strict", None, None
    )
    assert len(example.examples) >= 5
    runner = doctest.DocTestRunner()
    assert runner.run(example).failed == 0


def test_the_example_in_its_card_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (SPACE / "README.md").read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 1
    exec(compile(blocks[0], "README.md", "exec"), {})


def test_the_card_names_every_result(metric: Any) -> None:
    results = metric.compute(predictions=[[row(0, 4, "TYPE")]], references=[[]])
    card = (SPACE / "README.md").read_text("utf-8")
    assert [key for key in results if f"`{key}`" not in card] == []


def test_the_front_matter_is_that_of_a_metric_space() -> None:
    card = front_matter()
    assert card["sdk"] == "gradio"
    assert (SPACE / card["app_file"]).is_file()
    assert card["license"] == "apache-2.0"
    assert set(card["tags"]) >= {"evaluate", "metric"}
    assert card["pinned"] is False
    # The Hub's palette; any other colour is refused when the card is pushed.
    palette = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {card["colorFrom"], card["colorTo"]} <= palette
    assert card["title"]
    assert card["emoji"]
    # `launch_gradio_widget` of evaluate 0.4.6 calls gr.inputs, which gradio 4 removed.
    assert card["sdk_version"].split(".")[0] == "3"
    assert "llmner_hf" not in (SPACE / "requirements.txt").read_text("utf-8")  # on no index


# evaluate 0.4.6 calls DataFrame.dropna(inplace=True), which pandas 3.1 deprecates:
# https://github.com/pandas-dev/pandas/issues/63207
@pytest.mark.filterwarnings("ignore:The inplace keyword in DataFrame")
def test_the_page_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page runs on stand-ins for the four names of gradio 3 that evaluate's widget uses."""
    from pandas import DataFrame

    page: dict[str, Any] = {}

    def interface(**options: Any) -> SimpleNamespace:
        return SimpleNamespace(launch=lambda: page.update(options))

    gradio = ModuleType("gradio")
    gradio.Interface = interface  # type: ignore[attr-defined]
    gradio.inputs = SimpleNamespace(Dataframe=SimpleNamespace)  # type: ignore[attr-defined]
    gradio.outputs = SimpleNamespace(Textbox=SimpleNamespace)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gradio", gradio)
    monkeypatch.syspath_prepend(str(SPACE))
    runpy.run_path(str(SPACE / "app.py"), run_name="__main__")

    assert tuple(page["inputs"].headers) == ("predictions", "references")
    assert page["article"].lstrip().startswith("# Metric: bioner_strict")
    cell = '[{"start": 0, "end": 4, "type": "DNA"}]'
    results = page["fn"](DataFrame({"predictions": [cell, "[]"], "references": [cell, cell]}))
    assert (results["precision"], results["recall"]) == (1.0, 0.5)
