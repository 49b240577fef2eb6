"""How arms of the comparison look: a colour and a marker per family, controls in bold, a legend of families."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from workflow_scripts.config.arm_families import CONTROL, EDITING, MEGADOCS, OWN_STUDENT, REWRITING, TRAINED
from workflow_scripts.config.comparison import SIMPLE
from workflow_scripts.figures.style import SMALL, Look
from workflow_scripts.figures.synpro_marks import name_rows

COLOURS = {  # Okabe-Ito
    CONTROL: ("#000000", "o"),
    REWRITING: ("#0072B2", "s"),
    MEGADOCS: ("#D55E00", "^"),
    OWN_STUDENT: ("#009E73", "v"),
    EDITING: ("#E69F00", "D"),
    TRAINED: ("#CC79A7", "P"),
}
ROW_MM = 4.4  # of a figure with a row per arm
WIDE = 40  # characters of the longest title on one line


def looks_of(rows: pd.DataFrame) -> list[Look]:
    """A look per arm: its family's, called by its own title."""
    return [Look(*COLOURS[family], title) for family, title in zip(rows["family"], rows["title"], strict=True)]


def name_arms(axes: Axes, rows: pd.DataFrame) -> None:
    """Names of arms down the y axis, the first row at the top; controls, with simple rephrases, in bold."""
    name_rows(axes, looks_of(rows), wide=WIDE)
    bold = (rows["family"] == CONTROL) | (rows["arm"] == SIMPLE)
    for label, own in zip(axes.get_yticklabels(), bold, strict=True):
        label.set_fontweight("bold" if own else "normal")


def families(axes: Axes, found: Iterable[str], columns: int = 3) -> None:
    """A legend of the families that occur, above the axes, which it may be wider than."""
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", markersize=5, label=family)
        for family, (colour, marker) in COLOURS.items()
        if family in set(found)
    ]
    legend = axes.legend(
        handles=handles, ncols=columns, fontsize=SMALL, handletextpad=0.2, columnspacing=1.2, frameon=False,
        loc="lower left", bbox_to_anchor=(0, 1.0), borderaxespad=0.2,
    )  # fmt: skip
    legend.set_in_layout(False)  # else it would make the axes narrower
    axes.set_title("\n" * -(-len(handles) // columns), fontsize=SMALL)  # the height that it needs
