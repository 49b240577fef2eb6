"""Gain over repetition of every arm on every validation set, and in right answers where students were asked."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes

from workflow_scripts.evaluation.arm_table import REPETITION
from workflow_scripts.figures.comparison_looks import ROW_MM, name_arms
from workflow_scripts.figures.comparison_pack import BANDS, comparison_command, rows_of, study_of
from workflow_scripts.figures.comparison_set_rows import answers, gains
from workflow_scripts.figures.frame import Drawn, Inputs
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.style import NOTE as NOTE_SIZE
from workflow_scripts.figures.style import TWO_PANELS_MM, panels
from workflow_scripts.figures.sweeps import notes

NOTE = (
    "Brown: better than repetition; violet: worse; the oracle's numbers may be beyond the colours. Grey numbers: their "
    "band has 0. Arms are in the order of their i.i.d. loss. Bold: controls."
)
ANSWERS = "Right answers: bands of {share} over questions, taken as drawn anew for each arm."
WORDS = {"validation": "i.i.d.", "short": "i.i.d. short", "long": "i.i.d. long"}
COLOURS = "PuOr_r"  # safe for the colour-blind; white at 0
NARROW = 2  # columns that a panel has the width of, at least
STRONG = 0.62  # share of the colours beyond which numbers are white


def heat_map(axes: Axes, rows: pd.DataFrame, arms: list[str], digits: str) -> None:
    """A cell per arm and set with its number; colours are scaled to the largest gain or loss but the oracle's."""
    sets = list(dict.fromkeys(rows["set"]))
    table = rows.pivot(index="arm", columns="set", values="gain").reindex(index=arms, columns=sets)
    most = float(np.nanmax(np.abs(table.drop(index="oracle", errors="ignore").to_numpy()))) or 1.0
    axes.imshow(table, aspect="auto", cmap=colormaps[COLOURS], vmin=-most / STRONG, vmax=most / STRONG)
    for row in rows.itertuples():
        unsure, strong = row.low <= 0 <= row.high, abs(row.gain) > 1.2 * most
        colour = "white" if strong else "#6b6b6b" if unsure else "black"
        axes.text(sets.index(row.set), arms.index(row.arm), format(row.gain, digits), color=colour, fontsize=NOTE_SIZE,
                  ha="center", va="center")  # fmt: skip
    axes.set_xticks(range(len(sets)), [WORDS.get(name, name.replace("_", " ")) for name in sets], rotation=35,
                    ha="left", rotation_mode="anchor")  # fmt: skip
    axes.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False, length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def draw(inputs: Inputs) -> Drawn:
    """A panel of losses, and one of right answers where the pack has them."""
    study = study_of(inputs)
    order = rows_of(study)[["arm", "title", "family"]]
    order = order[order["arm"] != REPETITION].reset_index(drop=True)
    losses, asked = gains(study), answers(study)
    parts = [(losses, "+.3f", "gain over repetition,\nnats per token")]
    parts += [(asked, "+.1f", "right answers,\n% points")] if len(asked) else []
    shown = [(rows[rows["arm"] != REPETITION], *how) for rows, *how in parts]
    words = notes(NOTE, BANDS, ANSWERS if len(asked) else "")
    figure, grid = panels(len(shown), 2, ROW_MM * len(order) + 30, TWO_PANELS_MM)
    room_for(figure, words)
    grid[0].get_gridspec().set_width_ratios([max(rows["set"].nunique(), NARROW) for rows, *_ in shown])
    for axes, (rows, digits, head) in zip(grid, shown, strict=True):
        heat_map(axes, rows, list(order["arm"]), digits)
        name_arms(axes, order)
        axes.tick_params(labelleft=axes is grid[0])
        axes.set_xlabel(head)
    return Drawn(figure, pd.concat([losses, asked], ignore_index=True), words)


if __name__ == "__main__":
    comparison_command("comparison_sets", draw, __doc__)
