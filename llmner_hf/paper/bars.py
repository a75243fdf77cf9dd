"""Bar charts: numbers in, pictures out, as Figures 4 to 6 need them.

Drawn without a screen and without pyplot, which keeps global state. Colours are those of Okabe and
Ito, which the colour-blind tell apart; hatches tell them apart in print. Names come from users and
are never read as formulas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from llmner_hf.core.scoring import Interval
from llmner_hf.paper.tables import NOT_RUN

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
HATCHES = ("", "////", "....", "xxxx", "----", "++++")
WIDTH = 7.5  # inches: a page's text
SMALL, NORMAL = 7, 9  # points


def save(figure: Figure, stem: Path) -> None:
    """Write ``STEM.png`` and ``STEM.svg``; equal figures give equal bytes."""
    figure.savefig(stem.with_suffix(".png"), dpi=200)
    # Without a salt the names inside an SVG are drawn at random; there is no other way to give it.
    with matplotlib.rc_context({"svg.hashsalt": stem.name}):
        figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None})


def grouped_bars(
    panels: Mapping[str, Mapping[str, Sequence[Interval | None]]], ways: Sequence[str], axis: str
) -> Figure:
    """Panel -> row -> a bar in per cent for each of the ways; "not run" where there is none."""
    rows = list(dict.fromkeys(row for bars in panels.values() for row in bars))
    figure, grid = _grid(1.1 + 0.5 * len(rows), 1, len(panels), ylim=(len(rows) - 0.4, -0.6))
    thick = 0.8 / len(ways)
    for axes, (title, bars) in zip(grid, panels.items(), strict=True):
        for number, way in enumerate(ways):
            places = [row + thick * (number - (len(ways) - 1) / 2) for row in range(len(rows))]
            found = [bars[row][number] for row in rows]
            lengths = [bar.value if bar else 0.0 for bar in found]
            axes.barh(places, lengths, thick, label=way, **_look(number))
            for place, bar in zip(places, found, strict=True):
                _end(axes, place, bar)
        _name_scale(axes, axis)
        axes.set_title(title, fontsize=NORMAL)
        _name_rows(axes, rows)
    return _with_legend(figure, grid[0])


def _end(axes: Axes, place: float, bar: Interval | None) -> None:
    """Write the limits and the value, inside the bar where there is no room behind it."""
    if bar is None:
        axes.text(2, place, NOT_RUN, va="center", fontsize=SMALL, color="#555555")
        return
    axes.plot([bar.low, bar.high], [place, place], color="black", linewidth=1.5)
    inside = bar.high > 75
    _number(axes, bar.low - 3 if inside else bar.high + 3, place, bar.value, inside)


def _number(axes: Axes, x: float, y: float, value: float, inside: bool) -> None:
    """Write a number on a white ground, since it may stand on a hatch."""
    axes.text(
        *(x, y, f"{value:.1f}"),
        ha="right" if inside else "left",
        va="center",
        fontsize=SMALL,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
    )


def stacked_shares(
    rows: Sequence[tuple[str, Sequence[int]]], parts: Sequence[str], axis: str
) -> Figure:
    """Draw a bar for each row, divided as its counts are, with their sum beside it."""
    figure, (axes,) = _grid(1.1 + 0.35 * len(rows), 1, 1, ylim=(len(rows) - 0.4, -0.6))
    places = range(len(rows))
    totals = [max(sum(counts), 1) for _, counts in rows]
    begins = [0.0 for _ in rows]
    for part, name in enumerate(parts):
        shares = [100 * counts[part] / all for (_, counts), all in zip(rows, totals, strict=True)]
        axes.barh(places, shares, 0.7, left=begins, label=name, **_look(part))
        for place, begin, share in zip(places, begins, shares, strict=True):
            if share >= 6:  # narrower ones hold no number
                _number(axes, begin + 1, place, share, inside=False)
        begins = [begin + share for begin, share in zip(begins, shares, strict=True)]
    for place, (_, counts) in zip(places, rows, strict=True):
        axes.text(101, place, f"n = {sum(counts):,}", va="center", fontsize=SMALL)
    _name_scale(axes, axis)
    _name_rows(axes, [name for name, _ in rows])
    return _with_legend(figure, axes)


def distributions(
    panels: Mapping[str, Mapping[str, Sequence[float]]], bins: Sequence[str], x: str, y: str
) -> Figure:
    """Panel -> name -> a share in per cent for each bin, side by side; empty where not run."""
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    lines = -(-len(panels) // 3)
    figure, grid = _grid(0.8 + 1.8 * lines, lines, 3, xlim=(-0.6, len(bins) - 0.4))
    thick = 0.8 / max(len(names), 1)
    for axes, (title, panel) in zip(grid, panels.items(), strict=True):
        for number, name in enumerate(names):
            shares = panel.get(name, [0.0] * len(bins))
            places = [bin + thick * (number - (len(names) - 1) / 2) for bin in range(len(bins))]
            axes.bar(places, shares, thick, label=name, **_look(number))
        if not panel:
            axes.text(0.5, 0.5, NOT_RUN, transform=axes.transAxes, ha="center", color="#555555")
        axes.set_title(title, fontsize=NORMAL)
        axes.set_xticks(range(len(bins)), bins)
    figure.supxlabel(x, fontsize=NORMAL)
    figure.supylabel(y, fontsize=NORMAL)
    return _with_legend(figure, grid[0])


def _grid(
    height: float, lines: int, columns: int, **limits: tuple[float, float]
) -> tuple[Figure, list[Axes]]:
    """An empty page with that many panels, which share their axes."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = list(figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True).flat)
    for axes in grid:
        axes.set(**limits)
        axes.tick_params(labelsize=SMALL)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, grid


def _look(number: int) -> dict[str, Any]:
    """The colour and hatch of a series."""
    place = number % len(COLOURS)
    return {
        "color": COLOURS[place],
        "hatch": HATCHES[place],
        "edgecolor": "white",
        "linewidth": 0.5,
    }


def _name_scale(axes: Axes, name: str) -> None:
    axes.set_xlim(0, 100)
    axes.set_xlabel(name, fontsize=NORMAL)


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.tick_params(axis="y", length=0)


def _with_legend(figure: Figure, axes: Axes) -> Figure:
    handles, names = axes.get_legend_handles_labels()
    if handles:
        look = {"frameon": False, "fontsize": SMALL + 1, "ncols": min(len(names), 4)}
        legend = figure.legend(handles, names, loc="outside upper center", **look)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return figure
