"""The best of sweeps, said how it was chosen; bars of it, and the real-only level across them."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.figures.frame import Inputs
from workflow_scripts.figures.marks import IID_LOSS, bars_with_error, label_ends
from workflow_scripts.figures.points import IID, KEY, MAIN, best, points, real_only
from workflow_scripts.figures.style import Look, look
from workflow_scripts.scaling.bootstrap import Setting


def best_of(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """The best row of each group, with `tried`: how many settings it was chosen from."""
    tried = rows.groupby(list(by)).size().rename("tried").reset_index()
    return best(rows, by).merge(tried, on=list(by))


def choice(rows: pd.DataFrame) -> str:
    """Which documents the drawn students were chosen on; nothing where there was no choice."""
    chosen = rows[rows["tried"] > 1]
    if chosen.empty:
        return ""
    if chosen["tuning_nats"].notna().all():
        return "The best of each sweep is chosen on the tuning documents and reported on others."
    return "The best of each sweep is chosen on the reported documents, as the authors do."


def against_real(inputs: Inputs, study: str) -> pd.DataFrame:
    """Points of a study with bands of their difference to the tuned real-only student at the scale's D."""
    return points(inputs, study, IID, real_only(inputs))


def real_level(inputs: Inputs) -> pd.DataFrame:
    """That student's row: a level without a band, as bands are of the difference to it."""
    rows = against_real(inputs, MAIN)
    return best_of(rows[(rows["stream"] == "real") & (rows["real_tokens"] == inputs.real_tokens)], ["stream"])


def setting_of(found: Sequence[Setting], row: pd.Series) -> Setting:
    """The setting, with its bootstrap draws, that a row of points is about."""
    return next(s for s in found if all(s.key[column] == row[column] for column in KEY))


def paired(setting: Setting, reference: Setting) -> Setting:
    """A setting whose draws are of its difference to another's, put around its own loss: hard documents cancel."""
    return replace(setting, draws=setting.draws - reference.draws + reference.loss)


def in_order(rows: pd.DataFrame, streams: Sequence[str], *then: str) -> pd.DataFrame:
    """Rows of some streams in their order, then by other columns."""
    kept = rows[rows["stream"].isin(streams)]
    place = kept["stream"].map(list(streams).index)
    return kept.assign(place=place).sort_values(["place", *then], ignore_index=True).drop(columns="place")


def draw_bars(
    axes: Axes, rows: pd.DataFrame, looks: Sequence[Look], labels: Sequence[str], level: pd.DataFrame
) -> None:
    """Bars with a label each, and the level of real documents alone as a line."""
    bars_with_error(axes, rows, looks)
    axes.set_xticks(range(len(rows)), labels)
    axes.set_ylabel(f"{IID_LOSS}\n(axis does not start at 0)")
    loss, (low, high) = level["loss_nats"].iloc[0], axes.get_ylim()
    room = 0.12 * (high - low)
    axes.set_ylim(min(low, loss - room), max(high, loss + room))
    axes.axhline(loss, color=look("real").colour, linewidth=0.9, linestyle=":")
    label_ends(axes, [(len(rows) - 0.6, loss, (f"real only\n{loss:.3f}", look("real").colour))])


def notes(*sentences: str) -> str:
    """Sentences of a footnote, those that say nothing left out."""
    return " ".join(filter(None, sentences))
