"""Students with and without attention across the documents of a window."""

import pandas as pd

from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.points import PAIRED
from workflow_scripts.figures.style import TWO_PANELS_MM, look, panels
from workflow_scripts.figures.sweeps import against_real, best_of, choice, draw_bars, in_order, notes, real_level

ORDER = ["real", "simple", "stitched", "latent"]
KIND = ["stream", "generations", "cross_document_attention"]
SEVERAL = 6  # bars that need a wide panel


def drawn_rows(inputs: Inputs) -> pd.DataFrame:
    """A row per stream, G and kind of attention; masked students after those that attend across documents."""
    rows = best_of(against_real(inputs, "cross_document_attention"), KIND)
    rows = rows.assign(masked=~rows["cross_document_attention"].astype(bool))
    return in_order(rows, ORDER, "generations", "masked")


def label(row: pd.Series) -> str:
    """What a bar shows, in three lines."""
    count = f"G = {row['generations']}" if row["generations"] else "only"
    return f"{row['stream']}\n{count}\n{'masked' if row['masked'] else 'across'}"


def draw(inputs: Inputs) -> Drawn:
    """Bars in pairs, and the level of real documents alone, with attention across documents."""
    rows = drawn_rows(inputs)
    figure, (axes,) = panels(width_mm=TWO_PANELS_MM if len(rows) > SEVERAL else None)
    looks = [look(row["stream"], masked=row["masked"]) for _, row in rows.iterrows()]
    draw_bars(axes, rows, looks, [label(row) for _, row in rows.iterrows()], real_level(inputs))
    across = "Across: a token attends to all earlier ones of its window; masked: to its own document alone."
    return Drawn(figure, rows, notes(across, PAIRED, choice(rows)))


if __name__ == "__main__":
    figure_command("cross_document_attention", draw, __doc__)
