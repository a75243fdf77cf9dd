"""Leakage: what is shared is found and dropped, nothing else is; and the corpora's own overlaps."""

import lzma
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.leakage import Leakage, Overlap, Passage, normalise, report
from tests.conftest import ROOT

SHARED = Path(os.environ.get("LLMNER_SHARED", ROOT.parent / "shared"))
LONG = "Interleukin 2 was measured in every culture"
CHINESE = "患者三天后体温恢复正常，出院。"
PASSAGES = st.lists(
    st.tuples(
        st.sampled_from(["1", "2", "3", "4", "5"]),
        st.sampled_from([None, "77", "78", "79"]),
        st.sampled_from(["short", LONG, LONG.upper() + " ", CHINESE, "", LONG + "s", "。"]),
    ),
    max_size=5,
)
SPLITS = st.dictionaries(st.sampled_from(["a", "b", "c"]), PASSAGES)


def alike(one: Passage, other: Passage) -> bool:
    """The oracle: the same article, or the same text that is long enough."""
    same_article = one[1] is not None and one[1] == other[1]
    return same_article or normalise(one[2]) == normalise(other[2]) != ""


@given(SPLITS, SPLITS)
def test_against_the_oracle(tests: dict, trains: dict) -> None:
    """Dropped is what is like a test passage, and nothing else."""
    leakage = report(tests, trains)
    assert [(o.train, o.test) for o in leakage.overlaps] == [(a, b) for a in trains for b in tests]
    for overlap in leakage.overlaps:
        train, test = trains[overlap.train], tests[overlap.test]
        assert overlap.drop == {one[0] for one in train if any(alike(one, two) for two in test)}
        assert overlap.articles == len({p[1] for p in train} & {p[1] for p in test} - {None})
        texts = {normalise(p[2]) for p in train} & {normalise(p[2]) for p in test}
        assert overlap.texts == len(texts - {""})


@given(SPLITS, SPLITS)
def test_after_dropping_nothing_is_shared(tests: dict, trains: dict) -> None:
    """The training splits that are left share neither articles nor texts with any test split."""
    leakage = report(tests, trains)
    left = {
        name: [p for p in passages if p[0] not in leakage.drop_from(name)]
        for name, passages in trains.items()
    }
    again = report(tests, left)
    assert not any(o.articles or o.texts or o.drop for o in again.overlaps)
    assert again.as_markdown().count("Nothing is shared.") == 2


def test_own_test_split_is_reported_apart() -> None:
    """Within a corpus has its own table."""
    leakage = Leakage(
        (
            Overlap("genia", "genia", 0, 2, frozenset({"s1"})),
            Overlap("genia", "biored", 1, 0, frozenset({"s1", "s2"})),
            Overlap("biored", "genia", 0, 0, frozenset()),
        )
    )
    assert leakage.drop_from("genia") == {"s1", "s2"}
    assert report({"a": [("t", "1", "")]}, {"a": [("x", "1", "")]}).drop_from("a") == {"x"}
    assert leakage.drop_from("biored") == leakage.drop_from("unknown") == frozenset()
    across, within = leakage.as_markdown().split("Within a corpus:")
    assert "| genia | biored | 1 | 0 | 2 |" in across
    assert "| genia | genia | 0 | 2 | 1 |" in within
    assert "| biored |" not in within
    assert "| biored | genia |" not in across


def test_normalise() -> None:
    """Case, blanks and forms of width do not count; short texts do not either."""
    assert normalise(LONG) == normalise(LONG.upper().replace(" ", "\u3000\n"))
    assert normalise("ＡＢＣ" * 9) == "abc" * 9
    assert normalise("a" * 24) == "" != normalise("a" * 25)
    assert normalise("癌" * 9) == "" != normalise("癌" * 10)
    assert normalise(" . ") == ""


def _articles(name: str) -> list[Passage]:
    """The article numbers of a PubTator file, as passages."""
    path = SHARED / "corpora" / f"{name}.xz"
    if not path.exists():
        pytest.skip(f"{path} is not to be had: set LLMNER_SHARED")
    with lzma.open(path, "rt", encoding="utf-8") as file:
        titles = [line.split("|t|", 1) for line in file if "|t|" in line[:12]]
    return [(article, article, title) for article, title in titles]


def test_the_corpora_share_articles() -> None:
    """The counts of the corpora's README, by article number."""
    biored = {part: _articles(f"biored/{part}.PubTator") for part in ("Train", "Dev", "Test")}
    bc5cdr = {
        part: _articles(f"bc5cdr/CDR_{part}Set.PubTator.txt")
        for part in ("Training", "Development", "Test")
    }
    ncbi = {
        part: _articles(f"ncbi_disease/NCBI{part}set_corpus.txt")
        for part in ("train", "develop", "test")
    }
    tests = {"biored": biored["Test"], "bc5cdr": bc5cdr["Test"], "ncbi": ncbi["test"]}
    trains = {
        "biored train": biored["Train"],
        "biored dev": biored["Dev"],
        "bc5cdr train": bc5cdr["Training"],
        "bc5cdr dev": bc5cdr["Development"],
        "ncbi train": ncbi["train"],
        "ncbi dev": ncbi["develop"],
    }
    leakage = report(tests, trains)
    shared = {(o.train, o.test): o.articles for o in leakage.overlaps if o.articles}
    assert shared == {
        ("biored train", "bc5cdr"): 53,
        ("biored train", "ncbi"): 1,
        ("biored dev", "bc5cdr"): 16,
        ("bc5cdr train", "biored"): 10,
        ("bc5cdr dev", "biored"): 11,
        ("ncbi train", "biored"): 1,
    }
    assert len(leakage.drop_from("biored train")) == 54
