"""A student trained on another student's own text, against real documents alone and against simple rephrases."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.transforms import offset_copy

from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.points import MAIN, PAIRED
from workflow_scripts.figures.style import look, panels
from workflow_scripts.figures.sweeps import against_real, best_of, choice, draw_bars, notes, real_level

CIRCLE, BELOW = "#B2182B", 14  # points


def drawn_rows(inputs: Inputs) -> pd.DataFrame:
    """Real only, self-distilled at each number of real epochs, simple at its largest G.

    `chosen`: the best self-distilled student, on the tuning documents where there are some.
    """
    own, main = against_real(inputs, "self_distillation"), against_real(inputs, MAIN)
    own = own[own["stream"] == "self_distilled"]
    swept = best_of(own, ["real_epochs"])
    epochs = best_of(own, ["stream"])["real_epochs"].iloc[0]
    simple = best_of(main[main["stream"] == "simple"], ["generations"]).tail(1)
    rows = pd.concat([real_level(inputs), swept, simple], ignore_index=True)
    return rows.assign(chosen=(rows["stream"] == "self_distilled") & (rows["real_epochs"] == epochs))


def label(row: pd.Series) -> str:
    """What a bar shows."""
    if row["stream"] == "self_distilled":
        return f"{row['real_epochs']}\nepochs"
    return "real\nonly" if row["stream"] == "real" else f"simple,\nG = {row['generations']}"


def circle(axes: Axes, place: int, loss: float) -> None:
    """Mark the chosen bar, below its top."""
    below = offset_copy(axes.transData, axes.figure, y=-BELOW, units="points")
    axes.plot(place, loss, "o", transform=below, markersize=10, markerfacecolor="white", markeredgecolor=CIRCLE,
              markeredgewidth=1.8)  # fmt: skip


def draw(inputs: Inputs) -> Drawn:
    """Bars, the chosen one circled, and the real-only level."""
    rows = drawn_rows(inputs)
    figure, (axes,) = panels()
    draw_bars(axes, rows, [look(s) for s in rows["stream"]], [label(row) for _, row in rows.iterrows()], rows[:1])
    chosen = rows[rows["chosen"]]
    if len(rows[rows["stream"] == "self_distilled"]) > 1:
        circle(axes, chosen.index[0], chosen["loss_nats"].iloc[0])
    axes.set_xlabel("self-distilled by real epochs, the best with a circle")
    return Drawn(figure, rows, notes(PAIRED, choice(rows)))


if __name__ == "__main__":
    figure_command("self_distillation", draw, __doc__)
