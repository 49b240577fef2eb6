"""Ensembles of 1, 2 .. students of each method, with fitted laws A / K^B + C and their asymptotes C."""

import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.common.errors import UserError
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.law_lines import LawLine, draw_laws, line_of
from workflow_scripts.figures.marks import IID_LOSS, label_ends
from workflow_scripts.figures.points import IID
from workflow_scripts.figures.style import METHODS, TWO_PANELS_MM, Look, look, panels
from workflow_scripts.figures.sweeps import notes, paired
from workflow_scripts.scaling.bootstrap import Setting, ensemble_settings
from workflow_scripts.scaling.limits import limit_of_settings, refusals

DRAWN_TO = 10  # members, as in the paper
Members = tuple[pd.Series, list[Setting]]
BANDS = (
    "Points: the first K members, logits averaged. Curves: A / K^B + C; dotted: C. Bands: {share} bootstrap over "
    "documents of the difference to one "
)


def ensembles_of(inputs: Inputs, study: str, reference: Setting | None = None) -> list[Members]:
    """Every ensemble of a study at the scale's D: its members' common row, and its losses by K.

    Draws are paired with the reference, or else with one student of the first ensemble. Raises UserError without any.
    """
    results = inputs.study(study)
    rows = results.ensemble_rows()
    rows = rows[rows["real_tokens"] == inputs.real_tokens]
    if rows.empty:
        raise UserError(f"{', '.join(inputs.folders)}: no ensemble of the study {study}; train two seeds or more")
    order = sorted(rows.index, key=lambda name: _place(rows.loc[name]))
    found = ensemble_settings(results, IID, inputs.analysis.bootstrap_draws)
    one = reference or next(s for s in found if s.ensemble == order[0] and s.members == 1)
    own = {name: [paired(s, one) for s in found if s.ensemble == name] for name in order}
    return [(rows.loc[name], sorted(own[name], key=lambda s: s.members)) for name in order]


def _place(row: pd.Series) -> tuple:
    return list(METHODS).index(row["stream"]), row["generations"], row["parameters"]


def usual_only(found: list[Members]) -> list[Members]:
    """Ensembles of the students that synthetic streams have; all where none is synthetic."""
    usual = {row["student"] for row, _ in found if row["stream"] != "real"}
    return [(row, own) for row, own in found if not usual or row["student"] in usual]


def ensemble_line(style: Look, own: list[Setting], share: float) -> LawLine:
    """Losses by K with their law; an ensemble has no seeds to average."""
    members = [s.members for s in own]
    line = line_of(style, members, own, limit_of_settings(members, own, share, "sizes of ensemble"), share)
    return LawLine(style, line.rows.drop(columns="seeds"), line.limit)


def member_axis(axes: Axes) -> None:
    """x axis of members."""
    axes.set_xlim(0.7, DRAWN_TO + 0.1)
    axes.set_xticks(range(1, DRAWN_TO + 1))
    axes.set_xlabel("members of the ensemble, K")
    axes.set_ylabel(IID_LOSS)


def draw(inputs: Inputs) -> Drawn:
    """One panel with every method."""
    found = usual_only(ensembles_of(inputs, "ensembles"))
    lines = [ensemble_line(look(row["stream"]), own, inputs.analysis.band) for row, own in found]
    keys = [row[["stream", "generations", "student"]].to_dict() for row, _ in found]
    rows = pd.concat([line.rows.assign(**key) for line, key in zip(lines, keys, strict=True)], ignore_index=True)
    figure, (axes,) = panels(height_mm=92, width_mm=TWO_PANELS_MM)
    ends = draw_laws(axes, lines, reach=DRAWN_TO / max(len(own) for _, own in found))
    member_axis(axes)
    label_ends(axes, ends)
    why = refusals((line.style.label, line.limit) for line in lines)
    return Drawn(figure, rows.rename(columns={"x": "members"}), notes(f"{BANDS}{lines[0].style.label} student.", why))


if __name__ == "__main__":
    figure_command("ensembles", draw, __doc__)
