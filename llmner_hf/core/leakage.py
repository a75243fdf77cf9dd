"""Leakage: the articles and texts of a test split that a training split holds as well.

In: for each corpus its training and its test passages, as id, article and text. Sentences are
compared where the passages are sentences. Out: for each pair of corpora the articles and the texts
that stand in both splits, and the training examples to drop. BioRED, BC5CDR and NCBI Disease share
abstracts, so training on one and testing on another leaks. Texts are compared without case, blanks
and forms of width, and only from a length on: stock sentences ("Case report.") are no leak.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from llmner_hf.core.writing import caseless, has_ideograph

# The id of an example, the id of its article where it has one, and its text. Articles are compared
# across corpora: ids of another series than PubMed's need a prefix (GENIA's are MEDLINE's).
Passage = tuple[str, str | None, str]

# The shortest texts that count, in characters without blanks. Ours: what unrelated abstracts share
# ("These results are discussed.") is hardly longer, and Chinese says more in a character.
MINIMUM_LENGTH, MINIMUM_CHINESE_LENGTH = 25, 10
_Mark = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Overlap:
    """What the training split of one corpus shares with the test split of another, or its own.

    Attributes:
        train: the corpus of the training split.
        test: the corpus of the test split.
        articles: how many articles stand on both sides.
        texts: how many different texts stand on both sides.
        drop: the ids of the training examples with an article or a text of these.
    """

    train: str
    test: str
    articles: int
    texts: int
    drop: frozenset[str]


@dataclass(frozen=True, slots=True)
class Leakage:
    """One overlap for each pair of a training and a test split, also where nothing is shared."""

    overlaps: tuple[Overlap, ...]

    def drop_from(self, train: str) -> frozenset[str]:
        """The ids of the training examples of a corpus that stand in a test split."""
        own = (overlap.drop for overlap in self.overlaps if overlap.train == train)
        return frozenset().union(*own)

    def as_markdown(self) -> str:
        """Two tables, across corpora and within them, of the pairs that share anything."""
        across = [overlap for overlap in self.overlaps if overlap.train != overlap.test]
        within = [overlap for overlap in self.overlaps if overlap.train == overlap.test]
        return f"Across corpora:\n\n{_table(across)}\n\nWithin a corpus:\n\n{_table(within)}\n"


def report(
    tests: Mapping[str, Sequence[Passage]], trains: Mapping[str, Sequence[Passage]]
) -> Leakage:
    """What each training split holds of each test split.

    >>> tests = {"own": [("t1", "77", "The patient took aspirin for three days.")]}
    >>> trains = {"other": [("a", "77", "Aspirin."), ("b", "78", "Another article.")]}
    >>> report(tests, trains).drop_from("other")
    frozenset({'a'})
    """
    tested = {name: _union(_marks(passage) for passage in tests[name]) for name in tests}
    trained = {name: [(passage[0], _marks(passage)) for passage in trains[name]] for name in trains}
    return Leakage(
        tuple(
            _overlap(train, test, passages, seen)
            for train, passages in trained.items()
            for test, seen in tested.items()
        )
    )


def normalise(text: str) -> str:
    r"""The form in which texts are compared, empty where the text is too short to count.

    >>> normalise("Ａspirin was given\n to 12 patients.")
    'aspirinwasgivento12patients.'
    >>> normalise("Case report.")
    ''
    """
    solid = "".join(caseless(text, "NFKC").split())
    minimum = MINIMUM_CHINESE_LENGTH if has_ideograph(solid) else MINIMUM_LENGTH
    return solid if len(solid) >= minimum else ""


def _marks(passage: Passage) -> frozenset[_Mark]:
    """What a passage can be recognised by: its article, its text."""
    _, article, text = passage
    marks = {("article", article or ""), ("text", normalise(text))}
    return frozenset(mark for mark in marks if mark[1])


def _union(sets: Iterable[frozenset[_Mark]]) -> frozenset[_Mark]:
    """The marks of all passages together."""
    return frozenset(mark for marks in sets for mark in marks)


def _overlap(
    train: str, test: str, passages: Sequence[tuple[str, frozenset[_Mark]]], seen: frozenset[_Mark]
) -> Overlap:
    """The overlap of training passages with the marks of a test split."""
    shared = _union(marks for _, marks in passages) & seen
    kinds = [kind for kind, _ in shared]
    drop = frozenset(name for name, marks in passages if marks & shared)
    return Overlap(train, test, kinds.count("article"), kinds.count("text"), drop)


def _table(overlaps: Iterable[Overlap]) -> str:
    """A Markdown table of the overlaps that are not empty, or a sentence in its place."""
    rows = [
        f"| {o.train} | {o.test} | {o.articles:,} | {o.texts:,} | {len(o.drop):,} |"
        for o in overlaps
        if o.drop
    ]
    head = [
        "| train | test | shared articles | shared texts | training examples |",
        "|---|---|---:|---:|---:|",
    ]
    return "\n".join([*head, *rows]) if rows else "Nothing is shared."
