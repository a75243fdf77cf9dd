"""Dictionaries for texts that they were not learnt from: of the other folds.

In: training examples, and lenders. Out: for each example the dictionary of all folds but its own.
What a dictionary knows of the texts it was learnt from is not what it knows of new ones.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from llmner_hf.core.entities import Example
from llmner_hf.core.mentions import SURE, Dictionary, Lender


def cross_fitted(
    examples: Sequence[Example],
    folds: int,
    minimum_share: float = SURE,
    lenders: Sequence[Lender] = (),
) -> list[Dictionary]:
    """For each example a dictionary that was learnt without it: of the other folds.

    What a dictionary knows of the texts it was learnt from is not what it knows of new ones.

    Args:
        examples: the training examples.
        folds: how many; each is contiguous, since neighbours come from one document.
        minimum_share: as in ``Dictionary.learn``.
        lenders: as there; a text of the fold is not learnt from, were it theirs too.
    """
    dictionaries = []
    for fold in contiguous(len(examples), folds):
        others = [*examples[: fold.start], *examples[fold.stop :]]
        held = {example.text for example in examples[fold.start : fold.stop]}
        known = Dictionary.learn(others, minimum_share, apart(lenders, held))
        dictionaries += [known] * len(fold)
    return dictionaries


def apart(lenders: Iterable[Lender], held: Container[str]) -> list[Lender]:
    """The lenders without the texts that are held out."""
    return [([e for e in theirs if e.text not in held], types) for theirs, types in lenders]


def contiguous(rows: int, folds: int) -> list[range]:
    """The rows of each fold, contiguous and as alike in size as can be.

    >>> contiguous(7, 3)
    [range(0, 2), range(2, 4), range(4, 7)]
    """
    return [range(rows * fold // folds, rows * (fold + 1) // folds) for fold in range(folds)]
