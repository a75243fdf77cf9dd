"""Types of corpora as terminologies call them.

In: the label of an entity. Out: the type of the concepts that it can mean: terminologies say
"Chemical" where corpora say ``ChemicalEntity``, ``药物`` or ``Simple_chemical``.
"""

from __future__ import annotations

from collections.abc import Sequence

_LABELS = {
    "Chemical": "chemical chemicalentity simplechemical drug medication compound 药物 药品",
    "Disease": "disease diseaseorphenotypicfeature specificdisease diseaseclass modifier phenotype "
    "compositemention symptom cancer disorder 疾病 疾病和诊断 临床表现 症状",
    "Gene": "gene geneorgeneproduct protein dna rna geneprotein familyname 基因 蛋白",
    "Species": "species organism organismtaxon taxon 微生物类 物种",
    "CellLine": "cellline 细胞系",
    "CellType": "celltype cell 细胞",
    "Anatomy": "anatomy organ tissue anatomicalsite multitissuestructure 身体 解剖部位",
    "Variant": "variant sequencevariant mutation snp dnamutation proteinmutation 变异",
}
_TYPES = {label: name for name, labels in _LABELS.items() for label in labels.split()}


def type_of(label: str, known: Sequence[str]) -> str | None:
    """The type of a terminology that a label means; None where it has no such type.

    Args:
        label: of an entity.
        known: the types of the terminology. A label that no corpus has means the only one.

    >>> type_of("ChemicalEntity", ["Chemical", "Disease"]), type_of("药物", ["Chemical"])
    ('Chemical', 'Chemical')
    >>> type_of("Hospital", ["Chemical", "Hospital"]), type_of("Gene", ["Chemical"])
    ('Hospital', None)
    """
    if label in known:
        return label
    folded = "".join(character for character in label.casefold() if character.isalnum())
    by_name = {name.casefold(): name for name in known}
    if folded in by_name:
        return by_name[folded]
    meant = _TYPES.get(folded)
    return meant if meant in known else None
