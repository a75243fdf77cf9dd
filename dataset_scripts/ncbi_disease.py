"""NCBI-Disease: PubMed abstracts with their diseases, here in sentences.

Source: https://www.ncbi.nlm.nih.gov/CBBresearch/Dogan/DISEASE/
(``NCBI{train,develop,test}set_corpus.txt``), and for the sentences
``conll/{train,devel,test}.tsv`` of https://github.com/cambridgeltl/MTL-Bioinformatics-2016
(``data/NCBI-disease-IOB``). Licence: public domain notice of the National Library of Medicine; the
sentence version CC BY 4.0. An article, made up, with tabs between the columns:

    90000001|t|Asthma in families.
    90000001|a|We saw familial asthma.
    90000001	0	6	Asthma	SpecificDisease	D001249
    90000001	27	42	familial asthma	Modifier	D001249

The four types are one here, Disease. The training file holds one article twice (8528200, 11
mentions each time): it is kept once, as in the published sentence version, so that 5,134 of its
5,145 mentions remain. Only the breaks of that version are used, put onto the original characters.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

from llmner_hf.corpora import CorpusBuilder, File, Files, Parts, published_sentences
from llmner_hf.readers import pubtator

SENTENCES = {"train": "conll/train.tsv", "validation": "conll/devel.tsv", "test": "conll/test.tsv"}


class Builder(CorpusBuilder):
    """PubMed abstracts in sentences; their diseases, which do not nest."""

    NAME = "ncbi_disease"
    ARTICLES = "PubMed"
    FILES: ClassVar[Files] = {
        "train": (File("NCBItrainset_corpus.txt", pubtator.read, 592, 5_134),),
        "validation": (File("NCBIdevelopset_corpus.txt", pubtator.read, 100, 787),),
        "test": (File("NCBItestset_corpus.txt", pubtator.read, 100, 960),),
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
