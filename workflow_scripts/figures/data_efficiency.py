"""The real-only data law with each method's loss on it, and data efficiency against generations per document."""

import argparse

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from workflow_scripts.common.errors import run_command
from workflow_scripts.common.files import read_json
from workflow_scripts.figures.style import band_line, figure_parser, footnote, generation_axis, look, save
from workflow_scripts.scaling.law import DataLaw


def draw_law(axes: plt.Axes, real: pd.DataFrame, rows: pd.DataFrame, law: dict | None) -> None:
    """Real-only losses against D, the fitted law, and each method's losses as levels on it."""
    errors = np.abs(real[["low", "high"]].to_numpy().T - real["loss_nats"].to_numpy())
    axes.errorbar(real["real_tokens"], real["loss_nats"], yerr=errors, fmt="ko", markersize=4, capsize=2)
    if law:
        fitted = DataLaw(law["A"], law["B"], law["C"])
        grid = np.geomspace(*law["range_tokens"], 200)
        axes.plot(grid, fitted.loss(grid), color="black", linewidth=1, label=_law_label(law))
        for _, row in rows[rows["status"] == "measured"].iterrows():
            colour, marker, _ = look(row["stream"])
            axes.plot(fitted.tokens(row["loss_nats"]), row["loss_nats"], marker, color=colour, markersize=5)
    axes.set_xscale("log")
    axes.set_xticks(real["real_tokens"], [f"{t / 1000:,.0f}k" for t in real["real_tokens"]])
    axes.minorticks_off()
    axes.set_xlabel("unique real tokens, D")
    axes.set_ylabel("i.i.d. loss, nats per token")
    axes.set_title("Baseline law; methods at their effective D", fontsize=10)
    axes.legend(frameon=False, fontsize=7)


def _law_label(law: dict) -> str:
    low, high = law["C_band"]
    floor = f"C = {law['C']:.2f} [{low:.2f}, {high:.2f}]" if law["asymptote_identified"] else "asymptote not identified"
    return f"A / D^B + C, B = {law['B']:.2f} [{law['B_band'][0]:.2f}, {law['B_band'][1]:.2f}]\n{floor}"


def draw_efficiency(axes: plt.Axes, rows: pd.DataFrame) -> None:
    """Data efficiency against G; what lies outside the law's range is said, not drawn."""
    start = pd.DataFrame({"generations": [0], "efficiency": [1.0], "low": [1.0], "high": [1.0]})
    for stream, own in rows[rows["status"] == "measured"].groupby("stream", sort=False):
        band_line(axes, stream, pd.concat([start, own]), "generations", "efficiency")
    left_out = rows[rows["status"] != "measured"]
    notes = [f"{r['stream']} G={r['generations']}: {r['status']}" for _, r in left_out.iterrows()]
    axes.text(0.02, 0.98, "\n".join(notes), transform=axes.transAxes, va="top", fontsize=7)
    generation_axis(axes, sorted({0, *rows["generations"]}))
    axes.set_ylabel("data efficiency, times real tokens")
    axes.set_title("Data efficiency over real only", fontsize=10)
    if len(left_out) < len(rows):
        axes.legend(frameon=False, fontsize=8, loc="lower right")


def drawn_rows(summary: pd.DataFrame, analysis: dict) -> pd.DataFrame:
    """Losses of all settings with their efficiencies; the reason stands in for a law that is not identified."""
    losses = summary[summary["set"] == "validation"].rename(columns={"low": "loss_low", "high": "loss_high"})
    key = ["stream", "generations", "real_tokens"]
    columns = [*key, "status", "efficiency", "low", "high"]
    found = pd.DataFrame(analysis["efficiencies"], columns=[*columns, "loss_nats"])[columns]
    merged = losses.merge(found, on=key, how="left")
    return merged.assign(status=merged["status"].fillna(analysis["status"]))


def main(arguments: argparse.Namespace) -> None:
    """Draw and save."""
    analysis = read_json(arguments.analysis)
    rows = drawn_rows(pd.read_csv(arguments.summary), analysis)
    real = rows[rows["stream"] == "real"]
    methods = rows[rows["stream"] != "real"]
    figure, panels = plt.subplots(1, 2, figsize=(8.4, 3.5), layout="constrained")
    as_losses = real.assign(low=real["loss_low"], high=real["loss_high"])
    draw_law(panels[0], as_losses, methods, analysis["law"])
    draw_efficiency(panels[1], methods)
    footnote(figure, arguments.scale, rows, analysis["band"])
    save(figure, rows, arguments.output)


if __name__ == "__main__":
    run_command(main, figure_parser(__doc__))
