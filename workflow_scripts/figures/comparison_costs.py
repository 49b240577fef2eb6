"""Data efficiency against what an arm costs: synthetic tokens, FLOPs of generation, all FLOPs; Pareto fronts."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from workflow_scripts.evaluation.arm_table import ORACLE, REPETITION
from workflow_scripts.figures.comparison_looks import COLOURS, families
from workflow_scripts.figures.comparison_pack import BANDS, comparison_command, no_number, rows_of, study_of
from workflow_scripts.figures.frame import Drawn, Inputs
from workflow_scripts.figures.marks import spread_out
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.sizes import amount
from workflow_scripts.figures.style import SMALL, TWO_PANELS_MM, panels
from workflow_scripts.figures.sweeps import notes

TOKENS = "synthetic_tokens"
COSTS = {
    TOKENS: "synthetic tokens",
    "generation_flops": "FLOPs of generation",
    "total_flops": "FLOPs of generation and of training one student",
}
NOTE = (
    "Large and named: the Pareto front, arms such that no other one is both at most as dear "
    "and at least as efficient. Dotted: repetition, where it costs nothing."
)
HEIGHT_MM = 62
FEW = (1, 1.5, 2, 3, 4, 6, 8)  # times powers of ten
LEFT, RIGHT = 0.55, 0.06  # of the logarithmic axis, for names left of the points


def front_of(costs: np.ndarray, worths: np.ndarray) -> np.ndarray:
    """[points] whether no other point costs at most as much and is worth at least as much, one of them strictly.

    Points without a number are on no front.
    """
    cheaper, better = costs[None, :] <= costs[:, None], worths[None, :] >= worths[:, None]
    strictly = (costs[None, :] < costs[:, None]) | (worths[None, :] > worths[:, None])
    return ~(cheaper & better & strictly).any(axis=1) & np.isfinite(costs) & np.isfinite(worths)


def with_fronts(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows without the oracle, with a column `front_<cost>` for each of COSTS; where a cost is 0 there is no point."""
    own = rows[rows["arm"] != ORACLE].reset_index(drop=True)
    for cost in COSTS:
        paid = own[cost].astype(float).where(own[cost] > 0).to_numpy()
        own[f"front_{cost}"] = front_of(paid, own["efficiency"].to_numpy(dtype=float))
    return own


def draw_cost(axes: Axes, rows: pd.DataFrame, cost: str) -> None:
    """A point per arm with its band, the front as steps, names of its members."""
    own = rows[(rows[cost] > 0) & rows["efficiency"].notna()]
    for _, row in own.iterrows():
        (colour, marker), member = COLOURS[row["family"]], row[f"front_{cost}"]
        axes.vlines(row[cost], row["efficiency_low"], row["efficiency_high"], color=colour, linewidth=1.2, alpha=0.5)
        axes.plot(row[cost], row["efficiency"], marker, color=colour, markersize=6.5 if member else 3.5,
                  alpha=1 if member else 0.75, zorder=3 if member else 2)  # fmt: skip
    front = own[own[f"front_{cost}"]].sort_values(cost)
    axes.step(front[cost], front["efficiency"], where="post", color="#555555", linewidth=0.9, zorder=1)
    if REPETITION not in set(own["arm"]):
        axes.axhline(1, color="#000000", linewidth=0.9, linestyle=":")
    axes.set_xscale("log")
    if len(own):
        axes.set_xlim(*_limits(own[cost]))
    if cost == TOKENS:
        token_ticks(axes)
    axes.set_xlabel(COSTS[cost])
    axes.set_ylabel("data efficiency")
    name_left(axes, front, cost)


def token_ticks(axes: Axes) -> None:
    """Ticks of a logarithmic axis as 20k; several per decade where there are few decades."""
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=FEW if high < 30 * low else (1,)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: amount(value))


def name_left(axes: Axes, front: pd.DataFrame, cost: str) -> None:
    """Names left of the points of a front, where no point is; moved apart where they would be on top of each other."""
    if front.empty:
        return
    axes.set_ylim(axes.get_ylim())
    axes.figure.draw_without_rendering()  # settles the height that the names share
    points = axes.transData.transform(front[[cost, "efficiency"]].to_numpy(dtype=float)) * 72 / axes.figure.dpi
    moves = spread_out(points[:, 1], 1.25 * SMALL) - points[:, 1]
    for (_, row), move in zip(front.iterrows(), moves, strict=True):
        axes.annotate(row["title"], (row[cost], row["efficiency"]), xytext=(-7, move + 2), textcoords="offset points",
                      color=COLOURS[row["family"]][0], fontsize=SMALL, ha="right", va="center")  # fmt: skip


def _limits(costs: pd.Series) -> tuple[float, float]:
    low, high = np.log10(costs.min()), np.log10(costs.max())
    span = max(high - low, 0.1)
    return 10 ** (low - LEFT * span), 10 ** (high + RIGHT * span)


def draw(inputs: Inputs) -> Drawn:
    """A panel per cost, below each other."""
    rows = rows_of(study_of(inputs))
    own, oracle = with_fronts(rows), rows.loc[rows["arm"] == ORACLE, "efficiency"].iloc[0]
    told = f"The oracle, whose further text is natural, is not drawn: {oracle:.2f}." if np.isfinite(oracle) else ""
    words = notes(NOTE, told, BANDS, no_number(own))
    figure, grid = panels(len(COSTS), 1, HEIGHT_MM, TWO_PANELS_MM)
    room_for(figure, words)
    families(grid[0], own.loc[own["arm"] != REPETITION, "family"], columns=5)
    for axes, cost in zip(grid, COSTS, strict=True):
        draw_cost(axes, own, cost)
    return Drawn(figure, own, words)


if __name__ == "__main__":
    comparison_command("comparison_costs", draw, __doc__)
