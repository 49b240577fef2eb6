"""A synthetic stream alone, against the same stream mixed with real documents, and against real documents alone."""

import pandas as pd

from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.points import MAIN, PAIRED
from workflow_scripts.figures.style import look, panels
from workflow_scripts.figures.sweeps import against_real, best_of, choice, draw_bars, notes, real_level

KIND = ["stream", "generations"]


def drawn_rows(inputs: Inputs) -> pd.DataFrame:
    """Real documents alone; then each stream that is trained on alone: mixed with real documents, and alone."""
    own, main = against_real(inputs, "no_real_stream"), against_real(inputs, MAIN)
    alone = best_of(own[own["alone"].astype(bool)], KIND)
    mixed = best_of(main[main["real_tokens"] == inputs.real_tokens], KIND)
    mixed = mixed.merge(alone[KIND])  # the same streams
    pairs = pd.concat([mixed, alone]).sort_values([*KIND, "alone"])
    return pd.concat([real_level(inputs), pairs], ignore_index=True)


def label(row: pd.Series) -> str:
    """What a bar shows."""
    if row["stream"] == "real":
        return "real\ndocuments\nonly"
    how = "alone" if row["alone"] else "with real\ndocuments"
    return f"{row['stream']}, G = {row['generations']},\n{how}"


def draw(inputs: Inputs) -> Drawn:
    """Bars and the real-only level."""
    rows = drawn_rows(inputs)
    figure, (axes,) = panels()
    looks = [look(row["stream"], alone=row["alone"]) for _, row in rows.iterrows()]
    draw_bars(axes, rows, looks, [label(row) for _, row in rows.iterrows()], rows[:1])
    both = "Both streams hold one copy of the real documents; alone: without the separate stream of them."
    return Drawn(figure, rows, notes(both, PAIRED, choice(rows)))


if __name__ == "__main__":
    figure_command("no_real_stream", draw, __doc__)
