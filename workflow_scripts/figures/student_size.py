"""Gain of synthetic data against the size of the student, at the largest G; best of each sweep."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import IID_LOSS, bars_with_error
from workflow_scripts.figures.points import IID, PAIRED, points, settings
from workflow_scripts.figures.sizes import amount
from workflow_scripts.figures.style import SMALL, TWO_PANELS_MM, look, panels
from workflow_scripts.figures.sweeps import best_of, choice, in_order, notes, setting_of

STUDY = "student_size"
ORDER = ["real", "simple", "stitched", "latent"]
GAP = 0.9  # between sizes, in bars


def drawn_rows(inputs: Inputs) -> pd.DataFrame:
    """A row per size and method, sizes by parameters; `gain_nats`: loss of real documents alone minus the method's.

    Bands are of the difference to the real-only student of the same size; of losses where a size has none.
    """
    students = inputs.study(STUDY).students
    sizes = students.groupby("student")["parameters"].first().sort_values()
    rows = pd.concat([of_size(inputs, student) for student in sizes.index], ignore_index=True)
    return rows.assign(parameters=rows["student"].map(sizes))


def of_size(inputs: Inputs, student: str) -> pd.DataFrame:
    """The best student of every method, of one size."""
    rows = _best_methods(points(inputs, STUDY), student)
    real = rows[rows["stream"] == "real"]
    if real.empty:
        return rows.assign(gain_nats=np.nan)
    reference = setting_of(settings(inputs, STUDY), real.iloc[0])
    rows = _best_methods(points(inputs, STUDY, IID, reference), student)
    return rows.assign(gain_nats=reference.loss - rows["loss_nats"])


def _best_methods(rows: pd.DataFrame, student: str) -> pd.DataFrame:
    kept = rows["generations"].isin([0, rows["generations"].max()]) & (rows["student"] == student)
    return in_order(best_of(rows[kept], ["stream"]), ORDER)


def places(rows: pd.DataFrame) -> np.ndarray:
    """Positions of bars: sizes apart from each other."""
    group = pd.factorize(rows["student"])[0]
    return np.arange(len(rows)) + GAP * group


def write_names(axes: Axes, rows: pd.DataFrame, x: np.ndarray) -> None:
    """Each bar's method inside it, its gain with it, and the sizes under the axis."""
    bottom = axes.get_ylim()[0]
    for place, (_, row) in zip(x, rows.iterrows(), strict=True):
        has_gain = row["stream"] != "real" and np.isfinite(row["gain_nats"])
        gain = f"  {-row['gain_nats']:+.3f}".replace("-", "−") if has_gain else ""
        axes.annotate(f"{row['stream']}{gain}", (place, bottom), xytext=(0, 4), textcoords="offset points", rotation=90,
                      ha="center", va="bottom", fontsize=SMALL, color="white", fontweight="bold")  # fmt: skip
    middles = pd.Series(x).groupby(rows["student"].to_numpy(), sort=False).mean()
    parameters = rows.groupby("student", sort=False)["parameters"].first()
    axes.set_xticks(middles, [f"{name}\n({amount(parameters[name])} parameters)" for name in middles.index])


def draw(inputs: Inputs) -> Drawn:
    """A group of bars per size."""
    rows = drawn_rows(inputs)
    figure, (axes,) = panels(height_mm=84, width_mm=TWO_PANELS_MM)
    x = places(rows)
    bars_with_error(axes, rows, [look(stream) for stream in rows["stream"]], x=x)
    low, high = axes.get_ylim()
    axes.set_ylim(low - 0.6 * (high - low), high)  # room for the names
    write_names(axes, rows, x)
    axes.set_ylabel(f"{IID_LOSS}\n(axis does not start at 0)")
    change = f"G = {rows['generations'].max()}; in bars: change against real documents alone at the same size."
    return Drawn(figure, rows, notes(change, PAIRED, choice(rows)))


if __name__ == "__main__":
    figure_command("student_size", draw, __doc__)
