"""Loss after rounds of training on a student's own text, which replaces the text before it or is added to it."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.base import ROUND
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import LOSS, band_line, label_ends
from workflow_scripts.figures.mixture_differences import difference, natural_of, require_one
from workflow_scripts.figures.mixture_domains import name_of, settings_by_name
from workflow_scripts.figures.mixture_looks import colour_of, mixture_look, title_of
from workflow_scripts.figures.mixture_notes import DIFFERENCES, repetition, room_for
from workflow_scripts.figures.style import Look, panels
from workflow_scripts.figures.sweeps import notes
from workflow_scripts.scaling.bootstrap import Setting
from workflow_scripts.scaling.mixture_settings import NATURAL, identity, mixture_of

STUDY = "retraining"
MARKERS = {"replace": "v", "accumulate": "^"}
NOTE = (
    "Round 0: natural text alone. Each round, the student before writes text: replace trains on that alone, accumulate "
    "on natural text and the text of all rounds so far; tokens are as many in every round."
)


def rows_of(domain: str, settings: list[Setting], share: float) -> pd.DataFrame:
    """A row per chain and round, each chain from natural text on, which is its round 0; bands around the losses.

    Raises UserError without natural text of the same budget.
    """
    natural = natural_of(settings, STUDY, settings[0].budget_tokens)
    found = [(*ROUND.fullmatch(s.stream).groups(), s) for s in settings if ROUND.fullmatch(s.stream)]
    chains = sorted({chain for chain, _, _ in found}, key=list(MARKERS).index)
    steps = [(chain, 0, natural) for chain in chains] + [(chain, int(number), s) for chain, number, s in found]
    rows = []
    for chain, number, s in steps:
        known = {"domain": domain, "chain": chain, "round": number} | identity(mixture_of(s))
        known |= {"budget_tokens": s.budget_tokens, "loss_nats": s.loss} | difference(s, natural, share)
        rows.append(known | {"seeds": s.seeds, "documents": s.documents})
    table = pd.DataFrame(rows).sort_values(["chain", "round"], ignore_index=True)
    return table.assign(low=table["low"] + natural.loss, high=table["high"] + natural.loss)


def draw_domain(axes: Axes, rows: pd.DataFrame) -> None:
    """A line per chain from round 0 on, and the level of natural text."""
    natural, ends = rows.loc[rows["round"] == 0, "loss_nats"].iloc[0], []
    for chain in (chain for chain in MARKERS if chain in set(rows["chain"])):
        own, style = rows[rows["chain"] == chain], Look(colour_of(chain), MARKERS[chain], title_of(chain))
        band_line(axes, style, own, "round", "loss_nats")
        ends.append((own["round"].iloc[-1], own["loss_nats"].iloc[-1], style))
    plain = mixture_look(NATURAL)
    axes.axhline(natural, color=plain.colour, linewidth=0.9, linestyle=":")
    axes.plot(0, natural, plain.marker, color=plain.colour, markersize=4.5, zorder=4)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(name_of(rows["domain"].iloc[0]))
    axes.set_xlabel("round")
    axes.set_ylabel(LOSS)
    label_ends(axes, [*ends, (rows["round"].max(), natural, plain)])


def draw(inputs: Inputs) -> Drawn:
    """A panel per domain, their mean first. Raises UserError without a round."""
    students = inputs.study(STUDY).students
    found = settings_by_name(inputs.study(STUDY), inputs.analysis.bootstrap_draws)
    settings = next(iter(found.values()))
    if not any(ROUND.fullmatch(s.stream) for s in settings):
        raise UserError(f"{', '.join(inputs.folders)}: no student of a round in the study {STUDY}; train one")
    require_one(settings, STUDY, "student", "budget_tokens")
    tables = [rows_of(domain, own, inputs.analysis.band) for domain, own in found.items()]
    words = notes(NOTE, repetition(students), DIFFERENCES)
    figure, grid = panels(len(tables), height_mm=58)
    room_for(figure, words)
    for axes, rows in zip(grid, tables, strict=True):
        draw_domain(axes, rows)
    return Drawn(figure, pd.concat(tables, ignore_index=True), words)


if __name__ == "__main__":
    figure_command("retraining", draw, __doc__)
