"""The demo without a browser: what it takes, what it finds, and its API."""

import doctest
import lzma
import re
import shutil

import pytest
from hypothesis import given

from llmner_hf.core.entities import Entity, EntityType, Example, Link, ScoredEntity
from llmner_hf.core.errors import InputError
from llmner_hf.readers import read_any
from llmner_hf.readers.json_lines import read_predictions
from llmner_hf.rendering import Document
from llmner_hf.spaces.bioner_demo import downloads, inputs
from llmner_hf.spaces.bioner_demo.annotating import annotate
from llmner_hf.spaces.bioner_demo.findings import Findings
from llmner_hf.spaces.bioner_demo.service import Service
from tests.conftest import ROOT
from tests.strategies import Case, cases

LONG = "IL-2 binds CD28 strongly. Aspirin helps T cells.\n" * 12 + "患者有高血压。"


def test_the_examples_of_the_documentation():
    assert doctest.testmod(inputs) == (0, 4)


@pytest.mark.parametrize("options", [{}, {"dataset": "genia"}, {"entity_types": {"Chemical": ""}}])
def test_step_by_step_is_the_same_as_at_once(ner, options):
    steps = []
    example = Example("1", LONG, (), "", "en")
    (document,) = annotate(ner, [example], options, lambda done, total: steps.append((done, total)))
    assert steps == [(0, 25), (16, 25), (25, 25)]
    expected = [
        ((e["start"], e["end"]), e["entity_group"], pytest.approx(e["score"], abs=1e-5))
        for e in ner(LONG, **options)
    ]
    assert [(s.entity.span, s.entity.label, s.score) for s in document.scored] == expected != []


def test_types_that_the_model_does_not_know_are_said(ner):
    service = Service(ner)
    findings, shown = service.annotate_text(
        LONG, "own", "Zebra\nChemical", 0.0, lambda *_, **__: None
    )
    assert "no type named Zebra" in findings.remark
    assert "no type named Zebra" in shown
    assert {e.label for d in findings.documents for e in d.entities} == {"Chemical"}
    other, _ = service.annotate_text(LONG, "ccks2019_as", "", 0.0, lambda *_, **__: None)
    assert "解剖部位" in other.remark
    assert not service.annotate_text(LONG, "genia", "", 0.0, lambda *_, **__: None)[0].remark


def test_the_api(ner, demo):
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    client = Client(demo, verbose=False)
    assert list(client.view_api(return_format="dict")["named_endpoints"]) == ["/annotate"]
    given = client.predict("Aspirin and lithium.", "bc5cdr_chemical", api_name="/annotate")
    assert [(e["start"], e["end"], e["type"]) for e in given] == [
        (e["start"], e["end"], e["entity_group"])
        for e in ner("Aspirin and lithium.", dataset="bc5cdr_chemical")
    ]
    own = client.predict("Aspirin and lithium.", types={"Chemical": "x"}, api_name="/annotate")
    assert {e["type"] for e in own} == {"Chemical"}
    for text, dataset, reason in (
        ("", "", "no text"),
        ("[" * 1_000_000, "", "longer than 20,000"),
        ("Aspirin.", "none", "unknown dataset 'none'"),
    ):
        with pytest.raises(AppError, match=reason):
            client.predict(text, dataset, api_name="/annotate")


def test_the_program_of_the_manual(demo):
    page = (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    space = {}
    exec(compile(program.replace("http://127.0.0.1:7860", demo), "demo.md", "exec"), space)
    assert space["client"].src.rstrip("/") == demo.rstrip("/")


def test_what_a_file_must_not_be(tmp_path):
    packed = tmp_path / "bomb.jsonl.xz"
    packed.write_bytes(lzma.compress(b" " * 1_000_000))
    damaged = tmp_path / "one.jsonl"
    damaged.write_text('{"id": "1"')
    deep = tmp_path / "deep.json"
    deep.write_text("[" * 900_000)
    for path, reason in (
        (None, "choose a file"),
        (str(packed), "unpack it first"),
        (str(damaged), r"^one\.jsonl:1: "),
        (str(deep), "^deep.json: "),
    ):
        with pytest.raises(InputError, match=reason):
            inputs.examples_of_file(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" \n", "no text"),
        ("[" * 20_001, "longer than 20,000"),
        ("half \ud83e", "half a character"),
    ],
)
def test_what_a_text_must_not_be(text, reason):
    with pytest.raises(InputError, match=reason):
        inputs.examples_of_text(text)


def test_the_longest_text_and_the_most_types_are_taken():
    assert len(inputs.examples_of_text("🧬" * inputs.MOST_CHARACTERS)) == 1
    lines = "\n".join(f"type {number}" for number in range(inputs.MOST_TYPES))
    assert inputs.own_types(lines)[-1] == EntityType("type 31")
    with pytest.raises(InputError, match="33 types"):
        inputs.own_types(lines + "\none more")
    with pytest.raises(InputError, match="too many"):
        inputs.types_of({"a": "x" * inputs.MOST_DEFINED})
    for wrong in (["Chemical"], {"Chemical": 1}):
        with pytest.raises(InputError, match="have to map"):
            inputs.types_of(wrong)


def test_what_cannot_be_written_in_a_format_is_left_out(tmp_path):
    gene = ScoredEntity(Entity(0, 4, "gene"), 0.5)
    written = downloads.write([Document("a/b|c", "IL-2", (gene,))], str(tmp_path))
    assert [bool(path) for path in written] == [True, False, False]


def test_concepts_are_in_every_download_and_in_the_view(tmp_path):
    link = Link("MESH:D001241", "Aspirin", 0.9)
    aspirin = ScoredEntity(Entity(0, 7, "Chemical"), 0.5, (link,))
    document = Document("1", "Aspirin", (aspirin,))
    json_lines, pubtator, archive = downloads.write([document], str(tmp_path))
    (found,) = read_predictions(json_lines)
    assert found.scored == (aspirin,)
    assert read_any(pubtator).links["1"][aspirin.entity] == (Link("MESH:D001241", "", 1.0),)
    shutil.unpack_archive(archive, tmp_path / "unpacked")
    assert "N1\tReference T1 MESH:D001241\tAspirin" in (tmp_path / "unpacked/1.ann").read_text()
    assert "https://identifiers.org/mesh:D001241" in Findings.of((document,)).view(0)


@given(cases(crossing=True))
def test_a_threshold_hides_and_never_recolours(case: Case):
    half = tuple(ScoredEntity(e, (i % 2) / 2) for i, e in enumerate(case.entities))
    findings = Findings.of((Document("1", case.text, half),))
    (shown,) = findings.above(0.5)
    assert shown.scored == tuple(one for one in findings.documents[0].scored if one.score >= 0.5)
    for entity in shown.entities:
        assert f"t{findings.types[entity.label]}" in findings.view(0.5)
    assert f"{len(shown.scored):,} of {len(findings.documents[0].scored):,}" in findings.view(0.5)
