"""One style for all figures: fonts that ship with matplotlib, colours safe for the colour-blind, stable bytes."""

import os

os.environ.setdefault("SOURCE_DATE_EPOCH", "0")

from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.common.files import atomic_path

MM = 1 / 25.4  # inches
ONE_PANEL_MM, TWO_PANELS_MM, PANEL_HEIGHT_MM = 105, 165, 72
SMALL = 8  # points: labels inside the axes; nothing is smaller than NOTE
NOTE = 7.5


@dataclass(frozen=True)
class Look:
    """How a method is drawn, the same in every figure. A variant has its family's colour, lighter and hatched."""

    colour: str
    marker: str
    label: str
    hatch: str = ""
    dash: str = "-"

    @property
    def face(self) -> str:
        """Fill of markers: variants are open."""
        return "white" if self.hatch else self.colour


# Okabe-Ito colours.
METHODS = {
    "real": Look("#000000", "o", "real only"),
    "simple": Look("#0072B2", "s", "simple"),
    "stitched": Look("#D55E00", "^", "stitched"),
    "latent": Look("#009E73", "D", "latent"),
    "stitched_real_first": Look("#E69F00", "<", "stitched, real first"),
    "simple_no_real": Look("#0072B2", "s", "simple, no real document", "///", "--"),
    "stitched_no_real": Look("#D55E00", "^", "stitched, no real document", "///", "--"),
    "latent_no_real": Look("#009E73", "D", "latent, no real document", "///", "--"),
    "self_distilled": Look("#CC79A7", "v", "self-distilled"),
}
plt.rcParams.update(
    {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.titlelocation": "left",
        "axes.labelsize": 9,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "figure.titlesize": 10,
        "figure.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "axes.grid": True,
        "grid.alpha": 0.25,
        "hatch.linewidth": 0.6,
        "savefig.dpi": 200,
        "pdf.fonttype": 42,
        "svg.hashsalt": "megadocs",
        "svg.fonttype": "path",  # looks the same where the font is not installed
    }
)
UNDATED = {
    ".svg": {"Date": None, "Creator": None},
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Producer": None, "Creator": None},
}


def look(stream: str, masked: bool = False, alone: bool = False) -> Look:
    """Look of a method; `masked`: attention ends at each document; `alone`: without a separate real stream."""
    own = METHODS[stream]
    if masked:
        return replace(own, label=f"{own.label}, masked", hatch="...", dash=":")
    return replace(own, label=f"{own.label}, alone", hatch="xxx", dash="-.") if alone else own


def in_order(streams: pd.Series) -> list[str]:
    """Streams that occur, in the order of METHODS."""
    return [stream for stream in METHODS if stream in set(streams)]


def panels(
    count: int = 1, columns: int = 2, height_mm: float = PANEL_HEIGHT_MM, width_mm: float | None = None
) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels in rows of at most `columns`."""
    columns = min(count, columns)
    rows = -(-count // columns)
    width_mm = width_mm or (ONE_PANEL_MM if columns == 1 else TWO_PANELS_MM)
    size = (width_mm * MM, (rows * height_mm + 22) * MM)
    figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    figure.suptitle("title")  # both hold the place of the frame's own, so that labels find the final height
    figure.supxlabel("\n" * 4, fontsize=NOTE)
    for spare in np.ravel(grid)[count:]:
        spare.remove()
    return figure, list(np.ravel(grid)[:count])


def save(figure: Figure, drawn: pd.DataFrame, output: str | Path, subject: str = "") -> None:
    """Write `output` (PDF), and beside it SVG, PNG and the CSV of what is drawn; the PDF last. No dates in them."""
    output = Path(output)
    with atomic_path(output.with_suffix(".csv")) as temporary:
        drawn.to_csv(temporary, index=False)
    for suffix, metadata in UNDATED.items():
        stated = metadata | ({"Subject": subject} if suffix == ".pdf" else {})
        with atomic_path(output.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, format=suffix[1:], metadata=stated)
    plt.close(figure)
