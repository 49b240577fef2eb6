"""Loss against tokens with the rectified law and a power law, both without the last points (arXiv 2503.19551)."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, NullFormatter

from workflow_scripts.figures.frame import Drawn, Inputs
from workflow_scripts.figures.marks import LOSS, label_ends
from workflow_scripts.figures.mixture_notes import reasons, room_for
from workflow_scripts.figures.style import TWO_PANELS_MM, Look, panels
from workflow_scripts.figures.sweeps import notes
from workflow_scripts.figures.synpro_marks import amounts
from workflow_scripts.figures.synpro_pack import synpro_command
from workflow_scripts.scaling.bootstrap import band
from workflow_scripts.scaling.law import NotIdentified
from workflow_scripts.scaling.loss_curves import synpro_loss_curves
from workflow_scripts.scaling.rectified import HELD_OUT, LAWS, Comparison, LossCurve, compare

LOOKS = {
    "power_law": Look("#D55E00", "", "power law", dash="--"),
    "rectified": Look("#0072B2", "", "rectified"),
}
POINTS = "#000000"
NOTE = (
    "Hollow: held out of both fits. Numbers: mean absolute error there, nats. D_l: what is learnt before the first "
    "token."
)
BANDS = "Bands: {share} bootstrap over parts of the validation documents and over seeds."
FINE = 100  # places of a drawn law


def rows_of(curve: LossCurve, found: Comparison | None, reason: str, share: float) -> pd.DataFrame:
    """A row per point: its loss with its band, both laws' losses and errors; the reason where there are no laws."""
    low, high = np.quantile(curve.losses[1:], [(1 - share) / 2, (1 + share) / 2], axis=0)
    held = np.arange(len(curve.tokens)) >= len(curve.tokens) - HELD_OUT
    rows = pd.DataFrame({
        "curve": curve.name, "tokens": curve.tokens, "loss_nats": curve.losses[0], "low": low, "high": high,
        "role": np.where(held & (found is not None), "held out", "fitted"), "seeds": curve.seeds, **curve.counted,
    })  # fmt: skip
    if found is None:
        return rows.assign(status=f"not compared: {reason}")
    record = found.record(share)
    kept = {name: value for name, value in record.items() if np.isscalar(value) and name not in ("curve", "points")}
    return rows.assign(**{f"{law}_nats": found.predicted(law, curve.tokens)[0] for law in LAWS}, **kept)


def draw_curve(axes: Axes, rows: pd.DataFrame, found: Comparison | None, share: float) -> None:
    """Points with bands, and both laws with theirs, named with their errors."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.vlines(rows["tokens"], rows["low"], rows["high"], color=POINTS, alpha=0.5, linewidth=1)
    for role, face in (("fitted", POINTS), ("held out", "white")):
        own = rows[rows["role"] == role]
        axes.plot(own["tokens"], own["loss_nats"], "o", color=POINTS, markerfacecolor=face, markersize=4, zorder=3)
    fine, ends = np.geomspace(rows["tokens"].min(), rows["tokens"].max(), FINE), []
    for law, style in LOOKS.items() if found else ():
        losses = found.predicted(law, fine)
        axes.fill_between(fine, *np.array([band(x, share) for x in losses[1:].T]).T, color=style.colour, alpha=0.15,
                          linewidth=0)  # fmt: skip
        axes.plot(fine, losses[0], color=style.colour, linestyle=style.dash, linewidth=1.4)
        text = f"{style.label} {found.error(law)[0]:.3f}"
        ends.append((fine[-1], losses[0, -1], (text, style.colour)))
    axes.set_title(rows["curve"].iloc[0])
    axes.set_xlabel("training tokens, D")
    axes.set_ylabel(LOSS)
    amounts(axes.xaxis)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))  # less than a decade
    axes.yaxis.set_major_formatter("{x:.3g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
    label_ends(axes, ends)


def in_words(curve: LossCurve, found: Comparison | None, share: float) -> str:
    """What was found of a curve."""
    if found is None:
        return ""
    low, high = band(found.gain[1:], share)
    return (
        f"{curve.name.capitalize()}: the power law's error minus the rectified law's is {found.gain[0]:.4f} "
        f"[{low:.4f}, {high:.4f}] nats; {found.learnt(share)}.".replace("-", "−")
    )


def draw(inputs: Inputs) -> Drawn:
    """A panel per curve. Raises UserError without unique text or repetition."""
    share, found, tables, refused = inputs.analysis.band, {}, [], []
    curves = synpro_loss_curves(inputs.results, inputs.analysis)
    for curve in curves:
        reason = ""
        try:
            found[curve.name] = compare(curve)
        except NotIdentified as error:
            reason = str(error)
            refused.append((curve.name, f"no law, {reason}"))
        tables.append(rows_of(curve, found.get(curve.name), reason, share))
    said = [in_words(curve, found.get(curve.name), share) for curve in curves]
    words = notes(NOTE, *said, reasons(refused), BANDS)
    figure, grid = panels(len(tables), height_mm=66, width_mm=TWO_PANELS_MM)
    room_for(figure, words)
    for axes, rows in zip(grid, tables, strict=True):
        draw_curve(axes, rows, found.get(rows["curve"].iloc[0]), share)
    return Drawn(figure, pd.concat(tables, ignore_index=True), words)


if __name__ == "__main__":
    synpro_command("law_rectified", draw, __doc__)
