"""One table, three languages: the same numbers, and nothing in them is interpreted."""

import csv

import pytest

from llmner_hf.core.scoring import Interval
from llmner_hf.paper.printed import TABLE_II, TABLE_III, TABLE_IV, TABLE_V, TABLE_VI, TABLE_VII
from llmner_hf.paper.tables import Column, Table, latex_text, markdown_text

TABLE = Table(
    "table_0",
    "Table 0",
    "50 % of a_b",
    (Column("system"), Column("F1", limits=True), Column("p", ".3f"), Column("texts")),
    (
        ("a|b_c & <d>", Interval(48.654, 47.1, 50.25), 0.5, 12),
        ("x", "not run", None, 0),
    ),
)


def test_markdown():
    assert TABLE.markdown().splitlines() == [
        "| system | F1 | p | texts |",
        "|---|---|---|---|",
        r"| a\|b_c &amp; &lt;d&gt; | 48.65 (47.10 to 50.25) | 0.500 | 12 |",
        "| x | not run | – | 0 |",
    ]


def test_csv_and_latex_files(tmp_path):
    TABLE.write(tmp_path)
    with (tmp_path / "table_0.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["system", "F1", "F1 low", "F1 high", "p", "texts"],
        ["a|b_c & <d>", "48.654", "47.1", "50.25", "0.5", "12"],
        ["x", "not run", "", "", "", "0"],
    ]
    latex = (tmp_path / "table_0.tex").read_text(encoding="utf-8")
    assert r"\caption{50 \% of a\_b}" in latex
    assert r"a|b\_c \& \textless{}d\textgreater{} & 48.65 (47.10 to 50.25) & 0.500 & 12 \\" in latex
    assert latex.count(r"\\") == 3
    assert latex.index(r"\toprule") < latex.index(r"\midrule") < latex.index(r"\bottomrule")


@pytest.mark.parametrize("text", ["**b**", "`c`", "[a](b)", "$x$", "~~s~~", "_i_", "<b>", "\\|"])
def test_nothing_is_emphasis_a_link_a_formula_or_a_tag(text):
    """Every character that could begin one stands behind a backslash, or as a reference."""
    safe = markdown_text(text)
    for place, character in enumerate(safe):
        assert character not in "*`[]$~_|<>" or safe[place - 1] == "\\"


def test_what_cannot_be_seen_is_written_out():
    assert markdown_text("a\u202eb\x00\nc") == "aU+202EbU+0000 c"


def test_latex_leaves_no_command_of_a_user():
    assert latex_text(r"\input{x}$%#~^") == (
        r"\textbackslash{}input\{x\}\$\%\#\textasciitilde{}\textasciicircum{}"
    )


def test_the_papers_numbers_hold_together():
    """F1 follows from P and R, as far as they are rounded; tables that share a cell agree."""
    for table in (TABLE_II, TABLE_III, TABLE_VII):
        for precision, recall, f1 in table.values():
            assert 2 * precision * recall / (precision + recall) == pytest.approx(f1, abs=0.015)
    alone, selected = TABLE_IV.values()
    assert all(one > other for one, other in zip(alone, selected, strict=True))
    for place, corpus in enumerate(("cmeee_v2", "genia", "biored", "bc5cdr_chemical")):
        single, joint, selected = TABLE_V[corpus]
        assert single < joint < selected == TABLE_VI["the paper"][place]
    for corpus in ("cmeee_v2", "genia"):
        symbolic = TABLE_II["symbolic", corpus]
        assert symbolic == TABLE_III[corpus, "predicted"]
        assert symbolic[2] == TABLE_V[corpus][0]
