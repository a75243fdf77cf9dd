"""``llmner report``: a small grid of runs gives every table and figure, always the same bytes."""

import csv
import shutil

import pytest

from llmner_hf.cli import main
from llmner_hf.core.entities import Entity
from llmner_hf.paper.cases import marked
from llmner_hf.paper.runs import Cost, System
from tests.doubles.runs import EVERYTHING, LONG, RIGHT, TEXT, examples, found, system, write_run

SEEN = ["cmeee_v2", "genia", "biored", "bc5cdr_chemical"]
EVERY = [*SEEN, "ccks2019_as", "ncbi_disease"]
TABLES = [f"table_{number}" for number in range(2, 9)]
FIGURES = ["figure_4", "figure_5", "figure_6"]


def grid(folder, reverse=False):
    """A backbone in most ways, a dictionary, an endpoint; written in one order or the other."""
    asked = system(
        "gpt_4", "json_list", "zero-shot", cost=Cost(24, 900, 80, 0.02), rows={"genia": 8}
    )
    selected = {"predicted": EVERYTHING, "llm_cls": RIGHT}
    calls = [
        ("genia", system(training="single"), ["genia"], {"predicted": LONG}),
        ("genia_html", system("tiny", "html", "single"), ["genia"], {"predicted": RIGHT}),
        ("joint", system(), EVERY, selected),
        ("start", system(training="zero-shot"), SEEN, {"predicted": LONG}),
        ("gpt", asked, ["genia"], {"predicted": EVERYTHING}, 8),
        ("words", System("words|", "-", None, None, "a.py"), EVERY, {"predicted": LONG}),
    ]
    for name, *call in calls[::-1] if reverse else calls:
        write_run(folder / name, *call)
    return folder


def report(runs, out):
    assert main(["report", str(runs), "-o", str(out), "--samples", "10"]) == 0
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    base = tmp_path_factory.mktemp("report")
    return grid(base / "runs"), base / "out"


@pytest.fixture(scope="module")
def made(folders):
    return report(*folders)


@pytest.fixture(scope="module")
def page(made):
    return made["results.md"].decode("utf-8")


def rows(made, name):
    return list(csv.DictReader(made[f"{name}.csv"].decode("utf-8").splitlines()))


def f1(dataset, keep, number=12):
    """Strict F1 in per cent, counted by sets alone."""
    texts = examples(dataset, number)
    gold = {(e.id, entity) for e in texts for entity in e.entities}
    answers = {(e.id, entity) for e in texts for entity in found(e, keep).entities}
    return pytest.approx(200 * len(gold & answers) / (len(gold) + len(answers)), abs=1e-6)


def test_every_file_is_written_and_linked(made, page):
    names = [*TABLES, *FIGURES, "runs", "test_sets", "costs"]
    expected = {f"{name}.{suffix}" for name in names for suffix in ("csv", "tex")}
    expected |= {f"{name}.{suffix}" for name in FIGURES for suffix in ("png", "svg")}
    assert made.keys() == expected | {"results.md", "cases.md"}
    for number in ("II", "III", "IV", "V", "VI", "VII", "VIII"):
        assert f"## Table {number}\n" in page
    for number in (4, 5, 6):
        assert f"## Figure {number}\n" in page
        assert f"![Figure {number}](figure_{number}.png)" in page


def test_table_2(made):
    found = {(row["corpus"], row["strategy"]): row for row in rows(made, "table_2")}
    assert len(found) == 6
    assert float(found["GENIA", "html"]["F1"]) == f1("genia", RIGHT)
    assert float(found["GENIA", "symbolic"]["F1"]) == f1("genia", LONG)
    assert found["GENIA", "symbolic"]["paper F1"] == "79.62"
    assert found["CMeEE-V2", "html"]["F1"] == "not run"
    assert found["CMeEE-V2", "html"]["paper P"] == "69.21"


def test_table_5(made):
    found = {row["corpus"]: row for row in rows(made, "table_5")}
    genia = found["GENIA"]
    assert float(genia["single"]) == f1("genia", LONG)
    assert float(genia["joint"]) == f1("genia", EVERYTHING)
    assert float(genia["joint + LLM-CLS"]) == f1("genia", RIGHT)
    assert float(genia["joint low"]) <= float(genia["joint"]) <= float(genia["joint high"])
    assert (genia["texts"], found["BioRED"]["texts"]) == ("12", "– / 12 / 12")
    assert found["BioRED"]["single"] == "not run"
    assert found["BioRED"]["paper joint"] == "90.25"


def test_table_6(made):
    found = {row["system"]: row for row in rows(made, "table_6")}
    assert list(found)[:6] == [
        *("tiny, joint + LLM-CLS", "tiny, joint", "tiny, single"),
        *("gpt_4, zero-shot, json_list", "tiny, zero-shot", "words|"),
    ]
    assert float(found["gpt_4, zero-shot, json_list"]["GENIA"]) == f1("genia", EVERYTHING, 8)
    assert found["gpt_4, zero-shot, json_list"]["texts"] == "– / 8 / – / –"
    assert found["gpt_4, zero-shot, json_list"]["BioRED"] == "not run"
    assert float(found["words|"]["CMeEE-V2"]) == f1("cmeee_v2", LONG)
    assert (found["GPT-4 zero-shot"]["source"], found["GPT-4 zero-shot"]["GENIA"]) == (
        "paper",
        "48.65",
    )
    assert found["AIONER (reported)"]["GENIA"] == ""


def test_table_7(made):
    found = {(row["corpus"], row["system"]): row for row in rows(made, "table_7")}
    assert float(found["NCBI-Disease", "tiny, joint + LLM-CLS"]["F1"]) == f1("ncbi_disease", RIGHT)
    assert float(found["CCKS2019-AS", "words|"]["F1"]) == f1("ccks2019_as", LONG)
    assert found["NCBI-Disease", "the paper"]["F1"] == "69.15"
    assert ("NCBI-Disease", "tiny, single") not in found


def test_table_8_and_its_texts(made):
    """The selector is right where all three entities are gold; the others never are."""
    found = {row["corpus"]: row for row in rows(made, "table_8")}
    assert (found["GENIA"]["texts compared"], found["GENIA"]["cases"]) == ("12", "3")
    assert found["BioRED"]["cases"] == "not run"
    cases = made["cases.md"].decode("utf-8")
    assert "Not to be handed on" in cases
    assert [line for line in cases.splitlines() if line.startswith("## ")] == [
        f"## GENIA, tiny: genia-{number}" for number in (3, 7, 11)
    ]
    gold = "⟦⟦IL-2⟧<sub>protein</sub> gene⟧<sub>DNA</sub> and ⟦IL-4⟧<sub>protein</sub>"
    long = "⟦IL-2 gene⟧<sub>DNA</sub> and IL-4 gene \\[in\\] ⟦T_cells⟧<sub>protein</sub> 3"
    assert f"| gold | {gold} gene \\[in\\] T_cells 3 |" in cases
    assert f"| joint + LLM-CLS | {gold} gene \\[in\\] T_cells 3 |" in cases
    assert f"| single | {long} |" in cases


def test_no_text_stands_anywhere_else(made):
    for name, content in made.items():
        assert (b"IL-4" in content) == (name == "cases.md"), name


def test_figure_4(made):
    found = {(row["corpus"], row["backbone"]): row for row in rows(made, "figure_4")}
    assert float(found["GENIA", "tiny"]["zero-shot"]) == f1("genia", LONG)
    assert float(found["GENIA", "tiny"]["tuned"]) == f1("genia", EVERYTHING)
    assert found["GENIA", "gpt_4"]["tuned"] == "not run"


def test_figure_5(made):
    """Shares of the errors that `test_selectors` counts by hand."""
    found = {(row["corpus"], row["tagger"]): row for row in rows(made, "figure_5")}
    ours, paper = found["GENIA", "tiny, joint"], found["CMeEE-V2", "GLM4-9B, paper"]
    parts = ("type", "span", "type & span", "spurious")
    assert [float(ours[p]) for p in parts] == pytest.approx([0, 900 / 54, 300 / 54, 4200 / 54])
    assert sum(float(paper[part]) for part in parts) == pytest.approx(100, abs=1e-5)
    assert (ours["wrong"], paper["wrong"]) == ("54", "641")


def test_figure_6(made):
    """[5:9] in place of [0:9] drops "IL", "-", "2"; [0:4] in place of it drops "gene"."""
    found = {row["corpus"]: row for row in rows(made, "figure_6")}
    shares = [float(found["GENIA"][name]) for name in ("0", "1", "2", "3", "4", "8+", "within 2")]
    assert found["GENIA"]["wrong boundaries"] == "12"
    assert shares == pytest.approx([0, 25, 0, 75, 0, 0, 25])


def test_pictures_are_pictures(made, tmp_path):
    from PIL import Image

    for name in FIGURES:
        path = tmp_path / f"{name}.png"
        path.write_bytes(made[path.name])
        with Image.open(path) as image:
            assert image.width == 1500
            assert len(image.getcolors(1 << 20)) > 20
        assert made[f"{name}.svg"].startswith(b"<?xml")


def test_the_page_says_what_was_run(made, page):
    assert "    llmner train a | b\n    llmner `c`\n" in page
    assert page.count("not run") > 10
    (asked,) = rows(made, "costs")
    assert list(asked.values()) == ["gpt", "24", "900", "80", "0.02"]
    tests = [row for row in rows(made, "test_sets") if row["corpus"] == "GENIA"]
    assert [(row["texts"], row["part"], row["runs"]) for row in tests] == [
        ("8", "first 8", "gpt"),
        ("12", "all", "genia, genia_html, joint, start, words"),
    ]
    assert len({row["SHA-256"] for row in tests}) == 2


def test_the_order_on_the_disk_and_the_place_change_nothing(folders, made, tmp_path):
    assert report(grid(tmp_path / "again" / "runs", reverse=True), tmp_path / "out") == made
    shutil.rmtree(tmp_path / "again")


def test_one_run_alone_is_reported_with_the_rest_not_run(tmp_path):
    run = write_run(tmp_path / "only", system(), ["genia"], {"predicted": RIGHT})
    made = report(run, tmp_path / "out")
    assert {row["F1"] for row in rows(made, "table_2")} == {"not run"}
    assert rows(made, "table_6")[0]["GENIA"] == "not run"
    assert "costs.csv" not in made
    assert rows(made, "runs")[0]["run"] == "only"


def test_bad_runs_are_one_line(tmp_path, capsys):
    write_run(tmp_path / "a", system(), ["genia"], {"predicted": RIGHT})
    write_run(tmp_path / "b", system(), ["genia"], {"predicted": LONG})
    for runs, reason in ((tmp_path / "none", "no run folder"), (tmp_path, "a and b are both")):
        assert main(["report", str(runs), "-o", str(tmp_path / "out")]) == 2
        shown = capsys.readouterr()
        assert reason in shown.err
        assert (shown.err.count("\n"), shown.out) == (1, "")
    assert not (tmp_path / "out").exists()


def test_crossing_entities_are_told_apart():
    crossing = [Entity(0, 9, "DNA"), Entity(5, 13, "x_")]
    assert marked(TEXT[:13], crossing) == "⟦IL-2 ⟦gene⟧<sub>DNA</sub> and⟧<sub>x\\_</sub>"
