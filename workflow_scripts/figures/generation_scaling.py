"""Loss on i.i.d. documents against generations per document, for each method."""

import argparse

import matplotlib.pyplot as plt
import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import read_json
from workflow_scripts.figures.style import band_line, figure_parser, footnote, generation_axis, save


def reference_and_methods(summary: pd.DataFrame, sets: list[str]) -> pd.DataFrame:
    """Rows of synthetic settings, and of the real-only one at their D."""
    rows = summary[summary["set"].isin(sets)]
    real_tokens = rows[rows["stream"] != "real"]["real_tokens"].iloc[0]
    return rows[rows["real_tokens"] == real_tokens]


def draw_methods(axes: plt.Axes, rows: pd.DataFrame) -> None:
    """Each method from the real-only point at G = 0, with the real-only level as a line."""
    real = rows[rows["stream"] == "real"]
    axes.axhline(real["loss_nats"].iloc[0], color="black", linewidth=0.8, linestyle=":")
    for stream, own in rows[rows["stream"] != "real"].groupby("stream", sort=False):
        band_line(axes, stream, pd.concat([real, own]), "generations", "loss_nats")
    band_line(axes, "real", real, "generations", "loss_nats")
    generation_axis(axes, sorted(rows["generations"].unique()))


def main(arguments: argparse.Namespace) -> None:
    """Draw and save."""
    rows = reference_and_methods(pd.read_csv(arguments.summary), ["validation"])
    figure, axes = plt.subplots(figsize=(4.6, 3.4))
    draw_methods(axes, rows)
    axes.set_ylabel("i.i.d. loss, nats per token")
    axes.set_title("Synthetic data by generations per document", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    footnote(figure, arguments.scale, rows, read_json(arguments.analysis)["band"])
    save(figure, rows, arguments.output)


if __name__ == "__main__":
    run_command(main, figure_parser(__doc__))
