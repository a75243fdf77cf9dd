"""Hypothesis strategies for hostile texts, label sets and entities, shared by the tests.

Texts favour what breaks formats: brackets, backslashes, quotes, angle brackets, colons, every
Unicode blank, line breaks, emoji, combining marks, ideographs, astral characters, lone surrogates,
and whole strings that look like tags, headers or items. Entities nest, touch, share a span.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import strategies as st

from llmner_hf.core.entities import RESERVED_IN_NAMES, Entity, EntityType, LabelSet, ordered
from llmner_hf.core.schema import Schema

_BLANKS = "".join(chr(c) for c in range(0x3001) if chr(c).isspace())
_MARKS = "[](){}<>/\\\"'`:：;&,，.。!-_*#|&=+"
_LETTERS = "aAbBxxIL2ßﬁ½㎎患者心脏病ＡＢ"
_HARD = "\u0301\u200b\u200d\ufeff\u00ad\x00\x7f\ud800\udfff\U0001f9ec👩\u202e\U00020000\ue236"
_PHRASES = (
    "<DNA:x>", "</DNA:x>", "<DNA:x>x</DNA:x>", "<DNA:", "&lt;", "&gt;", "&lt;DNA:", "<<DNA:x>",
    "DNA: [x]", "\nDNA: ", "[[x] x]", '{"start_idx": 0', '"entity": "x"}', "<think>", "</think>",
    "<|im_end|>", "```json\n", "<sup>2</sup>", "IL-2", "x x", "xx",
)  # fmt: skip
NAMES = ("DNA", "x", "cell_type", "疾病", "&lt;DNA", "/DNA", "a b", "-", "DNA 2", "dna")


def number(quick: int, thorough: int) -> int:
    """How many examples to try: few, or many with the Hypothesis profile ``thorough``."""
    return thorough if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else quick


def untitled(labels: LabelSet) -> Schema:
    """A user's own types."""
    return Schema("", "en", labels)


def texts(max_parts: int = 24) -> st.SearchStrategy[str]:
    """Texts of single characters and of phrases that look like marks."""
    part = st.one_of(
        st.sampled_from(_MARKS),
        st.sampled_from(_LETTERS),
        st.sampled_from(_BLANKS),
        st.sampled_from(_HARD),
        st.sampled_from(_PHRASES),
        st.characters(),
    )
    return st.lists(part, max_size=max_parts).map("".join)


def plain_texts(max_words: int = 12) -> st.SearchStrategy[str]:
    """Texts of words and punctuation with single spaces, as sentences are, with repetitions."""
    words = ("IL-2", "gene", "the", "of", "NF-kappa", "B", '"x"', "CD28,", "(T)", "心脏病", "患者")
    return st.lists(st.sampled_from(words), min_size=1, max_size=max_words).map(" ".join)


def names() -> st.SearchStrategy[str]:
    """Any name that a type can have."""
    own = st.text(st.characters(exclude_characters=RESERVED_IN_NAMES), min_size=1, max_size=6)
    free = own.map(str.strip).filter(lambda name: name and name.isprintable())
    return st.sampled_from(NAMES) | free


def label_sets() -> st.SearchStrategy[LabelSet]:
    """One to five types."""
    chosen = st.lists(names(), min_size=1, max_size=5, unique=True)
    return chosen.map(lambda found: LabelSet(tuple(EntityType(name) for name in found)))


@dataclass(frozen=True)
class Case:
    """A text, its entities and the label set; what a codec takes."""

    text: str
    entities: tuple[Entity, ...]
    labels: LabelSet


CONCEPTS = (
    "MESH:D001241", "MESH:C535662", "NCBIGene:672", "NCBITaxon:9606", "OMIM:612446", "CVCL:6E77",
    "dbSNP:rs334", "tmVar:c|SUB|G|IVS3+1|A", "tmVar:|INS|1_2|A", "HGVS:c.76+1G>A", "UMLS:C0021390",
    "HP:0000118", "Mine:1",
)  # fmt: skip


def concept_ids(free: bool = False) -> st.SearchStrategy[list[str]]:
    """Ids of concepts, none to three; free ones hold any marks."""
    known = st.sampled_from(CONCEPTS)
    parts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=5).filter(
        lambda part: not any(c.isspace() for c in part)
    )
    own = st.tuples(parts, parts).map(":".join).filter(lambda id: all(id.partition(":")))
    return st.lists(known | own if free else known, max_size=3, unique=True)


@st.composite
def spans(draw: st.DrawFn, length: int) -> list[tuple[int, int]]:
    """Spans of a text of that length: free ones, a nest up to eight deep, a chain that touches."""
    if not length:
        return []
    cuts = sorted(draw(st.sets(st.integers(0, length), max_size=16)))
    nest = [(a, b) for a, b in zip(cuts, reversed(cuts), strict=True) if a < b]
    chain = list(pairwise(cuts))
    place = st.integers(0, length)
    free = draw(st.lists(st.tuples(place, place).filter(lambda span: span[0] < span[1])))
    return draw(st.sampled_from([nest, chain, free, nest + chain, nest + free]))


@st.composite
def cases(
    draw: st.DrawFn,
    text: st.SearchStrategy[str] | None = None,
    crossing: bool = False,
) -> Case:
    """A text with entities; without ``crossing`` no two of them cross, whatever their types."""
    source = draw(texts() if text is None else text)
    labels = draw(label_sets())
    kept: list[Entity] = []
    for start, end in draw(spans(len(source))):
        for label in draw(st.sets(st.sampled_from(labels.names), min_size=1, max_size=2)):
            entity = Entity(start, end, label)
            if crossing or not any(entity.crosses(other) for other in kept):
                kept.append(entity)
    return Case(source, ordered(kept), labels)
