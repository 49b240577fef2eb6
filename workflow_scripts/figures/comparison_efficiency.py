"""Data efficiency of every arm with its band, the best first; what has none says so in its row and why below."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter, MaxNLocator, NullLocator

from workflow_scripts.figures.comparison_looks import ROW_MM, families, looks_of, name_arms
from workflow_scripts.figures.comparison_pack import BANDS, comparison_command, no_number, rows_of, study_of
from workflow_scripts.figures.frame import Drawn, Inputs
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.style import SMALL, TWO_PANELS_MM, panels
from workflow_scripts.figures.sweeps import notes

NOTE = (
    "Data efficiency: unique natural tokens whose students alone reach an arm's loss, over those at hand; repetition "
    "is 1. Arms are in the order of their loss. Bold: controls."
)
ROOM = 1.04  # of the axis beyond its lowest and highest value
GREY = "#555555"


def draw_dots(axes: Axes, rows: pd.DataFrame) -> None:
    """A row per arm: dot and band on a logarithmic axis, the number right of the axes."""
    for place, (style, (_, row)) in enumerate(zip(looks_of(rows), rows.iterrows(), strict=True)):
        if pd.isna(row["efficiency"]):
            axes.annotate("no number", (1, place), color=GREY, fontsize=SMALL, va="center", ha="center", style="italic")
            continue
        low, high = row["efficiency_low"], row["efficiency_high"]
        axes.hlines(place, low, high, color=style.colour, linewidth=2.4, alpha=0.4)
        axes.plot(row["efficiency"], place, style.marker, color=style.colour, markersize=4.5)
        axes.annotate(f"{row['efficiency']:.2f} [{low:.2f}, {high:.2f}]", (1.02, place), fontsize=SMALL, va="center",
                      xycoords=axes.get_yaxis_transform(), color=style.colour)  # fmt: skip
    axes.set_xscale("log")
    axes.axvline(1, color="#000000", linewidth=0.9, linestyle=":")
    lowest, highest = rows["efficiency_low"].min(), rows["efficiency_high"].max()
    axes.set_xlim(min(lowest, 1) / ROOM, max(highest, 1.1) * ROOM) if pd.notna(lowest) else axes.set_xlim(0.5, 2)
    ratio_ticks(axes)


def ratio_ticks(axes: Axes) -> None:
    """Round numbers on a logarithmic x axis that spans less than a decade or two."""
    axes.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))


def draw(inputs: Inputs) -> Drawn:
    """One panel with a row per arm."""
    rows = rows_of(study_of(inputs))
    words = notes(NOTE, BANDS, no_number(rows))
    figure, (axes,) = panels(1, 1, ROW_MM * len(rows) + 16, TWO_PANELS_MM)
    room_for(figure, words)
    draw_dots(axes, rows)
    name_arms(axes, rows)
    axes.set_xlabel("data efficiency, times repetition's")
    families(axes, rows["family"])
    return Drawn(figure, rows, words)


if __name__ == "__main__":
    comparison_command("comparison_efficiency", draw, __doc__)
