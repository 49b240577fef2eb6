"""Loss against passes r over real text for several U and h, and whether the curves collapse on r (arXiv 2605.12715)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import LOSS, doubling_axis, label_ends
from workflow_scripts.figures.mixture_looks import lighter
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.onset_words import law_in_words, onset_in_words
from workflow_scripts.figures.sizes import amount, looks_of
from workflow_scripts.figures.style import METHODS, SMALL, TWO_PANELS_MM, Look, look, panels
from workflow_scripts.figures.sweeps import notes
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.onset import Onsets, onsets
from workflow_scripts.scaling.repetition_fit import RISING
from workflow_scripts.scaling.repetition_law import REAL, onset_rows, rows_of
from workflow_scripts.scaling.repetition_runs import RepetitionRuns, read_runs

NOTE = (
    "A curve has one lr and weight decay, at which most r were trained; h: share of real tokens. Solid: the law of all "
    "runs, which knows no stream and no G; hollow: beyond the best r of a curve, not in the fit. Dashed: one onset for "
    "all. Bands: {share}, noise of a loss being its seeds' or, where that is more, what parabolas leave."
)
PASSES = "passes over real text, r"
ALONE, MIXED = "real text alone", "with synthetic text"
FINE = 60
ARM = Look("#777777", "o", "")  # a method of the comparison; which one, the panel of onsets says
LABELLED, ROW_MM = 12, 4.5  # most curves with names at their ends; height of a row of onsets
WHITE = 0.5


def looks(curves: pd.DataFrame) -> dict[int, Look]:
    """A look per curve: shades of U for real text alone, the stream's colour, lighter at smaller G, for others."""
    real = curves[curves["mixing_ratio"] == 0].sort_values("real_tokens")
    found = dict(zip(real["curve"], looks_of([f"U {amount(u)}" for u in real["real_tokens"]]), strict=True))
    mixed = curves[curves["mixing_ratio"] > 0]
    ranks = mixed.groupby("stream")["generations"].rank(method="dense", pct=True)
    for (_, row), rank in zip(mixed.iterrows(), ranks, strict=True):
        own = look(row["stream"]) if row["stream"] in METHODS else ARM
        label = row["stream"] + (f" G{row['generations']}" if row["generations"] else "") + f", h {row['share']:.2g}"
        found[row["curve"]] = Look(lighter(own.colour, WHITE * (1 - rank)), own.marker, label)
    return found


def draw_losses(axes: Axes, rows: pd.DataFrame, styles: dict[int, Look], title: str) -> None:
    """Losses of curves by r with the law's."""
    ends = []
    for number, own in rows.groupby("curve"):
        style, own = styles[number], own.sort_values("real_epochs")
        axes.plot(own["real_epochs"], own["law_nats"], color=style.colour, linewidth=1.1)
        axes.plot(own["real_epochs"], own["loss_nats"], color=style.colour, linewidth=0.7, linestyle=":")
        for enters, face in ((True, style.colour), (False, "white")):
            part = own[own["enters"] == enters]
            axes.plot(part["real_epochs"], part["loss_nats"], style.marker, color=style.colour, markerfacecolor=face,
                      markersize=4, zorder=3)  # fmt: skip
        ends.append((own["real_epochs"].iloc[-1], own["loss_nats"].iloc[-1], style))
    _passes(axes, rows, title, LOSS)
    if len(ends) <= LABELLED:
        label_ends(axes, ends)


def draw_collapse(axes: Axes, rows: pd.DataFrame, styles: dict[int, Look], found: Onsets | None) -> None:
    """Excess over each curve's lowest loss against r alone, and the parabola that all would share."""
    for number, own in rows.groupby("curve"):
        own = own.sort_values("real_epochs")
        style = styles[number]
        axes.plot(own["real_epochs"], own["excess_nats"], f"{style.marker}-", color=style.colour, markersize=3.5,
                  linewidth=0.8)  # fmt: skip
    if found:
        fine = np.geomspace(rows["real_epochs"].min(), rows["real_epochs"].max(), FINE)
        curve = found.curvature * np.log(fine / found.shared[0]) ** 2
        axes.plot(fine, curve, color="#333333", linewidth=2, linestyle="--", zorder=4)
    _passes(axes, rows, "all curves on r alone", "loss above the curve's lowest, nats")


def draw_onsets(axes: Axes, found: Onsets | None, styles: dict[int, Look], share: float) -> None:
    """Each curve's own onset with its band, and the shared one."""
    title = "r at which the loss rises again"
    if not found:
        say_none(axes, title, "not identified")
        return
    axes.set_title(title)
    rows = onset_rows(found, share).sort_values("onset_passes", ascending=False)
    for place, (_, row) in enumerate(rows.iterrows()):
        style = styles[row["curve"]]
        axes.plot([row["low"], row["high"]], [place, place], color=style.colour, linewidth=1.2)
        axes.plot(row["onset_passes"], place, style.marker, color=style.colour, markersize=4.5)
    axes.axvline(found.shared[0], color="#333333", linewidth=1.2, linestyle="--")
    axes.set_yticks(range(len(rows)), [styles[number].label for number in rows["curve"]], fontsize=SMALL)
    doubling_axis(axes, [2, 4, 8, 16, 32], PASSES)


def say_none(axes: Axes, title: str, reason: str) -> None:
    """Why a panel is empty, in it."""
    axes.set_title(title)
    axes.text(0.5, 0.5, reason, ha="center", va="center", transform=axes.transAxes)
    axes.set_axis_off()


def _passes(axes: Axes, rows: pd.DataFrame, title: str, label: str) -> None:
    doubling_axis(axes, sorted(rows["real_epochs"].unique()), PASSES)
    axes.set_title(title)
    axes.set_ylabel(label)


def tested(runs: RepetitionRuns, draws: int, only: str = "") -> tuple[Onsets | None, str]:
    """Onsets, or why there are none."""
    try:
        return onsets(runs, draws, only), ""
    except NotIdentified as reason:
        return None, str(reason)


def draw(inputs: Inputs) -> Drawn:
    """Losses above, the collapse and the onsets below."""
    runs, share, draws = inputs.results, inputs.analysis.band, inputs.analysis.bootstrap_draws
    rows = rows_of(runs, RISING[0])
    several = rows.groupby("curve")["real_epochs"].transform("nunique") > 1
    drawn, tests = rows[several], {name: tested(runs, draws, only) for name, only in (("all", ""), (ALONE, REAL))}
    styles = looks(drawn.groupby("curve", as_index=False).first())
    words = notes(NOTE, law_in_words(rows), *(onset_in_words(name, *test, share) for name, test in tests.items()))
    figure, grid = panels(4, height_mm=max(66, ROW_MM * drawn["curve"].nunique()), width_mm=TWO_PANELS_MM)
    room_for(figure, words)
    alone = drawn["mixing_ratio"] == 0
    for axes, own, title in zip(grid, (drawn[alone], drawn[~alone]), (ALONE, MIXED), strict=False):
        if own.empty:
            say_none(axes, title, "no curve of several r")
        else:
            draw_losses(axes, own, styles, title)
    found = tests["all"][0]
    long = drawn[drawn["curve"].isin(found.curves["curve"])] if found else drawn
    draw_collapse(grid[2], long, styles, found)
    draw_onsets(grid[3], found, styles, share)
    return Drawn(figure, rows.drop(columns="curve"), words)


if __name__ == "__main__":
    figure_command("law_repetition", draw, __doc__, read_runs)
