"""The benchmark of linking at tiny size, on corpora of our own in the places of the real ones."""

from __future__ import annotations

import json
import lzma
import shutil
from importlib import import_module

import pytest

from llmner_hf.core.entities import Entity
from llmner_hf.core.scoring import Counts
from llmner_hf.terminology import scores
from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.linking import Candidate
from llmner_hf.terminology.store import Terminology
from tests.conftest import ROOT
from tests.terminology.small import ABOUT, CONCEPTS, small

ARTICLE = (
    "{id}|t|Mendacine and the sulks.\n{id}|a|Zibotanes, and thumb cancer or nothing at all.\n"
    "{id}\t0\t9\tMendacine\tChemical\tD1\n{id}\t18\t23\tsulks\tDisease\tOMIM:100\n"
    "{id}\t25\t34\tZibotanes\tChemical\tD2\n{id}\t40\t52\tthumb cancer\tDisease\tD5\n"
    "{id}\t56\t63\tnothing\tDisease\t-1\n\n"
)
pytest.importorskip("sklearn")


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return import_module


@pytest.fixture
def ground(tmp_path, benchmark):
    """A shared folder with six articles in each part of each corpus, and two stores."""
    for parts in benchmark("linking_gold").FILES.values():
        for place in parts.values():
            path = tmp_path / "corpora" / place
            path.parent.mkdir(parents=True, exist_ok=True)
            with lzma.open(path, "wt", encoding="utf-8") as file:
                file.write("".join(ARTICLE.format(id=number) for number in range(6)))
    small().save(tmp_path / "plain.safetensors")
    Terminology.of(CONCEPTS[1:], ABOUT).save(tmp_path / "poor.safetensors")
    return tmp_path


def run(benchmark, ground, *more: str) -> list[dict]:
    stores = [str(ground / name) for name in ("plain.safetensors", "poor.safetensors")]
    given = ["--stores", *stores, "--shared", str(ground), "-o", str(ground / "rows.json")]
    benchmark("linking").main([*given, *more])
    return json.loads((ground / "rows.json").read_text(encoding="utf-8"))


def test_every_way_is_measured(benchmark, ground, capsys) -> None:
    rows = run(benchmark, ground, "--rivals")
    table = capsys.readouterr().out.splitlines()
    assert len(table) == 2 + len(rows) == 2 + 4 * 3 * 2
    by_key = {(r["store"], r["way"], r["corpus"], r["type"]): r for r in rows}
    ours = by_key["plain", "ours", "BC5CDR", "Chemical"]
    assert (ours["n"], ours["answered"], ours["acc@1"][0], ours["ms"] > 0) == (12, 1.0, 1.0, True)
    # Without Mendacine half of the mentions have no concept.
    assert by_key["poor", "ours", "BC5CDR", "Chemical"]["acc@1"] == [0.5, 0.5, 0.5]
    # The sulks are OMIM's, which the concept of MeSH states; gold has no concept for nothing.
    diseases = by_key["plain", "ours", "BioRED", "Disease"]
    assert (diseases["n"], diseases["acc@1"][0], diseases["ids"][0]) == (12, 1.0, 0.5)
    named = by_key["plain", "dictionary", "NCBI-Disease", "Chemical"]
    assert (named["answered"], named["acc@1"][0], named["acc@5"][0]) == (0.5, 0.5, 0.5)


def test_links_are_the_answers_above_the_threshold(benchmark) -> None:
    linking = benchmark("linking")

    def told(document: str, score: float, gold: bool, right: bool):
        return linking.Answer(document, "Gene", "x", score, gold, True, right, right, right)

    answers = [told("a", 0.9, True, True), told("a", 0.9, False, False), told("b", 0.4, True, True)]
    counts = linking.counted(answers, 0.5)
    assert counts["links"] == [Counts(1, 2, 1), Counts(0, 0, 1)]
    assert counts["first"] == [Counts(1, 2, 1), Counts(1, 1, 1)]


def test_a_sample_is_of_distinct_mentions(benchmark, ground) -> None:
    rows = run(benchmark, ground, "--sample", "1", "--rivals")
    assert {row["n"] for row in rows} == {1}


@pytest.mark.parametrize(
    ("ids", "gold", "right", "same_ids"),
    [
        (["MESH:D4"], {"MESH:D4"}, True, True),
        (["MESH:D4"], {"OMIM:100"}, True, False),
        (["MESH:D4"], {"OMIM:101"}, False, False),
        (["OMIM:101"], {"MESH:D4"}, False, False),  # the rule is for ids of OMIM alone
        (["MESH:D5", "MESH:D6"], {"MESH:D5", "MESH:D6"}, True, True),
        (["MESH:D5"], {"MESH:D5", "MESH:D6"}, False, False),
        (["MESH:D5", "MESH:D4"], {"OMIM:100"}, False, False),
        (["MESH:D5"], set(), False, False),
        ([], {"MESH:D5"}, False, False),
    ],
)
def test_when_an_answer_is_right(benchmark, ids, gold, right, same_ids) -> None:
    store = small()
    things = [[Candidate(store.number(id), "part", 0.9)] for id in ids]
    verdict = benchmark("linking_gold").judged(store, things, gold)
    assert (verdict.right, verdict.same_ids) == (right, same_ids)


def test_the_fit_writes_a_table_that_reads_back(benchmark, ground, tmp_path, monkeypatch) -> None:
    calibration = benchmark("linking_calibration")
    module = tmp_path / "scores.py"
    shutil.copy(scores.__file__, module)
    table = {"": {"": 0.9}, "near": {"": 0.25, "Disease": 0.125}}
    calibration.write(table, module)
    written: dict = {}
    exec(compile(module.read_text(encoding="utf-8"), str(module), "exec"), written)
    assert written["_RIGHT"] == table
    assert written["probability"]("near other 0.9", "Disease") == 0.25


def test_rare_evidence_has_no_row_and_shares_are_smoothed(benchmark) -> None:
    linking, calibration = benchmark("linking"), benchmark("linking_calibration")

    def told(evidence: str, right: bool, number: int) -> list:
        facts = (0.5, True, True, right, right, right)
        return [linking.Answer("a", "Disease", evidence, *facts) for _ in range(number)]

    answers = [*told("near wider 0.6", True, 10), *told("near head 0.6", False, 9)]
    table = calibration.fitted([*answers, *told("near head 0.6 elsewhere", True, 50)])
    assert "near head 0.6" not in table
    assert set(table) == {"", "near", "near wider 0.6"}
    everything = (10 + 5 * 0.5) / 24
    near = (10 + 5 * round(everything, 3)) / 24
    assert table["near"][""] == pytest.approx(near, abs=0.001)
    assert table["near wider 0.6"][""] == pytest.approx((10 + 5 * near) / 15, abs=0.001)


def test_the_error_of_calibration(benchmark) -> None:
    calibration = benchmark("linking_calibration")
    assert calibration.error([(0.75, True), (0.75, True), (0.75, True), (0.75, False)]) == 0.0
    assert calibration.error([(0.95, False), (0.15, False)]) == pytest.approx(0.55)


@pytest.mark.parametrize("way", ["Dictionary", "Trigrams", "Fuzzy"])
def test_rivals_answer_with_the_nearest_names(benchmark, way) -> None:
    if way == "Fuzzy":
        pytest.importorskip("rapidfuzz")
    names = ["mendacine salt of many", "mendacine", *(f"mendacine salt {n}" for n in range(12))]
    listed = [Concept(f"X:{number}", name, "Chemical") for number, name in enumerate(names)]
    rival = getattr(benchmark("linking_rivals"), way)(Terminology.of(listed, ABOUT))
    text = "Mendacine (MD) is MD, which mendacyne is not."
    mentions = [Entity(0, 9, "Chemical"), Entity(18, 20, "Chemical"), Entity(28, 37, "Chemical")]
    found = rival.candidates(text, [*mentions, Entity(18, 20, "Hospital")])
    assert [things[0][0].concept for things in found[:2]] == [1, 1]
    assert found[0][0][0].score == pytest.approx(1.0)
    assert bool(found[2]) == (way != "Dictionary")
    assert found[3] == []
