"""``python -m tests.torture.training BASE RUN``: a small run of training."""

import sys

from llmner_hf.training.tagger.run import train
from tests.doubles.tuning import (
    EXAMPLES,
    model_settings,
    optimisation,
    scored_by,
    settings,
    tagged,
)


def main() -> None:
    """Train, or go on."""
    base, run = sys.argv[1:]
    with scored_by(None):
        own = settings(allowed_share=0.5, word_dropout=0.2, pack=3)
        stated = optimisation(run, 60, save_steps=7, save_total_limit=2)
        train(own, stated, model_settings(base, "full"), {"ours": tagged(EXAMPLES)})


if __name__ == "__main__":
    main()
