"""Loss of every mixture on every domain at the largest budget, as the difference to natural text alone."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.common.errors import UserError
from workflow_scripts.evaluation.results import Results
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.mixture_differences import difference, natural_of, require_one
from workflow_scripts.figures.mixture_looks import kinds_of, mixture_look, title_of
from workflow_scripts.figures.mixture_notes import COST, DIFFERENCES, STYLE, repetition, room_for
from workflow_scripts.figures.points import IID
from workflow_scripts.figures.sizes import amount
from workflow_scripts.figures.style import SMALL, TWO_PANELS_MM, panels
from workflow_scripts.figures.sweeps import notes
from workflow_scripts.scaling.bootstrap import Setting
from workflow_scripts.scaling.domains import mean_of_domains, settings_by_domain
from workflow_scripts.scaling.mixture_laws import DATA
from workflow_scripts.scaling.mixture_settings import MIXTURE_KEY, NATURAL, each_once, identity, mixture_of

MEAN = "mean"
ROW_MM = 4.2  # per dot
GAP = 1.0  # between domains, in dots


def settings_by_name(results: Results, draws: int) -> dict[str, list[Setting]]:
    """Settings by domain, their mean over domains first where there are several, then the i.i.d. one."""
    found = settings_by_domain(results, draws, MIXTURE_KEY)
    each_once(next(iter(found.values())))
    ordered = {name: found[name] for name in sorted(found, key=lambda name: (name != IID, name))}
    return ({MEAN: mean_of_domains(found)} if len(found) > 1 else {}) | ordered


def of_largest_budget(results: Results) -> Results:
    """The part of the students with the largest budget."""
    table = results.students
    return results.of_students(table.loc[table["budget_tokens"] == table["budget_tokens"].max(), "run_id"])


def rows_of(domain: str, settings: list[Setting], share: float) -> list[dict]:
    """A row per mixture on a domain, with the band of its difference to natural text. Raises UserError without that."""
    natural = natural_of(settings, DATA.study, settings[0].budget_tokens)
    return [
        identity(mixture_of(s))
        | {"domain": domain, "budget_tokens": s.budget_tokens, "loss_nats": s.loss, **difference(s, natural, share)}
        | {"seeds": s.seeds, "documents": s.documents}
        for s in settings
    ]


def name_of(domain: str) -> str:
    """A domain in words."""
    return {MEAN: "mean of domains", IID: "i.i.d."}.get(domain, domain.replace("_", " "))


def draw_kind(axes: Axes, rows: pd.DataFrame, domains: list[str]) -> None:
    """Dots of one kind with their bands: a group per domain from top to bottom, its shares in order."""
    shares = sorted(rows["mixing_ratio"].unique())
    group = len(shares) + GAP
    for _, row in rows.iterrows():
        style = mixture_look((row["stream"], row["mixing_ratio"]))
        place = domains.index(row["domain"]) * group + shares.index(row["mixing_ratio"])
        axes.hlines(place, row["low"], row["high"], color=style.colour, linewidth=1.4, alpha=0.7)
        axes.plot(row["difference_nats"], place, style.marker, color=style.colour, markersize=4.5)
        axes.annotate(style.label, (1.01, place), xycoords=axes.get_yaxis_transform(), color=style.colour,
                      fontsize=SMALL, va="center")  # fmt: skip
    middles = np.arange(len(domains)) * group + (len(shares) - 1) / 2
    axes.set_yticks(middles, [name_of(domain) for domain in domains])
    axes.set_ylim(len(domains) * group - GAP / 2 - 0.5, -GAP / 2 - 0.5)
    axes.axvline(0, color=mixture_look(NATURAL).colour, linewidth=0.9, linestyle=":")
    axes.grid(axis="y", visible=False)
    axes.set_title(title_of(rows["stream"].iloc[0]))


def draw(inputs: Inputs) -> Drawn:
    """A panel per kind; all have one x axis. Raises UserError without mixtures at the largest budget."""
    own = of_largest_budget(inputs.study(DATA.study))
    found = settings_by_name(own, inputs.analysis.bootstrap_draws)
    require_one(next(iter(found.values())), DATA.study, "student")
    table = pd.DataFrame([row for domain, own in found.items() for row in rows_of(domain, own, inputs.analysis.band)])
    rows = table[table["mixing_ratio"] > 0]
    if rows.empty:
        raise UserError(f"{', '.join(inputs.folders)}: study {DATA.study}: no mixture of the largest budget")
    budget, longest = amount(rows["budget_tokens"].iloc[0]), rows.groupby("stream")["mixing_ratio"].nunique().max()
    words = notes(f"Students of {budget} tokens, the largest budget; left of 0 the mixture is better.",
                  repetition(own.students), DIFFERENCES, STYLE, COST)  # fmt: skip
    kinds = kinds_of((kind, 1) for kind in rows["stream"])
    figure, grid = panels(len(kinds), 3, len(found) * (longest + GAP) * ROW_MM + 16, TWO_PANELS_MM)
    room_for(figure, words)
    for axes, kind in zip(grid, kinds, strict=True):
        draw_kind(axes, rows[rows["stream"] == kind], list(found))
        axes.set_xlim(*span_of(rows))
        axes.set_xlabel("nats per token,\nminus natural text's")
        axes.tick_params(labelleft=axes.get_subplotspec().is_first_col())
    return Drawn(figure, table, words)


def span_of(rows: pd.DataFrame) -> tuple[float, float]:
    """Limits of the x axis: all bands, and 0."""
    low, high = min(rows["low"].min(), 0), max(rows["high"].max(), 0)
    margin = 0.06 * max(high - low, 1e-3)
    return low - margin, high + margin


if __name__ == "__main__":
    figure_command("mixture_domains", draw, __doc__)
