"""CMeEE-V2: Chinese medical texts with nested entities of nine types.

Source: the CBLUE benchmark, https://tianchi.aliyun.com/cblue (``CMeEE-V2_dev.json``, and where it
is there ``CMeEE-V2_train.json``). Licence: handed out after registration; redistribution unclear.
A text, made up:

    [{"text": "发热三天", "entities":
        [{"start_idx": 0, "end_idx": 1, "type": "sym", "entity": "发热"}]}]

``end_idx`` is inclusive. The paper tests on 500 development texts whose ids it does not publish;
ours are in ``cmeee_v2_held_out.txt``. Of the other 4,500, 300 are for validation and 4,200 for
training; with the registered training file it trains and all 4,500 validate.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import ClassVar

from llmner_hf.core.errors import InputError
from llmner_hf.corpora import CorpusBuilder, File, Files, Parts, chosen
from llmner_hf.readers import cmeee

HELD_OUT = Path(__file__).with_name("cmeee_v2_held_out.txt")
VALIDATION, SEED = 300, 2024


def held_out() -> set[int]:
    """The indices of the test texts in the development file, from 0."""
    lines = HELD_OUT.read_text(encoding="utf-8").splitlines()
    return {int(line) for line in lines if not line.startswith("#")}


class Builder(CorpusBuilder):
    """Chinese medical texts; nested entities of nine types; tested on 500 development texts."""

    NAME = "cmeee_v2"
    TESTED = ("development",)
    FILES: ClassVar[Files] = {
        "train": (File("CMeEE-V2_train.json", cmeee.read, 15_000, 82_649, optional=True),),
        "development": (File("CMeEE-V2_dev.json", cmeee.read, 5_000, 26_081),),
    }

    @classmethod
    def divide(cls, parts: Parts, source: Path) -> Parts:
        """The held-out texts test, the others train or validate."""
        development, test = parts["development"], held_out()
        number = len(development.examples)
        if max(test) >= number:
            raise InputError(f"{source}: {number} development texts, but {max(test)} is held out")
        rest = sorted(set(range(number)) - test)
        validation = set(random.Random(SEED).sample(rest, min(VALIDATION, len(rest) // 2)))
        if "train" in parts:
            validation = set(rest)
        train = parts.get("train") or chosen(development, set(rest) - validation)
        validating, testing = chosen(development, validation), chosen(development, test)
        return {"train": train, "validation": validating, "test": testing}


if __name__ == "__main__":
    from llmner_hf.cli import main

    sys.exit(main(["build", Builder.NAME, *sys.argv[1:]]))
