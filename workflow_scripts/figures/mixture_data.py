"""Loss of every mixture against training tokens, laws checked on the largest budget (arXiv 2510.01631, figures 1-3)."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import LOSS, End, label_ends
from workflow_scripts.figures.mixture_differences import measures_of
from workflow_scripts.figures.mixture_lines import PREDICTED, Line, lines_of, words_of
from workflow_scripts.figures.mixture_looks import kinds_of, mixture_look, ticks_of, title_of
from workflow_scripts.figures.mixture_notes import ONCE, room_for
from workflow_scripts.figures.sizes import size_axis
from workflow_scripts.figures.style import NOTE, panels
from workflow_scripts.scaling.mixture_laws import DATA, Axis
from workflow_scripts.scaling.mixture_settings import mixture_name

HALO = [withStroke(linewidth=2, foreground="white")]
MINUS = f"{LOSS},\nminus natural text's"
WIDE, HIGH = 2.4, 1.15  # of a number of passes, in font sizes
OFFSETS = [sign * (1 + step / 10) for step in range(200) for sign in (1, -1)]  # from its point, the nearest first
LABEL, MOST = 0.11, 1.0  # of a panel's height: a label, and all that room is made for
Named = Callable[[Line], str]


def draw(inputs: Inputs) -> Drawn:
    """Laws over budgets at one student."""
    return draw_lines(inputs, DATA, "training tokens, D")


def draw_law(axes: Axes, line: Line, share: float) -> str:
    """Points of one mixture, the largest open, and the law of the others; returns what its label adds."""
    style, size, last = mixture_look(line.law.mixture), line.law.axis.size, line.rows.iloc[-1]
    own = line.points
    axes.vlines(own[size], own["low"], own["high"], color=style.colour, alpha=0.6, linewidth=1)
    for rows, face in ((own.iloc[:-1], style.colour), (own.iloc[-1:], "white")):
        axes.plot(rows[size], rows["loss_nats"], style.marker, color=style.colour, markerfacecolor=face, markersize=4,
                  zorder=3)  # fmt: skip
    if last["status"] != PREDICTED:
        return ""
    fine = np.geomspace(own[size].min(), own[size].max(), 100)
    curve, fitted = line.curve(fine), fine <= own[size].iloc[-2]
    low, high = np.nanquantile(curve[1:], [(1 - share) / 2, (1 + share) / 2], axis=0)
    axes.fill_between(fine, low, high, color=style.colour, alpha=0.12, linewidth=0)
    for part, dash in ((fitted, "-"), (~fitted, "--")):
        axes.plot(fine[part], curve[0, part], color=style.colour, linewidth=1.1, linestyle=dash)
    return f" ({last['error_percent']:+.2f}%)".replace("-", "−")


def draw_difference(axes: Axes, line: Line, share: float) -> str:
    """One mixture's loss minus natural text's at the same size; its label adds nothing."""
    style, size = mixture_look(line.law.mixture), line.law.axis.size
    own = line.points
    axes.vlines(own[size], own["difference_low"], own["difference_high"], color=style.colour, alpha=0.6, linewidth=1)
    axes.plot(own[size], own["difference_nats"], style.marker + "-", color=style.colour, markersize=4, linewidth=1)
    return ""


def write_passes(axes: Axes, rows: pd.DataFrame, size: str) -> None:
    """At differences whose text was passed over more than once, how often; moved apart where they would overlap."""
    repeated = rows[(rows["passes"] > ONCE) & rows["difference_nats"].notna()]
    taken: list[tuple[float, float]] = []
    for _, row in repeated.sort_values([size, "difference_nats"]).iterrows():
        x, y = axes.transData.transform((row[size], row["difference_nats"])) * 72 / axes.figure.dpi / NOTE
        up = next(up for up in OFFSETS if not any(abs(x - a) < WIDE and abs(y + up - b) < HIGH for a, b in taken))
        taken.append((x, y + up))
        axes.annotate(f"×{row['passes']:.2g}", (row[size], row["difference_nats"]), xytext=(0, up * NOTE), ha="center",
                      textcoords="offset points", va="center", fontsize=NOTE, path_effects=HALO, zorder=5,
                      color=mixture_look((row["stream"], row["mixing_ratio"])).colour)  # fmt: skip


def draw_panel(axes: Axes, lines: list[Line], what: str, share: float, label: str, named: Named) -> None:
    """Lines with their labels; `what`: the column that is shown, loss_nats or difference_nats."""
    size, ends = lines[0].law.axis.size, []
    for line in lines:
        text = (draw_law if what == "loss_nats" else draw_difference)(axes, line, share)
        end: End = (*line.points[[size, what]].iloc[-1], (named(line) + text, mixture_look(line.law.mixture).colour))
        ends += [end] if np.isfinite(end[1]) else []
    size_axis(axes, ticks_of(value for line in lines for value in line.points[size]), label)
    axes.set_ylabel(LOSS if what == "loss_nats" else MINUS)
    if what != "loss_nats":
        axes.margins(y=0.12)
    room_beside(axes, [y for _, y, _ in ends])
    label_ends(axes, ends)


def room_beside(axes: Axes, ends: list[float]) -> None:
    """Widen the y axis until labels around the mean of these fit beside it: below it they would shrink all panels."""
    (low, high), half = axes.get_ylim(), min(len(ends) * LABEL, MOST) / 2
    middle = float(np.mean(ends)) if ends else (low + high) / 2
    low, high = min(low, (middle - half * high) / (1 - half)), max(high, (middle - half * low) / (1 - half))
    axes.set_ylim(low, high)


def draw_lines(inputs: Inputs, axis: Axis, label: str) -> Drawn:
    """Losses left, differences right: a row of panels per kind, and one with all kinds on i.i.d. documents."""
    own, share = inputs.study(axis.study), inputs.analysis.band
    found = {measure: lines_of(inputs, axis, domains) for measure, domains in measures_of(own).items()}
    (measure, first), *others = found.items()
    words = words_of(first, axis, measure, own.students, share)
    kinds = kinds_of(line.law.mixture for line in first)
    rows = [(f"{title_of(kind)}, {measure}", [line for line in first if line.law.mixture[0] in (kind, "real")],
             lambda line: mixture_look(line.law.mixture).label) for kind in kinds]  # fmt: skip
    rows += [(f"all, {name}", lines, lambda line: mixture_name(line.law.mixture)) for name, lines in others]
    figure, grid = panels(2 * len(rows), height_mm=56)
    room_for(figure, words)
    for (title, lines, named), *pair in zip(rows, grid[::2], grid[1::2], strict=True):
        for axes, what in zip(pair, ("loss_nats", "difference_nats"), strict=True):
            axes.set_title(title)
            draw_panel(axes, lines, what, share, label, named)
    figure.draw_without_rendering()  # settles where points are
    for (_, lines, _), axes in zip(rows, grid[1 : 2 * len(kinds) : 2], strict=False):
        write_passes(axes, pd.concat([line.points for line in lines]), axis.size)
    drawn = [line.rows.assign(measure=name) for name, lines in found.items() for line in lines]
    return Drawn(figure, pd.concat(drawn, ignore_index=True), words)


if __name__ == "__main__":
    figure_command("mixture_data", draw, __doc__)
