"""Cross-fitting: for every training text a dictionary that was learnt without it.

In: training examples, and auxiliary sources. Out: for each example the dictionary of all folds but
its own. A dictionary knows every mention of the texts it was learnt from. Of new texts it knows
some, and a model has to be trained with what a dictionary says of new texts.
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
    """For each example the dictionary of the other folds.

    Args:
        examples: the training examples.
        folds: how many folds; each is contiguous, since neighbours come from one document.
        minimum_share: as in ``Dictionary.learn``.
        lenders: auxiliary sources; their examples with a text of the fold are left out.
    """
    dictionaries = []
    for fold in contiguous(len(examples), folds):
        others = [*examples[: fold.start], *examples[fold.stop :]]
        held = {example.text for example in examples[fold.start : fold.stop]}
        known = Dictionary.learn(others, minimum_share, apart(lenders, held))
        dictionaries += [known] * len(fold)
    return dictionaries


def apart(lenders: Iterable[Lender], held: Container[str]) -> list[Lender]:
    """The auxiliary sources without the examples whose texts are held out."""
    return [([e for e in theirs if e.text not in held], types) for theirs, types in lenders]


def contiguous(rows: int, folds: int) -> list[range]:
    """The rows of each fold, contiguous and as alike in size as can be.

    >>> contiguous(7, 3)
    [range(0, 2), range(2, 4), range(4, 7)]
    """
    return [range(rows * fold // folds, rows * (fold + 1) // folds) for fold in range(folds)]
