"""The frame of every figure command: its options, its title, its footnote, the word across planted figures.

A figure's module has one function from `Inputs` to `Drawn`, and ends in `figure_command(NAME, that function, __doc__)`.
"""

import argparse
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.common.errors import UserError, run_command
from workflow_scripts.config.load import parse_settings
from workflow_scripts.config.models import Analysis
from workflow_scripts.evaluation.results import Results, read_results
from workflow_scripts.figures.catalogue import FIGURES
from workflow_scripts.figures.style import NOTE, save

SOURCES = {
    "rerun": "students trained by this copy",
    "shipped": "result tables shipped with the repository",
    "planted": "PLANTED: losses drawn from a known law, not measured",
}
DEJAVU_WIDTH, BOLD_WIDTH = 0.58, 0.66  # mean width of a character, in font sizes
# Columns of what is drawn that the footnote counts, and what one of them is called.
COUNTED = {"seeds": "seed", "documents": "document", "parts": "part", "texts": "text", "answers": "answer"}


@dataclass(frozen=True)
class Inputs:
    """What a figure is drawn from."""

    results: Any  # Results, or what a figure's own reader gives
    analysis: Analysis
    real_tokens: int
    scale: str
    source: str
    folders: tuple[str, ...] = ()

    def study(self, name: str) -> Results:
        """Results of a study's students. Raises UserError when the packs have none."""
        found = self.results.of_study(name)
        if found.students.empty:
            raise UserError(
                f"{', '.join(self.folders)}: no student of the study {name}, which this figure needs; "
                f"config key scales.{self.scale}.studies lists a scale's studies"
            )
        return found


@dataclass(frozen=True)
class Drawn:
    """A figure, the rows of what it shows (the footnote counts the columns COUNTED), and what its bands cover.

    `measured`: whether it shows results; an illustration has neither scale nor source.
    """

    figure: Figure
    rows: pd.DataFrame
    bands: str = ""
    measured: bool = True


def figure_command(
    name: str, draw: Callable[[Inputs], Drawn], description: str, read: Callable[..., Any] = read_results
) -> None:
    """Run a figure's command: read packs, draw, add title, footnote and watermark, save; `read` takes the folders."""

    run_command(lambda arguments: make_figure(name, draw, arguments, read), figure_parser(description))


def make_figure(
    name: str, draw: Callable[[Inputs], Drawn], arguments: argparse.Namespace, read: Callable[..., Any] = read_results
) -> None:
    """Read the packs, draw, add what all figures have, save."""
    results, analysis = read(*arguments.results), parse_settings(Analysis, arguments.settings)
    stated = (arguments.real_tokens, arguments.scale, arguments.source, tuple(arguments.results))
    inputs = Inputs(results, analysis, *stated)
    drawn = draw(inputs)
    finish(name, drawn, inputs)
    save(drawn.figure, drawn.rows, arguments.output, f"scale {inputs.scale}, {SOURCES[inputs.source]}")


def figure_parser(description: str) -> argparse.ArgumentParser:
    """Options that all figure commands share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--results", nargs="*", required=True, help="packs: folders of tables of what was measured")
    parser.add_argument("--settings", required=True, help="JSON of the scale's `analysis` section")
    parser.add_argument("--real-tokens", type=int, required=True, help="the scale's unique real tokens D")
    parser.add_argument("--scale", required=True, help="name of the scale, shown in the figure")
    parser.add_argument("--source", required=True, choices=SOURCES, help="where the results come from")
    parser.add_argument("--output", required=True, help="PDF; SVG, PNG and CSV are written beside it")
    return parser


def finish(name: str, drawn: Drawn, inputs: Inputs) -> None:
    """Add the title, the footnote and, to planted results, the watermark."""
    figure = drawn.figure
    points = figure.get_figwidth() * 72
    size = plt.rcParams["figure.titlesize"]
    figure.suptitle(textwrap.fill(FIGURES[name].title, int(points / (size * BOLD_WIDTH))), x=0.01, ha="left")
    wrapped = [textwrap.fill(part, int(points / (NOTE * DEJAVU_WIDTH))) for part in footnote(drawn, inputs)]
    figure.supxlabel("\n".join(wrapped), x=0.01, ha="left", fontsize=NOTE, color="#444444", linespacing=1.25)
    if inputs.source == "planted" and drawn.measured:
        for axes in figure.axes:
            watermark(axes, "PLANTED")


def footnote(drawn: Drawn, inputs: Inputs) -> list[str]:
    """Sentences under a figure: scale, source, seeds, documents, and what the bands cover."""
    if not drawn.measured:
        return [drawn.bands]
    counts = [_count(drawn.rows, column, noun) for column, noun in COUNTED.items()]
    lines = ["; ".join([f"Scale {inputs.scale}: {SOURCES[inputs.source]}", *filter(None, counts)]) + "."]
    lines += [drawn.bands.format(share=f"{inputs.analysis.band:.0%}")] if drawn.bands else []
    return lines + (["This scale's numbers are not the paper's."] if inputs.scale != "paper" else [])


def watermark(axes: Axes, word: str) -> None:
    """A word across the axes, behind what they show."""
    width, height = (axes.get_position().size * axes.figure.get_size_inches() * 72).tolist()
    size = min(width / len(word), height / 2) * 1.2
    axes.text(
        0.5, 0.5, word, transform=axes.transAxes, rotation=20, ha="center", va="center", fontsize=size,
        color="#999999", alpha=0.3, zorder=0.5, in_layout=False, weight="bold",
    )  # fmt: skip


def _count(rows: pd.DataFrame, column: str, noun: str) -> str:
    """`3 seeds` or `1 to 3 seeds`; nothing where the rows have no such column."""
    if column not in rows or rows[column].dropna().empty:
        return ""
    low, high = int(rows[column].min()), int(rows[column].max())
    return f"{low} to {high} {noun}s" if low < high else f"{low} {noun}" + ("s" if low != 1 else "")
