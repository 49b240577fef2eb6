"""The real-only data law with each method's loss on it, and data efficiency against generations per document.

Efficiencies are those of `scaling.efficiency` and, without a law, of `scaling.interpolation`.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.common.errors import UserError
from workflow_scripts.figures.efficiency_rows import drawn_rows
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import IID_LOSS, band_line, generation_axis, label_ends
from workflow_scripts.figures.points import ABSOLUTE
from workflow_scripts.figures.style import in_order, look, panels
from workflow_scripts.scaling.bootstrap import settings_of
from workflow_scripts.scaling.efficiency import analyse
from workflow_scripts.scaling.law import DataLaw

STUDY, IID = "data_efficiency", "validation"
HOW = (
    "Lines: by the law. Crosses: without it, between the real-only losses, piecewise linear in log D. No number where "
    "these do not enclose a loss. "
)


def draw_law(axes: Axes, rows: pd.DataFrame, law: dict | None) -> None:
    """Real-only losses against D, the fitted law, and each method's losses where the law reaches them."""
    real = rows[rows["stream"] == "real"]
    errors = np.maximum([real["loss_nats"] - real["loss_low"], real["loss_high"] - real["loss_nats"]], 0)
    axes.errorbar(real["real_tokens"], real["loss_nats"], yerr=errors, fmt="o", color="black", markersize=4, capsize=2)
    axes.set_xscale("log")
    axes.set_xticks(real["real_tokens"], [short_count(tokens) for tokens in real["real_tokens"]])
    axes.minorticks_off()
    axes.set_xlabel("unique real tokens, D")
    axes.set_ylabel(IID_LOSS)
    if not law:
        return
    fitted = DataLaw(law["A"], law["B"], law["C"])
    grid = np.geomspace(*law["range_tokens"], 200)
    axes.plot(grid, fitted.loss(grid), color="black", linewidth=1)
    axes.set_title(law_label(law))
    ends = []
    for stream in methods(rows):
        own = rows[(rows["stream"] == stream) & (rows["status"] == "measured")]
        places = [fitted.tokens(loss) for loss in own["loss_nats"]]
        style = look(stream)
        axes.plot(places, own["loss_nats"], style.marker, color=style.colour, markerfacecolor=style.face, markersize=5)
        if len(own):
            last = int(own["generations"].argmax())
            name = f"{style.label}, G = {own['generations'].iloc[last]}"
            ends.append((places[last], own["loss_nats"].iloc[last], (name, style.colour)))
    label_ends(axes, ends)


def law_label(law: dict) -> str:
    """The law with the bands of its exponent and asymptote."""
    low, high = law["C_band"]
    floor = f"C = {law['C']:.2f} [{low:.2f}, {high:.2f}]" if law["asymptote_identified"] else "C not identified"
    return f"Real only: A / D^B + C\nB = {law['B']:.2f} [{law['B_band'][0]:.2f}, {law['B_band'][1]:.2f}], {floor}"


def draw_efficiency(axes: Axes, rows: pd.DataFrame) -> None:
    """Data efficiency against G, by the law and by interpolation; what has no number is said, not drawn."""
    start = pd.DataFrame({"generations": [0], "efficiency": [1.0], "low": [1.0], "high": [1.0]})
    ends = []
    for stream in methods(rows):
        own, style = rows[rows["stream"] == stream].sort_values("generations"), look(stream)
        axes.scatter(own["generations"], own["interpolated_efficiency"], marker="x", color=style.colour, s=28, zorder=3)
        known = own[own["status"] == "measured"]
        if len(known):
            band_line(axes, style, pd.concat([start, known[start.columns]]), "generations", "efficiency")
            value = known["efficiency"].iloc[-1]
            text = f"{style.label} {value:.2f}×"
            ends.append((known["generations"].iloc[-1], value, (text, style.colour)))
    axes.axhline(1, color="black", linewidth=0.9, linestyle=":")
    generation_axis(axes, sorted({0, *rows["generations"]}))
    axes.set_ylabel("data efficiency, times D")
    axes.set_title("D at which real only is as good, over D\n" + without_number(rows))
    label_ends(axes, ends)


def without_number(rows: pd.DataFrame) -> str:
    """How many settings have no efficiency by the law."""
    synthetic = rows[rows["stream"] != "real"]
    missing = synthetic[synthetic["status"] != "measured"]
    return f"{len(missing)} of {len(synthetic)} settings have none by the law" if len(missing) else ""


def methods(rows: pd.DataFrame) -> list[str]:
    """Streams other than `real`."""
    return [stream for stream in in_order(rows["stream"]) if stream != "real"]


def short_count(tokens: float) -> str:
    """33k, 204M, 1.6B."""
    for unit, size in (("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if tokens >= size:
            return f"{tokens / size:.3g}{unit}" if tokens < 10 * size else f"{tokens / size:.0f}{unit}"
    return f"{tokens:.0f}"


def draw(inputs: Inputs) -> Drawn:
    """Law left, efficiencies right. Raises UserError without students on synthetic data or the real-only one at D."""
    share = inputs.analysis.band
    settings = settings_of(inputs.study(STUDY), IID, inputs.analysis.bootstrap_draws)
    reference = [s for s in settings if s.stream == "real" and s.real_tokens == inputs.real_tokens]
    if not reference or all(s.stream == "real" for s in settings):
        raise UserError(
            f"{', '.join(inputs.folders)}: study {STUDY} needs the real-only student with {inputs.real_tokens} tokens "
            "and one on synthetic data at least"
        )
    found = analyse(settings, inputs.real_tokens, share)
    rows = drawn_rows(settings, found, inputs.real_tokens, share)
    figure, (left, right) = panels(2)
    draw_law(left, rows, found["law"])
    draw_efficiency(right, rows)
    reason = "" if found["law"] else f"Law {found['status']}. "
    return Drawn(figure, rows, reason + HOW + ABSOLUTE)


if __name__ == "__main__":
    figure_command(STUDY, draw, __doc__)
