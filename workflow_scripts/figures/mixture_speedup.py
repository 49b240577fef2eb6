"""Natural tokens that a token of a mixture is worth, D_natural(L) / D_mixture(L), against L and D_mixture."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workflow_scripts.common.errors import UserError
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import LOSS, End, label_ends
from workflow_scripts.figures.mixture_differences import losses_are
from workflow_scripts.figures.mixture_looks import kinds_of, mixture_look, ticks_of, title_of
from workflow_scripts.figures.mixture_notes import COST, STYLE, reasons, repetition, room_for
from workflow_scripts.figures.sizes import size_axis
from workflow_scripts.figures.style import panels
from workflow_scripts.figures.sweeps import notes
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.mixture_laws import DATA, mixture_laws, natural_law
from workflow_scripts.scaling.mixture_settings import NATURAL, mixture_settings
from workflow_scripts.scaling.speed_up import speed_up_record

BEYOND = 3  # extrapolations are shown up to so many times what is measured
NOTE = (
    "Curves: from data laws of both texts, dashed where a law is read outside the measured budgets; points: without a "
    "law, between measured natural budgets. Above 1 the mixture needs fewer tokens. Curves diverge where L comes near "
    "natural text's E. Bands: {share} bootstrap over documents, the same ones for both, and over seeds where some "
    "students have several."
)


def records_of(inputs: Inputs) -> list[dict]:
    """Speed-ups of every mixture with synthetic text, of losses averaged over domains, as in the record of the fits.

    Raises UserError without students on natural text alone.
    """
    own, share = inputs.study(DATA.study), inputs.analysis.band
    laws = mixture_laws(mixture_settings(own, inputs.analysis.bootstrap_draws, DATA.study), DATA, share)
    try:
        natural = natural_law(laws)
    except NotIdentified as reason:
        raise UserError(f"{', '.join(inputs.folders)}: study {DATA.study}: {reason}; add the share 0 to it") from None
    records = [speed_up_record(natural, law, share) for law in laws if law is not natural]
    counts = {law.mixture: (law.settings[0].seeds, law.settings[0].documents) for law in laws}
    return [
        record | dict(zip(("seeds", "documents"), counts[record["stream"], record["mixing_ratio"]], strict=True))
        for record in records
    ]


def rows_of(record: dict) -> pd.DataFrame:
    """Rows of a record: `where` is measured, extrapolated, or interpolated (without a law)."""
    known = {key: record[key] for key in ("mixture", "stream", "mixing_ratio", "seeds", "documents", "status")}
    read = [row | {"where": "interpolated"} for row in record["interpolated"]]
    rows = [row for row in [*record["points"], *read] if row["speed_up"] is not None]
    made = [known | row | dict(zip(("low", "high"), row["band"] or (np.nan, np.nan), strict=True)) for row in rows]
    columns = [*known, "where", "loss_nats", "mixture_tokens", "natural_tokens", "speed_up", "low", "high"]
    largest = max(row["mixture_tokens"] for row in record["interpolated"])
    table = pd.DataFrame(made, columns=columns)
    return table[table["mixture_tokens"] <= BEYOND * largest]


def draw_ratio(axes: Axes, rows: pd.DataFrame, x: str) -> End | None:
    """One mixture's curve and points; returns where its label goes, None where nothing is drawn."""
    if rows.empty:
        return None
    style = mixture_look((rows["stream"].iloc[0], rows["mixing_ratio"].iloc[0]))
    curve, read = rows[rows["where"] != "interpolated"], rows[rows["where"] == "interpolated"]
    measured = curve["speed_up"].where(curve["where"] == "measured")
    axes.fill_between(curve[x], curve["low"], curve["high"], color=style.colour, alpha=0.12, linewidth=0)
    axes.plot(curve[x], curve["speed_up"], "--", color=style.colour, linewidth=1)
    axes.plot(curve[x], measured, color=style.colour, linewidth=1.5)
    axes.vlines(read[x], read["low"], read["high"], color=style.colour, alpha=0.6, linewidth=1)
    axes.plot(read[x], read["speed_up"], style.marker, color=style.colour, markersize=4.5)
    last = (curve if len(curve) else read).iloc[-1]
    return last[x], float(np.clip(last["speed_up"], *axes.get_ylim())), (style.label, style.colour)


def ratio_axis(axes: Axes, rows: pd.DataFrame) -> None:
    """Logarithmic y axis over what is measured, bands and extrapolations up to BEYOND times that; a line at 1."""
    sure = np.append(rows.loc[rows["where"] != "extrapolated", "speed_up"], 1.0)
    drawn = np.append(rows[["speed_up", "low", "high"]].to_numpy(dtype=float), 1.0)
    low = max(sure.min() / BEYOND, np.nanmin(drawn)) / 1.1
    high = min(sure.max() * BEYOND, np.nanmax(drawn)) * 1.1
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    ticks = ratio_ticks(low, high)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.axhline(1, color=mixture_look(NATURAL).colour, linewidth=0.9, linestyle=":")
    axes.set_ylabel("D natural / D mixture")


def ratio_ticks(low: float, high: float) -> list[float]:
    """Round values of a logarithmic axis: 1, 2, 5, 10 .., closer ones where fewer than three of these are on it."""
    usual = [digit * 10.0**power for power in range(-3, 5) for digit in (1, 2, 5)]
    found = [tick for tick in usual if low <= tick <= high]
    closer = MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(low, high)
    return found if len(found) > 2 else [round(tick, 6) for tick in closer if low <= tick <= high]


def draw_kind(kind: str, by_loss: Axes, by_tokens: Axes, tables: list[pd.DataFrame], budgets: list[int]) -> None:
    """The mixtures of a kind: against the loss, falling to the right, and against the mixture's own tokens."""
    for axes, x in ((by_loss, "loss_nats"), (by_tokens, "mixture_tokens")):
        axes.set_title(title_of(kind))
        ratio_axis(axes, pd.concat(tables))
        ends = [end for table in tables if (end := draw_ratio(axes, table, x))]
        if x == "mixture_tokens":
            size_axis(axes, ticks_of(budgets), "tokens of the mixture, D")
        else:
            axes.invert_xaxis()
            axes.set_xlabel(LOSS)
        label_ends(axes, ends)


def draw(inputs: Inputs) -> Drawn:
    """A row of panels per kind. Raises UserError without mixtures."""
    records = records_of(inputs)
    if not records:
        raise UserError(f"{', '.join(inputs.folders)}: study {DATA.study}: no student on synthetic text; train one")
    tables, kinds = [rows_of(record) for record in records], kinds_of((r["stream"], r["mixing_ratio"]) for r in records)
    missing = reasons((record["mixture"], record["status"]) for record in records if record["status"] != "fitted")
    own = inputs.study(DATA.study)
    words = notes(losses_are(own), NOTE, missing, repetition(own.students), STYLE, COST)
    figure, grid = panels(2 * len(kinds), height_mm=58)
    room_for(figure, words)
    budgets = sorted(own.students["budget_tokens"].unique())
    for kind, *pair in zip(kinds, grid[::2], grid[1::2], strict=True):
        draw_kind(kind, *pair, [t for r, t in zip(records, tables, strict=True) if r["stream"] == kind], budgets)
    return Drawn(figure, pd.concat(tables, ignore_index=True), words)


if __name__ == "__main__":
    figure_command("mixture_speedup", draw, __doc__)
