"""Measures of collapse of every synthetic set against the natural text's own values."""

import math

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from workflow_scripts.common.errors import UserError
from workflow_scripts.config.synpro import ORGANIC
from workflow_scripts.evaluation.synpro_columns import COLLAPSE
from workflow_scripts.figures.frame import Drawn, Inputs
from workflow_scripts.figures.mixture_notes import room_for
from workflow_scripts.figures.style import TWO_PANELS_MM, Look, panels
from workflow_scripts.figures.synpro_looks import KINDS, in_order_of, kind_of, looks_of_sets
from workflow_scripts.figures.synpro_marks import dots, name_rows
from workflow_scripts.figures.synpro_pack import synpro_command

NAMES = {
    "frechet_distance": "Fréchet distance\nto natural text",
    "ngram_novelty": "4-word sequences\nnew to the source",
    "self_bleu": "self-BLEU",
    "unigram_tail_coverage": "rare tokens\ncovered",
    "unigram_entropy_bits": "entropy of\ntokens, bits",
    "copied_share": "copied from\nthe source",
}
WORDS = (
    "Dashed: natural text's own value; its Fréchet distance is that of one half of it to the other. A set that lost "
    "variety has a larger distance and self-BLEU, and less of rare tokens and entropy. All of equally many texts or "
    "tokens. [assumed] The paper's measures are not public. No bands: a set is written once."
)
ROW_MM, HEAD_MM = 6.5, 18


def rows_of(inputs: Inputs) -> pd.DataFrame:
    """The table `sets` with a kind each, in the order of kinds. Raises UserError where no synthetic set is measured."""
    sets = inputs.results.sets
    if not measured(sets[sets["set"] != ORGANIC]):
        where = f"{', '.join(inputs.folders)}/sets.csv"
        raise UserError(f"{where}: no synthetic set has a measure of collapse: write one of more texts")
    sets = sets.assign(kind=[kind_of(row) for _, row in sets.iterrows()])
    return sets.iloc[in_order_of(KINDS, sets["kind"])].reset_index(drop=True)


def measured(rows: pd.DataFrame) -> list[str]:
    """Measures that some set has."""
    return [name for name in COLLAPSE if rows[name].notna().any()]


def draw_measure(axes: Axes, rows: pd.DataFrame, name: str, looks: dict[str, Look]) -> None:
    """A dot per synthetic set and a dashed line at natural text's value."""
    own, organic = rows[rows["set"] != ORGANIC], rows.loc[rows["set"] == ORGANIC, name].dropna()
    for value in organic:
        axes.axvline(value, color=looks[ORGANIC].colour, linewidth=1, linestyle="--")
    dots(axes, own, [looks[each] for each in own["set"]], name, range(len(own)))
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.set_title(NAMES[name])


def draw(inputs: Inputs) -> Drawn:
    """A panel per measure, a row per set in all of them."""
    rows = rows_of(inputs)
    looks, names = looks_of_sets(rows), measured(rows)
    synthetic = [looks[each] for each in rows["set"] if each != ORGANIC]
    columns = math.ceil(len(names) / 2)
    figure, grid = panels(len(names), columns, HEAD_MM + ROW_MM * len(synthetic), TWO_PANELS_MM)
    room_for(figure, WORDS)
    for place, (axes, name) in enumerate(zip(grid, names, strict=True)):
        draw_measure(axes, rows, name, looks)
        name_rows(axes, synthetic, wide=24)
        axes.tick_params(labelleft=place % columns == 0)
    return Drawn(figure, rows, WORDS)


if __name__ == "__main__":
    synpro_command("synpro_collapse", draw, __doc__)
