"""Scores of predicted entities against gold ones (paper section III-A, Fig. 5, Fig. 6, Table IV).

In: two mappings, document id -> entities, gold and predicted. Out: frozen counts that add, with
precision, recall and F1 derived from them. Everything is a set of (document, start, end, label):
duplicates collapse and the order of predictions never matters. A document that was predicted but
has no gold is refused; a gold document without a prediction has predicted nothing. Zero
denominators give 0.0. The modules: `counts`, `overlaps`, `error_classes`, `deviations`,
`scores`, `links`, `bootstrap`.
"""

from llmner_hf.core.scoring.bootstrap import (
    Comparison,
    Interval,
    Intervals,
    bootstrap,
    intervals,
    paired_bootstrap,
)
from llmner_hf.core.scoring.counts import Counts, Documents, PartnerCounts, document_counts
from llmner_hf.core.scoring.error_classes import ErrorClass, ErrorCounts, classify
from llmner_hf.core.scoring.links import Linked, LinkScores, accuracy_counts, link_scores
from llmner_hf.core.scoring.scores import Scores, document_scores, score

__all__ = [
    "Comparison",
    "Counts",
    "Documents",
    "ErrorClass",
    "ErrorCounts",
    "Interval",
    "Intervals",
    "LinkScores",
    "Linked",
    "PartnerCounts",
    "Scores",
    "accuracy_counts",
    "bootstrap",
    "classify",
    "document_counts",
    "document_scores",
    "intervals",
    "link_scores",
    "paired_bootstrap",
    "score",
]
