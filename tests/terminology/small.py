"""A small terminology of our own: names that no text has, in the shapes that real ones have."""

from __future__ import annotations

from llmner_hf.terminology.concept import About, Concept
from llmner_hf.terminology.store import Terminology

HUMAN, MOUSE = "NCBITaxon:9606", "NCBITaxon:10090"
CONCEPTS = (
    Concept("MESH:D1", "Mendacine", "Chemical", ("MX-23", "Mendacinum")),
    Concept("MESH:D2", "Zibotane Hydrochloride", "Chemical", ("Zibotane HCl", "ZBT")),
    Concept("MESH:D3", "Calcium", "Chemical"),
    Concept("MESH:D4", "Sulking Disorder", "Disease", ("sulks",), same=("OMIM:100",)),
    Concept("MESH:D5", "Neoplasms of the Thumb", "Disease", ("thumb cancer", "thumb carcinoma")),
    Concept("MESH:D6", "Elbow Neoplasms", "Disease", ("elbow cancer", "elbow carcinoma")),
    Concept("MESH:D7", "Kneecap Carcinoma", "Disease", borrowed=("malignant kneecap",)),
    Concept("OMIM:101", "Grumbling syndrome type 2", "Disease", ("GRS2",), ("MESH:D4",)),
    Concept("MONDO:1", "grumbling syndrome type 3", "Disease", learnt=("the long grumbles",)),
    Concept("NCBIGene:1", "GRMB1", "Gene", ("grumblin 1", "p99"), (HUMAN,)),
    Concept("NCBIGene:2", "Grmb1", "Gene", ("grumblin 1",), (MOUSE,)),
    Concept("NCBIGene:3", "GRMB2", "Gene", ("grumblin 2",), (HUMAN,)),
)
ABOUT = About("small", "7", "CC0 1.0", "ours", ("small.py",), {"left out": 3})


def small() -> Terminology:
    """Its store."""
    return Terminology.of(CONCEPTS, ABOUT)
