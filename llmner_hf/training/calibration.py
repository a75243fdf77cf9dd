"""A tagger's selector, calibrated by what the tagger found in validation texts.

In: a tagger with its selector, gold examples, and the tagger's own predictions for them. Out: the
temperature and the thresholds (`selector.tuning`). Refused: a tagger without a selector.
"""

from __future__ import annotations

from collections.abc import Sequence

from llmner_hf.core.entities import Example, Prediction
from llmner_hf.core.errors import SettingError
from llmner_hf.selector.tuning import Tuning, tune
from llmner_hf.tagger.tagger import Tagger


def calibrate(
    tagger: Tagger,
    examples: Sequence[Example],
    predictions: Sequence[Prediction],
    batch_size: int = 64,
) -> Tuning:
    """What validation texts say about the selector of a tagger.

    Args:
        tagger: it knows the types of the examples' datasets, and has the gazetteer.
        examples: validation texts with gold entities and their dataset; ids differ.
        predictions: what the tagger alone found, one for each example, by id.
        batch_size: candidates at a time.

    Raises:
        SettingError: the tagger has no selector, or does not know a dataset.
        InputError: an example has no prediction, or the other way round.
    """
    if tagger.selector is None:
        raise SettingError("this tagger has no selector to calibrate; load it with selector=")
    schemas = {name: tagger.settings.schema(name) for name in {e.dataset for e in examples}}
    return tune(tagger.selector, examples, predictions, schemas, batch_size)
