"""Marks that SynPro's figures share: names at lines' ends, numbers at points, rows of dots, axes in words."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import LogFormatter

from workflow_scripts.figures.marks import End, spread_out
from workflow_scripts.figures.sizes import amount
from workflow_scripts.figures.style import SMALL, Look

CROWDED = 5  # times its low end: longer logarithmic axes have ticks at 1, 2 and 5 alone


class Amounts(LogFormatter):
    """Ticks of a logarithmic axis as 200M; ticks between decades where there are few decades."""

    def __call__(self, value: float, place: int | None = None) -> str:
        """Text of a tick; empty for one that has none: on a long axis all but 1, 2 and 5."""
        low, high = self.axis.get_view_interval()
        crowded = high > CROWDED * low and f"{value:e}"[0] not in "125"
        return "" if crowded or not super().__call__(value, place) else amount(value)


def amounts(axis: Axis) -> None:
    """Ticks of a logarithmic axis in words."""
    axis.set_major_formatter(Amounts())
    axis.set_minor_formatter(Amounts(labelOnlyBase=False))
    axis.set_tick_params(which="both", length=3, pad=3)  # so that labels between decades are at the same height


def name_ends(axes: Axes, ends: Sequence[End]) -> None:
    """As `marks.label_ends`, for lines that end close together: the leaders of others don't cross a name."""
    if not ends:
        return
    axes.set_ylim(axes.get_ylim())
    axes.figure.draw_without_rendering()  # settles the height that the names share
    gap = 1.3 * SMALL / (axes.get_window_extent().height * 72 / axes.figure.dpi)
    to_fraction = axes.transData + axes.transAxes.inverted()
    places = spread_out(np.array([to_fraction.transform((x, y))[1] for x, y, _ in ends]), gap)
    for (x, y, style), place in zip(ends, places, strict=True):
        text, colour = (style.label, style.colour) if isinstance(style, Look) else style
        leader = {"arrowstyle": "-", "color": colour, "linewidth": 0.5, "alpha": 0.6, "relpos": (0, 0.5)}
        axes.annotate(
            text, (x, y), xytext=(1.06, place), textcoords="axes fraction", color=colour, fontsize=SMALL, va="center",
            annotation_clip=False, arrowprops=leader | {"shrinkA": 2, "shrinkB": 3},
        )  # fmt: skip


def number_points(axes: Axes, points: Sequence[End]) -> None:
    """A text right of each point, moved up or down where it would be over another one."""
    if not points:
        return
    axes.set_ylim(axes.get_ylim())
    axes.figure.draw_without_rendering()
    pixels = axes.figure.dpi / 72
    places = np.array([axes.transData.transform((x, y))[1] for x, y, _ in points]) / pixels
    moves = spread_out(places, 1.1 * SMALL) - places
    for (x, y, (text, colour)), move in zip(points, moves, strict=True):
        axes.annotate(text, (x, y), xytext=(6, move), textcoords="offset points", color=colour, fontsize=SMALL,
                      va="center", weight="bold")  # fmt: skip


def name_rows(axes: Axes, looks: Sequence[Look], wide: int) -> None:
    """y axis of a panel with a row per look, the first at the top; names in their colours, wrapped at `wide`."""
    axes.set_yticks(range(len(looks)), [textwrap.fill(style.label, wide) for style in looks])
    for label, style in zip(axes.get_yticklabels(), looks, strict=True):
        label.set_color(style.colour)
        label.set_linespacing(0.95)
    axes.set_ylim(len(looks) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0, labelsize=SMALL)
    axes.grid(axis="y", visible=False)


def dots(axes: Axes, rows: pd.DataFrame, looks: Sequence[Look], value: str, places: Sequence[float]) -> None:
    """A dot per row with its band from `low` to `high`, if the rows have them, at places on the y axis."""
    for (_, row), style, place in zip(rows.iterrows(), looks, places, strict=True):
        if {"low", "high"} <= set(rows):
            axes.hlines(place, row["low"], row["high"], color=style.colour, linewidth=1.6, alpha=0.6)
        axes.plot(row[value], place, style.marker, color=style.colour, markersize=5)
