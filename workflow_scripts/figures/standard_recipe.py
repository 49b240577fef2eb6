"""The epoched standard recipe on real documents alone: loss against epochs, and against parameters at each D."""

import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import IID_LOSS, band_line, doubling_axis, label_ends
from workflow_scripts.figures.points import IID, PAIRED, points, settings
from workflow_scripts.figures.sizes import amount, looks_of, size_axis
from workflow_scripts.figures.style import panels
from workflow_scripts.figures.sweeps import best_of, choice, notes, setting_of

STUDY = "standard_recipe"
CIRCLE = "#B2182B"
REFERENCE = "the best student at the scale's D"
NOTE = "Weight decay as in the standard recipe. Parameters: total, embeddings included."


def recipe_points(inputs: Inputs, study: str) -> pd.DataFrame:
    """Real-only points of a study, with parameters; bands of the difference to the best student at the scale's D."""
    plain = points(inputs, study)
    own = plain[(plain["real_tokens"] == inputs.real_tokens) & (plain["stream"] == "real")]
    reference = setting_of(settings(inputs, study), best_of(own, ["stream"]).iloc[0])
    rows = points(inputs, study, IID, reference)
    sizes = inputs.results.students.groupby("student")["parameters"].first()
    return rows[rows["stream"] == "real"].assign(parameters=rows["student"].map(sizes))


def against_epochs(inputs: Inputs, rows: pd.DataFrame) -> pd.DataFrame:
    """At the scale's D, the best of each size and number of epochs; `chosen`: the best of the size."""
    own = rows[rows["real_tokens"] == inputs.real_tokens]
    table = best_of(own, ["parameters", "student", "real_epochs"])
    chosen = best_of(own, ["student"]).set_index("student")["real_epochs"]
    return table.assign(panel="epochs", chosen=table["real_epochs"] == table["student"].map(chosen))


def against_parameters(rows: pd.DataFrame) -> pd.DataFrame:
    """At every D, the best of each size."""
    return best_of(rows, ["real_tokens", "parameters", "student"]).assign(panel="parameters")


def draw_epochs(axes: Axes, rows: pd.DataFrame) -> None:
    """A line per size; its best number of epochs circled."""
    names = list(rows["student"].unique())
    ends = []
    for name, style in zip(names, looks_of(names), strict=True):
        own = rows[rows["student"] == name].sort_values("real_epochs")
        band_line(axes, style, own, "real_epochs", "loss_nats")
        best = own[own["chosen"]].iloc[0]
        axes.plot(best["real_epochs"], best["loss_nats"], "o", markersize=10, markerfacecolor="none",
                  markeredgecolor=CIRCLE, markeredgewidth=1.4)  # fmt: skip
        ends.append((own["real_epochs"].iloc[-1], own["loss_nats"].iloc[-1], style))
    doubling_axis(axes, sorted(rows["real_epochs"].unique()), "passes over the real documents")
    axes.set_ylabel(IID_LOSS)
    label_ends(axes, ends)


def draw_parameters(axes: Axes, rows: pd.DataFrame) -> None:
    """A line per D."""
    counts = sorted(rows["real_tokens"].unique())
    ends = []
    for count, style in zip(counts, looks_of([f"D = {amount(count)}" for count in counts]), strict=True):
        own = rows[rows["real_tokens"] == count].sort_values("parameters")
        band_line(axes, style, own, "parameters", "loss_nats")
        ends.append((own["parameters"].iloc[-1], own["loss_nats"].iloc[-1], style))
    size_axis(axes, rows["parameters"], "parameters, N")
    label_ends(axes, ends)


def draw(inputs: Inputs) -> Drawn:
    """Two panels."""
    rows = recipe_points(inputs, STUDY)
    epochs, parameters = against_epochs(inputs, rows), against_parameters(rows)
    figure, (left, right) = panels(2)
    left.set_title(f"D = {amount(inputs.real_tokens)}: the best of each size circled")
    right.set_title("the best number of epochs at each size")
    draw_epochs(left, epochs)
    draw_parameters(right, parameters)
    bands = PAIRED.replace("real documents alone", REFERENCE)
    drawn = pd.concat([epochs, parameters], ignore_index=True)
    return Drawn(figure, drawn, notes(NOTE, bands, choice(drawn)))


if __name__ == "__main__":
    figure_command("standard_recipe", draw, __doc__)
