"""Rows of a table: the round trip, what a row says of itself, and what is refused."""

from __future__ import annotations

from pathlib import Path

import datasets
import pytest
from datasets import Dataset, concatenate_datasets
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity, EntityType, Example, LabelSet
from llmner_hf.core.errors import InputError, LabelError, SettingError, UnrepresentableError
from llmner_hf.core.schema import Schema
from llmner_hf.corpora.rows import (
    FEATURES,
    Row,
    check,
    label_set,
    load,
    schema_of,
    to_example,
    to_row,
)

LABELS = LabelSet((EntityType("protein", "a protein"), EntityType("DNA", "a gene")))
OURS, UNNAMED = Schema("Ours", "en", LABELS), Schema("", "en", LABELS)
CHINESE = LabelSet((EntityType("身体", "器官"),))
EXAMPLE = Example(
    "1", "the [IL-2] gene", (Entity(5, 9, "protein"), Entity(4, 15, "DNA")), "ours", "en"
)


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def parquet(folder: Path) -> Path:
    (folder / "d").mkdir()
    return folder / "d" / "train.parquet"


def row(**changes: object) -> Row:
    return {
        **to_row(EXAMPLE, OURS, style="prefix", strategy="symbolic"),
        **changes,
    }


def answer(content: str) -> list[dict[str, str]]:
    """A completion: the turn of the assistant."""
    return [{"role": "assistant", "content": content}]


def test_a_row_holds_the_original_text_and_the_view_in_prompt_and_completion() -> None:
    made = row()
    assert made["text"] == "the [IL-2] gene"
    assert made["entities"] == [
        {"start": 4, "end": 15, "type": "DNA", "text": "[IL-2] gene"},
        {"start": 5, "end": 9, "type": "protein", "text": "IL-2"},
    ]
    assert made["completion"] == answer("protein: the ([IL-2]) gene\nDNA: the [(IL-2) gene]")
    assert [turn["role"] for turn in made["prompt"]] == ["system", "user"]
    assert made["prompt"][-1]["content"].endswith("the (IL-2) gene")
    assert "Ours" in made["prompt"][-1]["content"]
    assert "a gene" in made["prompt"][-1]["content"]


def test_style_and_strategy_reach_prompt_and_completion() -> None:
    made = to_row(EXAMPLE, OURS, style="brief", strategy="json_list")
    assert made["prompt"] == [{"role": "user", "content": "protein, DNA\nthe (IL-2) gene"}]
    assert made["completion"][0]["content"].startswith('[{"start_idx": 4')


def test_a_row_gives_its_example_and_its_label_set_back() -> None:
    assert to_example(row()) == EXAMPLE
    assert label_set(row()) == LABELS


@given(
    st.text(max_size=20).flatmap(
        lambda text: st.tuples(
            st.just(text),
            st.lists(
                st.tuples(
                    st.integers(0, len(text)),
                    st.integers(0, len(text)),
                    st.sampled_from(LABELS.names),
                )
            ),
        )
    )
)
def test_round_trip_of_any_text(drawn: tuple[str, list[tuple[int, int, str]]]) -> None:
    text, spans = drawn
    entities = tuple(Entity(start, end, name) for start, end, name in spans if start < end)
    example = Example("x", text, entities, "ours", "en")
    made = to_row(example, UNNAMED, style="prefix", strategy="json_list")
    assert to_example(made) == example
    assert check([made]) == 1


def test_what_a_strategy_cannot_write_names_the_example() -> None:
    crossing = Example("d7", "abcdef", (Entity(0, 4, "DNA"), Entity(2, 6, "DNA")), "ours", "en")
    with pytest.raises(UnrepresentableError, match=r"d7: DNA.*cross"):
        to_row(crossing, UNNAMED, style="prefix", strategy="symbolic")


def test_an_unknown_strategy_is_refused() -> None:
    with pytest.raises(SettingError, match="xml"):
        to_row(EXAMPLE, UNNAMED, style="prefix", strategy="xml")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "entity",
    [
        {"start": 4, "end": 9, "type": "DNA", "text": "IL-2"},
        {"start": 5, "end": 99, "type": "DNA", "text": "IL-2] gene"},
        {"start": -4, "end": 15, "type": "DNA", "text": "gene"},
        {"start": 5, "end": 5, "type": "DNA", "text": ""},
    ],
)
def test_offsets_that_do_not_reproduce_the_text_are_refused(entity: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"^1: DNA\["):
        check([row(entities=[entity])])


def test_a_label_outside_the_label_set_is_refused() -> None:
    entity = {"start": 5, "end": 9, "type": "RNA", "text": "IL-2"}
    with pytest.raises(LabelError, match="RNA"):
        check([row(entities=[entity])])


def test_an_id_that_comes_twice_is_refused() -> None:
    with pytest.raises(InputError, match="second row"):
        check([row(), row()])


def test_joint_training_is_a_concatenation() -> None:
    chinese = Example("2", "肝功能", (Entity(0, 1, "身体"),), "theirs", "zh")
    tables = [
        Dataset.from_list(
            [to_row(example, schema, style="prefix", strategy="symbolic")],
            features=FEATURES,
        )
        for example, schema in ((EXAMPLE, OURS), (chinese, Schema("", "zh", CHINESE)))
    ]
    joint = concatenate_datasets(tables)
    assert [to_example(row) for row in joint] == [EXAMPLE, chinese]
    assert [label_set(row) for row in joint] == [LABELS, CHINESE]
    assert schema_of(tables[1]) == Schema("theirs", "zh", CHINESE)
    with pytest.raises(InputError, match=r"rows from 2 corpora \(ours, theirs\)"):
        schema_of(joint)


def test_load_gives_a_split_of_a_folder(tmp_path: Path) -> None:
    Dataset.from_list([row()], features=FEATURES).to_parquet(parquet(tmp_path))
    table = load(tmp_path / "d", "train")
    assert table.features == FEATURES
    assert to_example(table[0]) == EXAMPLE


def test_load_refuses_what_is_not_such_a_dataset(tmp_path: Path) -> None:
    Dataset.from_list([{"id": "1", "text": "a"}]).to_parquet(parquet(tmp_path))
    with pytest.raises(InputError, match="no column completion"):
        load(tmp_path / "d", "train")
    with pytest.raises(InputError, match="test"):
        load(tmp_path / "d", "test")
    with pytest.raises(InputError, match="absent"):
        load(tmp_path / "absent", "train")
