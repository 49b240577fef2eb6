"""Error against rounds of retraining in two simulations, beside their theory (arXiv 2412.14689, 2310.00429)."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workflow_scripts.common.errors import UserError
from workflow_scripts.figures.frame import Drawn, Inputs, figure_command
from workflow_scripts.figures.marks import label_ends
from workflow_scripts.figures.mixture_looks import FAMILIES
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.sizes import looks_of
from workflow_scripts.figures.style import TWO_PANELS_MM, Look, panels
from workflow_scripts.scaling.gaussian_retraining import STABLE_BELOW
from workflow_scripts.scaling.retraining_theory import GAUSSIAN, REGRESSION, read_table

PANELS = {
    REGRESSION: ("recursive linear regression", "squared error of the weights", "linear"),
    GAUSSIAN: ("Gaussian, real + λ × synthetic samples", "squared distance to the truth", "log"),
}
CHAINS = {
    "replace": Look(FAMILIES["replace"][0], "v", "replace"),
    "accumulate": Look(FAMILIES["accumulate"][0], "^", "accumulate"),
    "edit": Look("#0072B2", "s", "edit"),
}
TWO_ERRORS = 2  # standard errors either side
MARKS = 10  # markers on a line
NOTE = (
    f"Points: means over repeats, ± {TWO_ERRORS} standard errors. Lines: theory; dashed, for edit, what it can be at "
    "most. Replace: each round's labels are the last fit's; accumulate: all rounds' labels; edit: a share of rows, "
    "ever fewer, takes the last fit's labels. Gaussian: mean and variance by maximum likelihood, the same real samples "
    f"each round; theory proves it stable for λ < {STABLE_BELOW:g}, and by moments it is so at every finite λ. No "
    "student was trained for this figure."
)


def looks(chains: list[str]) -> dict[str, Look]:
    """A look per chain; those of lambda from light to dark."""
    others = [chain for chain in chains if chain not in CHAINS]
    shades = looks_of([chain.replace("lambda", "λ =") for chain in others])
    return CHAINS | dict(zip(others, shades, strict=True))


def draw_model(axes: Axes, rows: pd.DataFrame, model: str) -> None:
    """A chain's points and its theory, both axes of the panel in words."""
    chains, ends = list(dict.fromkeys(rows["chain"])), []
    for chain, style in ((chain, looks(chains)[chain]) for chain in chains):
        own = rows[rows["chain"] == chain].sort_values("round")
        dash = "--" if (own["theory_is"] == "at most").all() else "-"
        axes.plot(own["round"], own["theory"], color=style.colour, linewidth=1.1, linestyle=dash)
        shown = own.iloc[:: max(len(own) // MARKS, 1)]
        axes.errorbar(shown["round"], shown["error"], yerr=TWO_ERRORS * shown["standard_error"], fmt=style.marker,
                      color=style.colour, markersize=3.5, linewidth=1)  # fmt: skip
        ends.append((own["round"].iloc[-1], own["theory"].iloc[-1], style))
    title, label, kind = PANELS[model]
    axes.set_yscale(kind)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_title(title)
    axes.set_xlabel("round")
    axes.set_ylabel(label)
    label_ends(axes, ends)


def draw(inputs: Inputs) -> Drawn:
    """A panel per model. Raises UserError where the table lacks one."""
    table = inputs.results
    if missing := [model for model in PANELS if model not in set(table["model"])]:
        raise UserError(f"{', '.join(inputs.folders)}: no row of the model {missing[0]}; simulate it again")
    figure, grid = panels(len(PANELS), height_mm=66, width_mm=TWO_PANELS_MM)
    room_for(figure, NOTE)
    for axes, model in zip(grid, PANELS, strict=True):
        draw_model(axes, table[table["model"] == model], model)
    return Drawn(figure, table, NOTE, measured=False)


if __name__ == "__main__":
    figure_command("retraining_theory", draw, __doc__, read_table)
