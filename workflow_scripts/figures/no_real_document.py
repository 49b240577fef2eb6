"""Streams with and without their copy of the real document, at one G."""

import pandas as pd

from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.points import PAIRED
from workflow_scripts.figures.style import look, panels
from workflow_scripts.figures.sweeps import against_real, best_of, choice, draw_bars, in_order, notes, real_level

LABELS = {"simple_no_real": "simple,\nwithout", "simple": "simple,\nwith real\ndocument"}
LABELS |= {"stitched_no_real": "stitched,\nwithout", "stitched": "stitched,\nwith real\ndocument"}
LABELS |= {"latent_no_real": "latent,\nwithout", "latent": "latent,\nwith real\ndocument"}


def drawn_rows(inputs: Inputs) -> pd.DataFrame:
    """A row per stream at the study's largest G."""
    rows = in_order(against_real(inputs, "no_real_document"), LABELS)
    return in_order(best_of(rows[rows["generations"] == rows["generations"].max()], ["stream"]), LABELS)


def draw(inputs: Inputs) -> Drawn:
    """Bars and the real-only level."""
    rows, level = drawn_rows(inputs), real_level(inputs)
    figure, (axes,) = panels()
    streams = rows["stream"]
    draw_bars(axes, rows, [look(stream) for stream in streams], [LABELS[stream] for stream in streams], level)
    count = f"G = {rows['generations'].iloc[0]}."
    return Drawn(figure, pd.concat([level, rows], ignore_index=True), notes(count, PAIRED, choice(rows)))


if __name__ == "__main__":
    figure_command("no_real_document", draw, __doc__)
