"""GENIA: MEDLINE abstracts about transcription factors in human blood cells, in sentences.

Source: http://www.geniaproject.org/genia-corpus/term-corpus (``GENIAcorpus3.02.xml``), or
``genia_{train,dev,test}.jsonl``, the same sentences with character offsets. Licence: annotations
CC BY 3.0, GENIA Project; abstracts under PubMed's terms. A line of the JSON lines, made up, is

    {"id": "genia-dev-00000", "article": "90000001", "section": "title",
     "text": "IL-2 gene expression", "entities":
        [{"start": 0, "end": 9, "type": "DNA", "text": "IL-2 gene"},
         {"start": 0, "end": 4, "type": "protein", "text": "IL-2"}]}

(on one line). Entities nest, those of one type too. Splits are the usual ones, 81, 9 and 10 per
cent in the order of the corpus. The XML, which could be tried on a made-up file only, is divided
likewise; its types other than the five of the catalogue are dropped.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import ClassVar

from llmner_hf.corpora import CorpusBuilder, File, Files, Parts, chosen
from llmner_hf.corpora.sources import locate
from llmner_hf.readers import genia

XML = File("GENIAcorpus3.02.xml", genia.read, 18_546, None)


class Builder(CorpusBuilder):
    """Abstracts about transcription factors in human blood cells; nested entities of five types."""

    NAME = "genia"
    ARTICLES = "MEDLINE"
    TESTED = ("test", "all")
    FILES: ClassVar[Files] = {
        "train": (File("genia_train.jsonl", genia.read, 15_023, 43_769),),
        "validation": (File("genia_dev.jsonl", genia.read, 1_669, 4_370),),
        "test": (File("genia_test.jsonl", genia.read, 1_854, 5_510),),
    }

    @classmethod
    def files(cls, source: Path) -> Files:
        """The corpus's own file where it is there."""
        return {"all": (XML,)} if locate(source, XML.name) else cls.FILES

    @classmethod
    def divide(cls, parts: Parts, source: Path) -> Parts:
        """The last tenth is the test split, the nine per cent before it are for validation."""
        if "all" not in parts:
            return parts
        number = len(parts["all"].examples)
        test = number - number // 10
        validation = test - number * 9 // 100
        return {
            "train": chosen(parts["all"], range(validation)),
            "validation": chosen(parts["all"], range(validation, test)),
            "test": chosen(parts["all"], range(test, number)),
        }


if __name__ == "__main__":
    from llmner_hf.cli import main

    sys.exit(main(["build", Builder.NAME, *sys.argv[1:]]))
