"""Reference and validation loss against training tokens, every arm from the plateau that it continues from."""

import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.figures.frame import Drawn, Inputs
from workflow_scripts.figures.marks import CHOSEN_COLOUR, LOSS, End
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.style import TWO_PANELS_MM, Look, panels
from workflow_scripts.figures.sweeps import notes
from workflow_scripts.figures.synpro_looks import looks_of_arms
from workflow_scripts.figures.synpro_marks import amounts, name_ends
from workflow_scripts.figures.synpro_pack import ARMS, arms_of, seeds_of, synpro_command

SETS = ("reference", "validation")
NOTE = (
    "Thick: mean over seeds; thin: each seed. Rings: plateaus that others continue from, where generators are "
    "refreshed. Tokens are cumulative. The axes leave out the steep beginning, up to an eighth of the first plateau."
)
BEGINNING = 1 / 8  # of the tokens of the earliest plateau


def rows_of(inputs: Inputs) -> pd.DataFrame:
    """Rows by role: each seed's losses (seed), their means (mean), and plateaus that are continued from (refresh).

    Evaluations of seeds are matched by their number, as plateaus and so tokens differ between seeds.
    """
    pack = inputs.results
    arms = arms_of(pack, *ARMS)["pretraining"]
    own = pack.evaluations[pack.evaluations["pretraining"].isin(arms) & pack.evaluations["set"].isin(SETS)]
    own = own.sort_values(["pretraining", "seed", "set", "step"])
    own = own.assign(number=own.groupby(["pretraining", "seed", "set"]).cumcount(), role="seed")
    groups = own.groupby(["pretraining", "set", "number"])
    means = groups.agg(tokens=("tokens", "mean"), loss_nats=("loss_nats", "mean"), seeds=("seed", "nunique"))
    means = means[means["seeds"] == means.index.get_level_values(0).map(seeds_of(pack))].reset_index()
    means = means.assign(role="mean")
    rows = pd.concat([own, means, _refreshes(inputs, means)], ignore_index=True)
    arms = arms_of(pack).set_index("pretraining")
    return rows.assign(title=rows["pretraining"].map(arms["title"]), start=rows["pretraining"].map(arms["start"]))


def _refreshes(inputs: Inputs, means: pd.DataFrame) -> pd.DataFrame:
    """Rows of the mean curves at the plateaus that a drawn arm continues from."""
    known = inputs.results.pretrainings
    starts = set(known.loc[known["pretraining"].isin(means["pretraining"]), "start"]) - {""}
    plateaus = known[known["pretraining"].isin(starts)].groupby("pretraining")["plateau_tokens"].mean()
    found = []
    for (name, _), own in means[means["pretraining"].isin(starts)].groupby(["pretraining", "set"]):
        found.append(own.loc[[(own["tokens"] - plateaus[name]).abs().idxmin()]].assign(role="refresh"))
    return pd.concat(found) if found else means.iloc[:0]


def draw_set(axes: Axes, rows: pd.DataFrame, looks: dict[str, Look], begin: float) -> list[End]:
    """Curves of a set; returns where their labels go."""
    ends, marks = [], rows[rows["role"] == "refresh"]
    for name, style in looks.items():
        own = rows[rows["pretraining"] == name]
        for _, seed in own[own["role"] == "seed"].groupby("seed"):
            axes.plot(seed["tokens"], seed["loss_nats"], color=style.colour, linewidth=0.6, alpha=0.45)
        mean = own[own["role"] == "mean"]
        joint = pd.concat([marks[marks["pretraining"].isin(mean["start"])], mean.iloc[:1]])
        axes.plot(joint["tokens"], joint["loss_nats"], color=style.colour, linewidth=0.8, linestyle=":")
        axes.plot(mean["tokens"], mean["loss_nats"], color=style.colour, linewidth=1.6)
        axes.plot(mean["tokens"].iloc[-1:], mean["loss_nats"].iloc[-1:], style.marker, color=style.colour, markersize=5)
        ends += [(*mean[["tokens", "loss_nats"]].iloc[-1], style)] if len(mean) else []
    axes.scatter(marks["tokens"], marks["loss_nats"], s=70, facecolor="none", edgecolor=CHOSEN_COLOUR, linewidth=1.4,
                 zorder=4)  # fmt: skip
    shown = rows[rows["tokens"] >= begin]
    room = 0.05 * (shown["loss_nats"].max() - shown["loss_nats"].min())
    axes.set_ylim(shown["loss_nats"].min() - room, shown["loss_nats"].max() + room)
    axes.set_xlim(left=begin)
    axes.set_ylabel(LOSS)
    return ends


def draw(inputs: Inputs) -> Drawn:
    """A panel per set of evaluation documents."""
    rows, arms = rows_of(inputs), arms_of(inputs.results, *ARMS)
    looks = looks_of_arms(arms)
    begin = BEGINNING * inputs.results.pretrainings["plateau_tokens"].min()
    shown = [name for name in SETS if name in set(rows["set"])]
    figure, grid = panels(len(shown), columns=1, height_mm=62, width_mm=TWO_PANELS_MM)
    words = notes(NOTE, "Ablations have a figure of their own.")
    room_for(figure, words)
    for axes, name in zip(grid, shown, strict=True):
        axes.set_xscale("log")
        amounts(axes.xaxis)
        ends = draw_set(axes, rows[rows["set"] == name], looks, begin)
        axes.set_title(f"{name} loss")
        axes.set_xlabel("training tokens")
        name_ends(axes, ends)
    return Drawn(figure, rows, words)


if __name__ == "__main__":
    synpro_command("synpro_losses", draw, __doc__)
