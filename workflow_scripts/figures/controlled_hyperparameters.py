"""Megadocs with their own tuned hyper-parameters, and with those that are best for simple rephrases."""

from dataclasses import replace

import pandas as pd

from workflow_scripts.common.errors import UserError
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import IID_LOSS, band_line, methods_against_generations
from workflow_scripts.figures.points import PAIRED, best, points, real_only, with_real_only
from workflow_scripts.figures.style import Look, in_order, look, panels

STUDY = "controlled_hyperparameters"


def drawn_rows(inputs: Inputs) -> pd.DataFrame:
    """Tuned students and, with `hyperparameters` `of simple`, the controlled ones. Raises UserError without these."""
    controlled = points(inputs, STUDY, reference=real_only(inputs))
    controlled = best(controlled[~controlled["stream"].isin(["real", "simple"])])
    if controlled.empty:
        raise UserError(f"{', '.join(inputs.folders)}: study {STUDY} has no megadocs; add rows with tuned_as: simple")
    streams = {"real", "simple", *controlled["stream"]}
    tuned = with_real_only(inputs)
    tuned = tuned[tuned["stream"].isin(streams)]
    return pd.concat(
        [tuned.assign(hyperparameters="tuned"), controlled.assign(hyperparameters="of simple")], ignore_index=True
    )


def controlled_look(stream: str) -> Look:
    """As the stream's own, dashed with open markers."""
    return replace(look(stream), label=f"{look(stream).label}, as simple", hatch="///", dash="--")


def draw(inputs: Inputs) -> Drawn:
    """Tuned lines solid, controlled ones dashed."""
    rows = drawn_rows(inputs)
    figure, (axes,) = panels()
    axes.set_ylabel(IID_LOSS)
    controlled, ends = rows[rows["hyperparameters"] == "of simple"], []
    for stream in in_order(controlled["stream"]):
        own = controlled[controlled["stream"] == stream].sort_values("generations")
        band_line(axes, controlled_look(stream), own, "generations", "loss_nats")
        ends.append((own["generations"].iloc[-1], own["loss_nats"].iloc[-1], controlled_look(stream)))
    methods_against_generations(axes, rows[rows["hyperparameters"] == "tuned"], more_ends=ends)
    note = "Dashed, `as simple`: trained with the hyper-parameters that are best for simple rephrases at the same G. "
    return Drawn(figure, rows, note + PAIRED)


if __name__ == "__main__":
    figure_command(STUDY, draw, __doc__)
