"""Rewards of every generator while it is trained by reinforcement, its drift, and checks against hacked rewards."""

import json
from collections.abc import Sequence
from functools import partial
from textwrap import fill

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workflow_scripts.figures.frame import Drawn, Inputs
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.style import NOTE, TWO_PANELS_MM, Look, panels
from workflow_scripts.figures.sweeps import notes
from workflow_scripts.figures.synpro_looks import looks_of_sets
from workflow_scripts.figures.synpro_pack import rows_needed, synpro_command

BEFORE = {"total": "total"}  # rows of panels; the rewards themselves are between these and those of AFTER
AFTER = {
    "kl": "KL, nats", "completion_tokens": "answer, tokens", "entropy": "entropy, nats",
    "ok_share": "usable answers", "copied_share": "copied share", "boilerplate_share": "boilerplate share",
}  # fmt: skip
wrapped = partial(fill, break_long_words=False)
TRAINING, HELD_OUT, GREY = "training", "held_out", "#777777"
WORDS = (
    "A column per generator, all of a row on one axis. Coloured: held-out slices; grey: those that it is trained on. "
    "Bands: one standard deviation between answers. Rewards in their own units, before weights; empty: not measured. "
    "Copied and boilerplate shares rise, and usable answers get fewer, where a reward is hacked."
)
TALLEST_MM, PAGE_MM, LETTER_MM, ROOM = 24, 205, 1.95, 0.04  # a row, all rows, a letter; free share of steps


def rows_of(inputs: Inputs) -> pd.DataFrame:
    """The table `rewards` of measures that are drawn, with titles, bands and answers. Raises UserError if empty."""
    table = rows_needed(inputs, "rewards", "how generators were trained")
    table = table[table["measure"].isin(measures_of(inputs, table))]
    titles = inputs.results.sets.set_index("set")["title"]
    return table.assign(
        title=table["set"].map(titles), low=table["mean"] - table["sd"], high=table["mean"] + table["sd"],
        answers=table["n"],
    ).reset_index(drop=True)  # fmt: skip


def measures_of(inputs: Inputs, table: pd.DataFrame) -> dict[str, str]:
    """Measures that occur with their names in the figure: the total, rewards in the order of weights, checks."""
    weights = [name for text in inputs.results.sets["rewards"] for name in json.loads(text or "{}")]
    known = BEFORE | dict(zip(weights, weights, strict=True)) | AFTER
    return {name: words for name, words in known.items() if name in set(table["measure"])}


def draw_panel(axes: Axes, rows: pd.DataFrame, style: Look) -> None:
    """Training and held-out means over steps with their bands."""
    for split, colour, width in ((TRAINING, GREY, 0.9), (HELD_OUT, style.colour, 1.2)):
        own = rows[rows["split"] == split].sort_values("step")
        axes.fill_between(own["step"], own["low"], own["high"], color=colour, alpha=0.14, linewidth=0)
        marker = style.marker if split == HELD_OUT else None
        axes.plot(own["step"], own["mean"], color=colour, linewidth=width, marker=marker, markersize=2.5)


def frame_row(row: Sequence[Axes], full: Sequence[bool], words: str, last: bool) -> None:
    """One y axis per row, its ticks at the left; ticks of x at the last row alone; no axes where there is no panel."""
    for place, axes in enumerate(row):
        if place:
            axes.sharey(row[0])
        axes.tick_params(labelsize=NOTE, labelleft=place == 0, labelbottom=last, pad=2, left=full[place],
                         bottom=last or full[place])  # fmt: skip
        if not full[place]:
            axes.spines[:].set_visible(False)
            axes.grid(axis="x", visible=False)
    row[0].yaxis.set_major_locator(MaxNLocator(3))
    row[0].set_ylabel(wrapped(words, 11), rotation=0, ha="right", va="center", fontsize=NOTE)


def frame_columns(top: Sequence[Axes], bottom: Sequence[Axes], looks: Sequence[Look], steps: float) -> None:
    """Names of generators above, steps below, the same in all columns."""
    letters = int(TWO_PANELS_MM / len(looks) / LETTER_MM)
    for axes, style in zip(top, looks, strict=True):
        axes.set_title(wrapped(style.label, letters), color=style.colour, fontsize=NOTE)
    for axes in bottom:
        axes.xaxis.set_major_locator(MaxNLocator(2, integer=True))
        axes.set_xlim(-ROOM * steps, (1 + ROOM) * steps)
        axes.set_xlabel("RL step", fontsize=NOTE)


def draw(inputs: Inputs) -> Drawn:
    """A row of panels per measure, a column per generator. Raises UserError where none was trained."""
    rows = rows_of(inputs)
    looks = looks_of_sets(inputs.results.sets[inputs.results.sets["set"].isin(rows["set"])])
    measures, wide = measures_of(inputs, rows), len(looks)
    words = notes(WORDS, not_judged(rows))
    height = min(TALLEST_MM, PAGE_MM / len(measures))
    figure, grid = panels(wide * len(measures), columns=wide, height_mm=height, width_mm=TWO_PANELS_MM)
    room_for(figure, words)
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.015, hspace=0, wspace=0)
    for number, (measure, name) in enumerate(measures.items()):
        row = grid[number * wide : (number + 1) * wide]
        own = [rows[(rows["set"] == each) & (rows["measure"] == measure)] for each in looks]
        frame_row(row, [len(drawn) > 0 for drawn in own], name, last=number == len(measures) - 1)
        for axes, below, drawn, style in zip(row, grid[-wide:], own, looks.values(), strict=True):
            if axes is not below:
                axes.sharex(below)
            draw_panel(axes, drawn, style)
    frame_columns(grid[:wide], grid[-wide:], list(looks.values()), rows["step"].max())
    return Drawn(figure, rows, words)


def not_judged(rows: pd.DataFrame) -> str:
    """Which rewards left out how many answers at most; nothing where all were judged."""
    most = (
        rows[(rows["excluded"] > 0) & ~rows["measure"].isin([*BEFORE, *AFTER])]
        .groupby("measure", sort=False)["excluded"]
        .max()
    )
    found = ", ".join(f"{name} up to {count:.0f}" for name, count in most.items())
    return f"Answers that could not be judged, and are left out, at a step: {found}." if found else ""


if __name__ == "__main__":
    synpro_command("synpro_rewards", draw, __doc__)
