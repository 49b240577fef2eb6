"""Loss of a sweep against real epochs and against the mixing ratio, with the best student of each stream circled."""

import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.common.errors import UserError
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import IID_LOSS, circle, doubling_axis, label_ends, sweep_line
from workflow_scripts.figures.points import CHOSEN, PAIRED, best, circled, points, real_only
from workflow_scripts.figures.style import in_order, look, panels

STUDY = "epochs_and_mixing"


def sweep(inputs: Inputs) -> pd.DataFrame:
    """Every setting of the sweep; `circled`: the best of its stream and G. Raises UserError without a sweep."""
    rows = points(inputs, STUDY, reference=real_only(inputs))
    rows = rows[rows["stream"] != "real"]
    if rows.empty:
        raise UserError(f"{', '.join(inputs.folders)}: study {STUDY} has no student on synthetic data; add some")
    return circled(rows)


def draw_axis(axes: Axes, rows: pd.DataFrame, column: str, real_loss: float) -> None:
    """All students faint, a line through the best at each value of the column, the best of all circled."""
    axes.axhline(real_loss, color=look("real").colour, linewidth=0.9, linestyle=":")
    ends = []
    for stream in in_order(rows["stream"]):
        for count, own in rows[rows["stream"] == stream].groupby("generations"):
            line = best(own, [column])
            sweep_line(axes, look(stream), own, line, column)
            ends.append((line[column].iloc[-1], line["loss_nats"].iloc[-1], _named(stream, count)))
    circle(axes, rows[rows["circled"]], column)
    axes.margins(x=0.08)
    axes.set_ylabel(IID_LOSS)
    label_ends(axes, [*ends, (rows[column].max(), real_loss, look("real"))])


def draw(inputs: Inputs) -> Drawn:
    """Epochs left, mixing ratio right."""
    rows, reference = sweep(inputs), real_only(inputs)
    figure, (left, right) = panels(2)
    doubling_axis(left, sorted(rows["real_epochs"].unique()), "passes over the real documents")
    right.set_xticks(sorted(rows["mixing_ratio"].unique()))
    right.set_xlabel("synthetic share of each batch")
    draw_axis(left, rows, "real_epochs", reference.loss)
    draw_axis(right, rows, "mixing_ratio", reference.loss)
    rows = rows.assign(real_only_nats=reference.loss)
    return Drawn(figure, rows, f"{CHOSEN} {PAIRED}")


def _named(stream: str, count: int) -> tuple[str, str]:
    return f"{look(stream).label}, G = {count}", look(stream).colour


if __name__ == "__main__":
    figure_command(STUDY, draw, __doc__)
