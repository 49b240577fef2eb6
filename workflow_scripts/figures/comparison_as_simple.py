"""Gain over simple rephrases of every arm, with its own hyper-parameters and with theirs."""

import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.arm_families import CONTROL
from workflow_scripts.config.comparison import SIMPLE
from workflow_scripts.figures.comparison_looks import ROW_MM, families, looks_of, name_arms
from workflow_scripts.figures.comparison_pack import BANDS, comparison_command, rows_of, study_of
from workflow_scripts.figures.frame import Drawn, Inputs
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.style import TWO_PANELS_MM, panels
from workflow_scripts.figures.sweeps import notes

NOTE = (
    "Filled: arm and simple rephrases each with their own tuned hyper-parameters. Open: what is left of the gain where "
    "both have those of simple rephrases. Right of 0 the arm is better."
)
APART = 0.17  # of a row, from its middle


def compared(rows: pd.DataFrame) -> pd.DataFrame:
    """Arms with synthetic text but simple rephrases themselves, the largest gain first."""
    own = rows[(rows["family"] != CONTROL) & (rows["arm"] != SIMPLE)]
    return own.sort_values("over_simple_gain", ascending=False, ignore_index=True)


def draw_pairs(axes: Axes, rows: pd.DataFrame) -> None:
    """Two dots with bands per arm: tuned above, with the hyper-parameters of simple rephrases below."""
    for place, (style, (_, row)) in enumerate(zip(looks_of(rows), rows.iterrows(), strict=True)):
        for part, move, face in (("over_simple", -APART, style.colour), ("as_simple", APART, "white")):
            low, high = row[f"{part}_low"], row[f"{part}_high"]
            axes.hlines(place + move, low, high, color=style.colour, linewidth=1.6, alpha=0.5)
            axes.plot(row[f"{part}_gain"], place + move, style.marker, color=style.colour, markerfacecolor=face,
                      markersize=4)  # fmt: skip
    axes.axvline(0, color="#000000", linewidth=0.9, linestyle=":")
    axes.set_xlabel("loss of simple rephrases minus the arm's, nats per token")


def draw(inputs: Inputs) -> Drawn:
    """One panel with a row per arm. Raises UserError where no student has the hyper-parameters of simple rephrases."""
    rows = compared(rows_of(study_of(inputs)))
    if rows["as_simple_gain"].isna().all():
        raise UserError(
            f"{', '.join(inputs.folders)}: no student of the study comparison_as_simple, which this figure shows; "
            "`snakemake comparison` trains them"
        )
    words = notes(NOTE, BANDS)
    figure, (axes,) = panels(1, 1, ROW_MM * len(rows) + 16, TWO_PANELS_MM)
    room_for(figure, words)
    draw_pairs(axes, rows)
    name_arms(axes, rows)
    families(axes, rows["family"])
    return Drawn(figure, rows, words)


if __name__ == "__main__":
    comparison_command("comparison_as_simple", draw, __doc__)
