"""How likely a candidate is right, by the evidence for it.

In: the evidence (`linking.Candidate`) and the type. Out: the share of answers with this evidence
that were right on the development parts of BC5CDR, NCBI-Disease and BioRED, smoothed; the command
`python benchmarks/linking.py --fit` with a store without learnt names and one with them writes the
table. What was too rare there has the share of all types, then of the first word of its evidence,
then of all answers.
"""

from __future__ import annotations

from collections.abc import Mapping

# Evidence -> type -> share of right answers; the type "" is all of them.
_RIGHT: Mapping[str, Mapping[str, float]] = {
    "": {"": 0.904},
    "bare": {"": 0.714},
    "bare preferred": {"": 0.554, "Chemical": 0.316, "Disease": 0.735},
    "bare same": {"": 0.91, "Disease": 0.954},
    "bare synonym": {"": 0.77, "Disease": 0.73},
    "exchanged": {"": 0.723, "Chemical": 0.836, "Disease": 0.695},
    "near": {"": 0.314},
    "near head 0.6": {"": 0.047, "Chemical": 0.065, "Disease": 0.029},
    "near head 0.7": {"": 0.247, "Disease": 0.234},
    "near head 0.8": {"": 0.193, "Disease": 0.135},
    "near head 0.9": {"": 0.305},
    "near narrower 0.6": {"": 0.422, "Disease": 0.444},
    "near narrower 0.7": {"": 0.319, "Chemical": 0.457, "Disease": 0.289},
    "near narrower 0.8": {"": 0.162, "Chemical": 0.1, "Disease": 0.162, "Gene": 0.238},
    "near other 0.6": {"": 0.241, "Chemical": 0.282, "Disease": 0.231, "Gene": 0.234},
    "near other 0.7": {"": 0.286, "Chemical": 0.233, "Disease": 0.307},
    "near other 0.8": {"": 0.512, "Chemical": 0.199, "Disease": 0.732},
    "near other 0.9": {"": 0.866, "Chemical": 0.965, "Disease": 0.912},
    "near wider 0.6": {"": 0.469, "Disease": 0.462},
    "near wider 0.7": {"": 0.566, "Chemical": 0.637, "Disease": 0.573},
    "near wider 0.8": {"": 0.295, "Chemical": 0.44, "Disease": 0.258},
    "near wider 0.9": {"": 0.731, "Disease": 0.77},
    "part": {"": 0.657, "Disease": 0.607},
    "spelt": {"": 0.844},
    "spelt learnt": {"": 0.917, "Chemical": 0.965, "Disease": 0.909, "Gene": 0.863},
    "spelt preferred": {"": 0.7, "Chemical": 0.696, "Disease": 0.788, "Gene": 0.587},
    "spelt same": {"": 0.803, "Disease": 0.791},
    "spelt synonym": {"": 0.897, "Chemical": 0.836, "Disease": 0.985},
    "symbol": {"": 0.839, "Chemical": 0.836},
    "words": {"": 0.687},
    "words learnt": {"": 0.372, "Disease": 0.391},
    "words same": {"": 0.836, "Disease": 0.824},
    "words synonym": {"": 0.602},
    "written": {"": 0.957},
    "written learnt": {"": 0.98, "Chemical": 0.997, "Disease": 0.966, "Gene": 0.909},
    "written learnt several": {"": 0.99, "Chemical": 0.998},
    "written learnt short": {"": 0.968, "Chemical": 0.945, "Disease": 0.997, "Gene": 0.988},
    "written preferred": {"": 0.951, "Chemical": 0.962, "Disease": 0.942, "Gene": 0.781},
    "written preferred short": {"": 0.964, "Gene": 0.964},
    "written same": {"": 0.908, "Chemical": 0.97, "Disease": 0.89},
    "written same several": {"": 0.72, "Disease": 0.69},
    "written same several short": {"": 0.228, "Disease": 0.054},
    "written same short": {"": 0.84, "Disease": 0.814},
    "written synonym": {"": 0.929, "Chemical": 0.994, "Disease": 0.903, "Gene": 0.772},
    "written synonym several": {"": 0.386, "Gene": 0.195},
    "written synonym short": {"": 0.926, "Chemical": 0.987, "Disease": 0.981, "Gene": 0.64},
}
# A gene of a species that the text does not name, where it names others: on the development part of
# BioRED 2 of 284 were right.
ELSEWHERE = " elsewhere"


def probability(evidence: str, of_type: str) -> float:
    """The probability that a candidate with such evidence is meant.

    >>> probability("written preferred", "Gene") > probability("near 0.6", "Gene")
    True
    >>> probability("written preferred elsewhere", "Gene")
    0.0
    """
    return looked_up(_RIGHT, evidence, of_type)


def looked_up(table: Mapping[str, Mapping[str, float]], evidence: str, of_type: str) -> float:
    """The share in the narrowest row of a table that evidence has."""
    if is_elsewhere(evidence):
        return 0.0
    for kind, narrow in ((evidence, of_type), (evidence, ""), (kind_of(evidence), ""), ("", "")):
        share = table.get(kind, {}).get(narrow)
        if share is not None:
            return share
    return 0.5


def is_elsewhere(evidence: str) -> bool:
    """Whether it is that of a gene of a species that the text does not name."""
    return evidence.endswith(ELSEWHERE)


def kind_of(evidence: str) -> str:
    """The broadest kind of evidence: its first word, as "written"."""
    return evidence.partition(" ")[0]
