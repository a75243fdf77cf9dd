"""Corpus files to published datasets: `build`, and the base of the six builders.

In: the folder of a corpus's distributed files, plain or compressed. Out: a folder of parquet files,
a card and a report, which `datasets.load_dataset` reads. On the way labels get the catalogue's
names, articles are split into sentences that keep the original characters, every offset is
checked, sizes are set beside the paper's Table I, and what stands in the test split of any of the
six corpora is dropped from training. Everything that is dropped, joined or merged is counted.
"""

from llmner_hf.corpora.builder import CorpusBuilder, CorpusConfig, Parts, builder
from llmner_hf.corpora.publishing import build
from llmner_hf.corpora.report import BuildReport
from llmner_hf.corpora.sources import (
    File,
    Files,
    by_sentences,
    chosen,
    own_sentences,
    published_sentences,
)

__all__ = [
    "BuildReport",
    "CorpusBuilder",
    "CorpusConfig",
    "File",
    "Files",
    "Parts",
    "build",
    "builder",
    "by_sentences",
    "chosen",
    "own_sentences",
    "published_sentences",
]
