"""Small files of distributors: `samples/`, in the true shape of each, with entries of our own."""

from __future__ import annotations

import gzip
import shutil
import tarfile
from pathlib import Path

from llmner_hf.terminology.concept import Concept
from llmner_hf.terminology.sources.formats import FORMATS, format_of
from llmner_hf.terminology.sources.source import Options, Source

FOLDER = Path(__file__).parent / "samples"
PACKED = {"taxdump.tar.gz": ("names.dmp", "nodes.dmp"), "All.gene_info.gz": ("All.gene_info",)}
# File -> its format.
SAMPLES = {
    "desc2026.xml": "mesh",
    "d2026.bin": "mesh",
    "supp2026.xml": "mesh_supplementary",
    "c2026.bin": "mesh_supplementary",
    "mondo.obo": "obo",
    "mondo.json": "obo_graphs",
    "taxdump.tar.gz": "ncbi_taxonomy",
    "names.dmp": "ncbi_taxonomy",
    "All.gene_info.gz": "gene_info",
    "hgnc_complete_set.txt": "hgnc",
    "hgnc_download.tsv": "hgnc",
    "cellosaurus.txt": "cellosaurus",
    "CTD_diseases.csv": "ctd",
    "CTD_chemicals.tsv": "ctd",
    "CTD_genes.csv": "ctd",
    "MRCONSO.RRF": "umls",
    "RXNCONSO.RRF": "rxnorm",
    "icd10cm_order_2026.txt": "icd10cm",
    "icd10cm_codes_2026.txt": "icd10cm",
    "icd10cm_tabular_2026.xml": "icd10cm",
    "mine.tsv": "table",
}
BESIDE = {"names.dmp": "nodes.dmp", "MRCONSO.RRF": "MRSTY.RRF"}
# What a file of descriptors has said before a file of supplementary concepts is read.
HEADINGS = {"MESH:D000001": Concept("MESH:D000001", "Mendacine", "Chemical")}


def lay(folder: Path, name: str, content: str | bytes | None = None) -> Path:
    """Write a sample with what it needs beside it, or other content under its name."""
    path = folder / name
    if name in BESIDE:
        shutil.copy(FOLDER / BESIDE[name], folder)
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    elif name.endswith(".tar.gz"):
        with tarfile.open(path, "w:gz") as archive:
            for member in PACKED[name]:
                archive.add(FOLDER / member, member)
    elif name.endswith(".gz"):
        path.write_bytes(gzip.compress((FOLDER / PACKED[name][0]).read_bytes()))
    else:
        shutil.copy(FOLDER / name, path)
    return path


def changed(folder: Path, name: str, old: str, new: str) -> Path:
    """Write a sample in which a text stands for another."""
    content = (FOLDER / name).read_text(encoding="utf-8")
    assert old in content
    return lay(folder, name, content.replace(old, new))


def source_of(path: Path, options: Options | None = None) -> Source:
    """The file as `building.build` opens it."""
    selection = FORMATS[format_of(path)].selection
    return Source(path, options or Options(), selection, HEADINGS)


def concepts_of(source: Source) -> list[Concept]:
    """All its concepts."""
    return list(FORMATS[format_of(source.path)].read(source))
