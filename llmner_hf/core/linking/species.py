"""The organisms that a text speaks of, as far as its genes go.

In: a text. Out: the NCBI Taxonomy ids of the model organisms that it names. A symbol such as
``Trp53`` or ``IL-10`` names a gene of each of them, and only the text tells which.
"""

from __future__ import annotations

import re

_WORDS = {
    "NCBITaxon:9606": "human humans patient patients man men woman women child children infant "
    "infants adult adults people person persons family families participants volunteers",
    "NCBITaxon:10090": "mouse mice murine",
    "NCBITaxon:10116": "rat rats",
    "NCBITaxon:7955": "zebrafish",
    "NCBITaxon:7227": "drosophila",
    "NCBITaxon:6239": "elegans",
    "NCBITaxon:559292": "yeast cerevisiae",
    "NCBITaxon:9986": "rabbit rabbits",
    "NCBITaxon:9913": "bovine cow cows cattle",
    "NCBITaxon:9823": "pig pigs porcine",
    "NCBITaxon:9615": "dog dogs canine",
}
_TAXA = {word: taxon for taxon, words in _WORDS.items() for word in words.split()}
_CHINESE = {"患者": "NCBITaxon:9606", "小鼠": "NCBITaxon:10090", "大鼠": "NCBITaxon:10116"}
_WORD = re.compile("[a-z]+")


def taxa(text: str) -> frozenset[str]:
    """The taxa whose words stand in a text.

    >>> sorted(taxa("Mice and rats were treated.")), taxa("TP53 was silenced.")
    (['NCBITaxon:10090', 'NCBITaxon:10116'], frozenset())
    """
    words = set(_WORD.findall(text.lower()))
    found = {taxon for word, taxon in _TAXA.items() if word in words}
    return frozenset(found | {taxon for word, taxon in _CHINESE.items() if word in text})
