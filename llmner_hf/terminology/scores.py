"""How likely a candidate is right, by the evidence for it."""

from __future__ import annotations

_RIGHT: dict[str, float] = {}


def probability(evidence: str, of_type: str) -> float:
    """The probability that a candidate with such evidence is meant."""
    return _RIGHT.get(f"{of_type} {evidence}", 0.5)
