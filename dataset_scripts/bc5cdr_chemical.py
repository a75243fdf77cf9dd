"""BC5CDR-Chemical: PubMed abstracts with their chemicals, here in sentences.

Source: https://biocreative.bioinformatics.udel.edu/tasks/biocreative-v/track-3-cdr/
(``CDR_{Training,Development,Test}Set.PubTator.txt``), and for the sentences
``conll/{train,devel,test}.tsv`` of https://github.com/cambridgeltl/MTL-Bioinformatics-2016
(``data/BC5CDR-chem-IOB``). Licence: public BioCreative V release, for public research; the sentence
version CC BY 4.0. An article, made up, with tabs between the columns:

    90000001|t|Aspirin and asthma.
    90000001|a|We saw asthma after aspirin.
    90000001	0	7	Aspirin	Chemical	D001241
    90000001	12	18	asthma	Disease	D001249
    90000001	CID	D001241	D001249

Diseases are dropped and counted, as in the paper. The published sentence version is tokenised; only
its breaks are used, put onto the original characters, which gives Table I's 9,141 and 4,797.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

from llmner_hf.corpora import CorpusBuilder, File, Files, Parts, published_sentences
from llmner_hf.readers import pubtator

SENTENCES = {"train": "conll/train.tsv", "validation": "conll/devel.tsv", "test": "conll/test.tsv"}


class Builder(CorpusBuilder):
    """PubMed abstracts in sentences; their chemicals, which do not nest."""

    NAME = "bc5cdr_chemical"
    FOLDERS = ("bc5cdr",)
    ARTICLES = "PubMed"
    FILES: ClassVar[Files] = {
        "train": (File("CDR_TrainingSet.PubTator.txt", pubtator.read, 500, 5_203),),
        "validation": (File("CDR_DevelopmentSet.PubTator.txt", pubtator.read, 500, 5_347),),
        "test": (File("CDR_TestSet.PubTator.txt", pubtator.read, 500, 5_385),),
    }

    @classmethod
    def divide(cls, parts: Parts, source: Path) -> Parts:
        """Every abstract in the published sentences."""
        return {
            name: published_sentences(reading, source, SENTENCES[name])
            for name, reading in parts.items()
        }


if __name__ == "__main__":
    from llmner_hf.cli import main

    sys.exit(main(["build", Builder.NAME, *sys.argv[1:]]))
