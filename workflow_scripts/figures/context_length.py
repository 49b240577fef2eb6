"""Loss on short and on long validation documents against generations per document."""

import argparse

import matplotlib.pyplot as plt
import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import read_json
from workflow_scripts.figures.generation_scaling import draw_methods, reference_and_methods
from workflow_scripts.figures.style import figure_parser, footnote, save

PANELS = {"short": "short documents", "long": "long documents"}


def main(arguments: argparse.Namespace) -> None:
    """Draw and save."""
    rows = reference_and_methods(pd.read_csv(arguments.summary), list(PANELS))
    figure, panels = plt.subplots(1, 2, figsize=(7.6, 3.2), layout="constrained")
    for axes, (name, title) in zip(panels, PANELS.items(), strict=True):
        draw_methods(axes, rows[rows["set"] == name])
        axes.set_title(title, fontsize=10)
        axes.set_ylabel("loss, nats per token")
    panels[0].legend(frameon=False, fontsize=8)
    footnote(figure, arguments.scale, rows, read_json(arguments.analysis)["band"])
    save(figure, rows, arguments.output)


if __name__ == "__main__":
    run_command(main, figure_parser(__doc__))
