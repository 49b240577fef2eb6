"""Marks that figures share: lines with bands, labels at their ends, bars with errors, the axis of generations."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.optimize import isotonic_regression

from workflow_scripts.figures.style import SMALL, Look, in_order, look

LOSS = "loss, nats per token"
CHOSEN_COLOUR = "#CC0000"
End = tuple[float, float, Look | tuple[str, str]]  # x, y and how a line is called: its look, or text and colour
IID_LOSS = "i.i.d. loss, nats per token"


def band_line(axes: Axes, style: Look, rows: pd.DataFrame, x: str, y: str) -> None:
    """Points joined by a line, with the band between `low` and `high`; a single point gets a bar."""
    rows = rows.sort_values(x)
    axes.fill_between(rows[x], rows["low"], rows["high"], color=style.colour, alpha=0.15, linewidth=0)
    axes.vlines(rows[x], rows["low"], rows["high"], color=style.colour, alpha=0.5, linewidth=1)
    axes.plot(
        rows[x], rows[y], color=style.colour, marker=style.marker, markerfacecolor=style.face, markersize=4.5,
        linewidth=1.4, linestyle=style.dash,
    )  # fmt: skip


def methods_against_generations(
    axes: Axes, rows: pd.DataFrame, y: str = "loss_nats", more_ends: Sequence[End] = ()
) -> None:
    """Each stream's line from the real-only point at G = 0, the real-only level, and a label at each line's end.

    rows: stream, generations, `y`, low, high; the real-only row has stream `real` and G = 0. `more_ends`: labels of
    lines that are drawn already.
    """
    real = rows[rows["stream"] == "real"]
    axes.axhline(real[y].iloc[0], color=look("real").colour, linewidth=0.9, linestyle=":")
    streams = [stream for stream in in_order(rows["stream"]) if stream != "real"]
    for stream in streams:
        band_line(axes, look(stream), pd.concat([real, rows[rows["stream"] == stream]]), "generations", y)
    band_line(axes, look("real"), real, "generations", y)
    generation_axis(axes, sorted(rows["generations"].unique()))
    ends = [rows[rows["stream"] == stream].sort_values("generations").iloc[-1] for stream in streams]
    right = max(end["generations"] for end in ends)
    labels = [(end["generations"], end[y], look(end["stream"])) for end in ends]
    label_ends(axes, [*labels, *more_ends, (right, real[y].iloc[0], look("real"))])


def sweep_line(axes: Axes, style: Look, tried: pd.DataFrame, best: pd.DataFrame, x: str, alpha: float = 1.0) -> None:
    """All that was tried as faint points, and a line with bands through the best at each x."""
    axes.scatter(tried[x], tried["loss_nats"], s=14, color=style.colour, marker=style.marker, alpha=0.25, linewidth=0)
    axes.vlines(best[x], best["low"], best["high"], color=style.colour, alpha=0.6 * alpha, linewidth=1)
    axes.plot(
        best[x], best["loss_nats"], color=style.colour, marker=style.marker, markersize=4, linewidth=1.4, alpha=alpha
    )


def circle(axes: Axes, rows: pd.DataFrame, x: str) -> None:
    """A circle around chosen points."""
    axes.scatter(rows[x], rows["loss_nats"], s=110, facecolor="none", edgecolor=CHOSEN_COLOUR, linewidth=1.4, zorder=4)


def generation_axis(axes: Axes, counts: Sequence[int]) -> None:
    """x axis of generations per document, log(1 + G)."""
    axes.set_xscale("function", functions=(lambda g: np.log2(np.maximum(1 + g, 1e-9)), lambda x: 2**x - 1))
    axes.set_xticks(counts, [str(g) for g in counts])
    room = (1 + max(counts)) ** 0.05  # a twentieth of the axis on either side
    axes.set_xlim(1 / room - 1, (1 + max(counts)) * room - 1)
    axes.minorticks_off()
    axes.set_xlabel("generations per document, G")


def doubling_axis(axes: Axes, values: Sequence[float], label: str) -> None:
    """log2 x axis with a tick at each value."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()
    axes.set_xlabel(label)


def label_ends(axes: Axes, ends: Sequence[End]) -> None:
    """Names right of the axes at the lines' ends, moved apart where they would overlap.

    To be called when everything else is drawn: it fixes the limits of the y axis.
    """
    if not ends:
        return
    axes.set_ylim(axes.get_ylim())
    axes.figure.draw_without_rendering()  # settles the height that the labels share
    height_points = axes.get_window_extent().height * 72 / axes.figure.dpi
    to_fraction = axes.transData + axes.transAxes.inverted()
    points = [to_fraction.transform((x, y)) for x, y, _ in ends]
    spread = spread_out(np.array([y for _, y in points]), SMALL * 1.4 / height_points)
    for (x, y, style), (_, _), place in zip(ends, points, spread, strict=True):
        text, colour = (style.label, style.colour) if isinstance(style, Look) else style
        axes.annotate(
            text, (x, y), xytext=(1.05, place), textcoords="axes fraction", color=colour, fontsize=SMALL, va="center",
            annotation_clip=False, arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.5, "alpha": 0.6,
                                               "shrinkA": 1, "shrinkB": 3},
        )  # fmt: skip


def spread_out(places: np.ndarray, gap: float) -> np.ndarray:
    """Places at least `gap` apart, in the same order, with the least squared move."""
    order = np.argsort(places, kind="stable")
    steps = gap * np.arange(len(places))
    moved = np.empty(len(places))
    moved[order] = isotonic_regression(places[order] - steps).x + steps
    return moved


def bars_with_error(axes: Axes, rows: pd.DataFrame, looks: Sequence[Look], value: str = "loss_nats", x=None) -> None:
    """A bar per row with its error bar from `low` to `high` and its number above; the axis shows the differences.

    x: [rows] positions of bars 0.8 wide; by default 0, 1, 2 ... The y axis does not start at 0.
    """
    x = np.arange(len(rows)) if x is None else np.asarray(x)
    values, low, high = (rows[column].to_numpy(dtype=float) for column in (value, "low", "high"))
    for place, height, style in zip(x, values, looks, strict=True):
        axes.bar(place, height, 0.8, facecolor=style.colour, alpha=0.25 if style.hatch else 0.85, linewidth=0)
        axes.bar(place, height, 0.8, facecolor="none", edgecolor=style.colour, hatch=style.hatch, linewidth=1)
    errors = np.maximum([values - low, high - values], 0)
    axes.errorbar(x, values, yerr=errors, fmt="none", ecolor="#333333", elinewidth=1, capsize=3)
    lowest, highest = np.minimum(values, low).min(), np.maximum(values, high).max()
    span = max(highest - lowest, 0.002 * abs(highest), 1e-3)
    axes.set_ylim(lowest - 0.35 * span, highest + 0.2 * span)
    for place, height, top in zip(x, values, np.maximum(values, high), strict=True):
        axes.annotate(f"{height:.3f}", (place, top), xytext=(0, 3), textcoords="offset points", ha="center",
                      fontsize=SMALL)  # fmt: skip
    axes.grid(axis="x", visible=False)
