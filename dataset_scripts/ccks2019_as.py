"""CCKS2019-AS: de-identified Chinese hospital records with anatomical sites.

Source: CCKS 2019 task 1, also known as Yidu-S4K, http://openkg.cn/dataset/yidu-s4k
(``subtask1_training_part1.txt``, ``subtask1_training_part2.txt``,
``subtask1_test_set_with_answer.json``). Licence: research use; redistribution unclear. A record,
made up:

    {"originalText": "腹痛三天", "entities":
        [{"label_type": "解剖部位", "overlap": 0, "start_pos": 0, "end_pos": 1}]}

(on one line; ``end_pos`` is exclusive). The other five types are dropped and counted, as in the
paper. A record is one example, as in Table I, 418 characters on average; whoever trains on them
splits the long ones. There is no validation split.
"""

from __future__ import annotations

import sys
from typing import ClassVar

from llmner_hf.corpora import CorpusBuilder, File, Files
from llmner_hf.readers import ccks


class Builder(CorpusBuilder):
    """Chinese hospital records; their anatomical sites, which do not nest. No validation split."""

    NAME = "ccks2019_as"
    FOLDERS = ("ccks2019",)
    FILES: ClassVar[Files] = {
        "train": (
            File("subtask1_training_part1.txt", ccks.read, 400, 3_604),
            File("subtask1_training_part2.txt", ccks.read, 600, 4_822),
        ),
        "test": (File("subtask1_test_set_with_answer.json", ccks.read, 379, 3_094),),
    }


if __name__ == "__main__":
    from llmner_hf.cli import main

    sys.exit(main(["build", Builder.NAME, *sys.argv[1:]]))
