"""A panel per validation set: loss against generations per document, for each method."""

import pandas as pd
from matplotlib.axes import Axes

from workflow_scripts.figures.frame import Drawn, Inputs
from workflow_scripts.figures.marks import LOSS, methods_against_generations
from workflow_scripts.figures.points import PAIRED, with_real_only
from workflow_scripts.figures.style import panels

MARGIN = 0.06  # share of the span left free above and below


def draw_sets(inputs: Inputs, titles: dict[str, str], same_span: bool = False) -> Drawn:
    """titles: the panel's title by set. `same_span`: all y axes span as many nats, so that gaps can be compared."""
    rows = [with_real_only(inputs, name) for name in titles]
    figure, axes = panels(len(rows))
    widest = max(map(_span, rows))
    for panel, own, title in zip(axes, rows, titles.values(), strict=True):
        panel.set_title(title)
        panel.set_ylabel(LOSS)
        limit(panel, own, widest if same_span else _span(own))
        methods_against_generations(panel, own)
    return Drawn(figure, pd.concat(rows, ignore_index=True), PAIRED)


def limit(axes: Axes, rows: pd.DataFrame, span: float) -> None:
    """Limits of the y axis, `span` nats apart with a margin, around what is drawn."""
    middle = (rows["low"].min() + rows["high"].max()) / 2
    half = (0.5 + MARGIN) * max(span, 1e-3)
    axes.set_ylim(middle - half, middle + half)


def _span(rows: pd.DataFrame) -> float:
    return rows["high"].max() - rows["low"].min()
