"""Order inside a megadoc: simple, real document first, real document last, latent thoughts; seeds and their spread."""

import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.evaluation.results import Results
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import LOSS, bars_with_error
from workflow_scripts.figures.points import IID, KEY, best, points
from workflow_scripts.figures.style import look, panels
from workflow_scripts.scaling.bootstrap import mean_losses

STUDY = "ordering"
LABELS = {"simple": "simple", "stitched_real_first": "stitched,\nreal first", "stitched": "stitched,\nreal last"}
LABELS |= {"latent": "latent"}
OWN_SETS = {IID, "short", "long"}
SPREAD = "Bars: mean over seeds; error bars: sample standard deviation over seeds; open points: seeds."
ONE_SEED = "One seed: no spread over seeds is drawn."


def drawn_rows(inputs: Inputs) -> pd.DataFrame:
    """A row per set, stream and seed at the study's largest G, with mean and sample standard deviation over seeds.

    Sets: i.i.d., and the first out-of-distribution one by name where there is one. One seed has no deviation.
    """
    own = inputs.study(STUDY)
    chosen = best(points(inputs, STUDY))
    chosen = chosen[chosen["stream"].isin(LABELS)]
    largest = chosen[chosen["generations"] == chosen["generations"].max()].set_index("stream", drop=False)
    order = [stream for stream in LABELS if stream in largest.index]
    tables = [seed_rows(own, largest.loc[stream], name) for name in shown_sets(own) for stream in order]
    return pd.concat(tables, ignore_index=True)


def shown_sets(results: Results) -> list[str]:
    """The i.i.d. set and the first out-of-distribution one."""
    return [IID, *[name for name in results.sets if name not in OWN_SETS][:1]]


def seed_rows(results: Results, setting: pd.Series, name: str) -> pd.DataFrame:
    """Loss of every seed of a setting on a set, in nats per token."""
    table = results.students
    students = table[(table[list(KEY)] == setting[list(KEY)]).all(axis=1)].sort_values("seed")
    losses = students["run_id"].map(mean_losses(results.losses, "run_id", name))
    documents = results.losses.loc[results.losses["set"] == name, "doc_id"].nunique()
    rows = students[["stream", "generations", "seed"]].assign(set=name, seed_loss_nats=losses)
    mean, spread = losses.mean(), losses.std()
    return rows.assign(
        loss_nats=mean, std_nats=spread, low=mean - spread, high=mean + spread, seeds=len(rows), documents=documents
    )


def draw_set(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    """Bars of one set, and the seeds as points."""
    bars = rows.groupby("stream", sort=False).first().reset_index()
    whole = bars.assign(low=bars["low"].fillna(bars["loss_nats"]), high=bars["high"].fillna(bars["loss_nats"]))
    bars_with_error(axes, whole, [look(stream) for stream in bars["stream"]])
    for place, stream in enumerate(bars["stream"]):
        losses = rows.loc[rows["stream"] == stream, "seed_loss_nats"]
        axes.scatter(
            [place + 0.34] * len(losses), losses, s=14, color="white", edgecolor="black", linewidth=0.8, zorder=3
        )
    axes.set_xticks(range(len(bars)), [LABELS[stream] for stream in bars["stream"]])
    axes.set_title("i.i.d. documents" if name == IID else f"{name.replace('_', ' ')} (OOD)")
    axes.set_ylabel(f"{LOSS}\n(axis does not start at 0)")


def draw(inputs: Inputs) -> Drawn:
    """A panel per set."""
    rows = drawn_rows(inputs)
    sets = list(rows["set"].unique())
    figure, axes = panels(len(sets))
    for panel, name in zip(axes, sets, strict=True):
        draw_set(panel, rows[rows["set"] == name], name)
    count = f"G = {rows['generations'].iloc[0]}; OOD: out of distribution. "
    return Drawn(figure, rows, count + (SPREAD if rows["seeds"].max() > 1 else ONE_SEED))


if __name__ == "__main__":
    figure_command("ordering", draw, __doc__)
