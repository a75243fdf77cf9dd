"""The six corpora: language, label set with definitions, nesting, sizes, licence.

Names and definitions are in the corpus's language. The Chinese names are those of the paper's
prompts (section II-A); the definitions are ours. Sizes stand as the paper's Table I prints them,
beside what the distributed files hold and why the two differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from llmner_hf.core.entities import EntityType, LabelSet, Language
from llmner_hf.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Size:
    """Sentences (or records) and entities as the paper's Table I prints them."""

    train: int
    test: int
    entities: int


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is known about a corpus before a file of it is opened.

    Attributes:
        name: the key of ``CORPORA``, the argument of ``llmner build``, the name of the dataset.
        title: the corpus's own name, as prompts and cards write it.
        source_names: the label in the distributed files -> the name of the type here.
        nested: whether its entities nest.
        licence: the terms as its distributors state them.
        redistributable: whether these terms allow publishing it anew without asking.
        printed: Table I of the paper.
        remark: why the files hold other numbers than Table I.
    """

    name: str
    title: str
    language: Language
    labels: LabelSet
    source_names: Mapping[str, str] = field(hash=False)
    nested: bool
    licence: str
    redistributable: bool
    printed: Size
    remark: str
    citation: str


def _corpus(types: dict[str, tuple[str, str]], **facts: object) -> Corpus:
    """A corpus from {label in the files: (name here, definition)}."""
    unique = {name: definition for name, definition in types.values()}
    labels = LabelSet(tuple(EntityType(name, text) for name, text in unique.items()))
    sources = MappingProxyType({source: name for source, (name, _) in types.items()})
    return Corpus(labels=labels, source_names=sources, **facts)  # type: ignore[arg-type]


_DISEASE = (
    "an abnormal condition of the body or mind: a disease, syndrome, injury, symptom or abnormal "
    "finding, named in full, shortened, or used to describe another noun"
)

_ALL = (
    _corpus(
        {
            "mic": ("微生物类", "细菌、病毒、真菌、支原体、衣原体、寄生虫等病原体及其分类名称"),
            "equ": ("医疗设备", "用于检查、治疗或辅助功能的仪器、器械、导管、假体和耗材"),
            "dru": ("药物", "用于预防、诊断或治疗的物质，包括药品、疫苗、生物制剂及其类别名称"),
            "pro": ("医疗程序", "由医务人员实施的检查、治疗、手术、护理和预防措施"),
            "sym": ("临床表现", "患者的症状、体征以及检查所见的异常，可以包含其他实体"),
            "bod": ("身体", "身体部位、器官、组织、细胞、体液以及体内的分子和基因"),
            "ite": ("医学检验项目", "对体液、组织或功能进行测量的项目和指标的名称"),
            "dep": ("科室", "医疗机构中按专业划分的部门"),
            "dis": ("疾病", "使身体或精神偏离健康状态的疾病、综合征、损伤、中毒和畸形"),
        },
        name="cmeee_v2",
        title="CMeEE-V2",
        language="zh",
        nested=True,
        licence="CBLUE benchmark, handed out after registration; redistribution unclear",
        redistributable=False,
        printed=Size(15_000, 500, 82_649),
        remark="the paper tests on 500 of the 5,000 development texts, ids unpublished; ours are "
        "fixed in dataset_scripts/cmeee_v2_held_out.txt, and the other 4,500 train where the "
        "registered training file is not given",
        citation="Zhang et al., CBLUE: A Chinese Biomedical Language Understanding Evaluation "
        "Benchmark, ACL 2022",
    ),
    _corpus(
        {"解剖部位": ("解剖部位", "疾病、症状和体征发生的人体解剖学部位")},
        name="ccks2019_as",
        title="CCKS2019-AS",
        language="zh",
        nested=False,
        licence="CCKS 2019 task 1 (Yidu-S4K), research use; redistribution unclear",
        redistributable=False,
        printed=Size(1_000, 379, 17_653),
        remark="17,653 counts all six types of the training records; anatomical sites are 8,426",
        citation="Han et al., Overview of the CCKS 2019 Knowledge Graph Evaluation Track, 2020",
    ),
    _corpus(
        {
            "protein": (
                "protein",
                "a protein or a group of them: families, complexes, subunits, domains and "
                "peptides, with cytokines, receptors, enzymes and transcription factors",
            ),
            "DNA": (
                "DNA",
                "deoxyribonucleic acid: genes, promoters, enhancers, binding sites, motifs, "
                "chromosomes, plasmids and constructs",
            ),
            "RNA": ("RNA", "ribonucleic acid: messenger RNAs, transcripts and other RNA molecules"),
            "cell_line": ("cell_line", "cells kept in culture: named lines, clones and cultures"),
            "cell_type": ("cell_type", "a kind of cell as it occurs in an organism"),
        },
        name="genia",
        title="GENIA",
        language="en",
        nested=True,
        licence="annotations CC BY 3.0 (GENIA Project); abstracts under PubMed terms",
        redistributable=True,
        printed=Size(16_692, 1_854, 50_509),
        remark="train here comes from files with one type each, which keep only the outermost of "
        "spans nested in a span of the same type: 48,139 entities, about 5 % fewer",
        citation="Kim et al., GENIA corpus: a semantically annotated corpus for bio-textmining, "
        "Bioinformatics 2003",
    ),
    _corpus(
        {
            "GeneOrGeneProduct": (
                "Gene",
                "a gene or what it makes: RNA, protein, protein family or complex",
            ),
            "DiseaseOrPhenotypicFeature": ("Disease", _DISEASE),
            "ChemicalEntity": (
                "Chemical",
                "a drug, an element, an ion, a small molecule or a class of these",
            ),
            "SequenceVariant": (
                "Variant",
                "a change of a DNA, RNA or protein sequence: a mutation, a polymorphism, an "
                "identifier of one",
            ),
            "OrganismTaxon": ("Species", "a species or another taxon, patients and mice included"),
            "CellLine": ("CellLine", "a named line of cells kept in culture"),
        },
        name="biored",
        title="BioRED",
        language="en",
        nested=False,
        licence="public domain notice of the National Library of Medicine",
        redistributable=True,
        printed=Size(5_507, 1_106, 1_688),
        remark="1,688 is 16,884 less its last digit; sentence counts depend on the splitter",
        citation="Luo et al., BioRED: a rich biomedical relation extraction dataset, Briefings in "
        "Bioinformatics 2022",
    ),
    _corpus(
        {
            "Chemical": (
                "Chemical",
                "a drug or chemical: a small molecule, element, ion, or a class of these, by "
                "systematic, generic, trade or shortened name",
            )
        },
        name="bc5cdr_chemical",
        title="BC5CDR-Chemical",
        language="en",
        nested=False,
        licence="public BioCreative V release, for public research",
        redistributable=True,
        printed=Size(9_141, 4_797, 10_550),
        remark="equal",
        citation="Li et al., BioCreative V CDR task corpus: a resource for chemical disease "
        "relation extraction, Database 2016",
    ),
    _corpus(
        {
            "SpecificDisease": ("Disease", _DISEASE),
            "DiseaseClass": ("Disease", _DISEASE),
            "Modifier": ("Disease", _DISEASE),
            "CompositeMention": ("Disease", _DISEASE),
        },
        name="ncbi_disease",
        title="NCBI-Disease",
        language="en",
        nested=False,
        licence="public domain notice of the National Library of Medicine",
        redistributable=True,
        printed=Size(6_347, 940, 5_921),
        remark="equal",
        citation="Doğan et al., NCBI disease corpus: a resource for disease name recognition and "
        "concept normalization, Journal of Biomedical Informatics 2014",
    ),
)

CORPORA: Mapping[str, Corpus] = MappingProxyType({corpus.name: corpus for corpus in _ALL})


def corpus(name: str) -> Corpus:
    """The corpus of that name.

    Raises:
        InputError: there is none.

    >>> corpus("genia").labels.names
    ('protein', 'DNA', 'RNA', 'cell_line', 'cell_type')
    """
    try:
        return CORPORA[name]
    except KeyError:
        raise InputError(f"unknown corpus {name!r}; known are {', '.join(CORPORA)}") from None
