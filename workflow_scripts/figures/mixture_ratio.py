"""Loss against the synthetic share by kind, student and budget, and the best share (arXiv 2510.01631, figure 4)."""

from collections import Counter

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.common.errors import UserError
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import LOSS, End, label_ends
from workflow_scripts.figures.mixture_differences import difference, losses_are, natural_of
from workflow_scripts.figures.mixture_looks import colour_of, kinds_of, mixture_look, shades, title_of
from workflow_scripts.figures.mixture_notes import COST, DIFFERENCES, STYLE, repetition, room_for
from workflow_scripts.figures.sizes import MARKERS, amount, size_axis
from workflow_scripts.figures.style import Look, panels
from workflow_scripts.figures.sweeps import notes
from workflow_scripts.scaling.best_ratio import FEW, FLAT, PLACE, STUDY, UNKNOWN, Ratios, ratio_record, ratios_of
from workflow_scripts.scaling.mixture_settings import NATURAL, mixture_settings

NOTE = (
    "Left: difference to natural text at the same student and budget; lines: a smooth curve with one "
    "optimum; stars: the best share with its band. Right: best shares; open: the best of the grid, or not sure."
)
SIZES = {"budget_tokens": "training tokens, D", "non_embedding_parameters": "non-embedding parameters, N"}
SHARE, FLAGS = "synthetic share", "; "
FINE = 101  # shares of a curve
Looks = dict[tuple, Look]  # by the values of a place


def found_ratios(inputs: Inputs) -> list[Ratios]:
    """Losses of every kind, student and budget, averaged over domains.

    Raises UserError without synthetic text, and where there is no natural text to compare it with.
    """
    found = ratios_of(mixture_settings(inputs.study(STUDY), inputs.analysis.bootstrap_draws, STUDY))
    if not found:
        raise UserError(f"{', '.join(inputs.folders)}: study {STUDY}: no student on synthetic text; train one")
    for ratios in found:
        natural_of(ratios.settings, STUDY, ratios.place["budget_tokens"])
    return found


def rows_of(ratios: Ratios, share: float) -> pd.DataFrame:
    """Rows by role: shares, the curve where there is one, both as differences to natural text; the best share."""
    natural, record = ratios.settings[0], ratio_record(ratios, share)
    rows = [
        {"role": "share", "share": s.mixing_ratio, "loss_nats": s.loss, **difference(s, natural, share)}
        | {"seeds": s.seeds, "documents": s.documents}
        for s in ratios.settings
    ]
    best = {"role": "best", "share": record["best_on_grid"], "flags": FLAGS.join(record["flags"])}
    best["sure"] = not {FLAT, FEW, UNKNOWN} & set(record["flags"])
    if curves := ratios.curves:
        fine = np.linspace(0, ratios.shares[-1], FINE)
        losses = curves.losses(fine)[0]
        rows += [{"role": "curve", "share": at, "difference_nats": loss - natural.loss}
                 for at, loss in zip(fine, losses, strict=True)]  # fmt: skip
        best |= {"share": record["best"], "low": record["low"], "high": record["high"]}
        best["difference_nats"] = np.interp(record["best"], fine, losses) - natural.loss
    return pd.DataFrame([ratios.place | row for row in [*rows, best]])


def sides(rows: pd.DataFrame) -> list[str]:
    """Columns of SIZES, that with more values first: the x axis of best shares; the other tells lines apart."""
    return sorted(SIZES, key=lambda column: -rows[column].nunique())


def looks_of_places(rows: pd.DataFrame) -> Looks:
    """A look per kind, student and budget: the smallest line lightest, a marker per place on the x axis."""
    x, line = (sorted(rows[column].unique()) for column in sides(rows))
    looks = {}
    for values in rows[list(PLACE)].drop_duplicates().itertuples(index=False):
        sizes = values._asdict()
        own, marker = (known.index(sizes[column]) for known, column in zip((line, x), sides(rows)[::-1], strict=True))
        colour = shades(colour_of(values.stream), len(line))[own]
        label = f"{values.student}, {amount(values.budget_tokens)}"
        looks[tuple(values)] = Look(colour, MARKERS[marker % len(MARKERS)], label)
    return looks


def draw_ratios(axes: Axes, rows: pd.DataFrame, style: Look) -> End:
    """Points, the fitted curve, and the best share on it; returns where its label goes."""
    own, curve, best = (rows[rows["role"] == role] for role in ("share", "curve", "best"))
    axes.vlines(own["share"], own["low"], own["high"], color=style.colour, alpha=0.6, linewidth=1)
    axes.plot(own["share"], own["difference_nats"], style.marker, color=style.colour, markersize=4)
    if len(curve):
        axes.plot(curve["share"], curve["difference_nats"], color=style.colour, linewidth=1.1)
        axes.hlines(best["difference_nats"], best["low"], best["high"], color=style.colour, linewidth=3, alpha=0.35)
        axes.plot(best["share"], best["difference_nats"], "*", color=style.colour, markeredgecolor="white",
                  markersize=10, zorder=4)  # fmt: skip
    return own["share"].iloc[-1], own["difference_nats"].iloc[-1], (style.label, style.colour)


def draw_best(axes: Axes, best: pd.DataFrame, looks: Looks) -> None:
    """Best shares of a kind against budget or size with a line per value of the other; open where they are not sure."""
    x, line = sides(best)
    ends = []
    for number, (_, own) in enumerate(best.groupby(line)):
        own, apart = own.sort_values(x), 1.04**number  # so that bands are not on top of each other
        styles = [looks[tuple(place)] for place in own[list(PLACE)].itertuples(index=False)]
        axes.vlines(own[x] * apart, own["low"], own["high"], color=styles[-1].colour, alpha=0.6, linewidth=1)
        axes.plot(own[x] * apart, own["share"], color=styles[-1].colour, linewidth=1)
        for place, share, sure, style in zip(own[x] * apart, own["share"], own["sure"], styles, strict=True):
            axes.plot(place, share, style.marker, color=style.colour, markersize=5,
                      markerfacecolor=style.colour if sure else "white")  # fmt: skip
        name = own["student"].iloc[-1] if line != "budget_tokens" else amount(own[line].iloc[-1])
        ends.append((own[x].iloc[-1] * apart, own["share"].iloc[-1], (name, styles[-1].colour)))
    axes.set_ylim(-0.04, 1.04)
    axes.set_ylabel(f"best {SHARE}")
    size_axis(axes, best[x], SIZES[x])
    label_ends(axes, ends)


def doubts_of(best: pd.DataFrame) -> str:
    """How many best shares are not sure, and why."""
    flags = Counter(flag for flags in best["flags"] if flags for flag in flags.split(FLAGS))
    return f"Of {len(best)} best shares: {', '.join(f'{n} {flag}' for flag, n in flags.items())}." if flags else ""


def draw(inputs: Inputs) -> Drawn:
    """A row of panels per kind."""
    tables = [rows_of(ratios, inputs.analysis.band) for ratios in found_ratios(inputs)]
    rows = pd.concat(tables, ignore_index=True)
    best, looks = rows[rows["role"] == "best"], looks_of_places(rows)
    own = inputs.study(STUDY)
    words = notes(losses_are(own), NOTE, doubts_of(best), repetition(own.students), DIFFERENCES, STYLE, COST)
    kinds = kinds_of((kind, 1) for kind in rows["stream"])
    figure, grid = panels(2 * len(kinds), height_mm=60)
    room_for(figure, words)
    for kind, left, right in zip(kinds, grid[::2], grid[1::2], strict=True):
        mine = [table for table in tables if table["stream"].iloc[0] == kind]
        ends = [draw_ratios(left, table, looks[tuple(table[list(PLACE)].iloc[0])]) for table in mine]
        left.axhline(0, color=mixture_look(NATURAL).colour, linewidth=0.9, linestyle=":")
        left.set_title(title_of(kind))
        right.set_title(f"{title_of(kind)}, best share")
        left.set_xlabel(SHARE)
        left.set_ylabel(f"{LOSS},\nminus natural text's")
        label_ends(left, ends)
        draw_best(right, best[best["stream"] == kind], looks)
    return Drawn(figure, rows, words)


if __name__ == "__main__":
    figure_command("mixture_ratio", draw, __doc__)
