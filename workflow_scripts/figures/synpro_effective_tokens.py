"""Unique natural tokens that every arm is worth against its training tokens, and their ratio to repetition.

arXiv 2605.17849 gives such ratios without a formula; ours is that of scaling.effective_tokens, [assumed].
"""

import textwrap
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.figures.frame import Drawn, Inputs
from workflow_scripts.figures.marks import End
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.sizes import amount
from workflow_scripts.figures.style import TWO_PANELS_MM, Look, panels
from workflow_scripts.figures.sweeps import notes
from workflow_scripts.figures.synpro_effective_rows import not_identified, rows_of
from workflow_scripts.figures.synpro_looks import looks_of_arms
from workflow_scripts.figures.synpro_marks import amounts, name_ends
from workflow_scripts.figures.synpro_pack import (
    ARMS,
    SEEDS_AND_PARTS,
    arms_of,
    synpro_command,
)

NOTE = (
    "Effective tokens: unique natural tokens, none seen twice, of which a student has the same best validation loss "
    "by the law of unique text. Dashed: beyond the budgets of that. Open: a new set joins. Dotted diagonal: every "
    "token new."
)
BANDS = "Bands: {share} " + SEEDS_AND_PARTS + "."
PANELS = {"effective": "effective tokens", "ratio": "effective tokens,\ntimes repetition's"}
VALUES = {"effective": "effective_tokens", "ratio": "ratio"}
BEYOND, ROOM = "extrapolated", 1.15


def draw_curve(axes: Axes, own: pd.DataFrame, what: str, style: Look, ceiling: float) -> End:
    """A line with its band, dashed where either end of a segment is extrapolated; returns where its label goes.

    Bands without an upper end go to `ceiling`.
    """
    value, x = VALUES[what], own["budget_tokens"]
    high = own[f"{what}_high"].clip(upper=ceiling)
    axes.fill_between(x, own[f"{what}_low"], high, color=style.colour, alpha=0.15, linewidth=0)
    for (_, left), (_, right) in pairwise(own.iterrows()):
        beyond = BEYOND in (left["status"], right["status"])
        both = [left["budget_tokens"], right["budget_tokens"]], [left[value], right[value]]
        axes.plot(*both, color=style.colour, linewidth=1.5, linestyle=(0, (3, 1.5)) if beyond else "-")
    joins, last = own[own["joins"]], own.iloc[-1]
    axes.plot(joins["budget_tokens"], joins[value], style.marker, color=style.colour, markersize=5,
              markerfacecolor="white")  # fmt: skip
    axes.plot(last["budget_tokens"], last[value], style.marker, color=style.colour, markersize=5)
    text = f"{style.label} {last[value]:.2f}×" if what == "ratio" else style.label
    return last["budget_tokens"], last[value], (text, style.colour)


def draw_panel(axes: Axes, rows: pd.DataFrame, what: str, looks: dict[str, Look]) -> list[End]:
    """All curves of a panel; returns where their labels go."""
    known = rows[np.isfinite(rows[VALUES[what]])]
    highs = known[f"{what}_high"]
    ceiling = ROOM * max(known[VALUES[what]].max(), highs[np.isfinite(highs)].max())
    groups = {name: own.sort_values("budget_tokens") for name, own in known.groupby("curve")}
    ends = [draw_curve(axes, groups[name], what, style, ceiling) for name, style in looks.items() if name in groups]
    axes.set_xscale("log")
    axes.set_ylim(top=ceiling)
    amounts(axes.xaxis)
    axes.set_ylabel(PANELS[what])
    return ends


def draw_levels(axes: Axes, rows: pd.DataFrame, organic_tokens: int) -> End:
    """The diagonal of tokens that are all new, and the level of the natural tokens there are."""
    amounts(axes.yaxis)
    known = rows.loc[np.isfinite(rows["effective_tokens"]), "budget_tokens"]
    span = known.agg(["min", "max"]).to_numpy()
    axes.plot(span, span, color="#777777", linewidth=0.9, linestyle=":", zorder=1, scaley=False)
    axes.axhline(organic_tokens, color="#777777", linewidth=0.9, linestyle="--", zorder=1)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, organic_tokens / ROOM), max(high, organic_tokens * ROOM))
    return span[1], organic_tokens, (f"natural tokens: {amount(organic_tokens)}", "#777777")


def draw_reason(rows: pd.DataFrame) -> Drawn:
    """Why there are no numbers, instead of them."""
    figure, (axes,) = panels(1)
    reason = next(iter(rows["reason"][rows["reason"] != ""]), "every loss is outside the range of unique text")
    axes.text(0.5, 0.5, textwrap.fill(f"No arm has a number: {reason}", 40), ha="center", va="center")
    axes.set_axis_off()
    return Drawn(figure, rows, NOTE)


def draw(inputs: Inputs) -> Drawn:
    """Effective tokens above, their ratio to repetition's below. Raises UserError without unique text or repetition."""
    rows = rows_of(inputs)
    if "reason" in rows:
        return draw_reason(rows)
    looks = looks_of_arms(arms_of(inputs.results, *ARMS))
    words = notes(NOTE, BANDS, not_identified(rows))
    figure, (above, below) = panels(2, columns=1, height_mm=62, width_mm=TWO_PANELS_MM)
    room_for(figure, words)
    above.set_yscale("log")
    below.sharex(above)
    ends = draw_panel(above, rows, "effective", looks)
    level = draw_levels(above, rows, int(inputs.results.pretrainings["organic_tokens"].min()))
    ratios = draw_panel(below, rows, "ratio", looks)
    below.axhline(1, color="#777777", linewidth=0.9, linestyle=":")
    below.set_xlabel("training tokens")
    name_ends(above, [*ends, level])
    name_ends(below, ratios)
    return Drawn(figure, rows, words)


if __name__ == "__main__":
    synpro_command("synpro_effective_tokens", draw, __doc__)
