"""One style for all figures: fonts that ship with matplotlib, colours safe for the colour-blind, stable bytes."""

import os

os.environ.setdefault("SOURCE_DATE_EPOCH", "0")

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_scripts.common.files import atomic_path

# Okabe-Ito colours; a method has the same colour and marker in every figure.
METHODS = {
    "real": ("#000000", "o", "real only"),
    "simple": ("#0072B2", "s", "simple rephrases"),
    "stitched": ("#D55E00", "^", "stitched megadocs"),
    "latent": ("#009E73", "D", "latent thoughts"),
}
plt.rcParams.update(
    {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.25,
        "figure.dpi": 150,
        "savefig.bbox": "tight",
        "pdf.fonttype": 42,
        "svg.hashsalt": "megadocs",
    }
)


def save(figure: Figure, drawn: pd.DataFrame, output: str | Path) -> None:
    """Write `output` (PDF), and beside it the PNG and the CSV of what is drawn; the PDF last."""
    output = Path(output)
    with atomic_path(output.with_suffix(".csv")) as temporary:
        drawn.to_csv(temporary, index=False)
    for suffix, metadata in ((".png", {"Software": None}), (".pdf", {"CreationDate": None, "Producer": None})):
        with atomic_path(output.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, format=suffix[1:], metadata=metadata)
    plt.close(figure)


def generation_axis(axes: Axes, counts: list[int]) -> None:
    """x axis of generations per document, log(1 + G)."""
    axes.set_xscale("function", functions=(lambda g: _log2(1 + g), lambda x: 2**x - 1))
    axes.set_xticks(counts, [str(g) for g in counts])
    axes.minorticks_off()
    axes.set_xlabel("generations per document, G")


def _log2(values: np.ndarray) -> np.ndarray:
    return np.log2(np.maximum(values, 1e-9))


def look(stream: str) -> tuple[str, str, str]:
    """Colour, marker and label of a method; variants such as `stitched_real_first` share one look."""
    return METHODS.get(stream, ("#CC79A7", "v", stream.replace("_", " ")))


def band_line(axes: Axes, stream: str, rows: pd.DataFrame, x: str, y: str) -> None:
    """One method: points joined by a line, its band shaded, its name at the last point."""
    colour, marker, label = look(stream)
    rows = rows.sort_values(x)
    axes.plot(rows[x], rows[y], color=colour, marker=marker, markersize=4, linewidth=1.3, label=label)
    axes.fill_between(rows[x], rows["low"], rows["high"], color=colour, alpha=0.15, linewidth=0)


def footnote(figure: Figure, scale: str, rows: pd.DataFrame, band: float) -> None:
    """States scale, seeds, documents and what the band covers, under the figure."""
    seeds = "–".join(map(str, sorted({rows["seeds"].min(), rows["seeds"].max()})))
    documents = "–".join(map(str, sorted({rows["documents"].min(), rows["documents"].max()})))
    covers = "documents and seeds" if rows["seeds"].min() > 1 else "documents only (one seed)"
    text = f"scale: {scale} · seeds: {seeds} · validation documents: {documents}"
    text += f"\nbands: {band:.0%} bootstrap over {covers}"
    if scale != "paper":
        text += "\nThis scale's numbers are not the paper's."
    figure.text(0.01, -0.02, text, fontsize=7, color="#555555", va="top")


def figure_parser(description: str) -> argparse.ArgumentParser:
    """Options that all figure commands share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--summary", required=True, help="loss and band per setting and set (CSV)")
    parser.add_argument("--analysis", required=True, help="law and data efficiencies (JSON)")
    parser.add_argument("--scale", required=True, help="name of the scale, shown in the figure")
    parser.add_argument("--output", required=True, help="PDF; PNG and CSV are written beside it")
    return parser
