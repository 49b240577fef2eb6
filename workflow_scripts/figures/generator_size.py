"""Loss on the same rephrases by generators of several qualities, weakest first, at each budget and share."""

import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.common.errors import UserError
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import LOSS, End, label_ends
from workflow_scripts.figures.mixture_differences import difference, measures_of, natural_of, require_one
from workflow_scripts.figures.mixture_looks import colour_of, mixture_look, shades, title_of
from workflow_scripts.figures.mixture_notes import COST, DIFFERENCES, repetition, room_for
from workflow_scripts.figures.sizes import MARKERS, amount
from workflow_scripts.figures.style import TWO_PANELS_MM, Look, panels
from workflow_scripts.figures.sweeps import notes
from workflow_scripts.scaling.bootstrap import Setting
from workflow_scripts.scaling.mixture_settings import NATURAL, identity, mixture_of, mixture_settings

STUDY = "generator_size"
ASIDE = 0.06  # between lines, so that bands are not on top of each other
NOTE = "Numbers: the last generator's loss minus the first one's at the same share and budget, with the band of that."
PLACE = ["mixing_ratio", "budget_tokens"]


def by_quality(kinds: set[str], generators: list[str]) -> list[str]:
    """Kinds by generator, weakest first. Raises UserError for one whose place the config does not say."""
    if unknown := sorted(kinds - set(generators)):
        raise UserError(f"study {STUDY}: how good is the generator of {unknown[0]}? Add it to analysis.generators")
    return [kind for kind in generators if kind in kinds]


def rows_of(settings: list[Setting], share: float, generators: list[str]) -> pd.DataFrame:
    """A row per share, budget and kind: differences to natural text, and to the weakest generator's where there is one.

    Raises UserError without natural text of the same budget.
    """
    order = by_quality({s.stream for s in settings if s.mixing_ratio}, generators)
    first = {(s.mixing_ratio, s.budget_tokens): s for s in settings if s.stream == order[0]}
    rows = []
    for s in (s for s in settings if s.mixing_ratio):
        natural, weakest = natural_of(settings, STUDY, s.budget_tokens), first.get((s.mixing_ratio, s.budget_tokens))
        other = difference(s, weakest, share) if weakest else {}
        known = identity(mixture_of(s)) | {"budget_tokens": s.budget_tokens, "place": order.index(s.stream)}
        known |= {"loss_nats": s.loss, "seeds": s.seeds, "documents": s.documents} | difference(s, natural, share)
        rows.append(known | {f"{name}_to_weakest": value for name, value in other.items()})
    return pd.DataFrame(rows).sort_values([*PLACE, "place"], ignore_index=True)


def text_of(last: pd.Series) -> str:
    """Share, budget, and how the last generator compares with the first."""
    name = f"{100 * last['mixing_ratio']:.3g}%, {amount(last['budget_tokens'])}"
    if last["place"] == 0 or pd.isna(last.get("difference_nats_to_weakest")):
        return name
    values = [last[f"{key}_to_weakest"] for key in ("difference_nats", "low", "high")]
    change, low, high = (f"{value:+.3f}".replace("-", "−") for value in values)
    return f"{name}: {change} [{low}, {high}]"


def draw_line(axes: Axes, rows: pd.DataFrame, style: Look, aside: float) -> End:
    """Differences of one share and budget against the generators; returns where the label goes."""
    x = rows["place"] + aside
    axes.vlines(x, rows["low"], rows["high"], color=style.colour, alpha=0.6, linewidth=1.4)
    axes.plot(x, rows["difference_nats"], style.marker + "-", color=style.colour, markersize=4.5, linewidth=1)
    return x.iloc[-1], rows["difference_nats"].iloc[-1], (text_of(rows.iloc[-1]), style.colour)


def draw_measure(axes: Axes, rows: pd.DataFrame, measure: str) -> None:
    """All shares and budgets, the largest budget darkest."""
    groups = list(rows.groupby(PLACE))
    names = rows.drop_duplicates("place").sort_values("place")["stream"]
    natural, colours = mixture_look(NATURAL), shades(colour_of(names.iloc[0]), len(groups))
    ends: list[End] = [(len(names) - 1, 0, natural)]
    for number, ((_, own), colour) in enumerate(zip(groups, colours, strict=True)):
        style = Look(colour, MARKERS[number % len(MARKERS)], "")
        ends.append(draw_line(axes, own, style, ASIDE * (number - (len(groups) - 1) / 2)))
    axes.axhline(0, color=natural.colour, linewidth=0.9, linestyle=":")
    axes.set_xticks(range(len(names)), [title_of(name) for name in names])
    axes.set_xlim(-0.3, len(names) - 0.7)
    axes.set_title(measure)
    axes.set_ylabel(f"{LOSS},\nminus natural text's")
    label_ends(axes, ends)


def draw(inputs: Inputs) -> Drawn:
    """A panel per measure. Raises UserError without synthetic text."""
    own, analysis, tables = inputs.study(STUDY), inputs.analysis, []
    if not own.students["mixing_ratio"].any():
        raise UserError(f"{', '.join(inputs.folders)}: no student on synthetic text in the study {STUDY}; train one")
    measures = measures_of(own)
    for measure, domains in measures.items():
        settings = mixture_settings(own, analysis.bootstrap_draws, STUDY, domains=domains)
        require_one(settings, STUDY, "student")
        tables.append(rows_of(settings, analysis.band, analysis.generators).assign(measure=measure))
    words = notes("Generators from the weakest to the strongest.", NOTE, repetition(own.students), DIFFERENCES, COST)
    figure, grid = panels(len(tables), columns=1, height_mm=58, width_mm=TWO_PANELS_MM)
    room_for(figure, words)
    for axes, rows, measure in zip(grid, tables, measures, strict=True):
        draw_measure(axes, rows, measure)
    return Drawn(figure, pd.concat(tables, ignore_index=True), words)


if __name__ == "__main__":
    figure_command("generator_size", draw, __doc__)
