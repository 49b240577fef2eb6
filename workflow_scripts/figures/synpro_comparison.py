"""All ways of using scarce text: best loss and effective tokens against FLOPs, loss at equal tokens, and the cost."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workflow_scripts.figures.frame import Drawn, Inputs
from workflow_scripts.figures.marks import LOSS
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.sizes import amount
from workflow_scripts.figures.style import TWO_PANELS_MM, Look, panels
from workflow_scripts.figures.sweeps import notes
from workflow_scripts.figures.synpro_comparison_rows import no_ratio, not_counted, rows_of
from workflow_scripts.figures.synpro_looks import looks_of_arms
from workflow_scripts.figures.synpro_marks import amounts, dots, name_rows, number_points
from workflow_scripts.figures.synpro_pack import SEEDS_AND_PARTS, synpro_command

NOTE = (
    "FLOPs: training to the best evaluation, all that it continues included, and writing the sets, training of their "
    "generators included. Thin lines: from training alone to both. Open: beyond the budgets of unique text."
)
BANDS = (
    "Bars: {share} " + SEEDS_AND_PARTS + "; what is hard for one arm is hard for all, so that differences are surer."
)
UPPER_MM, ROW_MM, HEAD_MM = 60, 7, 22
PETA = 1e15


def draw_against_flops(axes: Axes, rows: pd.DataFrame, looks: list[Look], value: str, bars: tuple[str, str]) -> None:
    """A point per arm over FLOPs of training and generation together; its number says which it is."""
    points, high = [], rows[bars[1]].replace(np.inf, np.nan).fillna(rows[value])
    for (place, row), style in zip(rows.iterrows(), looks, strict=True):
        if not np.isfinite(row[value]):
            continue
        training, total = row["training_flops"] / PETA, row["total_flops"] / PETA
        axes.vlines(total, row[bars[0]], high[place], color=style.colour, linewidth=1.4, alpha=0.6)
        axes.hlines(row[value], training, total, color=style.colour, linewidth=0.8)
        face = "white" if value == "ratio" and row["status"] == "extrapolated" else style.colour
        axes.plot(total, row[value], style.marker, color=style.colour, markerfacecolor=face, markersize=5.5)
        points.append((total, row[value], (str(row["number"]), style.colour)))
    axes.set_xscale("log")
    amounts(axes.xaxis)
    axes.margins(x=0.1)
    axes.set_xlabel("PFLOPs, training and generation")
    number_points(axes, points)


def draw_costs(axes: Axes, rows: pd.DataFrame, looks: list[Look]) -> None:
    """A bar per arm: training, then generation, hatched."""
    for place, ((_, row), style) in enumerate(zip(rows.iterrows(), looks, strict=True)):
        training, generation = row["training_flops"] / PETA, row["generation_flops"] / PETA
        axes.barh(place, training, 0.6, color=style.colour, linewidth=0)
        axes.barh(place, generation, 0.6, training, facecolor="none", hatch="////", edgecolor=style.colour,
                  linewidth=0.8)  # fmt: skip
    axes.set_title("PFLOPs; hatched: generation")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(lambda value, _: amount(value))


def draw_equal(axes: Axes, rows: pd.DataFrame, looks: list[Look]) -> None:
    """A dot per arm: the loss at equal training tokens."""
    own = rows.assign(low=rows["equal_low"], high=rows["equal_high"])
    dots(axes, own, looks, "equal_loss_nats", range(len(rows)))
    axes.set_title(f"loss within {amount(rows['equal_tokens'].iloc[0])} training tokens")
    axes.xaxis.set_major_locator(MaxNLocator(4))


def draw(inputs: Inputs) -> Drawn:
    """Best losses and ratios against FLOPs above; below a row per arm, which names the numbers."""
    rows = rows_of(inputs)
    looks = list(looks_of_arms(rows).values())
    words = notes(NOTE, BANDS, not_counted(rows), no_ratio(rows))
    lower = HEAD_MM + ROW_MM * len(rows)
    figure, (loss, ratio, equal, cost) = panels(4, 2, (UPPER_MM + lower) / 2, TWO_PANELS_MM)
    loss.get_gridspec().set_height_ratios([UPPER_MM, lower])
    room_for(figure, words)
    named = [Look(style.colour, style.marker, f"{number}  {style.label}")
             for number, style in zip(rows["number"], looks, strict=True)]  # fmt: skip
    draw_equal(equal, rows, looks)
    draw_costs(cost, rows, looks)
    for axes in (equal, cost):
        name_rows(axes, named, wide=24)
        axes.tick_params(labelleft=axes is equal)
    draw_against_flops(loss, rows, looks, "loss_nats", ("low", "high"))
    loss.set_ylabel(f"best validation\n{LOSS}")
    draw_against_flops(ratio, rows, looks, "ratio", ("ratio_low", "ratio_high"))
    ratio.set_ylabel("effective tokens,\ntimes repetition's")
    return Drawn(figure, rows, words)


if __name__ == "__main__":
    synpro_command("synpro_comparison", draw, __doc__)
