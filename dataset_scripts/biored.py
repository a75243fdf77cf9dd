"""BioRED: PubMed abstracts with entities of six types, here in sentences.

Source: https://ftp.ncbi.nlm.nih.gov/pub/lu/BioRED/ (``BIORED.zip``: ``Train.PubTator``,
``Dev.PubTator``, ``Test.PubTator``). Licence: public domain notice of the National Library of
Medicine. An article, made up, with tabs between the columns:

    90000001|t|Aspirin and asthma.
    90000001|a|We saw asthma after aspirin.
    90000001	0	7	Aspirin	ChemicalEntity	D001241
    90000001	12	18	asthma	DiseaseOrPhenotypicFeature	D001249
    90000001	Positive_Correlation	D001241	D001249	Novel

Ends are exclusive, whatever the corpus's README says. Relations are passed over. No sentence
version is published for the test split, so the sentences are those of `core.sentences`; the paper's
Table I has 5,507 and 1,106, by a splitter that it does not name.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

from llmner_hf.corpora import CorpusBuilder, File, Files, Parts, own_sentences
from llmner_hf.readers import pubtator


class Builder(CorpusBuilder):
    """PubMed abstracts in sentences; entities of six types that do not nest."""

    NAME = "biored"
    ARTICLES = "PubMed"
    FILES: ClassVar[Files] = {
        "train": (File("Train.PubTator", pubtator.read, 400, 13_351),),
        "validation": (File("Dev.PubTator", pubtator.read, 100, 3_533),),
        "test": (File("Test.PubTator", pubtator.read, 100, 3_535),),
    }

    @classmethod
    def divide(cls, parts: Parts, source: Path) -> Parts:
        """Every abstract in sentences."""
        return {name: own_sentences(reading) for name, reading in parts.items()}


if __name__ == "__main__":
    from llmner_hf.cli import main

    sys.exit(main(["build", Builder.NAME, *sys.argv[1:]]))
