"""Figures as PNG files.

In: numbers. Out: a file. Drawn without a screen, and without any of matplotlib's global state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from llmner_hf.core.calibration import Bin


def reliability_diagram(path: Path, panels: Mapping[str, Sequence[Bin]]) -> None:
    """Reliability diagrams side by side: the share that is gold for each mean probability."""
    figure = Figure(figsize=(4.2 * len(panels), 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    row = figure.subplots(1, len(panels), squeeze=False, sharey=True)[0]
    for axes, (title, bins) in zip(row, panels.items(), strict=True):
        _panel(axes, title, bins)
    row[0].set_ylabel("share that is gold")
    figure.savefig(path, dpi=120)


def _panel(axes: Axes, title: str, bins: Sequence[Bin]) -> None:
    most = max((bin.number for bin in bins), default=1)
    for bin in bins:
        width = bin.high - bin.low
        # Darker where there are more candidates.
        shade = 0.25 + 0.75 * bin.number / most
        axes.bar(bin.low, bin.accuracy, width, align="edge", color="#2b6cb0", alpha=shade)
    axes.plot([0, 1], [0, 1], color="black", linewidth=1, linestyle="--")
    axes.plot([b.confidence for b in bins], [b.accuracy for b in bins], "o", color="black", ms=3)
    axes.set(title=title, xlabel="probability", xlim=(0, 1), ylim=(0, 1))
