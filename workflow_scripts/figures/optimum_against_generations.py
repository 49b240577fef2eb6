"""Loss against real epochs for each G, with arrows from each G's best number of epochs to the next one's."""

import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.common.errors import UserError
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import IID_LOSS, circle, doubling_axis, label_ends, sweep_line
from workflow_scripts.figures.points import CHOSEN, PAIRED, best, circled, points, real_only
from workflow_scripts.figures.style import in_order, look, panels

STUDY = "optimum_against_generations"


def best_by_epochs(inputs: Inputs) -> pd.DataFrame:
    """The best setting of each stream, G and number of epochs; `circled`: the best of its stream and G.

    Streams with one G alone are left out, unless all have one. Raises UserError without any.
    """
    rows = points(inputs, STUDY, reference=real_only(inputs))
    rows = rows[rows["stream"] != "real"]
    if rows.empty:
        raise UserError(f"{', '.join(inputs.folders)}: study {STUDY} has no student on synthetic data; add some")
    several = rows.groupby("stream")["generations"].transform("nunique") > 1
    return circled(best(rows[several] if several.any() else rows, ["stream", "generations", "real_epochs"]))


def draw_stream(axes: Axes, rows: pd.DataFrame) -> None:
    """A line per G, darker with more generations, and arrows between their optima."""
    style, counts = look(rows["stream"].iloc[0]), sorted(rows["generations"].unique())
    ends = []
    for i, count in enumerate(counts):
        line = rows[rows["generations"] == count].sort_values("real_epochs")
        sweep_line(axes, style, line.iloc[:0], line, "real_epochs", alpha=0.4 + 0.6 * (i + 1) / len(counts))
        ends.append((line["real_epochs"].iloc[-1], line["loss_nats"].iloc[-1], (f"G = {count}", style.colour)))
    optima = rows[rows["circled"]].sort_values("generations")
    circle(axes, optima, "real_epochs")
    places = list(zip(optima["real_epochs"], optima["loss_nats"], strict=True))
    for start, end in zip(places, places[1:], strict=False):
        arrow = {"arrowstyle": "-|>", "color": "#333333", "linewidth": 1.1, "shrinkA": 5, "shrinkB": 5}
        axes.annotate("", end, start, arrowprops=arrow)
    label_ends(axes, ends)


def draw(inputs: Inputs) -> Drawn:
    """A panel per stream, with the same limits."""
    rows = best_by_epochs(inputs)
    streams = in_order(rows["stream"])
    figure, axes = panels(len(streams))
    low, high = rows["loss_nats"].min(), rows["loss_nats"].max()
    margin = 0.08 * max(high - low, 1e-3)
    for panel, stream in zip(axes, streams, strict=True):
        panel.set_title(look(stream).label)
        panel.set_ylabel(IID_LOSS)
        panel.set_ylim(low - margin, high + margin)
        doubling_axis(panel, sorted(rows["real_epochs"].unique()), "passes over the real documents")
        draw_stream(panel, rows[rows["stream"] == stream])
    note = f"Each point: the best weight decay and mixing ratio at its number of epochs. {CHOSEN} {PAIRED}"
    return Drawn(figure, rows, note)


if __name__ == "__main__":
    figure_command(STUDY, draw, __doc__)
