"""The numbers that the paper prints, as it prints them: per cent, errors as counts.

Datasets and systems are named as in run folders; None stands for the paper's dash. Figures 4 to 6
print no numbers. The paper's scores are those of GLM4-9B, on a test set of CMeEE-V2 of its own:
they show the size of an effect, and no other model is expected to match them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")
Three = tuple[float, float, float]  # precision, recall, F1

SEEN = ("cmeee_v2", "genia", "biored", "bc5cdr_chemical")
UNSEEN = ("ccks2019_as", "ncbi_disease")


def _frozen(table: dict[K, V]) -> Mapping[K, V]:
    return MappingProxyType(table)


# Strategy and dataset.
TABLE_II: Mapping[tuple[str, str], Three] = _frozen(
    {
        ("json_list", "cmeee_v2"): (70.86, 77.26, 73.92),
        ("json_list", "genia"): (81.21, 72.47, 76.59),
        ("html", "cmeee_v2"): (69.21, 71.43, 70.30),
        ("html", "genia"): (79.22, 72.92, 75.94),
        ("symbolic", "cmeee_v2"): (73.66, 78.81, 76.15),
        ("symbolic", "genia"): (81.96, 77.41, 79.62),
    }
)
# Dataset and selector.
TABLE_III: Mapping[tuple[str, str], Three] = _frozen(
    {
        ("cmeee_v2", "predicted"): (73.66, 78.81, 76.15),
        ("cmeee_v2", "bert_cls"): (74.27, 78.68, 76.41),
        ("cmeee_v2", "llm_causal"): (74.92, 78.76, 76.79),
        ("cmeee_v2", "llm_cls"): (75.86, 78.73, 77.26),
        ("genia", "predicted"): (81.96, 77.41, 79.62),
        ("genia", "bert_cls"): (82.40, 77.06, 79.64),
        ("genia", "llm_causal"): (84.05, 77.22, 80.49),
        ("genia", "llm_cls"): (84.56, 77.28, 80.76),
    }
)
# Dataset and selector -> errors of type, span, both, and spurious.
TABLE_IV: Mapping[tuple[str, str], tuple[int, int, int, int]] = _frozen(
    {
        ("cmeee_v2", "predicted"): (84, 252, 166, 139),
        ("cmeee_v2", "llm_cls"): (74, 218, 157, 121),
    }
)
# Dataset -> F1 of single, joint, joint with LLM-CLS.
TABLE_V: Mapping[str, Three] = _frozen(
    {
        "cmeee_v2": (76.15, 76.41, 77.36),
        "genia": (79.62, 80.27, 81.88),
        "biored": (90.08, 90.25, 91.30),
        "bc5cdr_chemical": (93.81, 93.92, 94.27),
    }
)
# System -> F1 on the corpora of SEEN.
TABLE_VI: Mapping[str, tuple[float | None, ...]] = _frozen(
    {
        "BioBERT-CRF": (71.93, 78.06, 88.38, 91.99),
        "W2NER": (74.23, 79.00, 88.63, 93.60),
        "CNNNER": (74.73, 79.13, 89.21, 92.92),
        "DiFiNet": (74.85, 79.23, 89.50, 92.45),
        "AIONER (reported)": (None, None, 91.26, 92.84),
        "ChatGPT-3.5 zero-shot": (47.00, 41.60, 38.10, 60.30),
        "GPT-4 zero-shot": (49.73, 48.65, 58.43, 76.39),
        "DeepSeek-R1 zero-shot": (52.18, 47.93, 58.86, 72.08),
        "Taiyi (reported)": (65.70, None, None, 80.20),
        "UniversalNER (reported)": (None, 77.54, 88.90, None),
        "the paper without joint training": (77.26, 80.76, 90.96, 93.98),
        "the paper": (77.36, 81.88, 91.30, 94.27),
    }
)
# Dataset and system.
TABLE_VII: Mapping[tuple[str, str], Three] = _frozen(
    {
        ("ccks2019_as", "GLM4-9B"): (38.48, 26.83, 31.61),
        ("ccks2019_as", "DeepSeek-R1"): (43.89, 39.21, 41.42),
        ("ccks2019_as", "GPT-4"): (37.21, 34.27, 35.68),
        ("ccks2019_as", "the paper"): (38.36, 46.96, 42.23),
        ("ncbi_disease", "GLM4-9B"): (28.42, 63.12, 39.19),
        ("ncbi_disease", "DeepSeek-R1"): (63.14, 62.87, 63.01),
        ("ncbi_disease", "GPT-4"): (52.13, 53.26, 52.69),
        ("ncbi_disease", "the paper"): (71.83, 66.67, 69.15),
    }
)
