"""Published sentences: found again in the originals, whatever the blanks and the order."""

import lzma
import re
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmner_hf.core.entities import Entity
from llmner_hf.core.errors import InputError
from llmner_hf.core.published import align_breaks, assign
from llmner_hf.core.sentences import join_over, split


@st.composite
def published(draw: st.DrawFn) -> tuple[str, list[list[str]], list[tuple[int, int]]]:
    """A text, its tokenised version with other blanks, and where its sentences are."""
    token = st.text(st.sampled_from("ab.,-(α癌"), min_size=1, max_size=3)
    sentences = draw(st.lists(st.lists(token, min_size=1, max_size=4), min_size=1, max_size=4))
    blank = st.sampled_from(["", " ", "  ", "\n"])
    text, spans = draw(blank), []
    for tokens in sentences:
        start = len(text)
        for place, one in enumerate(tokens):
            text += (draw(blank) if place else "") + one
        spans.append((start, len(text)))
        text += draw(blank)
    return text, sentences, spans


@given(published())
def test_align_breaks_finds_them(case: tuple[str, list[list[str]], list[tuple[int, int]]]) -> None:
    """The published sentences, with the offsets of the original, whatever the blanks."""
    text, sentences, spans = case
    assert list(align_breaks(text, sentences)) == spans


def test_align_breaks_refuses_other_characters() -> None:
    """The message names the sentence, the token and the place."""
    with pytest.raises(InputError, match=r"sentence 2: 'Q' is not at 5, where .* 'b c\.'"):
        align_breaks("a a. b c.", [["a", "a."], ["Q", "c."]])
    with pytest.raises(InputError, match=r"sentence 1: 'b' is not at 2, where .* ''"):
        align_breaks("a ", [["a", "b"]])
    with pytest.raises(InputError, match=r"no published sentence for 'b c\.' at 5"):
        align_breaks("a a. b c.", [["a", "a", "."]])
    with pytest.raises(InputError, match="published sentence 1 is empty"):
        align_breaks("a", [[], ["a"]])


@given(st.lists(published(), max_size=5).flatmap(lambda cases: st.permutations(cases)), st.data())
def test_assign_in_any_order(cases: list, data: st.DataObject) -> None:
    """Texts in another order than their sentences get their own."""
    named = [(f"#{n}# {text}", [[f"#{n}#", *s[0]], *s[1:]]) for n, (text, s, _) in enumerate(cases)]
    shuffled = data.draw(st.permutations(named))
    spans = assign([text for text, _ in shuffled], [s for _, ss in named for s in ss])
    expected = [align_breaks(text, sentences) for text, sentences in shuffled]
    assert list(spans) == expected


def test_assign_prefers_the_longest_and_the_first() -> None:
    """A text that begins like another; a text that stands twice; a blank text."""
    texts = ["A.", "A. B.", "A. B.", " "]
    assert assign(texts, [["A."], ["B."], ["A."]]) == (((0, 2),), ((0, 2), (3, 5)), (), ())
    assert assign([], []) == ()


def test_assign_refuses() -> None:
    """Sentences of no text, and texts without sentences."""
    with pytest.raises(InputError, match=r"published sentence 2 \('C\.'\): no text"):
        assign(["A.", "B."], [["A."], ["C."]])
    with pytest.raises(InputError, match=r"text 1 \('B\.'\) has no published sentences"):
        assign(["A.", "B."], [["A."]])
    with pytest.raises(InputError, match="no text that is left"):
        assign(["A."], [["A."], ["A."]])


def _tokenised(path: Path) -> list[list[str]]:
    """The sentences of a CoNLL file, as tokens."""
    with lzma.open(path, "rt", encoding="utf-8") as file:
        rows = [line.split("\t")[0].strip() for line in file]
    return [list(rows) for filled, rows in groupby(rows, bool) if filled]


def _documents(path: Path) -> list[tuple[str, list[Entity]]]:
    """The texts of a PubTator file with their mentions."""
    with lzma.open(path, "rt", encoding="utf-8", newline="") as file:
        blocks = re.split(r"\n\s*\n", file.read().replace("\r\n", "\n").strip("\n"))
    documents = []
    for block in blocks:
        title, abstract, *rows = block.strip("\n").split("\n")
        cells = [row.split("\t") for row in rows]
        text = f"{title.split('|t|', 1)[1]} {abstract.split('|a|', 1)[1]}"
        spans = [Entity(int(c[1]), int(c[2]), c[4]) for c in cells if len(c) > 5]
        documents.append((text, spans))
    return documents


@pytest.mark.parametrize(
    ("conll", "original", "sentences", "without"),
    [
        ("bc5cdr/conll/train", "bc5cdr/CDR_TrainingSet.PubTator", 4_560, 0),
        ("bc5cdr/conll/devel", "bc5cdr/CDR_DevelopmentSet.PubTator", 4_581, 0),
        ("bc5cdr/conll/test", "bc5cdr/CDR_TestSet.PubTator", 4_797, 0),
        ("ncbi_disease/conll/train", "ncbi_disease/NCBItrainset_corpus", 5_424, 1),
        ("ncbi_disease/conll/devel", "ncbi_disease/NCBIdevelopset_corpus", 923, 0),
        ("ncbi_disease/conll/test", "ncbi_disease/NCBItestset_corpus", 940, 0),
    ],
)
def test_published_sentences(
    shared: Path, conll: str, original: str, sentences: int, without: int
) -> None:
    """Table I's sentences with the offsets of the originals; no break lies in an entity."""
    folder = shared / "corpora"
    paths = folder / f"{conll}.tsv.xz", folder / f"{original}.txt.xz"
    if not all(path.exists() for path in paths):
        pytest.skip(f"{paths[0]} and {paths[1]} are not to be had: set LLMNER_SHARED")
    documents = _documents(paths[1])
    spans = assign([text for text, _ in documents], _tokenised(paths[0]))
    assert sum(map(len, spans)) == sentences
    assert spans.count(()) == without
    for (_, entities), found in zip(documents, spans, strict=True):
        kept = [e for e in entities if "bc5cdr" not in conll or e.label == "Chemical"]
        assert not found or join_over(found, kept) == (found, 0)
    if "bc5cdr" in conll:
        own = [split(text, "en") for text, _ in documents]
        pairs = list(zip(own, spans, strict=True))
        right = sum(len({e for _, e in one} & {e for _, e in other}) for one, other in pairs)
        assert right / sum(map(len, own)) > 0.99
        assert right / sentences > 0.99
