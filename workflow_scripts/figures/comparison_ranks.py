"""Rank of every arm by i.i.d. loss for each seed and, where several packs are given, for each corpus."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.evaluation.arms import ArmPack, read_arms
from workflow_scripts.figures.comparison_looks import COLOURS, ROW_MM, families, name_arms
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.style import SMALL, TWO_PANELS_MM, panels
from workflow_scripts.figures.sweeps import notes
from workflow_scripts.scaling.arm_ranks import (
    common_arms,
    losses_of_corpus,
    losses_of_seeds,
    mean_kendall,
    ranks,
)
from workflow_scripts.scaling.arms import Study

NOTE = (
    "Rank 1 has the lowest i.i.d. loss; repetition and oracle are not ranked. τ: Kendall's, the mean over all pairs of "
    "columns. Bands: {share} bootstrap over validation documents and, between corpora, over seeds; draws reorder "
    "arms that are close, so that a band may lie below its value."
)
SEEDS, CORPORA = "seeds", "corpora"


def read_packs(*folders: str | Path) -> tuple[ArmPack, ...]:
    """The scale's own pack, then those of other corpora."""
    return tuple(read_arms(folder) for folder in folders)


def corpora_of(inputs: Inputs) -> list[str]:
    """Names of the packs: the scale, then folders above those of other packs."""
    return [inputs.scale, *(Path(folder).resolve().parent.name for folder in inputs.folders[1:])]


def panels_of(inputs: Inputs, studies: list[Study], arms: list[str]) -> dict[str, dict[str, np.ndarray]]:
    """Losses by panel and column: seeds of the own corpus and, where there are several, corpora."""
    names, own = corpora_of(inputs), losses_of_seeds(studies[0], arms)
    seeds = {f"seed {seed}": losses for seed, losses in own.items()}
    corpora = {name: losses_of_corpus(study, arms) for name, study in zip(names, studies, strict=True)}
    return ({SEEDS: seeds} if len(seeds) > 1 else {}) | ({CORPORA: corpora} if len(corpora) > 1 or not seeds else {})


def table_of(study: Study, arms: list[str], found: dict[str, dict[str, np.ndarray]]) -> pd.DataFrame:
    """A row per panel, column and arm: rank and loss; the panel's tau with its band beside them."""
    about = study.pack.arms.loc[arms, ["arm", "title", "family"]].reset_index(drop=True)
    parts = []
    for panel, columns in found.items():
        tau = mean_kendall(list(columns.values()))
        low, high = study.band(tau[1:]) if len(tau) else (np.nan, np.nan)
        agreed = {"tau": tau[0] if len(tau) else np.nan, "tau_low": low, "tau_high": high}
        parts += [
            about.assign(panel=panel, column=name, rank=ranks(losses), loss_nats=losses[0], **agreed)
            for name, losses in columns.items()
        ]
    counts = {"documents": study.tuned[arms[0]].documents, "seeds": study.tuned[arms[0]].seeds}
    return pd.concat(parts, ignore_index=True).assign(**counts)


def draw_panel(axes: Axes, rows: pd.DataFrame, first: pd.DataFrame) -> None:
    """A line per arm over the columns; the rank in the last one stands at its end."""
    columns = list(dict.fromkeys(rows["column"]))
    for arm in first.itertuples():
        colour, marker = COLOURS[arm.family]
        places = rows[rows["arm"] == arm.arm].set_index("column").loc[columns, "rank"] - 1
        axes.plot(range(len(columns)), places, marker=marker, color=colour, markersize=4.5, linewidth=1.2, alpha=0.85)
        axes.annotate(f"{places.iloc[-1] + 1}", (len(columns) - 1, places.iloc[-1]), xytext=(7, 0), color=colour,
                      textcoords="offset points", fontsize=SMALL, va="center")  # fmt: skip
    axes.set_xticks(range(len(columns)), columns)
    axes.set_xlim(-0.25, len(columns) - 0.6)
    own = rows.iloc[0]
    band = f" [{own['tau_low']:.2f}, {own['tau_high']:.2f}]"
    axes.set_xlabel(f"τ of {own['panel']} {own['tau']:.2f}{band}" if pd.notna(own["tau"]) else "no second column")


def draw(inputs: Inputs) -> Drawn:
    """A panel for seeds and one for corpora; arms in the order of the first column."""
    studies = [Study(pack, inputs.analysis) for pack in inputs.results]
    arms = common_arms(studies)
    rows = table_of(studies[0], arms, panels_of(inputs, studies, arms))
    lacking = [arm for study in studies for arm in study.pack.synthetic.index if arm not in arms]
    left = f"Not in all packs, so not ranked: {', '.join(dict.fromkeys(lacking))}." if lacking else ""
    words = notes(NOTE, left)
    parts = [own for _, own in rows.groupby("panel", sort=False)]
    figure, grid = panels(len(parts), 2, ROW_MM * len(arms) + 18, TWO_PANELS_MM)
    room_for(figure, words)
    first = parts[0][parts[0]["column"] == parts[0]["column"].iloc[0]].sort_values("rank")
    for axes, own in zip(grid, parts, strict=True):
        draw_panel(axes, own, first)
        name_arms(axes, first)
        axes.tick_params(labelleft=axes is grid[0])
    families(grid[0], first["family"])
    return Drawn(figure, rows, words)


if __name__ == "__main__":
    figure_command("comparison_ranks", draw, __doc__, read_packs)
