"""Common names in sentences of five kinds: how many are found, without and with a terminology.

    python benchmarks/names.py --terms all.safetensors

Each name stands in a statement, a list, an order, a question and a table. It is found when an
entity of exactly its characters has a type that means what it is. The names and the sentences were
written for this benchmark and chosen without looking at any result; no corpus was asked.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llmner_hf import Terminology, pipeline
from llmner_hf.core.linking.types import type_of

ENGLISH = (
    "Treatment with {} was continued.",
    "Findings: {}, no fever, normal gait.",
    "Give or check {} tomorrow morning.",
    "Is {} the likely cause?",
    "2 | {} | 14 Mar | normal",
)
CHINESE = (
    "患者既往有{}病史或用药史。",
    "1、{}；2、其他待查。",
    "明日复查，注意{}。",
    "是否与{}有关？",
    "2｜{}｜3月14日｜正常",
)
KINDS = {
    "drugs": (
        "Chemical",
        ENGLISH,
        "osimertinib, pembrolizumab, apixaban, semaglutide, sertraline, atorvastatin, amlodipine, "
        "empagliflozin, rituximab, trastuzumab, vancomycin, levetiracetam, clopidogrel, warfarin, "
        "gabapentin, fluconazole, tacrolimus, methotrexate, ondansetron, omeprazole, lisinopril, "
        "furosemide, prednisone, azithromycin, ibuprofen, morphine, fentanyl, ketamine, metformin, "
        "dexamethasone, rivaroxaban, dupilumab, nivolumab, imatinib, remdesivir, bisoprolol, "
        "spironolactone, amoxicillin, insulin glargine, tocilizumab",
    ),
    "organisms": (
        "Species",
        ENGLISH,
        "Escherichia coli, E. coli, Staphylococcus aureus, Candida albicans, "
        "Plasmodium falciparum, SARS-CoV-2, influenza A virus, HIV-1, "
        "Mycobacterium tuberculosis, Helicobacter pylori, "
        "Klebsiella pneumoniae, Pseudomonas aeruginosa, Aspergillus fumigatus, "
        "Zika virus, zebrafish, Drosophila melanogaster, Saccharomyces cerevisiae, "
        "Caenorhabditis elegans, Arabidopsis thaliana, Streptococcus pneumoniae, "
        "Clostridioides difficile, Salmonella enterica, Toxoplasma gondii, "
        "Borrelia burgdorferi, Treponema pallidum, hepatitis B virus, rhesus macaque, "
        "guinea pig, Mus musculus, Rattus norvegicus",
    ),
    "cell lines": (
        "CellLine",
        ENGLISH,
        "HeLa, HEK293, A549, MCF-7, Jurkat, K562, HepG2, Caco-2, U937, THP-1, PC-3, LNCaP, "
        "SH-SY5Y, NIH 3T3, CHO-K1, Vero, U2OS, HCT116, SW480, MDA-MB-231, Huh7, RAW 264.7, "
        "HL-60, PC12, COS-7, BV-2, A431, DU145, T47D, C2C12",
    ),
    "Chinese drugs": (
        "Chemical",
        CHINESE,
        "二甲双胍、阿司匹林、氨氯地平、阿托伐他汀、奥美拉唑、头孢曲松、左氧氟沙星、氯吡格雷、华法林、呋塞米、"
        "胰岛素、地塞米松、紫杉醇、顺铂、吉非替尼、缬沙坦、美托洛尔、布洛芬、阿莫西林、利伐沙班",
    ),
    "Chinese diseases": (
        "Disease",
        CHINESE,
        "高血压、2型糖尿病、冠心病、肺炎、慢性阻塞性肺疾病、胃溃疡、肝硬化、乳腺癌、肺腺癌、脑梗死、心房颤动、"
        "类风湿关节炎、甲状腺功能减退症、慢性肾功能衰竭、急性阑尾炎、帕金森病、癫痫、哮喘、痛风、白血病",
    ),
}


def found(ner: Any, names: Sequence[str], sentences: Sequence[str], meant: str) -> list[int]:
    """For each kind of sentence how many names are found."""
    asked = [sentence.format(name) for sentence in sentences for name in names]
    answers = iter(ner(asked, batch_size=32))
    return [
        sum(
            any(
                one["word"] == name and type_of(one["entity_group"], (meant,)) == meant
                for one in next(answers)
            )
            for name in names
        )
        for _ in sentences
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--terms", type=Path, help="a store, to compare with")
    parser.add_argument("--trust", choices=("sure", "unsure"), default="unsure")
    given = parser.parse_args()
    ways = {"without": pipeline("bioner")}
    if given.terms:
        terms = Terminology.load(given.terms)
        ways[given.trust] = pipeline("bioner", terms=terms, trust=given.trust)
    print("| names | terms | statement | list | order | question | table | all |")
    print("|---|---|---|---|---|---|---|---|")
    for kind, (meant, sentences, listed) in KINDS.items():
        names = [name.strip() for name in listed.replace("、", ",").split(",")]
        for way, ner in ways.items():
            counts = found(ner, names, sentences, meant)
            shares = [count / len(names) for count in (*counts, sum(counts) / len(sentences))]
            cells = " | ".join(f"{100 * share:.0f}" for share in shares)
            print(f"| {len(names)} {kind} | {way} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
