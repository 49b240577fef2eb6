"""Ensembles of every size: first infinitely many members at each size, then infinitely large members."""

import numpy as np
import pandas as pd

from workflow_scripts.figures.ensembles import ensemble_line, ensembles_of, member_axis
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.law_lines import LawLine, draw_laws, line_of_limits
from workflow_scripts.figures.marks import IID_LOSS, label_ends
from workflow_scripts.figures.points import PAIRED
from workflow_scripts.figures.regularised_recipe import BILLION, STUDY, chosen, reference_of, size_line
from workflow_scripts.figures.sizes import looks_of, size_axis
from workflow_scripts.figures.style import TWO_PANELS_MM, Look, panels
from workflow_scripts.figures.sweeps import choice, notes
from workflow_scripts.scaling.bootstrap import Setting
from workflow_scripts.scaling.limits import limit_of_limits, refusals

DRAWN_TO = 10
SINGLE = Look("#000000", "o", "one regularised student")
JOINT = Look("#0072B2", "D", "K → ∞")
NOTE = (
    "Above: A / K^B + C of each size, members with the values of the study. Below: A / N^B + C, N in billions of "
    "parameters, embeddings included; the joint limit is that of the ensembles' limits."
)


def ensemble_lines(inputs: Inputs, reference: Setting) -> tuple[list[int], list[LawLine]]:
    """Parameters of every ensemble's members, ascending, and its losses by K with their law."""
    found = ensembles_of(inputs, "baseline_ensembles", reference)
    looks = looks_of([row["student"] for row, _ in found])
    lines = [ensemble_line(style, own, inputs.analysis.band) for style, (_, own) in zip(looks, found, strict=True)]
    return [int(row["parameters"]) for row, _ in found], lines


def joint_line(sizes: list[int], lines: list[LawLine], share: float) -> LawLine:
    """Limits of infinitely many members against parameters, with their law and the joint limit."""
    limits = [line.limit for line in lines]
    law = limit_of_limits(np.array(sizes) / BILLION, limits, share, "identified limits of K")
    return line_of_limits(JOINT, sizes, limits, law)


def draw(inputs: Inputs) -> Drawn:
    """Against members above, against parameters below."""
    reference, share = reference_of(inputs, STUDY), inputs.analysis.band
    sizes, by_members = ensemble_lines(inputs, reference)
    rows, own = chosen(inputs, STUDY, ["real_tokens", "parameters"], reference)
    by_size = [size_line(SINGLE, rows, own, inputs.real_tokens, share), joint_line(sizes, by_members, share)]
    figure, (top, bottom) = panels(2, columns=1, height_mm=66, width_mm=TWO_PANELS_MM)
    ends = draw_laws(top, by_members, reach=DRAWN_TO / max(line.points["x"].max() for line in by_members))
    member_axis(top)
    ends_below = draw_laws(bottom, by_size, BILLION, reach=4)
    size_axis(bottom, [*rows["parameters"], *sizes], "parameters of a student, N")
    bottom.set_ylabel(IID_LOSS)
    for axes, labels in ((top, ends), (bottom, ends_below)):
        label_ends(axes, labels)
    drawn = [line.rows.assign(panel="K") for line in by_members] + [line.rows.assign(panel="N") for line in by_size]
    refused = refusals((line.style.label, line.limit) for line in [*by_members, *by_size])
    bands = PAIRED.replace("real documents alone", "the best regularised student")
    return Drawn(figure, pd.concat(drawn, ignore_index=True), notes(NOTE, refused, bands, choice(rows)))


if __name__ == "__main__":
    figure_command("joint_limit", draw, __doc__)
