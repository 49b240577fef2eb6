"""Share of texts that still teach the student, static against refreshed sets, along its training; and their gain."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.stats import norm

from workflow_scripts.figures.frame import Drawn, Inputs
from workflow_scripts.figures.marks import End
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.style import TWO_PANELS_MM, Look, panels
from workflow_scripts.figures.synpro_looks import kind_of, looks_of_sets
from workflow_scripts.figures.synpro_marks import amounts, name_ends
from workflow_scripts.figures.synpro_pack import ancestors, rows_needed, synpro_command

PANELS = {"positive": "texts with\npositive influence", "gain": "influence minus the\nsource's, nats per token"}
WORDS = (
    "A text's influence: how much training on the reference task lowers the loss of the student at its plateau on it. "
    "Lines join a student and the one that continues it; rings: the student that a generator was refreshed for. "
    "Bars: {share}, from the number of texts (share: binomial, Wilson; gain: its standard error); seeds are averaged."
)
APART = 1.008  # sets beside each other, so that bars are not on top of each other
AVERAGED = ["tokens", "positive_share", "gain_nats", "gain_sd_nats", "texts"]


def rows_of(inputs: Inputs) -> pd.DataFrame:
    """A row per set and pretraining, means over seeds, with bands of the share and of the gain.

    Raises UserError where no influence was measured. Seeds score the same texts, so that n is the texts of one of them.
    """
    table = rows_needed(inputs, "influence", "which texts have positive influence")
    groups = table.groupby(["set", "pretraining"], sort=False)
    rows = groups[AVERAGED].mean().assign(seeds=groups["seed"].nunique()).reset_index()
    z = norm.ppf((1 + inputs.analysis.band) / 2)
    low, high = wilson(rows["positive_share"], rows["texts"], z)
    error = z * rows["gain_sd_nats"] / np.sqrt(rows["texts"])
    sets = inputs.results.sets.set_index("set", drop=False)
    own = sets.loc[rows["set"]].reset_index(drop=True)
    return rows.assign(
        title=own["title"], kind=[kind_of(row) for _, row in own.iterrows()], positive=rows["positive_share"],
        positive_low=low, positive_high=high, gain=rows["gain_nats"], gain_low=rows["gain_nats"] - error,
        gain_high=rows["gain_nats"] + error, refreshed=own["student"] == rows["pretraining"],
    ).drop(columns=["positive_share", "gain_nats"])  # fmt: skip


def wilson(share: pd.Series, n: pd.Series, z: float) -> tuple[pd.Series, pd.Series]:
    """Wilson's interval of a share of n; z: standard deviations of a normal that the band reaches."""
    centre, wide = share + z**2 / (2 * n), z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (centre - wide) / (1 + z**2 / n), (centre + wide) / (1 + z**2 / n)


def joints(inputs: Inputs, own: pd.DataFrame) -> list[pd.DataFrame]:
    """Pairs of rows of a set to join: each student's and that of the closest one it continues."""
    by_name = own.set_index("pretraining", drop=False)
    found = []
    for name in by_name.index:
        before = next((each for each in ancestors(inputs.results, name)[1:] if each in by_name.index), None)
        found += [by_name.loc[[before, name]]] if before else []
    return found


def draw_set(axes: Axes, inputs: Inputs, own: pd.DataFrame, what: str, style: Look) -> End:
    """Points with bars, joined, with rings where the generator was refreshed; returns where the label goes."""
    for pair in joints(inputs, own):
        axes.plot(pair["x"], pair[what], color=style.colour, linewidth=1.3)
    axes.vlines(own["x"], own[f"{what}_low"], own[f"{what}_high"], color=style.colour, linewidth=1.2, alpha=0.7)
    axes.plot(own["x"], own[what], style.marker, color=style.colour, markersize=4.5)
    ringed = own[own["refreshed"]]
    axes.scatter(ringed["x"], ringed[what], s=80, facecolor="none", edgecolor=style.colour, linewidth=1.1)
    last = own.loc[own["x"].idxmax()]
    return last["x"], last[what], style


def draw(inputs: Inputs) -> Drawn:
    """Shares above, gains over the source below; the organic text has no source."""
    rows = rows_of(inputs)
    looks = looks_of_sets(inputs.results.sets[inputs.results.sets["set"].isin(rows["set"])])
    figure, grid = panels(2, columns=1, height_mm=62, width_mm=TWO_PANELS_MM)
    room_for(figure, WORDS)
    for axes, what in zip(grid, PANELS, strict=True):
        known = rows[rows[what].notna() & ((what == "positive") | (rows["kind"] != "organic"))]
        own = {name: known[known["set"] == name] for name in looks}
        own = {name: rows.assign(x=rows["tokens"] * APART**place) for place, (name, rows) in enumerate(own.items())}
        axes.set_xscale("log")
        amounts(axes.xaxis)
        ends = [draw_set(axes, inputs, own[name], what, style) for name, style in looks.items() if len(own[name])]
        axes.set_ylabel(PANELS[what])
        if what == "gain":
            axes.axhline(0, color="#777777", linewidth=0.9, linestyle=":")
        name_ends(axes, ends)
    grid[-1].set_xlabel("tokens that the student was trained on")
    return Drawn(figure, rows, WORDS)


if __name__ == "__main__":
    synpro_command("synpro_influence", draw, __doc__)
